/* Media types: owns their short names. */
#include "pullama/manifest.h"

#include "pullama/text.h"

#include <string.h>

const char *plm_media_kind(const char *media, char out[PLM_MEDIA_MAX])
{
    static const char ollama[] = "application/vnd.ollama.image.";
    size_t length = strcspn(media, ";");
    while (length > 0 && media[length - 1] == ' ')
        length--;
    if (length >= sizeof(ollama) && strncmp(media, ollama, sizeof(ollama) - 1) == 0) {
        media += sizeof(ollama) - 1;
        length -= sizeof(ollama) - 1;
    }
    char type[PLM_MEDIA_MAX];
    if (length >= sizeof(type))
        length = sizeof(type) - 1;
    memcpy(type, media, length);
    type[length] = '\0';
    return plm_text_printable(type, out, PLM_MEDIA_MAX);
}
