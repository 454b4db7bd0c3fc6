/* A pull or a push in plain lines: for pipes and simple terminals, and the compact and the quiet
 * form. */
#include "cli/view_parts.h"

#define PACE_PERCENT 5
#define PACE_MS 30000

/* ---- progress ---- */

/* True when 5 more percent are here, or all is, or half a minute has passed without a line. The
 * line of the last byte always comes: none of the percents right before it does for itself. */
static bool is_due(struct plm_view *view, unsigned percent)
{
    int64_t now = view->options.now_ms();
    bool is_last = percent == 100 && view->pace.percent < 100;
    bool is_step = percent >= view->pace.percent + PACE_PERCENT && percent <= 100 - PACE_PERCENT;
    if (!is_last && !is_step && now - view->pace.line_ms < PACE_MS)
        return false;
    view->pace.percent = percent;
    view->pace.line_ms = now;
    return true;
}

void plm_view_plain_progress(struct plm_view *view)
{
    const struct plm_snapshot *s = &view->snapshot;
    char share[PLM_WORDS], rate[PLM_TEXT_SHORT], eta[PLM_TEXT_SHORT];
    unsigned percent = plm_words_percent(s->overall_done, s->overall_total);
    if (view->live.on || view->options.quiet || !is_due(view, percent))
        return;
    if (view->options.mode == PLM_VIEW_COMPACT) {
        plm_words_share_short(s->overall_done, s->overall_total, share);
        plm_view_say(view, "%u%% %s", percent, share);
        return;
    }
    plm_words_share(s->overall_done, s->overall_total, share);
    plm_words_eta(percent < 100 ? s->eta_ms : -1, eta);
    bool rated = s->bytes_per_second > 0;
    plm_text_size(s->bytes_per_second, rate);
    plm_view_say(view, "  %3u%%  %s%s%s%s%s%s", percent, share, rated ? "  " : "",
                 rated ? rate : "", rated ? "/s" : "", eta[0] ? "  eta " : "", eta);
}

/* ---- the plan ---- */

static void say_dry_run(struct plm_view *view, const struct plm_event_plan *p)
{
    char total[PLM_TEXT_SHORT], fetch[PLM_TEXT_SHORT], free_text[PLM_TEXT_SHORT],
        needed[PLM_TEXT_SHORT];
    plm_view_say(view, "would fetch %s of %s for %s", plm_text_size(p->fetch, fetch),
                 plm_text_size(p->total, total), view->model);
    if (view->options.quiet)
        return;
    plm_view_say(view, "  here: %u of %u blobs", p->blobs_present, p->blobs_total);
    plm_view_say(view, "  disk: needs %s, has %s free: %s", plm_text_size(p->needed, needed),
                 plm_text_size(p->free_bytes, free_text), p->fits ? "fits" : "does not fit");
}

static void say_plan(struct plm_view *view, const struct plm_event_plan *p)
{
    char share[PLM_WORDS];
    if (!view->several) /* else the plan is of one model, and the progress of all of them */
        view->pace.percent = plm_words_percent(p->present, p->total);
    if (p->dry_run)
        say_dry_run(view, p);
    else if (p->present > 0 && !view->options.quiet && view->options.mode == PLM_VIEW_TABLE)
        plm_view_say(view, "  here already: %s, %u of %u blobs",
                     plm_words_share(p->present, p->total, share), p->blobs_present,
                     p->blobs_total);
}

static void say_push_plan(struct plm_view *view, const struct plm_event_push_plan *p)
{
    char total[PLM_TEXT_SHORT], send[PLM_TEXT_SHORT], share[PLM_WORDS];
    bool quiet = view->options.quiet;
    view->pace.percent = plm_words_percent(p->present, p->total);
    if (p->dry_run)
        plm_view_say(view, "would send %s of %s for %s", plm_text_size(p->send, send),
                     plm_text_size(p->total, total), view->model);
    if (p->dry_run && !quiet)
        plm_view_say(view, "  at the registry: %u of %u blobs", p->blobs_present, p->blobs_total);
    else if (!p->dry_run && p->present > 0 && !quiet && view->options.mode == PLM_VIEW_TABLE)
        plm_view_say(view, "  at the registry already: %s, %u of %u blobs",
                     plm_words_share(p->present, p->total, share), p->blobs_present,
                     p->blobs_total);
}

/* ---- the end ---- */

static void say_completed(struct plm_view *view, const struct plm_event *event)
{
    char size[PLM_TEXT_SHORT], elapsed[PLM_TEXT_SHORT];
    bool compact = view->options.mode == PLM_VIEW_COMPACT && !view->options.quiet;
    if (event->completed.dry_run)
        return; /* the plan was the answer */
    plm_text_size(event->completed.total_size, size);
    plm_text_duration(event->completed.elapsed_ms, elapsed);
    if (event->completed.up_to_date)
        plm_view_say(view, "%s is up to date", view->model);
    else if (compact)
        plm_view_say(view, "completed %s %s", size, elapsed);
    else if (view->options.quiet)
        plm_view_say(view, "%s %s  %s in %s", view->pushes ? "pushed" : "pulled", view->model, size,
                     elapsed);
    else
        plm_view_say(view, "completed %s  %s in %s", view->model, size, elapsed);
}

/* ---- facts ---- */

static void say_waiting(struct plm_view *view, const struct plm_event *event, const char *blob)
{
    char share[PLM_WORDS], holder[PLM_TEXT_SHORT];
    bool first = view->pace.waiting != event->blob.index;
    if (!first && view->options.now_ms() - view->pace.line_ms < PACE_MS)
        return;
    view->pace.waiting = event->blob.index;
    view->pace.line_ms = view->options.now_ms();
    plm_view_say(view, "  %s waiting for %s: %s", blob,
                 plm_words_holder(event->waiting.pid, holder),
                 plm_words_share(event->waiting.done, event->blob.want->size, share));
}

/* What is said with --verbose alone. */
static void say_detail(struct plm_view *view, const struct plm_event *event, const char *blob)
{
    char size[PLM_TEXT_SHORT];
    if (!view->options.verbose)
        return;
    switch (event->kind) {
    case PLM_EV_BLOB_CACHED:
        plm_view_say(view, "  %s cached", blob);
        break;
    case PLM_EV_CHUNKSUMS_FETCHED:
        if (event->chunksums.available)
            plm_view_say(view, "  %s chunk digests: %u", blob, event->chunksums.chunk_count);
        else
            plm_view_say(view, "  %s chunk digests: none", blob);
        break;
    case PLM_EV_BLOB_EXISTS:
        plm_view_say(view, "  %s is there", blob);
        break;
    case PLM_EV_CHECKPOINT_SAVED:
        plm_view_say(view, "  %s checkpoint: %s are on the disk", blob,
                     plm_text_size(event->checkpoint.durable, size));
        break;
    case PLM_EV_BLOB_VERIFY_START:
        plm_view_say(view, "  %s verifying", blob);
        break;
    case PLM_EV_BLOB_FINALIZED:
        plm_view_say(view, "  %s finalized", blob);
        break;
    case PLM_EV_MANIFEST_WRITE_START:
        plm_view_say(view, "  writing manifest");
        break;
    default:
        break;
    }
}

static void say_blob(struct plm_view *view, const struct plm_event *event, const char *blob)
{
    char text[PLM_WORDS], part[PLM_TEXT_SHORT];
    switch (event->kind) {
    case PLM_EV_BLOB_WAITING:
        say_waiting(view, event, blob);
        break;
    case PLM_EV_BLOB_ADOPTED:
        plm_view_say(view, "  %s took over %s from %s", blob,
                     plm_text_size(event->adopted.bytes, part), event->adopted.program);
        break;
    case PLM_EV_BLOB_RESUMED:
        plm_view_say(view, "  %s resumed at %s", blob,
                     plm_words_share(event->resumed.done, event->blob.want->size, text));
        break;
    case PLM_EV_BLOB_START:
        plm_view_say(view, "  %s %s (%s)", blob,
                     view->pushes    ? "uploading"
                     : view->imports ? "reading"
                                     : "downloading",
                     plm_text_size(event->blob.want->size, part));
        break;
    case PLM_EV_BLOB_MOUNTED:
        plm_view_say(view, "  %s mounted from %s", blob, event->mounted.from);
        break;
    case PLM_EV_BLOB_SENT:
        plm_view_say(view, "  %s sent (%s)", blob, plm_text_duration(event->sent.elapsed_ms, part));
        break;
    case PLM_EV_BLOB_VERIFIED:
        plm_view_say(view, "  %s verified (%s)", blob,
                     plm_text_duration(event->verified.elapsed_ms, part));
        break;
    default:
        say_detail(view, event, blob);
        break;
    }
}

static void say_fact(struct plm_view *view, const struct plm_event *event)
{
    char size[PLM_TEXT_SHORT], id[13], blob[PLM_WORDS];
    switch (event->kind) {
    case PLM_EV_MANIFEST_FETCH_START:
        plm_view_say(view, "  fetching manifest");
        return;
    case PLM_EV_MANIFEST_FETCHED:
    case PLM_EV_MANIFEST_READ:
        plm_view_say(view, "  manifest: %u blobs, %s", event->manifest.blob_count,
                     plm_text_size(event->manifest.total_size, size));
        return;
    case PLM_EV_MANIFEST_WRITTEN:
        plm_view_say(view, "  manifest written");
        return;
    case PLM_EV_MANIFEST_PUSHED:
        plm_view_say(view, "  manifest pushed");
        return;
    case PLM_EV_LAYERS_REMOVED:
        plm_view_say(view, "  removed %u old blobs, %s reclaimed", event->removed.files,
                     plm_text_size(event->removed.bytes, size));
        return;
    default:
        break;
    }
    blob[0] = '\0';
    if (event->blob.want)
        (void)snprintf(blob, sizeof(blob), "blob %u/%u %s", event->blob.index, event->blob.total,
                       plm_words_digest(&event->blob.want->digest, id));
    if (event->blob.want)
        say_blob(view, event, blob);
    else
        say_detail(view, event, blob);
}

void plm_view_plain(struct plm_view *view, const struct plm_event *event)
{
    char words[PLM_WORDS_PUSH];
    bool quiet = view->options.quiet, compact = view->options.mode == PLM_VIEW_COMPACT;
    switch (event->kind) {
    case PLM_EV_PULL_START:
        if (!quiet)
            plm_view_say(view, "pulling %s", view->model);
        return;
    case PLM_EV_PUSH_START:
        if (!quiet)
            plm_view_say(view, "pushing %s", plm_words_push(view, event->pushed.to, words));
        return;
    case PLM_EV_PLAN:
        say_plan(view, &event->plan);
        return;
    case PLM_EV_PUSH_PLAN:
        say_push_plan(view, &event->push_plan);
        return;
    case PLM_EV_PROGRESS:
        plm_view_plain_progress(view);
        return;
    case PLM_EV_COMPLETED:
        say_completed(view, event);
        return;
    default:
        break;
    }
    if (!quiet && !compact)
        say_fact(view, event);
}
