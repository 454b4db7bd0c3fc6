/* Lists: rows are collected, so that the columns fit what is in them. */
#include "cli/view_parts.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cells.h"

#define NAME_EASY 24 /* down to which names give way before the gaps do */
#define FOLD_INDENT 4
#define PROSE_LEAST 16

/* Where the columns of a list stand on this screen. */
struct layout {
    unsigned widths[PLM_LIST_COLUMNS], starts[PLM_LIST_COLUMNS];
    bool folds[PLM_LIST_COLUMNS]; /* the column begins another line of its row */
    unsigned gap;
};

static const struct plm_list_form models = {
    .columns = 4,
    .gap = 4,
    .headings = {"NAME", "ID", "SIZE", "MODIFIED"},
    .styles = {PLM_STYLE_STRONG, PLM_STYLE_DIGEST, PLM_STYLE_BYTES, PLM_STYLE_MUTED},
};

void plm_view_list_clear(struct plm_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        for (unsigned k = 0; k < PLM_LIST_COLUMNS; k++)
            free(list->rows[i].cells[k]);
    }
    free(list->rows);
    *list = (struct plm_list){0};
}

static struct plm_list_row *add_row(struct plm_list *list)
{
    if (list->count == list->capacity) {
        size_t wanted = list->capacity ? 2 * list->capacity : 32;
        struct plm_list_row *grown = reallocarray(list->rows, wanted, sizeof(*grown));
        if (!grown)
            return NULL;
        list->rows = grown;
        list->capacity = wanted;
    }
    struct plm_list_row *row = &list->rows[list->count++];
    *row = (struct plm_list_row){0};
    return row;
}

/* As it will be written, so that it has the width that is measured. */
static char *copy_safe(const char *cell, bool unicode)
{
    size_t size = strlen(cell) * 4 + 1;
    char *safe = malloc(size);
    if (!safe)
        return NULL;
    plm_text_printable(cell, safe, size);
    if (!unicode)
        plm_cells_ascii(safe);
    return safe;
}

void plm_view_list_put(struct plm_view *view, const struct plm_list_form *form, enum plm_style mark,
                       const char *const *cells)
{
    struct plm_list_row *row = add_row(&view->list);
    view->list.form = form;
    for (unsigned i = 0; row && i < form->columns; i++) {
        row->cells[i] = copy_safe(cells[i], view->screen->unicode);
        row->mark = mark;
        if (!row->cells[i])
            row = NULL; /* what is there of it is freed with the list */
    }
    if (!row)
        view->out.failed = true;
}

void plm_view_list_add(struct plm_view *view, const struct plm_event *event)
{
    char name[PLM_REF_TEXT] = "", id[13], size[PLM_TEXT_SHORT], age[PLM_TEXT_SHORT];
    const struct plm_event_listed *model = &event->listed;
    if (model->ref)
        plm_words_model(view, model->ref, name);
    (void)snprintf(id, sizeof(id), "%.12s", model->id_hex ? model->id_hex : "");
    const char *const cells[] = {name, id, plm_text_size(model->size, size),
                                 plm_text_age(model->modified_s, event->time_ms / 1000, age)};
    plm_view_list_put(view, &models, PLM_STYLE_NONE, cells);
}

static const char *const *cells_of(const struct plm_list_row *row)
{
    return (const char *const *)row->cells;
}

static void widen(const struct plm_list_form *form, unsigned widths[PLM_LIST_COLUMNS],
                  const char *const *cells)
{
    for (unsigned i = 0; i < form->columns; i++) {
        unsigned width = cells[i] ? plm_cells_width(cells[i]) : 0;
        if (width > widths[i])
            widths[i] = width;
    }
}

static unsigned row_width(const struct plm_list_form *form, const struct layout *l)
{
    unsigned all = (form->columns - 1) * l->gap;
    for (unsigned i = 0; i + form->is_loose < form->columns; i++)
        all += l->widths[i];
    return all;
}

/* Makes the column of names narrower, as far as it stays @p least wide. */
static void shrink(const struct plm_list_form *form, struct layout *l, unsigned limit,
                   unsigned least)
{
    unsigned all = row_width(form, l), *name = &l->widths[form->elastic];
    unsigned surplus = all > limit ? all - limit : 0;
    if (*name > least)
        *name = *name > surplus + least ? *name - surplus : least;
}

/* Puts columns beside each other, below the front of the row where there is no room. Gives the
 * end of the first line. */
static unsigned place(const struct plm_list_form *form, struct layout *l, unsigned limit)
{
    unsigned at = 0, end = 0;
    bool is_first = true;
    for (unsigned i = 0; i < form->columns; i++) {
        bool is_prose = form->is_loose && i + 1 == form->columns;
        unsigned width = is_prose && l->widths[i] > PROSE_LEAST ? PROSE_LEAST : l->widths[i];
        l->folds[i] = i > 0 && at > FOLD_INDENT && limit > 0 && at + width > limit;
        is_first = is_first && !l->folds[i];
        l->starts[i] = l->folds[i] ? FOLD_INDENT : at;
        end = is_first ? at + width : end;
        at = l->starts[i] + l->widths[i] + l->gap;
    }
    return end;
}

/* On a terminal names give way to the other columns, then the gaps, and then a row takes several
 * lines: a number is never cut. Names get what room is left then. */
static void fit(struct plm_view *view, struct layout *l)
{
    const struct plm_list_form *form = view->list.form;
    unsigned limit = plm_view_line(view, true).width, whole = l->widths[form->elastic];
    l->gap = form->gap;
    if (limit > 0) {
        shrink(form, l, limit, NAME_EASY);
        if (row_width(form, l) > limit)
            l->gap = l->gap > 2 ? 2 : l->gap;
        shrink(form, l, limit, PLM_NAME_LEAST);
        if (row_width(form, l) > limit)
            l->gap = 1;
    }
    unsigned end = place(form, l, limit), *name = &l->widths[form->elastic];
    if (limit > end && *name < whole) {
        *name = whole - *name > limit - end ? *name + limit - end : whole;
        (void)place(form, l, limit);
    }
}

static void print_row(struct plm_view *view, const struct layout *l, const char *const *cells,
                      enum plm_style all, enum plm_style mark)
{
    const struct plm_list_form *form = view->list.form;
    struct plm_line line = plm_view_line(view, true);
    unsigned limit = line.width;
    bool folds = false;
    for (unsigned i = 0; i < form->columns; i++) {
        const char *cell = cells[i] ? cells[i] : "";
        enum plm_style style = all != PLM_STYLE_NONE               ? all
                               : form->styles[i] == PLM_STYLE_NONE ? mark
                                                                   : form->styles[i];
        folds = folds || l->folds[i];
        if (!*cell)
            continue;
        if (folds)
            plm_line_end(&line);
        folds = false;
        plm_line_pad(&line, l->starts[i]);
        if (i != form->elastic || limit == 0) {
            plm_line_put(&line, style, "%s", cell);
            continue;
        }
        line.width = l->starts[i] + l->widths[i] < limit ? l->starts[i] + l->widths[i] : limit;
        plm_line_put_name(&line, style, cell, 0);
        line.width = limit;
    }
    plm_line_end(&line);
}

void plm_view_list_print(struct plm_view *view)
{
    struct plm_list *list = &view->list;
    struct layout layout = {0};
    if (!list->form)
        list->form = &models;
    bool has_headings = list->form->headings[0] != NULL;
    if (has_headings)
        widen(list->form, layout.widths, list->form->headings);
    for (size_t i = 0; i < list->count; i++)
        widen(list->form, layout.widths, cells_of(&list->rows[i]));
    fit(view, &layout);
    if (has_headings)
        print_row(view, &layout, list->form->headings, PLM_STYLE_MUTED, PLM_STYLE_NONE);
    for (size_t i = 0; i < list->count; i++)
        print_row(view, &layout, cells_of(&list->rows[i]), PLM_STYLE_NONE, list->rows[i].mark);
    plm_view_list_clear(list);
}
