/* Adoption: a GGUF file of the user's becomes a model, hashed once and copied only if it must be.
 */
#include "engine/adoption.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pullama/text.h"

#define TICK_MS 100
#define LOCK_RETRY_MS 100

static void kick(struct plm_adoption *a)
{
    if (!a->kick.armed)
        plm_timer_start(a->job->engine->loop, &a->kick, 0);
}

static void on_worker(void *ctx)
{
    kick(ctx);
}

static void fail(struct plm_adoption *a, const struct plm_error *err)
{
    if (a->error.code == PLM_OK)
        a->error = *err;
    if (a->seed && a->seed->busy)
        plm_seed_cancel(a->seed);
    if (a->is_hashing)
        plm_frontier_cancel(&a->frontier);
    kick(a);
}

/* ---- placed → hashed → synced → published ---- */

static void run_sync(struct plm_work *work)
{
    struct plm_adoption *a =
        (struct plm_adoption *)(void *)((char *)work - offsetof(struct plm_adoption, sync));
    a->is_synced = plm_os_sync_file(a->fd, &a->sync_err);
}

static void synced(struct plm_work *work)
{
    struct plm_adoption *a =
        (struct plm_adoption *)(void *)((char *)work - offsetof(struct plm_adoption, sync));
    a->is_syncing = false;
    if (!a->is_synced)
        fail(a, &a->sync_err);
    kick(a);
}

static bool begin_hashing(struct plm_adoption *a, struct plm_error *err)
{
    if (!plm_os_fd_status(a->fd, &a->status, err) ||
        !plm_frontier_init(&a->frontier, a->job->engine->workers, a->fd, true, on_worker, a, err))
        return false;
    a->is_hashing = true;
    a->weights = (struct plm_descriptor){.size = a->status.size,
                                         .media = "application/vnd.ollama.image.model"};
    plm_frontier_push(&a->frontier, a->status.size, true);
    kick(a); /* nothing may be left to hash */
    return true;
}

static bool end_hashing(struct plm_adoption *a, struct plm_error *err)
{
    bool ok = plm_frontier_digest(&a->frontier, &a->weights.digest, err) &&
              plm_adoption_is_unchanged(a, err);
    plm_frontier_done(&a->frontier);
    a->is_hashing = false;
    if (!ok)
        return false;
    a->sync = (struct plm_work){.run = run_sync, .done = synced};
    a->is_syncing = true;
    plm_workers_submit(a->job->engine->workers, &a->sync);
    return true;
}

static bool end_copying(struct plm_adoption *a, struct plm_error *err)
{
    struct plm_seed *seed = a->seed;
    bool ok = seed->ok;
    if (!ok)
        *err = seed->err;
    else if (plm_spans_total(&seed->copied) != seed->size)
        ok = plm_fail(err, PLM_E_IO, "%s cannot be read as a whole", a->path);
    plm_seed_free(seed);
    a->seed = NULL;
    return ok && begin_hashing(a, err);
}

static void end_well(struct plm_adoption *a)
{
    struct plm_event event = {
        .completed = {.total_size = a->weights.size,
                      .blob_count = 1,
                      .elapsed_ms = plm_loop_now(a->job->engine->loop) - a->job->started_ms}};
    plm_adoption_drop(a);
    plm_job_end(a->job, &event, NULL);
}

static void commit(struct plm_adoption *a)
{
    struct plm_engine *engine = a->job->engine;
    struct plm_error err = {0};
    if (!plm_engine_lock_store(engine, &err)) {
        if (err.code != PLM_E_BUSY) {
            fail(a, &err);
            return;
        }
        struct plm_event event = {
            .kind = PLM_EV_LOCK_WAITING,
            .waiting = {.pid = plm_lock_holder(engine->store.state_fd, PLM_STORE_LOCK)}};
        if (!a->told_of_lock)
            plm_job_emit(a->job, &event);
        a->told_of_lock = true;
        plm_timer_start(engine->loop, &a->kick, LOCK_RETRY_MS);
        return;
    }
    bool ok = plm_adoption_commit(a, &err);
    plm_engine_unlock_store(engine);
    if (ok)
        end_well(a);
    else
        fail(a, &err);
}

static void show_progress(struct plm_adoption *a)
{
    uint64_t done = a->is_hashing ? atomic_load(&a->frontier.hashed) : a->weights.size;
    struct plm_event event = {
        .kind = PLM_EV_PROGRESS,
        .progress = {.blob_done = done,
                     .blob_total = a->weights.size,
                     .overall_done = done,
                     .overall_total = a->weights.size,
                     .bytes_per_second = plm_meter_rate(&a->meter),
                     .eta_ms = plm_meter_eta_ms(&a->meter, a->weights.size - done)}};
    plm_job_emit(a->job, &event);
}

static void on_tick(void *ctx)
{
    struct plm_adoption *a = ctx;
    plm_timer_start(a->job->engine->loop, &a->tick, TICK_MS);
    if (!a->is_hashing || a->error.code)
        return;
    plm_meter_add(&a->meter, plm_loop_now(a->job->engine->loop), atomic_load(&a->frontier.hashed));
    show_progress(a);
}

static bool is_busy(const struct plm_adoption *a)
{
    return (a->seed && a->seed->busy) || (a->is_hashing && a->frontier.busy) || a->is_syncing;
}

static void on_kick(void *ctx)
{
    struct plm_adoption *a = ctx;
    struct plm_error err = {0};
    bool ok = true;
    if (a->job->ended || is_busy(a))
        return;
    if (a->error.code) {
        plm_adoption_drop(a);
        plm_job_end(a->job, NULL, &a->error);
        return;
    }
    if (a->seed)
        ok = end_copying(a, &err);
    else if (a->is_hashing && a->frontier.failed)
        ok = plm_fail(&err, a->frontier.err.code, "%s", a->frontier.err.msg);
    else if (a->is_hashing && atomic_load(&a->frontier.hashed) == a->status.size)
        ok = end_hashing(a, &err);
    else if (a->is_synced)
        commit(a);
    if (!ok)
        fail(a, &err);
}

/* ---- the beginning ---- */

static void release(struct plm_job *job)
{
    struct plm_adoption *a = job->state;
    if (!a)
        return;
    plm_timer_stop(job->engine->loop, &a->kick);
    plm_timer_stop(job->engine->loop, &a->tick);
    plm_seed_free(a->seed);
    if (a->is_hashing)
        plm_frontier_done(&a->frontier);
    plm_adoption_drop(a);
    if (a->has_gguf)
        plm_gguf_done(&a->gguf);
    plm_os_close(a->source);
    free(a->path);
    free(a);
    job->state = NULL;
}

static bool open_source(struct plm_adoption *a, struct plm_error *err)
{
    char shown[256];
    const char *file = a->job->model ? a->job->model : "";
    struct plm_error why = {0};
    struct plm_file_status status = {.type = PLM_FILE_NONE};
    if (!plm_os_absolute_path(file, &a->path, &why) ||
        !plm_os_status(plm_os_cwd(), a->path, &status, &why) || status.type == PLM_FILE_DIRECTORY ||
        !plm_os_open(plm_os_cwd(), a->path, PLM_OPEN_READ, &a->source, &why) ||
        !plm_os_fd_status(a->source, &status, &why) ||
        !plm_adoption_read(a->source, status.size, &a->gguf, &why)) {
        (void)plm_text_printable(file, shown, sizeof(shown));
        if (why.code == PLM_E_NOT_FOUND)
            return plm_fail(err, PLM_E_USAGE, "there is no file %s", shown);
        if (why.code == PLM_OK)
            return plm_fail(err, PLM_E_USAGE, "%s is a folder; name a file in it", shown);
        *err = why;
        err->sys_errno = 0; /* nothing of the store */
        return plm_prefix(err, "%s", shown);
    }
    a->has_gguf = true;
    return true;
}

static bool fill(struct plm_job *job, struct plm_error *err)
{
    struct plm_adoption *a = job->state;
    if (!plm_ref_parse(job->target ? job->target : "", &job->ref, err))
        return plm_prefix(err, "--as");
    if (job->ref.has_digest)
        return plm_fail(err, PLM_E_USAGE, "--as takes a name without a digest");
    job->has_ref = true;
    if (!open_source(a, err))
        return false;
    return job->dry_run || !job->link ||
           (plm_adoption_reserve(a, err) && plm_adoption_link(a, err));
}

/* Before the process is confined: the file lies anywhere, and so does its second name's directory.
 */
static bool prepare(struct plm_job *job, struct plm_error *err)
{
    if (job->state)
        return true;
    struct plm_adoption *a = calloc(1, sizeof(*a));
    if (!a)
        return plm_fail(err, PLM_E_NOMEM, "no memory to adopt a file");
    a->job = job;
    a->source = a->fd = -1;
    a->lock = PLM_LOCK_INIT;
    a->kick = (struct plm_timer){.fire = on_kick, .ctx = a};
    a->tick = (struct plm_timer){.fire = on_tick, .ctx = a};
    job->state = a;
    if (fill(job, err))
        return true;
    release(job);
    return false;
}

static bool place(struct plm_adoption *a, uint64_t size, struct plm_error *err)
{
    bool is_whole = a->placement == PLM_PLACED_LINK;
    if (!is_whole && (!plm_adoption_reserve(a, err) || !plm_adoption_make(a, &is_whole, err)))
        return false;
    if (is_whole)
        return begin_hashing(a, err);
    int source = a->source;
    a->source = -1; /* the copying takes it over */
    if (!plm_seed_new(source, a->fd, size, on_worker, a, &a->seed, err))
        return false;
    plm_seed_start(a->seed, a->job->engine->workers);
    return true;
}

static bool start(struct plm_job *job, struct plm_error *err)
{
    struct plm_adoption *a = job->state;
    struct plm_file_status status;
    if (!plm_engine_workers(job->engine, err) || !plm_os_fd_status(a->source, &status, err))
        return false;
    struct plm_event event = {
        .kind = PLM_EV_ADOPT_START,
        .placed = {
            .path = a->path, .how = a->placement, .size = status.size, .dry_run = job->dry_run}};
    plm_job_emit(job, &event);
    if (job->dry_run) {
        plm_job_complete(job);
        return true;
    }
    plm_timer_start(job->engine->loop, &a->tick, TICK_MS);
    return place(a, status.size, err);
}

static void stop(struct plm_job *job)
{
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request");
    fail(job->state, &err);
}

static const char *hint(const struct plm_error *err)
{
    return err->code == PLM_E_CORRUPT ? "copy or fetch the file again; nothing of it was taken over"
                                      : NULL;
}

const struct plm_job_kind plm_adoption_kind = {
    .is_recorded = true,
    .verb = PLM_VERB_ADOPT,
    .hint = hint,
    .makes_store = true,
    .prepare = prepare,
    .start = start,
    .stop = stop,
    .free = release,
};
