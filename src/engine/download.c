/* Downloads: one blob's state machine, from planned to staged. */
#include "engine/download.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/download_private.h"
#include "engine/pull.h"
#include "engine/seed.h"
#include "store/blobs.h"

#define WAIT_MS 300
#define SYNC_BYTES (UINT64_C(48) << 20)
#define SYNC_MS 1500
#define SYNC_SLOW_MS 10000

static int64_t now_of(const struct plm_download *d)
{
    return plm_loop_now(plm_pull_loop(d->pull));
}

static void kick(void *ctx)
{
    plm_pull_kick(((struct plm_download *)ctx)->pull);
}

void plm_download_init(struct plm_download *d, struct plm_pull *pull, uint32_t index,
                       const struct plm_descriptor *want)
{
    *d = (struct plm_download){.pull = pull,
                               .want = *want,
                               .index = index,
                               .mirror = -1,
                               .check_fd = -1,
                               .timer = {.fire = kick}};
    d->timer.ctx = d;
}

/* ---- syncs ---- */

static void run_sync(struct plm_work *work)
{
    struct plm_download_sync *sync = (struct plm_download_sync *)(void *)work; /* first member */
    plm_partial_sync_run(&sync->partial);
}

static void free_sync(struct plm_download *d)
{
    if (d->sync)
        plm_partial_sync_drop(&d->sync->partial);
    free(d->sync);
    d->sync = NULL;
}

static void sync_done(struct plm_work *work)
{
    struct plm_download *d = ((struct plm_download_sync *)(void *)work)->download;
    struct plm_error err = {0};
    bool ok = plm_partial_sync_finish(d->partial, &d->sync->partial, &err);
    free_sync(d);
    if (ok) {
        struct plm_event event = {.kind = PLM_EV_CHECKPOINT_SAVED,
                                  .checkpoint = {.durable = plm_spans_total(&d->partial->durable)}};
        plm_pull_emit(d->pull, d, &event);
    } else if (!d->closing) {
        plm_pull_fail(d->pull, &err);
    }
    plm_pull_kick(d->pull);
}

void plm_download_sync(struct plm_download *d)
{
    struct plm_error err = {0};
    if (d->sync)
        return;
    d->unsynced = 0;
    d->sync = calloc(1, sizeof(*d->sync));
    if (!d->sync && !plm_fail(&err, PLM_E_NOMEM, "no memory for a sync")) {
        plm_pull_fail(d->pull, &err);
        return;
    }
    d->sync->download = d;
    d->sync->work = (struct plm_work){.run = run_sync, .done = sync_done};
    if (!plm_partial_sync_prepare(d->partial, &d->sync->partial, &err)) {
        free_sync(d);
        plm_pull_fail(d->pull, &err);
        return;
    }
    d->synced_ms = now_of(d);
    plm_workers_submit(d->pull->job->engine->workers, &d->sync->work);
}

static bool is_sync_due(const struct plm_download *d)
{
    int64_t age = now_of(d) - d->synced_ms;
    return (d->unsynced >= SYNC_BYTES && age >= SYNC_MS) ||
           (d->unsynced > 0 && age >= SYNC_SLOW_MS);
}

/* ---- opening ---- */

static bool start_frontier(struct plm_download *d, int fd, bool write_behind, struct plm_error *err)
{
    d->frontier = calloc(1, sizeof(*d->frontier));
    if (!d->frontier)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a hash");
    return plm_frontier_init(d->frontier, d->pull->job->engine->workers, fd, write_behind, kick, d,
                             err);
}

void plm_download_drop_frontier(struct plm_download *d)
{
    if (d->frontier)
        plm_frontier_done(d->frontier);
    free(d->frontier);
    d->frontier = NULL;
}

static void set_present(struct plm_download *d)
{
    d->state = PLM_DOWNLOAD_PRESENT;
    d->done = d->want.size;
    plm_partial_sweep(&d->pull->job->engine->store, &d->want.digest);
    plm_pull_emit_kind(d->pull, d, PLM_EV_BLOB_CACHED);
}

static void tell_found(struct plm_download *d, const struct plm_partial_found *found)
{
    uint64_t here = plm_spans_total(&d->partial->written);
    if (found->corrupt[0]) {
        struct plm_event event = {.kind = PLM_EV_CHECKPOINT_CORRUPT,
                                  .text = {.message = found->corrupt}};
        plm_pull_emit(d->pull, d, &event);
    }
    if (found->adopted) {
        struct plm_event event = {.kind = PLM_EV_BLOB_ADOPTED,
                                  .adopted = {found->adopted, found->adopted_bytes}};
        plm_pull_emit(d->pull, d, &event);
    }
    if (here > 0) {
        struct plm_event event = {.kind = PLM_EV_BLOB_RESUMED,
                                  .resumed = {here, plm_spans_prefix(&d->partial->written)}};
        plm_pull_emit(d->pull, d, &event);
    }
}

static void start_waiting(struct plm_download *d)
{
    struct plm_event event = {.kind = PLM_EV_BLOB_WAITING};
    struct plm_error quiet = {0};
    uint64_t done = 0;
    long pid = 0;
    if (!plm_partial_peek(&d->pull->job->engine->store, &d->want, &done, &pid, &quiet))
        done = 0;
    event.waiting.done = done;
    event.waiting.pid = pid;
    d->state = PLM_DOWNLOAD_WAITING;
    plm_pull_emit(d->pull, d, &event);
    plm_timer_start(plm_pull_loop(d->pull), &d->timer, WAIT_MS);
}

void plm_download_distrust(struct plm_download *d, uint64_t inode)
{
    d->distrusted = true;
    d->damaged = inode;
}

bool plm_download_is_damaged(const struct plm_download *d)
{
    char name[PLM_DIGEST_TEXT];
    struct plm_file_status status;
    return d->distrusted &&
           plm_os_status(d->pull->job->engine->store.blobs_fd,
                         plm_digest_file_name(&d->want.digest, name), &status, NULL) &&
           status.inode == d->damaged;
}

static bool start_fetch(struct plm_download *d, struct plm_error *err)
{
    const struct plm_engine *engine = d->pull->job->engine;
    struct plm_partial_found found;
    struct plm_error why = {0};
    if (!plm_partial_open(&engine->store, &d->want, &d->partial, &found, &why)) {
        if (why.code != PLM_E_BUSY) {
            *err = why;
            return false;
        }
        start_waiting(d);
        return true;
    }
    tell_found(d, &found);
    d->done = plm_spans_total(&d->partial->written);
    d->clean = d->done == 0;
    d->synced_ms = now_of(d);
    d->unsynced = d->done - plm_spans_total(&d->partial->durable);
    if (!start_frontier(d, d->partial->fd, true, err) ||
        (!d->pull->feed && !plm_download_find_source(d, err)))
        return false;
    d->state = PLM_DOWNLOAD_FETCHING;
    return d->pull->feed || plm_download_seed(d, err);
}

static bool start_check(struct plm_download *d, struct plm_error *err)
{
    struct plm_error why = {0};
    if (plm_blob_open(&d->pull->job->engine->store, &d->want.digest, &d->check_fd, &why)) {
        if (!start_frontier(d, d->check_fd, false, err))
            return false;
        d->state = PLM_DOWNLOAD_CHECKING;
        return true;
    }
    if (why.code == PLM_E_NOT_FOUND) /* removed since it was looked at */
        return start_fetch(d, err);
    *err = why;
    return false;
}

void plm_download_open(struct plm_download *d)
{
    struct plm_error err = {0};
    enum plm_blob_state state = PLM_BLOB_ABSENT;
    bool ok = plm_blob_look(&d->pull->job->engine->store, &d->want, &state, &err);
    bool is_damaged = ok && plm_download_is_damaged(d);
    if (ok && state == PLM_BLOB_PROVEN && !is_damaged)
        set_present(d);
    else if (ok && state == PLM_BLOB_UNPROVEN && !is_damaged)
        ok = start_check(d, &err);
    else if (ok)
        ok = start_fetch(d, &err);
    if (!ok)
        plm_pull_fail(d->pull, &err);
}

/* ---- one step of each state ---- */

static void step_checking(struct plm_download *d)
{
    struct plm_digest is;
    struct plm_error err = {0};
    plm_frontier_push(d->frontier, d->want.size, true);
    d->done = d->frontier->hashed;
    d->dirty = true;
    if (d->frontier->busy || (!d->frontier->failed && d->frontier->hashed < d->want.size))
        return;
    bool read = !d->frontier->failed && plm_frontier_digest(d->frontier, &is, &err);
    bool good = read && plm_digest_equal(&is, &d->want.digest);
    struct plm_file_status status = {0};
    if (good)
        plm_blob_note_proven(d->check_fd);
    else if (plm_os_fd_status(d->check_fd, &status, NULL))
        plm_download_distrust(d, status.inode);
    plm_download_drop_frontier(d);
    plm_os_close(d->check_fd);
    d->check_fd = -1;
    if (good) {
        set_present(d);
        return;
    }
    char name[PLM_DIGEST_TEXT];
    plm_job_warn(d->pull->job, "blob %.12s in the store is damaged; it is fetched again",
                 plm_digest_file_name(&d->want.digest, name) + 7);
    d->done = 0;
    plm_download_open(d);
}

static void step_waiting(struct plm_download *d)
{
    if (!d->timer.armed)
        plm_download_open(d);
}

static void fail_reading(struct plm_download *d)
{
    char name[PLM_STATE_NAME];
    struct plm_error err = d->frontier->err;
    (void)plm_prefix(&err, "%s", plm_store_state_name(&d->want.digest, PLM_STATE_PARTIAL, name));
    plm_pull_fail(d->pull, &err);
}

static void step_fetching(struct plm_download *d)
{
    if (d->frontier->failed) {
        fail_reading(d);
        return;
    }
    if (!plm_download_change_source(d))
        return;
    if (d->no_ranges)
        plm_download_keep_one(d);
    plm_frontier_push(d->frontier, plm_spans_prefix(&d->partial->written), false);
    if (is_sync_due(d))
        plm_download_sync(d);
    if (d->done < d->want.size)
        return;
    while (d->chunks)
        plm_chunk_free(d->chunks);
    d->full_ms = now_of(d);
    d->state = PLM_DOWNLOAD_SYNCING;
    plm_pull_emit_kind(d->pull, d, PLM_EV_BLOB_VERIFY_START);
}

static void step_syncing(struct plm_download *d)
{
    plm_frontier_push(d->frontier, d->want.size, true);
    if (d->sync || d->is_batched)
        return;
    if (plm_spans_total(&d->partial->durable) == d->want.size)
        d->state = PLM_DOWNLOAD_VERIFYING;
    else if (plm_partial_has_record(d->partial))
        plm_download_sync(d);
    else
        plm_batch_add(&d->pull->batch, d);
}

static void step_verifying(struct plm_download *d)
{
    struct plm_digest is;
    struct plm_error err = {0};
    if (d->frontier->failed) {
        fail_reading(d);
        return;
    }
    plm_frontier_push(d->frontier, d->want.size, true);
    if (d->frontier->busy || d->frontier->hashed < d->want.size)
        return;
    if (!plm_frontier_digest(d->frontier, &is, &err)) {
        plm_pull_fail(d->pull, &err);
        return;
    }
    if (plm_digest_equal(&is, &d->want.digest))
        plm_download_stage(d);
    else
        plm_download_wrong_hash(d, &is);
}

static void step_nothing(struct plm_download *d)
{
    (void)d;
}

typedef void (*step_fn)(struct plm_download *d);

static const step_fn steps[PLM_DOWNLOAD_STATES] = {
    [PLM_DOWNLOAD_PLANNED] = step_nothing, [PLM_DOWNLOAD_CHECKING] = step_checking,
    [PLM_DOWNLOAD_WAITING] = step_waiting, [PLM_DOWNLOAD_FETCHING] = step_fetching,
    [PLM_DOWNLOAD_SYNCING] = step_syncing, [PLM_DOWNLOAD_VERIFYING] = step_verifying,
    [PLM_DOWNLOAD_SEEDING] = step_nothing, /* its callbacks move it on, and those of the next */
    [PLM_DOWNLOAD_SIFTING] = step_nothing, [PLM_DOWNLOAD_STAGED] = step_nothing,
    [PLM_DOWNLOAD_PRESENT] = step_nothing,
};

void plm_download_advance(struct plm_download *d)
{
    enum plm_download_state before = PLM_DOWNLOAD_STATES;
    /* After a failure a state may have been entered in part. */
    while (d->state != before && !d->pull->error.code) {
        before = d->state;
        steps[before](d);
    }
}

/* ---- the end ---- */

void plm_download_close(struct plm_download *d)
{
    d->closing = true;
    while (d->chunks)
        plm_chunk_free(d->chunks);
    plm_source_free(d->source);
    d->source = NULL;
    plm_timer_stop(plm_pull_loop(d->pull), &d->timer);
    if (d->frontier)
        plm_frontier_cancel(d->frontier);
    if (d->sift)
        plm_sift_cancel(d->sift);
    if (d->seed)
        plm_seed_cancel(d->seed);
    /* Bytes that came while a sync ran need one more. */
    if (d->partial && !d->sync && !d->is_batched && d->unsynced > 0)
        plm_download_sync(d);
}

bool plm_download_is_closed(const struct plm_download *d)
{
    return d->closing && !d->sync && !d->is_batched && !(d->frontier && d->frontier->busy) &&
           !(d->sift && d->sift->busy) && !(d->seed && d->seed->busy);
}

void plm_download_done(struct plm_download *d)
{
    plm_timer_stop(plm_pull_loop(d->pull), &d->timer);
    while (d->chunks)
        plm_chunk_free(d->chunks);
    plm_source_free(d->source);
    free_sync(d);
    plm_download_drop_frontier(d);
    plm_sift_free(d->sift);
    plm_seed_free(d->seed);
    plm_os_close(d->check_fd);
    plm_partial_free(d->partial);
    plm_spans_done(&d->fed);
    d->source = NULL;
    d->sift = NULL;
    d->seed = NULL;
    d->check_fd = -1;
    d->partial = NULL;
}
