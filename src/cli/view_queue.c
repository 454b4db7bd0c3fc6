/* The queue: its commands, and what a run says between the pulls. */
#include "cli/view_parts.h"

#include <string.h>

/* Position, model, status, and why it failed. */
static const struct plm_list_form entries = {
    .columns = 4,
    .gap = 2,
    .is_loose = true,
    .elastic = 1,
    .styles = {PLM_STYLE_NONE, PLM_STYLE_STRONG, PLM_STYLE_NONE, PLM_STYLE_MUTED},
};

struct looks {
    enum plm_glyph glyph;
    enum plm_style style;
};

static struct looks looks_of(enum plm_queue_status status)
{
    static const struct looks looks[PLM_QUEUE_STATUSES] = {
        [PLM_QUEUE_QUEUED] = {PLM_GLYPH_DOT, PLM_STYLE_MUTED},
        [PLM_QUEUE_ACTIVE] = {PLM_GLYPH_GO, PLM_STYLE_BRAND},
        [PLM_QUEUE_COMPLETED] = {PLM_GLYPH_OK, PLM_STYLE_SUCCESS},
        [PLM_QUEUE_FAILED] = {PLM_GLYPH_BAD, PLM_STYLE_ERROR},
    };
    return looks[(unsigned)status < PLM_QUEUE_STATUSES ? status : PLM_QUEUE_FAILED];
}

/* The entry's model as it is shown: a display form, or what stands there. */
static const char *name_of(const struct plm_view *view, const struct plm_event_queued *queued,
                           char out[PLM_REF_TEXT])
{
    if (queued->ref && queued->ref->scheme == PLM_SCHEME_HTTPS)
        return plm_words_model(view, queued->ref, out);
    /* What is to be asked otherwise is another entry, and is named by its scheme, too. */
    (void)snprintf(out, PLM_REF_TEXT, "%s", queued->entry->reference);
    return out;
}

static void add_entry(struct plm_view *view, const struct plm_event_queued *queued)
{
    char place[PLM_TEXT_SHORT * 2], name[PLM_REF_TEXT], why[PLM_ERROR_TEXT + 8] = "";
    const struct plm_queue_entry *e = queued->entry;
    bool drawn = view->screen->out_terminal && view->screen->overwrite;
    struct looks looks = looks_of(e->status);
    struct plm_line probe = plm_view_line(view, false); /* knows whether Unicode may be used */
    (void)snprintf(place, sizeof(place), "  %s%s%u",
                   drawn ? plm_glyph(probe.unicode, looks.glyph) : "", drawn ? " " : "",
                   e->position);
    if (e->error[0])
        (void)snprintf(why, sizeof(why), "%s %s", plm_glyph(probe.unicode, PLM_GLYPH_DASH),
                       e->error);
    const char *const cells[] = {place, name_of(view, queued, name),
                                 plm_queue_status_name(e->status), why};
    plm_view_list_put(view, &entries, looks.style, cells);
}

static struct plm_line begin_line(struct plm_view *view, enum plm_style style, enum plm_glyph glyph)
{
    struct plm_line line = plm_view_line(view, false);
    if (view->screen->out_terminal && view->screen->overwrite)
        plm_line_put(&line, style, "%s ", plm_glyph(line.unicode, glyph));
    return line;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* What a runner is at stays, so that it can record how that ends. */
static void say_removed(struct plm_view *view, const struct plm_event_queue *q)
{
    char stays[PLM_WORDS] = "";
    unsigned long long changed = q->changed, active = q->count.active;
    if (active > 0)
        (void)snprintf(stays, sizeof(stays), "; %llu entr%s being pulled and stay%s", active,
                       active == 1 ? "y is" : "ies are", active == 1 ? "s" : "");
    if (changed > 0)
        plm_view_say(view, "removed %llu entr%s from queue%s", changed, changed == 1 ? "y" : "ies",
                     stays);
    else if (q->count.all == 0)
        plm_view_say(view, "queue is empty");
    else if (active > 0)
        plm_view_say(view, "nothing to remove%s", stays);
    else
        plm_view_say(view, "nothing to remove: no entry has completed or failed");
}

static void say_changed(struct plm_view *view, const struct plm_event *event)
{
    const struct plm_event_queue *q = &event->queue;
    unsigned long long changed = q->changed;
    switch (event->verb) {
    case PLM_VERB_QUEUE_ADD:
        if (changed == 0)
            plm_view_say(view, "all models already in queue");
        else
            plm_view_say(view, "added %llu model%s to queue", changed, plural(changed));
        return;
    case PLM_VERB_QUEUE_RM:
        if (view->options.quiet) /* else each was named */
            plm_view_say(view, "removed %llu entr%s from queue", changed,
                         changed == 1 ? "y" : "ies");
        return;
    case PLM_VERB_QUEUE_CLEAR:
        say_removed(view, q);
        return;
    case PLM_VERB_QUEUE_RETRY:
        if (changed == 0)
            plm_view_say(view, "nothing to retry: %s",
                         q->skipped > 0 ? "queued already" : "no entry has failed");
        else
            plm_view_say(view, "queued %llu model%s again; pull with: pullama queue start", changed,
                         plural(changed));
        return;
    default:
        break;
    }
    if (view->list.count > 0)
        plm_view_list_print(view);
    if (q->count.all == 0)
        plm_view_say(view, "queue is empty");
    else if (view->options.quiet)
        plm_view_say(view, "%llu queued, %llu active, %llu completed, %llu failed",
                     (unsigned long long)q->count.queued, (unsigned long long)q->count.active,
                     (unsigned long long)q->count.completed, (unsigned long long)q->count.failed);
}

static void say_entry(struct plm_view *view, const struct plm_event *event)
{
    char name[PLM_REF_TEXT];
    const struct plm_queue_entry *e = event->queued.entry;
    name_of(view, &event->queued, name);
    struct plm_line line = begin_line(view, PLM_STYLE_MUTED, PLM_GLYPH_DOT);
    if (event->kind == PLM_EV_QUEUE_ADDED && event->queued.duplicate)
        plm_line_put(&line, PLM_STYLE_NONE, "%s is in the queue already: entry %u, %s", name,
                     e->position, plm_queue_status_name(e->status));
    else if (event->kind == PLM_EV_QUEUE_ADDED)
        plm_line_put(&line, PLM_STYLE_NONE, "entry %u: %s", e->position, name);
    else
        plm_line_put(&line, PLM_STYLE_NONE, "%s entry %u: %s",
                     event->kind == PLM_EV_QUEUE_REMOVED ? "removed" : "again", e->position, name);
    plm_line_end(&line);
}

/* `queue [1/2] pulling m:t`, `queue [1/2] completed m:t`, `queue [2/2] failed n:t` */
static void say_turn(struct plm_view *view, const struct plm_event *event)
{
    char name[PLM_REF_TEXT];
    const struct plm_event_queued *q = &event->queued;
    bool begins = event->kind == PLM_EV_QUEUE_NEXT;
    bool stopped = !begins && q->entry->status == PLM_QUEUE_QUEUED;
    struct looks looks = looks_of(q->entry->status);
    struct plm_line line = begin_line(view, PLM_STYLE_BRAND, PLM_GLYPH_GO);
    plm_line_put(&line, PLM_STYLE_MUTED, "queue [%u/%u] ", q->index, q->total);
    if (!begins && line.used > 0 && view->screen->out_terminal && view->screen->overwrite)
        plm_line_put(&line, looks.style, "%s ", plm_glyph(line.unicode, looks.glyph));
    plm_line_put(&line, PLM_STYLE_NONE, "%s %s",
                 begins    ? "pulling"
                 : stopped ? "stays queued:"
                           : plm_queue_status_name(q->entry->status),
                 name_of(view, q, name));
    plm_line_end(&line);
}

static void say_pausing(struct plm_view *view)
{
    plm_view_warn(view, PLM_STYLE_WARN,
                  "pausing:", "what is under way is finished; Ctrl+C again stops it at once");
}

static void say_done(struct plm_view *view, const struct plm_event_queue *q)
{
    char failed[PLM_WORDS] = "", left[PLM_REF_TEXT] = "";
    if (q->skipped > 0)
        (void)snprintf(failed, sizeof(failed), ", %llu failed", (unsigned long long)q->skipped);
    if (q->count.queued > 0)
        (void)snprintf(left, sizeof(left), ", %llu left; go on with: pullama %squeue start",
                       (unsigned long long)q->count.queued,
                       view->options.flags ? view->options.flags : "");
    if (q->changed + q->skipped == 0 && q->count.queued == 0)
        plm_view_say(view, "queue: nothing to pull");
    else
        plm_view_say(view, "queue: %llu completed%s%s", (unsigned long long)q->changed, failed,
                     left);
}

bool plm_view_is_beside(const struct plm_event *event)
{
    return event->kind >= PLM_EV_QUEUE_START && event->kind <= PLM_EV_QUEUE_DONE;
}

void plm_view_queue_begin(struct plm_view *view, const struct plm_event *event)
{
    if (event->kind != PLM_EV_QUEUE_START)
        return;
    view->queued = true;
    view->beside = event->queue.jobs > 1;
    if (view->beside)
        view->framed = false; /* one frame cannot hold several models */
}

bool plm_view_queue(struct plm_view *view, const struct plm_event *event)
{
    bool quiet = view->options.quiet;
    switch (event->kind) {
    case PLM_EV_QUEUE_ENTRY:
        if (!quiet)
            add_entry(view, &event->queued);
        return true;
    case PLM_EV_QUEUE_ADDED:
        if (!quiet && (event->queued.duplicate || view->options.verbose))
            say_entry(view, event);
        return true;
    case PLM_EV_QUEUE_REMOVED:
    case PLM_EV_QUEUE_RETRIED:
        if (!quiet)
            say_entry(view, event);
        return true;
    case PLM_EV_QUEUE_CHANGED:
        say_changed(view, event);
        return true;
    case PLM_EV_QUEUE_NEXT:
    case PLM_EV_QUEUE_SETTLED:
        if (!quiet)
            say_turn(view, event);
        return true;
    case PLM_EV_QUEUE_PAUSING:
        say_pausing(view);
        return true;
    case PLM_EV_QUEUE_DONE:
        say_done(view, &event->queue);
        return true;
    case PLM_EV_QUEUE_START:
        return true; /* the entries follow */
    default:
        return plm_view_history(view, event);
    }
}
