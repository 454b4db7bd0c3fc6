/* Defaults: where models lie, and which version this is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pullama/engine.h"

const char *plm_version(void)
{
    return PLM_VERSION;
}

/* Ollama takes blanks and then quotes off the ends of what the environment says. */
static char *trimmed(const char *text)
{
    static const char *const sets[] = {" \t\r\n", "\"'"};
    size_t length = strlen(text);
    for (size_t i = 0; i < PLM_COUNT(sets); i++) {
        while (length > 0 && strchr(sets[i], text[0])) {
            text++;
            length--;
        }
        while (length > 0 && strchr(sets[i], text[length - 1]))
            length--;
    }
    return strndup(text, length);
}

bool plm_models_dir_default(char **out, struct plm_error *err)
{
    const char *models = getenv("OLLAMA_MODELS"), *home = getenv("HOME");
    char *path = NULL;
    if (models && *models) {
        path = trimmed(models);
        if (path && *path) {
            *out = path;
            return true;
        }
        free(path);
        path = NULL;
    }
    if (!home || !*home)
        return plm_fail(err, PLM_E_USAGE,
                        "neither OLLAMA_MODELS nor HOME is set; use --models-dir DIR");
    if (asprintf(&path, "%s/.ollama/models", home) < 0)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a path");
    *out = path;
    return true;
}
