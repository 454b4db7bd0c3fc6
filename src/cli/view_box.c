/* Boxes: rules, titles, rows and wrapped text between two borders that line up at any width. */
#include "cli/cells.h"
#include "cli/view_parts.h"

#include <stdlib.h>
#include <string.h>

struct corners {
    const char *left, *across, *right;
};

static const struct corners rules[3][3] = {
    [PLM_BOX_ROUND] = {{"╭", "─", "╮"}, {"├", "─", "┤"}, {"╰", "─", "╯"}},
    [PLM_BOX_DOUBLE] = {{"╔", "═", "╗"}, {"╠", "═", "╣"}, {"╚", "═", "╝"}},
    [PLM_BOX_HEAVY] = {{"┏", "━", "┓"}, {"┣", "━", "┫"}, {"┗", "━", "┛"}},
};
static const struct corners ascii_rules[3] = {
    [PLM_BOX_ROUND] = {"+", "-", "+"},
    [PLM_BOX_DOUBLE] = {"+", "=", "+"},
    [PLM_BOX_HEAVY] = {"#", "#", "#"},
};
static const char *const sides[3] = {"│", "║", "┃"};

static struct corners corners_of(const struct plm_box *box, enum plm_box_rule rule)
{
    return box->screen->unicode ? rules[box->kind][rule] : ascii_rules[box->kind];
}

static const char *side_of(const struct plm_box *box)
{
    return box->screen->unicode ? sides[box->kind] : "|";
}

static struct plm_line begin(const struct plm_box *box)
{
    return plm_line_begin(box->page, box->screen, box->colour, box->width);
}

struct plm_box plm_box_out(struct plm_view *view, enum plm_box_kind kind, enum plm_style style)
{
    return (struct plm_box){
        .page = &view->out,
        .screen = view->screen,
        .colour = view->screen->colour,
        .kind = kind,
        .style = style,
        .width = plm_view_frame_width(view),
    };
}

struct plm_box plm_box_err(struct plm_view *view, enum plm_box_kind kind, enum plm_style style)
{
    struct plm_box box = plm_box_out(view, kind, style);
    box.page = &view->err;
    return box;
}

static unsigned before_border(const struct plm_box *box)
{
    return box->width > 0 ? box->width - 1 : 0;
}

void plm_box_rule(const struct plm_box *box, enum plm_box_rule rule)
{
    struct corners c = corners_of(box, rule);
    struct plm_line line = begin(box);
    plm_line_put(&line, box->style, "%s", c.left);
    plm_line_fill(&line, box->style, c.across, before_border(box));
    plm_line_put(&line, box->style, "%s", c.right);
    plm_line_end(&line);
}

void plm_box_head(const struct plm_box *box, const char *title)
{
    struct corners c = corners_of(box, PLM_BOX_TOP);
    struct plm_line line = begin(box);
    line.width = box->width > 4 ? box->width - 3 : box->width; /* a space, one across, the corner */
    plm_line_put(&line, box->style, "%s%s ", c.left, c.across);
    plm_line_put(&line, PLM_STYLE_STRONG, "%s", title);
    plm_line_put(&line, PLM_STYLE_NONE, " ");
    line.width = box->width;
    plm_line_fill(&line, box->style, c.across, before_border(box));
    plm_line_put(&line, box->style, "%s", c.right);
    plm_line_end(&line);
}

/* Opens a row: border, and room up to the other border. */
static struct plm_line row_begin(const struct plm_box *box)
{
    struct plm_line line = begin(box);
    plm_line_put(&line, box->style, "%s", side_of(box));
    line.width = before_border(box);
    return line;
}

static void row_end(const struct plm_box *box, struct plm_line *line)
{
    line->width = box->width;
    plm_line_pad(line, before_border(box));
    plm_line_put(line, box->style, "%s", side_of(box));
    plm_line_end(line);
}

void plm_box_title(const struct plm_box *box, enum plm_glyph glyph, const char *title)
{
    struct plm_line line = row_begin(box);
    plm_line_put(&line, box->style, "  %s  ", plm_glyph(box->screen->unicode, glyph));
    line.width = line.width > 2 ? line.width - 2 : line.width;
    plm_line_put(&line, PLM_STYLE_STRONG, "%s", title);
    row_end(box, &line);
}

void plm_box_row(const struct plm_box *box, const char *label, const char *value)
{
    struct plm_line line = row_begin(box);
    plm_line_put(&line, PLM_STYLE_MUTED, "    %s", label);
    plm_line_pad(&line, 5 + box->label);
    plm_line_put(&line, PLM_STYLE_STRONG, "%s", value);
    row_end(box, &line);
}

void plm_box_text(const struct plm_box *box, enum plm_style style, const char *text)
{
    size_t size = strlen(text) * 4 + 1;
    char *safe = malloc(size);
    if (!safe) {
        box->page->failed = true;
        return;
    }
    plm_text_printable(text, safe, size);
    if (!box->screen->unicode)
        plm_cells_ascii(safe);
    unsigned cells = box->width > 8 ? box->width - 6 : 2;
    const char *rest = safe;
    while (*rest) {
        size_t skip, length = plm_cells_wrap(rest, cells, &skip);
        struct plm_line line = row_begin(box);
        plm_line_put(&line, PLM_STYLE_NONE, "  ");
        plm_line_put(&line, style, "%.*s", (int)length, rest);
        row_end(box, &line);
        rest += skip;
    }
    free(safe);
}
