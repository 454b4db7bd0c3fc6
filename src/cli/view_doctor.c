/* What `doctor` says: a table whose rows come as things are found out. */
#include "cli/view_parts.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cells.h"

#define RESULT_COLUMN 15 /* behind the longest check, and two spaces */
#define SEEN_COLUMN 24
#define SEEN_LEAST 20

/* The text from a column on, in as many lines as it needs on a terminal, and in one elsewhere. */
static void put_text(struct plm_view *view, struct plm_line line, unsigned column,
                     enum plm_style style, const char *text)
{
    size_t size = strlen(text) * 4 + 1;
    char *safe = malloc(size);
    if (!safe) {
        line.page->failed = true;
        return;
    }
    plm_text_printable(text, safe, size);
    unsigned width = view->screen->out_terminal ? view->screen->width : UINT32_MAX;
    unsigned cells = width > column + SEEN_LEAST ? width - column : SEEN_LEAST;
    const char *rest = safe;
    do {
        size_t skip = 0, length = plm_cells_wrap(rest, cells, &skip);
        plm_line_pad(&line, column);
        plm_line_put(&line, style, "%.*s", (int)length, rest);
        plm_line_end(&line);
        rest += skip;
    } while (*rest);
    free(safe);
}

static void show_start(struct plm_view *view, const char *address)
{
    plm_view_say(view, "looking at %s", address);
    if (view->options.mode == PLM_VIEW_COMPACT)
        return;
    struct plm_line line = plm_view_line(view, false);
    plm_line_put(&line, PLM_STYLE_MUTED, "CHECK");
    plm_line_pad(&line, RESULT_COLUMN);
    plm_line_put(&line, PLM_STYLE_MUTED, "RESULT");
    plm_line_pad(&line, SEEN_COLUMN);
    plm_line_put(&line, PLM_STYLE_MUTED, "SEEN");
    plm_line_end(&line);
}

static void show_check(struct plm_view *view, const struct plm_event_check *c)
{
    static const enum plm_style styles[PLM_CHECK_RESULTS] = {
        [PLM_CHECK_OK] = PLM_STYLE_SUCCESS,
        [PLM_CHECK_NOTE] = PLM_STYLE_MUTED,
        [PLM_CHECK_WARN] = PLM_STYLE_WARN,
        [PLM_CHECK_FAILED] = PLM_STYLE_ERROR,
    };
    bool brief = view->options.mode == PLM_VIEW_COMPACT;
    struct plm_line line = plm_view_line(view, false);
    char name[PLM_TEXT_SHORT], *dash;
    (void)snprintf(name, sizeof(name), "%s", plm_check_name(c->check));
    while ((dash = strchr(name, '_')))
        *dash = ' ';
    plm_line_put(&line, PLM_STYLE_STRONG, "%s", name);
    plm_line_pad(&line, RESULT_COLUMN);
    plm_line_put(&line, styles[c->result], "%s", plm_check_result_name(c->result));
    put_text(view, line, SEEN_COLUMN, PLM_STYLE_NONE, c->seen ? c->seen : "");
    if (c->means && !brief)
        put_text(view, plm_view_line(view, false), SEEN_COLUMN, PLM_STYLE_SUBTLE, c->means);
    if (c->advice && (!brief || c->result >= PLM_CHECK_WARN)) {
        line = plm_view_line(view, false);
        plm_line_pad(&line, SEEN_COLUMN);
        plm_line_put(&line, PLM_STYLE_BRAND, "%s ", plm_glyph(line.unicode, PLM_GLYPH_GO));
        put_text(view, line, SEEN_COLUMN + 2, PLM_STYLE_NONE, c->advice);
    }
}

static void show_done(struct plm_view *view, const struct plm_event *event)
{
    uint32_t warnings = event->doctor.warnings, failures = event->doctor.failures;
    struct plm_line line = plm_view_line(view, false);
    if (failures > 0)
        plm_line_put(&line, PLM_STYLE_ERROR, "%s: %u of %u checks failed", event->doctor.address,
                     failures, event->doctor.checks);
    else
        plm_line_put(&line, PLM_STYLE_SUCCESS, "%s: nothing stands in the way",
                     event->doctor.address);
    if (warnings > 0)
        plm_line_put(&line, PLM_STYLE_WARN, ", %u warning%s", warnings, warnings == 1 ? "" : "s");
    plm_line_end(&line);
}

bool plm_view_doctor(struct plm_view *view, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_DOCTOR_START:
        if (!view->options.quiet)
            show_start(view, event->doctor.address);
        return true;
    case PLM_EV_DOCTOR_CHECK:
        if (!view->options.quiet)
            show_check(view, &event->check);
        return true;
    case PLM_EV_DOCTOR_DONE:
        show_done(view, event);
        return true;
    default:
        return false;
    }
}
