/* Strict UTF-8: owns what counts as a character, and which ones must not reach a terminal. */
#include "base/utf8.h"

struct form {
    uint8_t mask, lead, length;
    uint32_t lowest; /* anything below is an overlong form */
};

static const struct form forms[] = {
    {0x80, 0x00, 1, 0},
    {0xE0, 0xC0, 2, 0x80},
    {0xF0, 0xE0, 3, 0x800},
    {0xF8, 0xF0, 4, 0x10000},
};

size_t plm_utf8_decode(const char *bytes, size_t size, uint32_t *code)
{
    const unsigned char *in = (const unsigned char *)bytes;
    for (size_t i = 0; i < PLM_COUNT(forms); i++) {
        const struct form *form = &forms[i];
        if ((in[0] & form->mask) != form->lead)
            continue;
        if (size < form->length)
            return 0;
        uint32_t value = in[0] & (uint8_t)~form->mask;
        for (size_t k = 1; k < form->length; k++) {
            if ((in[k] & 0xC0) != 0x80)
                return 0;
            value = value << 6 | (in[k] & 0x3Fu);
        }
        if (value < form->lowest || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
            return 0;
        *code = value;
        return form->length;
    }
    return 0;
}

bool plm_utf8_is_unsafe(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7F && code <= 0x9F))
        return true;
    return code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}
