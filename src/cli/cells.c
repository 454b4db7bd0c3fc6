/* Display width of text, and everything that depends on it. */
#include "cli/cells.h"

#include <string.h>

#include <utf8proc.h>

/* One cluster: a character with all that is drawn onto it. */
struct cluster {
    size_t bytes;
    unsigned cells;
    bool bad; /* one byte that is no UTF-8 */
};

static size_t decode(const char *text, size_t length, utf8proc_int32_t *code)
{
    utf8proc_ssize_t size =
        utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, code);
    return size > 0 ? (size_t)size : 0;
}

static unsigned cells_of(utf8proc_int32_t code)
{
    int width = utf8proc_charwidth(code);
    return width > 0 ? (unsigned)width : 0;
}

static struct cluster next_cluster(const char *text, size_t length)
{
    utf8proc_int32_t code, following, state = 0;
    size_t size = decode(text, length, &code);
    if (size == 0)
        return (struct cluster){1, 1, true};
    struct cluster c = {size, cells_of(code), false};
    while (c.bytes < length) {
        size = decode(text + c.bytes, length - c.bytes, &following);
        if (size == 0 || utf8proc_grapheme_break_stateful(code, following, &state))
            break;
        c.bytes += size;
        c.cells += cells_of(following);
        code = following;
    }
    return c;
}

unsigned plm_cells_width(const char *text)
{
    size_t length = strlen(text);
    unsigned cells = 0;
    while (length > 0) {
        struct cluster c = next_cluster(text, length);
        cells += c.cells;
        text += c.bytes;
        length -= c.bytes;
    }
    return cells;
}

/* Copies clusters while they fit; *used counts bytes. */
static unsigned copy_cells(const char *text, unsigned cells, char *out, size_t size, size_t *used)
{
    size_t length = strlen(text);
    unsigned done = 0;
    while (length > 0) {
        struct cluster c = next_cluster(text, length);
        if (done + c.cells > cells || *used + c.bytes >= size)
            break;
        if (c.bad)
            out[*used] = '?';
        else
            memcpy(out + *used, text, c.bytes);
        *used += c.bytes;
        done += c.cells;
        text += c.bytes;
        length -= c.bytes;
    }
    out[*used] = '\0';
    return done;
}

unsigned plm_cells_cut(const char *text, unsigned cells, const char *ellipsis, char *out,
                       size_t size)
{
    size_t used = 0;
    if (plm_cells_width(text) <= cells && strlen(text) < size)
        return copy_cells(text, cells, out, size, &used);
    unsigned mark = plm_cells_width(ellipsis);
    size_t mark_bytes = strlen(ellipsis);
    if (mark > cells || mark_bytes >= size)
        return copy_cells(text, cells, out, size, &used);
    unsigned done = copy_cells(text, cells - mark, out, size - mark_bytes, &used);
    memcpy(out + used, ellipsis, mark_bytes + 1);
    return done + mark;
}

/* Where the longest end of @p text begins that fits into @p cells. */
static const char *find_tail(const char *text, unsigned cells)
{
    size_t length = strlen(text);
    unsigned left = plm_cells_width(text);
    while (left > cells) {
        struct cluster c = next_cluster(text, length);
        left -= c.cells;
        text += c.bytes;
        length -= c.bytes;
    }
    return text;
}

unsigned plm_cells_cut_middle(const char *text, unsigned cells, const char *ellipsis, char *out,
                              size_t size)
{
    unsigned mark = plm_cells_width(ellipsis);
    size_t mark_bytes = strlen(ellipsis), used = 0;
    if (plm_cells_width(text) <= cells || cells < mark + 2 || strlen(text) + mark_bytes >= size)
        return plm_cells_cut(text, cells, ellipsis, out, size);
    unsigned room = cells - mark;
    const char *tail = find_tail(text, room / 2);
    unsigned done = copy_cells(text, room - plm_cells_width(tail), out, size, &used);
    memcpy(out + used, ellipsis, mark_bytes);
    used += mark_bytes;
    return done + mark + copy_cells(tail, room / 2, out, size, &used);
}

size_t plm_cells_wrap(const char *text, unsigned cells, size_t *skip)
{
    size_t length = strlen(text), at = 0, word_end = 0;
    unsigned done = 0;
    while (at < length) {
        struct cluster c = next_cluster(text + at, length - at);
        if (text[at] == ' ')
            word_end = at;
        if (done + c.cells > cells && at > 0)
            break;
        done += c.cells;
        at += c.bytes;
    }
    size_t end = at < length && word_end > 0 ? word_end : at;
    *skip = end;
    while (text[*skip] == ' ')
        ++*skip;
    return end;
}

void plm_cells_ascii(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        unsigned char byte = (unsigned char)*from;
        if (byte < 0x80)
            *to++ = *from;
        else if ((byte & 0xC0) != 0x80)
            *to++ = '?';
    }
    *to = '\0';
}
