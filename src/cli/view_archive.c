/* What `export` and `import` say beside what a pull says: in plain lines, and drawn on a terminal.
 */
#include "cli/view_parts.h"

#include <string.h>

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

/* A path may have anything in it; "-" says little. */
static const char *name_path(const struct plm_event *event, char out[PLM_WORDS])
{
    bool reads = event->verb == PLM_VERB_IMPORT;
    if (strcmp(event->archive.path, "-") == 0)
        (void)snprintf(out, PLM_WORDS, "standard %s", reads ? "input" : "output");
    else
        (void)plm_text_printable(event->archive.path, out, PLM_WORDS);
    return out;
}

/* "a.zip", or "a.zip in 3 parts". */
static const char *name_place(const struct plm_event *event, char out[2 * PLM_WORDS])
{
    char path[PLM_WORDS];
    name_path(event, path);
    if (event->archive.parts > 1)
        (void)snprintf(out, 2 * PLM_WORDS, "%s in %u parts", path, event->archive.parts);
    else
        (void)snprintf(out, 2 * PLM_WORDS, "%s", path);
    return out;
}

/* "llama3.2:3b", or "3 models". */
static const char *name_models(const struct plm_view *view, uint32_t models, char out[PLM_REF_TEXT])
{
    if (models == 1 && view->model[0])
        (void)snprintf(out, PLM_REF_TEXT, "%s", view->model);
    else
        (void)snprintf(out, PLM_REF_TEXT, "%u model%s", models, plural(models));
    return out;
}

static void show_start(struct plm_view *view, const struct plm_event *event)
{
    char models[PLM_REF_TEXT], place[2 * PLM_WORDS], size[PLM_TEXT_SHORT];
    char title[PLM_REF_TEXT + 2 * PLM_WORDS + 32];
    const struct plm_event_archive *a = &event->archive;
    bool reads = event->verb == PLM_VERB_IMPORT;
    const char *what = a->dry_run ? reads ? "would import" : "would export"
                       : reads    ? "importing"
                                  : "exporting";
    (void)snprintf(title, sizeof(title), "%s %s %s %s", what, name_models(view, a->models, models),
                   reads ? "from" : "to", name_place(event, place));
    if (view->framed && !a->dry_run) {
        struct plm_box box = plm_box_out(view, PLM_BOX_ROUND, PLM_STYLE_BRAND);
        plm_box_head(&box, title);
        return;
    }
    view->live.on = view->live.on && !a->dry_run;
    if (view->options.quiet && !a->dry_run)
        return;
    if (view->options.mode == PLM_VIEW_COMPACT && !a->dry_run)
        plm_view_say(view, "%s", title);
    else
        plm_view_say(view, "%s: %u blob%s, %s", title, a->blobs, plural(a->blobs),
                     plm_text_size(a->total_size, size));
    if (a->dry_run && !reads && !view->options.quiet)
        plm_view_say(view, "  archive: %s", plm_text_size(a->archive_size, size));
}

/* Each model of an archive, where there are several, or all is said. */
static void show_imported(struct plm_view *view, const struct plm_event *event)
{
    char size[PLM_TEXT_SHORT];
    bool here = event->imported.up_to_date;
    if (view->options.quiet || view->options.mode == PLM_VIEW_COMPACT)
        return;
    plm_text_size(event->imported.total_size, size);
    if (!view->framed) {
        plm_view_say(view, "  %s %s  %s", here ? "here already:" : "imported", view->model, size);
        return;
    }
    struct plm_line line =
        plm_line_begin(&view->out, view->screen, view->screen->colour, plm_view_frame_width(view));
    plm_line_put(&line, PLM_STYLE_BRAND, "%s  ", line.unicode ? "│" : "|");
    plm_line_put(&line, PLM_STYLE_SUCCESS, "%s ",
                 plm_glyph(line.unicode, here ? PLM_GLYPH_HAVE : PLM_GLYPH_OK));
    plm_line_put(&line, PLM_STYLE_NONE, "%s ", here ? "here already" : "imported");
    plm_line_put(&line, PLM_STYLE_STRONG, "%s", view->model);
    plm_line_put(&line, PLM_STYLE_BYTES, " %s", size);
    plm_line_end(&line);
}

/* A dry run's answer for one model. */
static void say_plan(struct plm_view *view, const struct plm_event_plan *p)
{
    char fetch[PLM_TEXT_SHORT], total[PLM_TEXT_SHORT], needed[PLM_TEXT_SHORT], room[PLM_TEXT_SHORT];
    plm_view_say(view, "  %s: %s of %s are new; the disk needs %s, has %s free: %s", view->model,
                 plm_text_size(p->fetch, fetch), plm_text_size(p->total, total),
                 plm_text_size(p->needed, needed), plm_text_size(p->free_bytes, room),
                 p->fits ? "fits" : "does not fit");
}

/* ---- the end ---- */

static void draw_end(struct plm_view *view, const char *title, const struct plm_event *completed)
{
    char part[PLM_TEXT_SHORT], text[PLM_WORDS];
    struct plm_box frame = plm_box_out(view, PLM_BOX_ROUND, PLM_STYLE_BRAND);
    plm_box_rule(&frame, PLM_BOX_BOTTOM);
    struct plm_box box = plm_box_out(view, PLM_BOX_DOUBLE, PLM_STYLE_SUCCESS);
    box.label = 10;
    plm_box_rule(&box, PLM_BOX_TOP);
    plm_box_title(&box, PLM_GLYPH_OK, title);
    plm_box_rule(&box, PLM_BOX_MIDDLE);
    plm_box_row(&box, "size", plm_text_size(completed->completed.total_size, part));
    (void)snprintf(text, sizeof(text), "%u", completed->completed.blob_count);
    plm_box_row(&box, "blobs", text);
    plm_box_row(&box, "elapsed", plm_text_duration(completed->completed.elapsed_ms, part));
    if (!completed->completed.up_to_date) {
        (void)snprintf(text, sizeof(text), "%s/s",
                       plm_text_size(completed->completed.bytes_per_second, part));
        plm_box_row(&box, "avg rate", text);
    }
    plm_box_rule(&box, PLM_BOX_BOTTOM);
    view->live.on = false;
}

static void show_end(struct plm_view *view, const struct plm_event *event)
{
    char title[PLM_ARCHIVE_TITLE + 32], size[PLM_TEXT_SHORT], elapsed[PLM_TEXT_SHORT];
    bool here = event->completed.up_to_date;
    if (event->completed.dry_run)
        return; /* the plan was the answer */
    bool reads = event->verb == PLM_VERB_IMPORT;
    (void)snprintf(title, sizeof(title), "%s%s%s",
                   here    ? ""
                   : reads ? "imported "
                           : "exported ",
                   view->archive, here ? ": all is here already" : "");
    if (view->framed) {
        draw_end(view, title, event);
        return;
    }
    plm_text_size(event->completed.total_size, size);
    plm_text_duration(event->completed.elapsed_ms, elapsed);
    if (view->options.mode == PLM_VIEW_COMPACT && !view->options.quiet)
        plm_view_say(view, here ? "%s" : "completed %s %s", here ? title : size, elapsed);
    else if (here)
        plm_view_say(view, "%s", title);
    else
        plm_view_say(view, "%s  %s in %s", title, size, elapsed);
}

/* What the end will say, and what the progress is of: the job knows it only here. */
static void keep_title(struct plm_view *view, const struct plm_event *event)
{
    char models[PLM_REF_TEXT], place[2 * PLM_WORDS];
    view->several = event->archive.models > 1;
    (void)snprintf(view->archive, sizeof(view->archive), "%s %s %s",
                   name_models(view, event->archive.models, models),
                   event->verb == PLM_VERB_IMPORT ? "from" : "to", name_place(event, place));
}

bool plm_view_archive(struct plm_view *view, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_EXPORT_START:
    case PLM_EV_IMPORT_START:
        keep_title(view, event);
        show_start(view, event);
        return true;
    case PLM_EV_EXPORTED:
        return true; /* the end says it */
    case PLM_EV_IMPORTED:
        show_imported(view, event);
        return true;
    case PLM_EV_PLAN:
        if (event->verb != PLM_VERB_IMPORT || !event->plan.dry_run)
            return false;
        say_plan(view, &event->plan);
        return true;
    case PLM_EV_COMPLETED:
        if (event->verb != PLM_VERB_EXPORT && event->verb != PLM_VERB_IMPORT)
            return false;
        show_end(view, event);
        return true;
    default:
        return false;
    }
}
