/* Bounded reading for GGUF headers: owns the window on the file and the limits of strings. */
#include "oci/gguf_reader.h"

#include <string.h>

#define STRING_MAX (16u << 20)

bool plm_gguf_corrupt(struct plm_gguf_reader *r, uint64_t at, const char *what)
{
    return plm_fail(r->err, PLM_E_CORRUPT, "GGUF header, byte %llu: %s", (unsigned long long)at,
                    what);
}

/* True when @p size more bytes can belong to the header. */
static bool check_room(struct plm_gguf_reader *r, uint64_t size)
{
    if (size <= r->end - r->position)
        return true;
    if (r->end == PLM_GGUF_MAX_HEADER)
        return plm_fail(r->err, PLM_E_LIMIT, "GGUF header is larger than %u MiB",
                        PLM_GGUF_MAX_HEADER >> 20);
    return plm_gguf_corrupt(r, r->position, "the file ends inside the header");
}

bool plm_gguf_skip(struct plm_gguf_reader *r, uint64_t size)
{
    if (!check_room(r, size))
        return false;
    r->position += size;
    return true;
}

static bool fill_window(struct plm_gguf_reader *r)
{
    uint64_t left = r->end - r->position;
    size_t want = left < PLM_GGUF_WINDOW ? (size_t)left : PLM_GGUF_WINDOW, got = 0;
    r->window_size = 0;
    if (!r->read(r->ctx, r->window, want, r->position, &got, r->err))
        return plm_prefix(r->err, "GGUF header");
    if (got == 0 || got > want)
        return plm_gguf_corrupt(r, r->position, "the file ends inside the header");
    r->window_start = r->position;
    r->window_size = got;
    return true;
}

bool plm_gguf_take(struct plm_gguf_reader *r, void *out, size_t size)
{
    if (!check_room(r, size))
        return false;
    for (size_t done = 0; done < size;) {
        uint64_t used = r->position - r->window_start; /* positions never go back */
        if (used >= r->window_size) {
            if (!fill_window(r))
                return false;
            used = 0;
        }
        size_t have = r->window_size - (size_t)used;
        size_t part = have < size - done ? have : size - done;
        memcpy((char *)out + done, r->window + used, part);
        done += part;
        r->position += part;
    }
    return true;
}

bool plm_gguf_take_number(struct plm_gguf_reader *r, size_t size, uint64_t *out)
{
    unsigned char bytes[8];
    if (!plm_gguf_take(r, bytes, size))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[r->big_endian ? i : size - 1 - i];
    *out = value;
    return true;
}

bool plm_gguf_take_u32(struct plm_gguf_reader *r, uint32_t *out)
{
    uint64_t value;
    if (!plm_gguf_take_number(r, 4, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool plm_gguf_take_string(struct plm_gguf_reader *r, char *out, size_t size, uint64_t *length)
{
    uint64_t at = r->position, n;
    if (!plm_gguf_take_number(r, 8, &n))
        return false;
    if (n > STRING_MAX)
        return plm_gguf_corrupt(r, at, "a string is longer than 16 MiB");
    uint64_t text = n;
    if (r->version == 1 && n == 0)
        return plm_gguf_corrupt(r, at, "a string of version 1 lacks its NUL");
    text -= r->version == 1;
    size_t kept = !out ? 0 : text < size - 1 ? (size_t)text : size - 1;
    if (!check_room(r, n) || !plm_gguf_take(r, out, kept) || !plm_gguf_skip(r, text - kept))
        return false;
    if (out)
        out[kept] = '\0';
    if (length)
        *length = text;
    char nul = '\0';
    if (r->version == 1 && !plm_gguf_take(r, &nul, 1))
        return false;
    return nul == '\0' || plm_gguf_corrupt(r, at, "a string of version 1 lacks its NUL");
}
