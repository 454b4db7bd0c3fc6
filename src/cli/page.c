/* Pages and lines: growing text, styles, and the gate that makes text safe and fit. */
#include "cli/page.h"

#include "cli/cells.h"
#include "pullama/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Colours of the 24-bit palette, and the basic SGR colour that comes nearest. */
static const struct {
    unsigned char red, green, blue, basic;
} palette[PLM_STYLES] = {
    [PLM_STYLE_BRAND] = {139, 92, 246, 35},   [PLM_STYLE_SUCCESS] = {34, 197, 94, 32},
    [PLM_STYLE_WARN] = {234, 179, 8, 33},     [PLM_STYLE_ERROR] = {239, 68, 68, 31},
    [PLM_STYLE_PARTIAL] = {56, 189, 248, 36}, [PLM_STYLE_MUTED] = {148, 163, 184, 37},
    [PLM_STYLE_SUBTLE] = {100, 116, 139, 90}, [PLM_STYLE_STRONG] = {226, 232, 240, 97},
    [PLM_STYLE_DIGEST] = {251, 191, 36, 33},  [PLM_STYLE_BYTES] = {167, 243, 208, 92},
    [PLM_STYLE_ETA] = {196, 181, 253, 95},    [PLM_STYLE_TRACK] = {51, 65, 85, 90},
};

static const struct {
    const char *unicode, *ascii;
} glyphs[PLM_GLYPHS] = {
    [PLM_GLYPH_OK] = {"✓", "[ok]"},  [PLM_GLYPH_BAD] = {"✗", "[x]"},
    [PLM_GLYPH_GO] = {"›", ">"},     [PLM_GLYPH_BULLET] = {"•", "*"},
    [PLM_GLYPH_DOT] = {"·", "."},    [PLM_GLYPH_HAVE] = {"◆", "*"},
    [PLM_GLYPH_WARN] = {"⚠", "[!]"}, [PLM_GLYPH_AGAIN] = {"↻", "~"},
    [PLM_GLYPH_GONE] = {"✖", "-"},   [PLM_GLYPH_ELLIPSIS] = {"…", "..."},
    [PLM_GLYPH_DASH] = {"—", "-"},
};

const char *plm_glyph(bool unicode, enum plm_glyph glyph)
{
    return unicode ? glyphs[glyph].unicode : glyphs[glyph].ascii;
}

void plm_page_done(struct plm_page *page)
{
    free(page->bytes);
    *page = (struct plm_page){0};
}

void plm_page_put(struct plm_page *page, const char *bytes, size_t length)
{
    if (page->failed)
        return;
    if (length > page->capacity - page->size) {
        size_t wanted = (page->size + length) * 2 + 256;
        char *grown = wanted > length ? realloc(page->bytes, wanted) : NULL;
        if (!grown) {
            page->failed = true;
            return;
        }
        page->bytes = grown;
        page->capacity = wanted;
    }
    if (length > 0)
        memcpy(page->bytes + page->size, bytes, length);
    page->size += length;
}

struct plm_line plm_line_begin(struct plm_page *page, const struct plm_screen *screen, bool colour,
                               unsigned width)
{
    return (struct plm_line){
        .page = page,
        .colour = colour,
        .truecolour = screen->truecolour,
        .unicode = screen->unicode,
        .width = width,
    };
}

static void put_style(struct plm_line *line, enum plm_style style)
{
    char text[32];
    int length;
    if (line->truecolour)
        length = snprintf(text, sizeof(text), "\x1b[38;2;%d;%d;%dm", palette[style].red,
                          palette[style].green, palette[style].blue);
    else
        length = snprintf(text, sizeof(text), "\x1b[%dm", palette[style].basic);
    plm_page_put(line->page, text, (size_t)length);
}

static void put_styled(struct plm_line *line, enum plm_style style, const char *text)
{
    bool coloured = line->colour && style != PLM_STYLE_NONE && *text;
    if (coloured)
        put_style(line, style);
    plm_page_put(line->page, text, strlen(text));
    if (coloured)
        plm_page_put(line->page, "\x1b[0m", 4);
}

typedef unsigned (*cut_fn)(const char *text, unsigned cells, const char *ellipsis, char *out,
                           size_t size);

/* Makes the text safe, cuts it to @p cells, and writes it. */
static void put_fitting(struct plm_line *line, enum plm_style style, const char *text,
                        unsigned cells, cut_fn cut)
{
    const char *ellipsis = plm_glyph(line->unicode, PLM_GLYPH_ELLIPSIS);
    size_t size = strlen(text) * 4 + sizeof("…"); /* one byte becomes four at most: \xNN */
    char *safe = malloc(2 * size);
    if (!safe) {
        line->page->failed = true;
        return;
    }
    plm_text_printable(text, safe, size);
    if (!line->unicode)
        plm_cells_ascii(safe);
    line->used += cut(safe, cells, ellipsis, safe + size, size);
    put_styled(line, style, safe + size);
    free(safe);
}

static unsigned cells_left(const struct plm_line *line)
{
    return line->width == 0 ? UINT32_MAX : line->width > line->used ? line->width - line->used : 0;
}

void plm_line_put(struct plm_line *line, enum plm_style style, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) {
        line->page->failed = true;
        return;
    }
    put_fitting(line, style, text, cells_left(line), plm_cells_cut);
    free(text);
}

void plm_line_put_name(struct plm_line *line, enum plm_style style, const char *name, unsigned rest)
{
    unsigned left = cells_left(line), least = left < PLM_NAME_LEAST ? left : PLM_NAME_LEAST;
    put_fitting(line, style, name, left > rest + least ? left - rest : least, plm_cells_cut_middle);
    line->width = 0;
}

void plm_line_fill(struct plm_line *line, enum plm_style style, const char *glyph, unsigned cells)
{
    if (line->width && cells > line->width)
        cells = line->width;
    if (line->used >= cells)
        return;
    bool coloured = line->colour && style != PLM_STYLE_NONE;
    if (coloured)
        put_style(line, style);
    for (; line->used < cells; line->used++)
        plm_page_put(line->page, glyph, strlen(glyph));
    if (coloured)
        plm_page_put(line->page, "\x1b[0m", 4);
}

void plm_line_pad(struct plm_line *line, unsigned cells)
{
    plm_line_fill(line, PLM_STYLE_NONE, " ", cells);
}

void plm_line_end(struct plm_line *line)
{
    plm_page_put(line->page, "\n", 1);
    line->used = 0;
}
