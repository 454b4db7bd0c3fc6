/* Owns the reading of environment variables that other programs define. */
#include "cli/environment.h"

#include "pullama/text.h"

#include <string.h>

/* Takes spaces, then quotes, off both ends, as Ollama does; never NULL. */
static const char *trim(const char *text, size_t *length)
{
    static const char *const sets[] = {" \t\n\v\f\r", "\"'"};
    *length = text ? strlen(text) : 0;
    for (size_t i = 0; i < PLM_COUNT(sets); i++) {
        for (; *length > 0 && strchr(sets[i], text[0]); text++)
            --*length;
        while (*length > 0 && strchr(sets[i], text[*length - 1]))
            --*length;
    }
    return *length > 0 ? text : "";
}

bool plm_environment_true(const char *text)
{
    static const char *const no[] = {"0", "f", "F", "false", "False", "FALSE"};
    size_t length;
    text = trim(text, &length);
    for (size_t i = 0; i < PLM_COUNT(no); i++) {
        if (strlen(no[i]) == length && memcmp(no[i], text, length) == 0)
            return false;
    }
    return length > 0;
}

unsigned plm_environment_count(const char *text, unsigned max)
{
    size_t length;
    uint64_t number;
    text = trim(text, &length);
    if (!plm_text_u64(text, length, &number))
        return 0;
    return number < max ? (unsigned)number : max;
}

size_t plm_environment_words(const char *text, char **copy, const char **words, size_t max)
{
    static const char separators[] = " ,\t\n";
    size_t count = 0;
    char *rest = NULL;
    *copy = text ? strdup(text) : NULL;
    for (char *word = *copy ? strtok_r(*copy, separators, &rest) : NULL; word && count < max;
         word = strtok_r(NULL, separators, &rest))
        words[count++] = word;
    return count;
}
