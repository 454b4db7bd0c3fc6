/* The list of models: rows are collected, so that the columns fit what is in them. */
#include "cli/view_parts.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cells.h"

#define GAP 4
#define NAME_LEAST 12
#define COLUMNS 4

static const char *const headings[COLUMNS] = {"NAME", "ID", "SIZE", "MODIFIED"};

void plm_view_list_clear(struct plm_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->rows[i].name);
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
    return &list->rows[list->count];
}

void plm_view_list_add(struct plm_view *view, const struct plm_event *event)
{
    char text[PLM_REF_TEXT];
    const struct plm_event_listed *model = &event->listed;
    struct plm_list_row *row = add_row(&view->list);
    char *name = row && model->ref ? strdup(plm_ref_format(model->ref, text)) : NULL;
    if (!name) {
        view->out.failed = true;
        return;
    }
    row->name = name;
    (void)snprintf(row->id, sizeof(row->id), "%.12s", model->id_hex ? model->id_hex : "");
    plm_text_size(model->size, row->size);
    plm_text_age(model->modified_s, event->time_ms / 1000, row->age);
    view->list.count++;
}

static void widen(unsigned widths[COLUMNS], const char *const cells[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        unsigned width = plm_cells_width(cells[i]);
        if (width > widths[i])
            widths[i] = width;
    }
}

static void print_row(struct plm_view *view, const unsigned widths[COLUMNS],
                      const char *const cells[COLUMNS], enum plm_style first)
{
    static const enum plm_style styles[COLUMNS] = {PLM_STYLE_STRONG, PLM_STYLE_DIGEST,
                                                   PLM_STYLE_BYTES, PLM_STYLE_MUTED};
    struct plm_line line = plm_view_line(view, true);
    unsigned limit = line.width, column = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        unsigned end = column + widths[i];
        line.width = i == 0 && limit > 0 && end < limit ? end : limit;
        plm_line_put(&line, first == PLM_STYLE_NONE ? styles[i] : first, "%s", cells[i]);
        line.width = limit;
        column = end + GAP;
        if (i + 1 < COLUMNS)
            plm_line_pad(&line, column);
    }
    plm_line_end(&line);
}

/* On a terminal names give way to the other columns, as far as they stay names. */
static void narrow(const struct plm_view *view, unsigned widths[COLUMNS])
{
    unsigned all = widths[0] + widths[1] + widths[2] + widths[3] + (COLUMNS - 1) * GAP;
    unsigned width = view->screen->width;
    if (!view->screen->out_terminal || all <= width)
        return;
    unsigned surplus = all - width;
    widths[0] = widths[0] > surplus + NAME_LEAST ? widths[0] - surplus : NAME_LEAST;
}

void plm_view_list_print(struct plm_view *view)
{
    struct plm_list *list = &view->list;
    unsigned widths[COLUMNS] = {0};
    widen(widths, headings);
    for (size_t i = 0; i < list->count; i++) {
        const struct plm_list_row *row = &list->rows[i];
        widen(widths, (const char *const[COLUMNS]){row->name, row->id, row->size, row->age});
    }
    narrow(view, widths);
    print_row(view, widths, headings, PLM_STYLE_MUTED);
    for (size_t i = 0; i < list->count; i++) {
        const struct plm_list_row *row = &list->rows[i];
        print_row(view, widths,
                  (const char *const[COLUMNS]){row->name, row->id, row->size, row->age},
                  PLM_STYLE_NONE);
    }
    plm_view_list_clear(list);
}
