/* Push: a model of the store to a registry, one way through. */
#include "engine/push.h"

#include <stdlib.h>
#include <string.h>

#include "engine/lanes.h"
#include "os/os.h"
#include "store/blobs.h"

#define TICK_MS 100
#define LOCK_RETRY_MS 300

struct plm_loop *plm_push_loop(const struct plm_push *push)
{
    return push->job->engine->loop;
}

void plm_push_kick(struct plm_push *push)
{
    if (!push->kick.armed)
        plm_timer_start(plm_push_loop(push), &push->kick, 0);
}

void plm_push_fail(struct plm_push *push, const struct plm_error *err)
{
    if (push->error.code == PLM_OK) {
        push->error = *err;
        if (push->error.code == PLM_OK)
            (void)plm_fail(&push->error, PLM_E_INTERNAL, "a failure without a cause");
    }
    push->state = PLM_PUSH_ENDING;
    plm_push_kick(push);
}

/* ---- events ---- */

void plm_push_emit(struct plm_push *push, const struct plm_upload *u, struct plm_event *event)
{
    event->blob = (struct plm_event_blob){
        .want = &u->want, .index = u->index + 1, .total = (uint32_t)push->count};
    plm_job_emit(push->job, event);
}

static void emit_manifest(struct plm_push *push, enum plm_event_kind kind)
{
    struct plm_event event = {.kind = kind,
                              .manifest = {.blob_count = (uint32_t)push->count,
                                           .total_size = push->total,
                                           .digest = &push->manifest->digest}};
    plm_job_emit(push->job, &event);
}

static void emit_pushed(struct plm_push *push, enum plm_event_kind kind)
{
    struct plm_event event = {.kind = kind, .pushed = {.to = &push->target}};
    plm_job_emit(push->job, &event);
}

static uint64_t overall_done(struct plm_push *push)
{
    uint64_t done = 0;
    for (size_t i = 0; i < push->count; i++)
        done += push->uploads[i].done;
    if (done > push->shown)
        push->shown = done;
    return push->shown;
}

static void show_progress(struct plm_push *push, struct plm_upload *u)
{
    uint64_t overall = overall_done(push);
    u->dirty = false;
    if (u->done > u->shown)
        u->shown = u->done;
    struct plm_event event = {
        .kind = PLM_EV_PROGRESS,
        .progress = {.blob_done = u->shown,
                     .blob_total = u->want.size,
                     .overall_done = overall,
                     .overall_total = push->total,
                     .bytes_per_second = plm_meter_rate(&push->meter),
                     .eta_ms = plm_meter_eta_ms(&push->meter, push->total - overall),
                     .connections = push->active}};
    plm_push_emit(push, u, &event);
}

static void on_notice(void *ctx, const struct plm_event_retry *retry, bool refresh)
{
    struct plm_push *push = ctx;
    struct plm_event event = {.kind = refresh ? PLM_EV_REFRESH : PLM_EV_RETRY, .retry = *retry};
    plm_job_emit(push->job, &event);
}

/* ---- retries ---- */

bool plm_push_may_retry(struct plm_push *push, int *attempts, int64_t *since_ms)
{
    if ((*attempts)++ == 0 || push->last_byte_ms > *since_ms) {
        *attempts = 1;
        *since_ms = plm_loop_now(plm_push_loop(push));
    }
    return *attempts <= push->job->engine->options.max_retries;
}

int64_t plm_push_tell_retry(struct plm_push *push, const struct plm_upload *u,
                            const struct plm_upload_answer *answer, int attempt)
{
    uint64_t random = 0;
    (void)!plm_os_random(&random, sizeof(random), NULL); /* without it the delay is the shortest */
    int64_t delay = plm_retry_delay(attempt - 1, random);
    if (answer->retry_after_ms > delay)
        delay = answer->retry_after_ms;
    struct plm_event event = {.kind = PLM_EV_RETRY,
                              .retry = {.reason = answer->reason,
                                        .what = "blob",
                                        .host = answer->host,
                                        .detail = answer->error->msg,
                                        .attempt = attempt,
                                        .max_attempts = push->job->engine->options.max_retries,
                                        .delay_ms = delay,
                                        .http_status = answer->error->http_status,
                                        .retry_after = answer->retry_after_ms >= 0}};
    plm_push_emit(push, u, &event);
    return delay;
}

/* ---- the end ---- */

static void end_well(struct plm_push *push, bool up_to_date)
{
    struct plm_job *job = push->job;
    int64_t elapsed = plm_loop_now(plm_push_loop(push)) - job->started_ms;
    struct plm_event event = {
        .kind = PLM_EV_COMPLETED,
        .completed = {.total_size = push->total,
                      .sent = push->sent,
                      .blob_count = (uint32_t)push->count,
                      .elapsed_ms = elapsed,
                      .bytes_per_second = elapsed > 0 ? push->sent * 1000 / (uint64_t)elapsed : 0,
                      .up_to_date = up_to_date,
                      .dry_run = job->dry_run}};
    plm_push_record_close(push);
    plm_job_end(job, &event, NULL);
}

static void say_rights(struct plm_push *push)
{
    char name[PLM_REF_TEXT];
    if (push->error.code == PLM_E_AUTH)
        (void)plm_prefix(&push->error, "no right to push to %s",
                         plm_ref_format(&push->target, name));
}

static void step_ending(struct plm_push *push)
{
    bool closed = true;
    for (size_t i = 0; i < push->high; i++) {
        plm_upload_close(&push->uploads[i]);
        closed = closed && plm_upload_is_closed(&push->uploads[i]);
    }
    if (!plm_push_record_settle(push) || !closed)
        return;
    say_rights(push);
    plm_push_record_close(push);
    plm_job_end(push->job, NULL, &push->error);
}

/* ---- the manifest ---- */

static void on_manifest_put(void *ctx, const struct plm_upload_answer *answer)
{
    struct plm_push *push = ctx;
    struct plm_error err = {0};
    if (push->state == PLM_PUSH_ENDING)
        return;
    if (answer->said != PLM_SAID_HAS) {
        err = *answer->error;
        if (err.code == PLM_E_NOT_FOUND)
            err.code = PLM_E_HTTP;
        plm_push_fail(push, &err);
        return;
    }
    emit_manifest(push, PLM_EV_MANIFEST_PUSHED);
    end_well(push, false);
}

static void put_manifest(struct plm_push *push)
{
    struct plm_error err = {0};
    const struct plm_manifest *manifest = push->manifest;
    emit_pushed(push, PLM_EV_MANIFEST_PUSH_START);
    if (!plm_registry_put_manifest(push->registry, manifest->raw, manifest->raw_size, push->media,
                                   &manifest->digest, on_manifest_put, push, &err))
        plm_push_fail(push, &err);
}

/* All blobs were there: maybe the manifest is, too. That it cannot be had is no failure. */
static void on_manifest_got(void *ctx, const struct plm_http_outcome *answer,
                            const struct plm_error *error)
{
    struct plm_push *push = ctx;
    const struct plm_manifest *manifest = push->manifest;
    if (push->state == PLM_PUSH_ENDING)
        return;
    if (!error && answer->body.size == manifest->raw_size &&
        memcmp(answer->body.bytes, manifest->raw, manifest->raw_size) == 0)
        end_well(push, true);
    else
        put_manifest(push);
}

static void step_committing(struct plm_push *push)
{
    struct plm_error err = {0};
    if (!plm_push_record_settle(push) || push->asked_for_manifest)
        return;
    push->asked_for_manifest = true;
    if (push->changed)
        put_manifest(push);
    else if (!plm_registry_get_manifest(push->registry, NULL, on_manifest_got, push, &err))
        plm_push_fail(push, &err);
}

/* ---- sending ---- */

static bool start_one(struct plm_push *push)
{
    for (size_t i = push->low; i < push->high; i++) {
        if (plm_upload_start_part(&push->uploads[i]))
            return true;
        if (push->error.code)
            return false;
    }
    return false;
}

static void begin_more(struct plm_push *push)
{
    while (push->high < push->count && push->running < push->pace.allowed && !push->error.code) {
        struct plm_upload *u = &push->uploads[push->high++];
        if (u->state != PLM_UPLOAD_ABSENT)
            continue;
        plm_upload_begin(u);
        plm_upload_advance(u);
    }
}

static void step_transferring(struct plm_push *push)
{
    for (size_t i = push->low; i < push->high && !push->error.code; i++)
        plm_upload_advance(&push->uploads[i]);
    if (!push->error.code)
        begin_more(push);
    while (!push->error.code && push->active < push->pace.allowed && start_one(push))
        ;
    while (push->low < push->high && push->uploads[push->low].state == PLM_UPLOAD_PRESENT)
        push->low++;
    (void)!plm_push_record_settle(push); /* asked for again when it is written */
    if (push->error.code || push->low < push->count)
        return;
    push->state = PLM_PUSH_COMMITTING;
    plm_push_kick(push);
}

/* ---- looking ---- */

static void step_looking(struct plm_push *push)
{
    struct plm_error err = {0};
    while (push->looked < push->count && push->looking < push->connections && !push->error.code)
        plm_upload_look(&push->uploads[push->looked++]);
    if (push->error.code || push->looking > 0 || push->looked < push->count)
        return;
    if (!plm_push_make_plan(push, &err)) {
        plm_push_fail(push, &err);
    } else if (push->job->dry_run) {
        end_well(push, false);
    } else {
        push->state = PLM_PUSH_TRANSFERRING;
        plm_push_kick(push);
    }
}

static void step_locking(struct plm_push *push)
{
    struct plm_error err = {0};
    if (plm_push_record_open(push, &err)) {
        push->state = PLM_PUSH_LOOKING;
        plm_push_kick(push);
        return;
    }
    if (err.code != PLM_E_BUSY) {
        plm_push_fail(push, &err);
        return;
    }
    if (!push->told_of_lock) {
        char lock[PLM_PUSH_NAME] = "";
        struct plm_event event = {.kind = PLM_EV_LOCK_WAITING};
        if (plm_push_name(plm_registry_address(push->registry), PLM_PUSH_LOCK, lock, &err))
            event.waiting.pid = plm_lock_holder(push->job->engine->store.state_fd, lock);
        push->told_of_lock = true;
        plm_job_emit(push->job, &event);
    }
    plm_timer_start(plm_push_loop(push), &push->kick, LOCK_RETRY_MS);
}

typedef void (*step_fn)(struct plm_push *push);

static const step_fn steps[PLM_PUSH_STATES] = {
    [PLM_PUSH_LOCKING] = step_locking,
    [PLM_PUSH_LOOKING] = step_looking,
    [PLM_PUSH_TRANSFERRING] = step_transferring,
    [PLM_PUSH_COMMITTING] = step_committing,
    [PLM_PUSH_ENDING] = step_ending,
};

static void on_kick(void *ctx)
{
    struct plm_push *push = ctx;
    if (!push->job->ended)
        steps[push->state](push);
}

static void on_tick(void *ctx)
{
    struct plm_push *push = ctx;
    plm_timer_start(plm_push_loop(push), &push->tick, TICK_MS);
    plm_meter_add(&push->meter, plm_loop_now(plm_push_loop(push)), push->sent);
    for (size_t i = push->low; i < push->high; i++)
        if (push->uploads[i].dirty)
            show_progress(push, &push->uploads[i]);
}

/* ---- the beginning ---- */

static bool open_registry(struct plm_push *push, struct plm_error *err)
{
    struct plm_engine *engine = push->job->engine;
    struct plm_registry_options options = {.key_path = engine->key_path,
                                           .credential = plm_job_credential(push->job),
                                           .max_retries = engine->options.max_retries,
                                           .timeout_ms = engine->options.timeout_ms,
                                           .insecure = engine->options.insecure,
                                           .notice = on_notice,
                                           .notice_ctx = push};
    return plm_engine_network(engine, err) && plm_engine_workers(engine, err) &&
           plm_registry_new(engine->http, &push->target, &options, &push->registry, err);
}

static bool start(struct plm_job *job, struct plm_error *err)
{
    struct plm_engine *engine = job->engine;
    struct plm_push *push = calloc(1, sizeof(*push));
    struct plm_error ignored = {0};
    if (!push)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a push");
    job->state = push;
    push->job = job;
    push->connections = engine->options.connections ? engine->options.connections : PLM_LANES_LEAST;
    plm_push_pace_init(&push->pace, push->connections);
    push->record.state_fd = -1;
    push->record.disabled = true; /* until it is open */
    push->record.lock = PLM_LOCK_INIT;
    push->kick = (struct plm_timer){.fire = on_kick, .ctx = push};
    push->tick = (struct plm_timer){.fire = on_tick, .ctx = push};
    if (!plm_push_find_target(push, err))
        return false;
    emit_pushed(push, PLM_EV_PUSH_START);
    if (engine->store.blobs_fd >= 0 && !job->dry_run)
        (void)!plm_blobs_migrate(&engine->store,
                                 &ignored); /* what it could not, is missing later */
    if (!plm_push_read_model(push, err) || !plm_push_find_mounts(push, err) ||
        !open_registry(push, err))
        return false;
    emit_manifest(push, PLM_EV_MANIFEST_READ);
    plm_timer_start(plm_push_loop(push), &push->tick, TICK_MS);
    plm_push_kick(push);
    return true;
}

static void stop(struct plm_job *job)
{
    struct plm_push *push = job->state;
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request");
    plm_push_fail(push, &err);
}

static void release(struct plm_job *job)
{
    struct plm_push *push = job->state;
    if (!push)
        return;
    plm_timer_stop(job->engine->loop, &push->kick);
    plm_timer_stop(job->engine->loop, &push->tick);
    for (size_t i = 0; i < push->count; i++)
        plm_upload_done(&push->uploads[i]);
    plm_push_record_close(push);
    plm_registry_free(push->registry);
    plm_manifest_free(push->manifest);
    free(push->uploads);
    free(push);
}

static const char *hint(const struct plm_error *err)
{
    if (err->code == PLM_E_AUTH)
        return "push to a namespace of your own with --as; pullama keygen shows the key that the "
               "registry must know, pullama login keeps a password for it";
    return err->code == PLM_E_INTEGRITY || err->code == PLM_E_CORRUPT
               ? "remove the model and pull it again, or build it anew, then push it"
               : NULL;
}

const struct plm_job_kind plm_push_kind = {
    .is_recorded = true,
    .verb = PLM_VERB_PUSH,
    .hint = hint,
    .needs_ref = true,
    .needs_network = true,
    .keeps_state = true,
    .start = start,
    .stop = stop,
    .free = release,
};
