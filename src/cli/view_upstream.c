/* What `outdated` and `update` say of models and their registries, and `adopt` of a file. */
#include "cli/view_parts.h"

#include <string.h>

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

/* The verdict in front, so that columns line up without waiting for the longest name. */
static void show_model(struct plm_view *view, const struct plm_event_upstream *m)
{
    static const char *const words[PLM_UPSTREAM_VERDICTS] = {
        [PLM_UPSTREAM_CURRENT] = "current",       [PLM_UPSTREAM_OUTDATED] = "outdated",
        [PLM_UPSTREAM_NOT_SERVED] = "not served", [PLM_UPSTREAM_UNKNOWN] = "unknown",
        [PLM_UPSTREAM_NOT_HERE] = "not here",
    };
    static const enum plm_style styles[PLM_UPSTREAM_VERDICTS] = {
        [PLM_UPSTREAM_CURRENT] = PLM_STYLE_SUCCESS,  [PLM_UPSTREAM_OUTDATED] = PLM_STYLE_WARN,
        [PLM_UPSTREAM_NOT_SERVED] = PLM_STYLE_MUTED, [PLM_UPSTREAM_UNKNOWN] = PLM_STYLE_ERROR,
        [PLM_UPSTREAM_NOT_HERE] = PLM_STYLE_ERROR,
    };
    char name[PLM_REF_TEXT], fetch[PLM_TEXT_SHORT], total[PLM_TEXT_SHORT], counts[PLM_WORDS] = "";
    bool is_outdated = m->verdict == PLM_UPSTREAM_OUTDATED;
    const char *prose = "";
    if (is_outdated && m->fetch == 0)
        prose = "nothing to fetch but the manifest";
    else if (is_outdated)
        (void)snprintf(counts, sizeof(counts), "%s of %s to fetch, %u of %u blobs",
                       plm_text_size(m->fetch, fetch), plm_text_size(m->total, total), m->lacking,
                       m->blobs);
    else if (m->message)
        prose = m->message;
    struct plm_line line = plm_view_line(view, true);
    plm_line_put(&line, styles[m->verdict], "%-12s", words[m->verdict]);
    plm_line_put_name(&line, PLM_STYLE_NONE, plm_words_model(view, m->ref, name),
                      *counts ? (unsigned)strlen(counts) + 2 : 0);
    plm_line_put(&line, PLM_STYLE_BYTES, "%s%s", *counts ? "  " : "", counts);
    plm_line_put(&line, PLM_STYLE_MUTED, "%s%s", *prose ? "  " : "", prose);
    plm_line_end(&line);
}

static void show_summary(struct plm_view *view, const struct plm_event *event)
{
    const struct plm_event_outdated *o = &event->outdated;
    bool syncs = event->verb == PLM_VERB_SYNC;
    char fetch[PLM_TEXT_SHORT];
    if (o->models == 0) {
        plm_view_say(view, "%s",
                     syncs ? "the lock file names no model" : "there are no models here");
        return;
    }
    struct plm_line line = plm_view_line(view, false);
    if (o->outdated > 0)
        plm_line_put(&line, PLM_STYLE_NONE, "%u of %u model%s %s, %s to fetch", o->outdated,
                     o->models, plural(o->models), syncs ? "missing" : "outdated",
                     plm_text_size(o->fetch, fetch));
    else
        plm_line_put(&line, PLM_STYLE_NONE, "%u of %u model%s %s", o->current, o->models,
                     plural(o->models), syncs ? "as frozen" : "up to date");
    if (o->unknown > 0)
        plm_line_put(&line, PLM_STYLE_NONE, "; of %u nothing is known", o->unknown);
    plm_line_end(&line);
}

static void show_updated(struct plm_view *view, const struct plm_event *event)
{
    uint32_t updated = event->updated.updated, removed = event->updated.removed;
    if (updated + removed + event->updated.failed == 0)
        return; /* the comparison has said it */
    struct plm_line line = plm_view_line(view, false);
    plm_line_put(&line, PLM_STYLE_NONE, "%s %u model%s",
                 event->verb == PLM_VERB_SYNC ? "fetched" : "updated", updated, plural(updated));
    if (removed > 0)
        plm_line_put(&line, PLM_STYLE_NONE, "; %s %u",
                     event->updated.dry_run ? "would remove" : "removed", removed);
    if (event->updated.failed > 0)
        plm_line_put(&line, PLM_STYLE_NONE, "; %u failed", event->updated.failed);
    plm_line_end(&line);
}

static void show_adoption(struct plm_view *view, const struct plm_event *event)
{
    static const char *const ways[PLM_PLACEMENTS] = {
        [PLM_PLACED_REFLINK] =
            "by a reflink: its blocks are shared until one of both is written to",
        [PLM_PLACED_LINK] = "by a hard link: who writes to the file damages the model",
        [PLM_PLACED_COPY] = "by a copy",
        [PLM_PLACED_NOT] = "its bytes were here already",
    };
    char size[PLM_TEXT_SHORT];
    struct plm_line line = plm_view_line(view, false);
    bool is_start = event->kind == PLM_EV_ADOPT_START;
    plm_line_put(&line, PLM_STYLE_NONE, "%s %s as %s",
                 !is_start               ? "adopted"
                 : event->placed.dry_run ? "would adopt"
                                         : "adopting",
                 event->placed.path, view->model);
    plm_line_put(&line, PLM_STYLE_BYTES, "  %s", plm_text_size(event->placed.size, size));
    if (!is_start && ways[event->placed.how])
        plm_line_put(&line, PLM_STYLE_MUTED, ", %s", ways[event->placed.how]);
    plm_line_end(&line);
}

/* The lock file itself is the result, unless it was written to a place of its own. */
static void show_frozen(struct plm_view *view, const struct plm_event *event)
{
    const char *text = event->frozen.text;
    if (event->frozen.path) {
        plm_view_say(view, "froze %u model%s in %s", event->frozen.models,
                     plural(event->frozen.models), event->frozen.path);
        return;
    }
    while (text && *text) {
        size_t length = strcspn(text, "\n");
        plm_view_say(view, "%.*s", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

bool plm_view_upstream(struct plm_view *view, const struct plm_event *event)
{
    bool is_current =
        event->kind == PLM_EV_UPSTREAM && event->upstream.verdict == PLM_UPSTREAM_CURRENT;
    switch (event->kind) {
    case PLM_EV_OUTDATED_START:
        return true;
    case PLM_EV_UPSTREAM:
        if (!view->options.quiet &&
            !(is_current && event->verb != PLM_VERB_OUTDATED && !view->options.verbose))
            show_model(view, &event->upstream);
        return true;
    case PLM_EV_OUTDATED_DONE:
        show_summary(view, event);
        return true;
    case PLM_EV_ADOPT_START:
        if (!view->options.quiet || event->placed.dry_run)
            show_adoption(view, event);
        return true;
    case PLM_EV_FROZEN:
        show_frozen(view, event);
        return true;
    case PLM_EV_ADOPTED:
        show_adoption(view, event);
        return true;
    case PLM_EV_UPDATE_DONE:
        show_updated(view, event);
        return true;
    default:
        return false;
    }
}
