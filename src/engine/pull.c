/* Pull: a model from a registry into the store, one way through. */
#include "engine/pull.h"

#include <stdlib.h>
#include <string.h>

#include "engine/feed.h"
#include "os/os.h"
#include "store/blobs.h"
#include "store/manifests.h"

#define TICK_MS 100
#define COMMIT_RETRY_MS 100

struct plm_loop *plm_pull_loop(const struct plm_pull *pull)
{
    return pull->job->engine->loop;
}

void plm_pull_kick(struct plm_pull *pull)
{
    if (!pull->kick.armed)
        plm_timer_start(plm_pull_loop(pull), &pull->kick, 0);
}

void plm_pull_fail(struct plm_pull *pull, const struct plm_error *err)
{
    if (pull->error.code == PLM_OK) {
        pull->error = *err;
        if (pull->error.code == PLM_OK)
            (void)plm_fail(&pull->error, PLM_E_INTERNAL, "a failure without a cause");
    }
    pull->state = PLM_PULL_ENDING;
    plm_pull_kick(pull);
}

/* ---- events ---- */

void plm_pull_emit(struct plm_pull *pull, const struct plm_download *d, struct plm_event *event)
{
    const struct plm_pull_part *part = &pull->part;
    event->blob = (struct plm_event_blob){
        .want = &d->want,
        .index = part->number_of ? part->number_of(part->ctx, &d->want.digest)
                                 : part->index + d->index + 1,
        .total = part->over ? part->blob_count : (uint32_t)pull->count};
    plm_job_emit(pull->job, event);
}

void plm_pull_emit_kind(struct plm_pull *pull, const struct plm_download *d,
                        enum plm_event_kind kind)
{
    struct plm_event event = {.kind = kind};
    plm_pull_emit(pull, d, &event);
}

void plm_pull_received(struct plm_pull *pull, size_t length, bool is_new)
{
    pull->received += length;
    pull->job->record.fetched += length;
    if (is_new)
        pull->last_byte_ms = plm_loop_now(plm_pull_loop(pull));
}

static uint64_t overall_done(struct plm_pull *pull)
{
    uint64_t done = 0;
    for (size_t i = 0; i < pull->count; i++)
        done += pull->downloads[i].done;
    if (done > pull->shown)
        pull->shown = done;
    return pull->shown;
}

void plm_pull_show_progress(struct plm_pull *pull, struct plm_download *d)
{
    const struct plm_pull_part *part = &pull->part;
    uint64_t done = part->bytes_before + overall_done(pull);
    uint64_t total = part->over ? part->bytes_all : pull->total;
    d->dirty = false;
    if (d->done > d->shown)
        d->shown = d->done;
    struct plm_event event = {.kind = PLM_EV_PROGRESS,
                              .progress = {.blob_done = d->shown,
                                           .blob_total = d->want.size,
                                           .overall_done = done,
                                           .overall_total = total,
                                           .bytes_per_second = plm_meter_rate(&pull->meter),
                                           .eta_ms = plm_meter_eta_ms(&pull->meter, total - done),
                                           .connections = pull->feed ? 0 : pull->active}};
    plm_pull_emit(pull, d, &event);
}

static void on_notice(void *ctx, const struct plm_event_retry *retry, bool refresh)
{
    struct plm_pull *pull = ctx;
    struct plm_event event = {.kind = refresh ? PLM_EV_REFRESH : PLM_EV_RETRY, .retry = *retry};
    plm_job_emit(pull->job, &event);
}

/* ---- the end ---- */

/* A part leaves the job as it is. */
static void tell_over(struct plm_pull *pull, const struct plm_error *err)
{
    plm_timer_stop(plm_pull_loop(pull), &pull->kick);
    plm_timer_stop(plm_pull_loop(pull), &pull->tick);
    pull->is_over = true;
    pull->part.over(pull->part.ctx, err);
}

static void end_well(struct plm_pull *pull)
{
    struct plm_job *job = pull->job;
    if (pull->part.over) {
        tell_over(pull, NULL);
        return;
    }
    int64_t elapsed = plm_os_monotonic_ms() - job->started_ms; /* committing took its time too */
    struct plm_event event = {
        .kind = PLM_EV_COMPLETED,
        .completed = {.total_size = pull->total,
                      .fetched = pull->received,
                      .blob_count = (uint32_t)pull->count,
                      .elapsed_ms = elapsed,
                      .bytes_per_second =
                          elapsed > 0 ? pull->received * 1000 / (uint64_t)elapsed : 0,
                      .up_to_date = pull->received == 0 && !pull->wrote_manifest && !job->dry_run,
                      .dry_run = job->dry_run}};
    plm_job_end(job, &event, NULL);
}

static void step_ending(struct plm_pull *pull)
{
    bool closed = true;
    plm_batch_run(&pull->batch, true);
    plm_pull_leave_store(pull);
    for (size_t i = 0; i < pull->count; i++) {
        struct plm_download *d = &pull->downloads[i];
        plm_download_close(d);
        if (!plm_download_is_closed(d))
            closed = false;
        else
            plm_download_done(d);
    }
    if (!closed || (pull->feed && pull->feed->busy))
        return;
    plm_pull_say_needed(pull);
    if (pull->part.over)
        tell_over(pull, &pull->error);
    else
        plm_job_end(pull->job, NULL, &pull->error);
}

static void step_committing(struct plm_pull *pull)
{
    enum plm_commit_result result;
    struct plm_error err = {0};
    if (!plm_pull_commit(pull, &result, &err))
        plm_pull_fail(pull, &err);
    else if (result == PLM_COMMIT_TURN)
        plm_pull_kick(pull);
    else if (result == PLM_COMMIT_WAIT)
        plm_timer_start(plm_pull_loop(pull), &pull->kick, COMMIT_RETRY_MS);
    else
        end_well(pull);
}

static void step_transferring(struct plm_pull *pull)
{
    if (!plm_pull_schedule(pull) ||
        (pull->part.may_publish && !pull->part.may_publish(pull->part.ctx)))
        return;
    for (size_t i = 0; i < pull->count; i++)
        if (pull->downloads[i].dirty)
            plm_pull_show_progress(pull, &pull->downloads[i]);
    pull->state = PLM_PULL_COMMITTING;
    plm_pull_kick(pull);
}

static void step_nothing(struct plm_pull *pull)
{
    (void)pull;
}

typedef void (*step_fn)(struct plm_pull *pull);

static const step_fn steps[PLM_PULL_STATES] = {
    [PLM_PULL_RESOLVING] = step_nothing, /* the manifest's callback moves it on */
    [PLM_PULL_TRANSFERRING] = step_transferring,
    [PLM_PULL_COMMITTING] = step_committing,
    [PLM_PULL_ENDING] = step_ending,
};

static void on_kick(void *ctx)
{
    struct plm_pull *pull = ctx;
    if (!pull->job->ended && !pull->is_over)
        steps[pull->state](pull);
}

static void on_tick(void *ctx)
{
    struct plm_pull *pull = ctx;
    plm_timer_start(plm_pull_loop(pull), &pull->tick, TICK_MS);
    plm_meter_add(&pull->meter, plm_loop_now(plm_pull_loop(pull)), pull->received);
    plm_pull_look_at_lanes(pull);
    for (size_t i = 0; i < pull->open_count; i++)
        if (pull->open[i]->dirty)
            plm_pull_show_progress(pull, pull->open[i]);
    if (pull->state == PLM_PULL_TRANSFERRING)
        plm_pull_kick(pull);
}

/* ---- the beginning ---- */

static bool make_downloads(struct plm_pull *pull, struct plm_error *err)
{
    struct plm_descriptor *blobs = NULL;
    if (!plm_manifest_blobs(pull->manifest, &blobs, &pull->count, err))
        return false;
    pull->downloads = calloc(pull->count ? pull->count : 1, sizeof(*pull->downloads));
    if (!pull->downloads) {
        free(blobs);
        pull->count = 0;
        return plm_fail(err, PLM_E_NOMEM, "no memory for %zu blobs", pull->count);
    }
    for (size_t i = 0; i < pull->count; i++) {
        plm_download_init(&pull->downloads[i], pull, (uint32_t)i, &blobs[i]);
        pull->total += blobs[i].size;
    }
    free(blobs);
    return true;
}

void plm_pull_transfer(struct plm_pull *pull)
{
    pull->state = PLM_PULL_TRANSFERRING;
    plm_timer_start(plm_pull_loop(pull), &pull->tick, TICK_MS);
    plm_pull_kick(pull);
}

bool plm_pull_begin(struct plm_pull *pull, struct plm_error *err)
{
    if (!make_downloads(pull, err))
        return false;
    struct plm_event fetched = {.kind = pull->feed ? PLM_EV_MANIFEST_READ : PLM_EV_MANIFEST_FETCHED,
                                .manifest = {.blob_count = (uint32_t)pull->count,
                                             .total_size = pull->total,
                                             .digest = &pull->manifest->digest}};
    if (!pull->feed || !pull->job->dry_run)
        plm_job_emit(pull->job, &fetched);
    struct plm_event plan = {.kind = PLM_EV_PLAN};
    bool fits = plm_pull_preflight(pull, &plan.plan, err);
    if (fits || err->code == PLM_E_NOSPACE)
        plm_job_emit(pull->job, &plan);
    if (!fits)
        return false;
    if (pull->job->dry_run) {
        end_well(pull);
        return true;
    }
    plm_need_declare(&pull->job->engine->store, pull->manifest->raw, pull->manifest->raw_size,
                     &pull->need);
    plm_pull_transfer(pull);
    return true;
}

bool plm_pull_new_empty(struct plm_job *job, struct plm_pull **out, struct plm_error *err)
{
    struct plm_pull *pull = calloc(1, sizeof(*pull));
    if (!pull)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a pull");
    pull->job = job;
    pull->need = PLM_NEED_INIT;
    plm_lanes_init(&pull->lanes, 1, 1);
    pull->batch.pull = pull;
    pull->kick = (struct plm_timer){.fire = on_kick, .ctx = pull};
    pull->tick = (struct plm_timer){.fire = on_tick, .ctx = pull};
    *out = pull;
    return true;
}

bool plm_pull_new(struct plm_job *job, const struct plm_ref *ref, struct plm_pull **out,
                  struct plm_error *err)
{
    struct plm_engine *engine = job->engine;
    struct plm_pull *pull = NULL;
    if (!plm_pull_new_empty(job, &pull, err))
        return false;
    unsigned fixed = engine->options.connections;
    plm_lanes_init(&pull->lanes, fixed ? fixed : PLM_LANES_LEAST, fixed ? fixed : PLM_LANES_MOST);
    struct plm_registry_options options = {.key_path = engine->key_path,
                                           .credential = plm_engine_credential(engine, ref),
                                           .max_retries = engine->options.max_retries,
                                           .timeout_ms = engine->options.timeout_ms,
                                           .insecure = engine->options.insecure,
                                           .notice = on_notice,
                                           .notice_ctx = pull};
    if (!plm_engine_network(engine, err) || !plm_engine_workers(engine, err) ||
        !plm_registry_new(engine->http, ref, &options, &pull->registry, err) ||
        !plm_mirrors_open(&pull->mirrors, engine, ref, &options, err)) {
        plm_pull_free(pull);
        return false;
    }
    *out = pull;
    return true;
}

static bool start(struct plm_job *job, struct plm_error *err)
{
    const struct plm_store *store = &job->engine->store;
    struct plm_pull *pull = NULL;
    plm_job_emit_kind(job, PLM_EV_PULL_START);
    if ((store->blobs_fd >= 0 && !job->dry_run && !plm_blobs_migrate(store, err)) ||
        !plm_pull_new(job, &job->ref, &pull, err))
        return false;
    job->state = pull;
    if (job->manifest)
        return plm_manifest_parse(job->manifest, job->manifest_size, &pull->manifest, err) &&
               plm_pull_begin(pull, err);
    plm_job_emit_kind(job, PLM_EV_MANIFEST_FETCH_START);
    return plm_pull_ask_for_manifest(pull, job->ref.has_digest ? &job->ref.digest : NULL, err);
}

static void stop(struct plm_job *job)
{
    struct plm_pull *pull = job->state;
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request");
    plm_pull_fail(pull, &err);
}

void plm_pull_free(struct plm_pull *pull)
{
    if (!pull)
        return;
    plm_timer_stop(plm_pull_loop(pull), &pull->kick);
    plm_timer_stop(plm_pull_loop(pull), &pull->tick);
    for (size_t i = 0; i < pull->count; i++)
        plm_download_done(&pull->downloads[i]);
    plm_batch_done(&pull->batch);
    plm_need_drop(&pull->need);
    plm_mirrors_close(&pull->mirrors);
    plm_registry_free(pull->registry);
    plm_manifest_free(pull->manifest);
    free(pull->downloads);
    free(pull);
}

static void release(struct plm_job *job)
{
    plm_pull_free(job->state);
}

static bool prepare(struct plm_job *job, struct plm_error *err)
{
    return plm_mirrors_find_credentials(job->engine, err);
}

const struct plm_job_kind plm_pull_kind = {
    .prepare = prepare,
    .verb = PLM_VERB_PULL,
    .is_recorded = true,
    .makes_store = true,
    .needs_ref = true,
    .needs_network = true,
    .start = start,
    .stop = stop,
    .free = release,
};
