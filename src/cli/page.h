/**
 * Pages and lines: text on its way to a stream, line by line, in styles, within a width.
 *
 * plm_line_put() is the gate through which everything passes that a person sees: it makes text
 * printable, keeps it to ASCII where that is wanted, and cuts it at the width of its line.
 */
#pragma once

#include "cli/screen.h"

/** Cells down to which a name gives way to what stands behind it. */
#define PLM_NAME_LEAST 12

enum plm_style {
    PLM_STYLE_NONE,
    PLM_STYLE_BRAND,
    PLM_STYLE_SUCCESS,
    PLM_STYLE_WARN,
    PLM_STYLE_ERROR,
    PLM_STYLE_PARTIAL,
    PLM_STYLE_MUTED,
    PLM_STYLE_SUBTLE,
    PLM_STYLE_STRONG,
    PLM_STYLE_DIGEST,
    PLM_STYLE_BYTES,
    PLM_STYLE_ETA,
    PLM_STYLE_TRACK,
    PLM_STYLES
};

enum plm_glyph {
    PLM_GLYPH_OK,
    PLM_GLYPH_BAD,
    PLM_GLYPH_GO,
    PLM_GLYPH_BULLET,
    PLM_GLYPH_DOT,
    PLM_GLYPH_HAVE,
    PLM_GLYPH_WARN,
    PLM_GLYPH_AGAIN,
    PLM_GLYPH_GONE,
    PLM_GLYPH_ELLIPSIS,
    PLM_GLYPH_DASH,
    PLM_GLYPHS
};

const char *plm_glyph(bool unicode, enum plm_glyph glyph);

/** Text that grows; a failed allocation sticks. */
struct plm_page {
    char *bytes; /**< owned */
    size_t size;
    size_t capacity;
    bool failed;
};

void plm_page_done(struct plm_page *page);
void plm_page_put(struct plm_page *page, const char *bytes, size_t length);

/** A line that is being written into a page. */
struct plm_line {
    struct plm_page *page;
    bool colour;
    bool truecolour;
    bool unicode;
    unsigned width; /**< cells that may be used; 0: no limit */
    unsigned used;
};

/** @p colour is for the stream that the page goes to. */
struct plm_line plm_line_begin(struct plm_page *page, const struct plm_screen *screen, bool colour,
                               unsigned width);
void plm_line_put(struct plm_line *line, enum plm_style style, const char *format, ...)
    PLM_FORMAT(3, 4);
/**
 * Writes a name in front of @p rest cells of other text: a name gives way where they do not all
 * fit, in its middle, down to PLM_NAME_LEAST. What follows is never cut, since numbers may be in
 * it.
 */
void plm_line_put_name(struct plm_line *line, enum plm_style style, const char *name,
                       unsigned rest);
/** Spaces until @p cells are used. */
void plm_line_pad(struct plm_line *line, unsigned cells);
/** Repeats the one-cell @p glyph until @p cells are used. */
void plm_line_fill(struct plm_line *line, enum plm_style style, const char *glyph, unsigned cells);
/** Ends the line with a newline. */
void plm_line_end(struct plm_line *line);
