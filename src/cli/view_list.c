/* Lists: rows are collected, so that the columns fit what is in them. */
#include "cli/view_parts.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cells.h"

#define NAME_LEAST 12

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

void plm_view_list_put(struct plm_view *view, const struct plm_list_form *form, enum plm_style mark,
                       const char *const *cells)
{
    struct plm_list_row *row = add_row(&view->list);
    view->list.form = form;
    for (unsigned i = 0; row && i < form->columns; i++) {
        row->cells[i] = strdup(cells[i]);
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
        plm_ref_format(model->ref, name);
    (void)snprintf(id, sizeof(id), "%.12s", model->id_hex ? model->id_hex : "");
    const char *const cells[] = {name, id, plm_text_size(model->size, size),
                                 plm_text_age(model->modified_s, event->time_ms / 1000, age)};
    plm_view_list_put(view, &models, PLM_STYLE_NONE, cells);
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

static void print_row(struct plm_view *view, const unsigned widths[PLM_LIST_COLUMNS],
                      const char *const *cells, enum plm_style all, enum plm_style mark)
{
    const struct plm_list_form *form = view->list.form;
    struct plm_line line = plm_view_line(view, true);
    unsigned limit = line.width, column = 0;
    for (unsigned i = 0; i < form->columns; i++) {
        unsigned end = column + widths[i];
        enum plm_style style = form->styles[i] == PLM_STYLE_NONE ? mark : form->styles[i];
        line.width = i == form->elastic && limit > 0 && end < limit ? end : limit;
        plm_line_put(&line, all == PLM_STYLE_NONE ? style : all, "%s", cells[i] ? cells[i] : "");
        line.width = limit;
        column = end + form->gap;
        if (i + 1 < form->columns && cells[i + 1] && *cells[i + 1])
            plm_line_pad(&line, column);
    }
    plm_line_end(&line);
}

/* On a terminal names give way to the other columns, as far as they stay names. */
static void narrow(const struct plm_view *view, unsigned widths[PLM_LIST_COLUMNS])
{
    const struct plm_list_form *form = view->list.form;
    unsigned all = (form->columns - 1) * form->gap, width = view->screen->width;
    for (unsigned i = 0; i + form->is_loose < form->columns; i++)
        all += widths[i];
    if (!view->screen->out_terminal || all <= width)
        return;
    unsigned surplus = all - width, *name = &widths[form->elastic];
    unsigned least = *name < NAME_LEAST ? *name : NAME_LEAST;
    *name = *name > surplus + least ? *name - surplus : least;
}

static const char *const *cells_of(const struct plm_list_row *row)
{
    return (const char *const *)row->cells;
}

void plm_view_list_print(struct plm_view *view)
{
    struct plm_list *list = &view->list;
    unsigned widths[PLM_LIST_COLUMNS] = {0};
    if (!list->form)
        list->form = &models;
    bool has_headings = list->form->headings[0] != NULL;
    if (has_headings)
        widen(list->form, widths, list->form->headings);
    for (size_t i = 0; i < list->count; i++)
        widen(list->form, widths, cells_of(&list->rows[i]));
    narrow(view, widths);
    if (has_headings)
        print_row(view, widths, list->form->headings, PLM_STYLE_MUTED, PLM_STYLE_NONE);
    for (size_t i = 0; i < list->count; i++)
        print_row(view, widths, cells_of(&list->rows[i]), PLM_STYLE_NONE, list->rows[i].mark);
    plm_view_list_clear(list);
}
