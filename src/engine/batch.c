/* Batches: gathers small blobs that are complete, and has a worker sync them in one go. */
#include "engine/batch.h"

#include <string.h>

#include "engine/pull.h"

#define WAIT_MOST_MS 300

void plm_batch_add(struct plm_batch *batch, struct plm_download *d)
{
    if (d->is_batched || batch->waiting_count == PLM_BATCH_MAX)
        return;
    if (batch->waiting_count == 0)
        batch->since_ms = plm_loop_now(plm_pull_loop(batch->pull));
    batch->waiting[batch->waiting_count++] = d;
    d->is_batched = true;
}

bool plm_batch_is_due(const struct plm_batch *batch, int64_t now_ms, bool is_idle)
{
    return batch->waiting_count > 0 && batch->running_count == 0 &&
           (is_idle || batch->waiting_count == PLM_BATCH_MAX ||
            now_ms - batch->since_ms >= WAIT_MOST_MS);
}

static void run(struct plm_work *work)
{
    struct plm_batch *batch = (struct plm_batch *)(void *)work; /* its first member */
    plm_partial_sync_run_all(batch->syncs, batch->running_count, !batch->is_last);
}

static void synced(struct plm_work *work)
{
    struct plm_batch *batch = (struct plm_batch *)(void *)work;
    for (size_t i = 0; i < batch->running_count; i++) {
        struct plm_download *d = batch->running[i];
        struct plm_error err = {0};
        d->is_batched = false;
        if (!plm_partial_sync_finish(d->partial, &batch->syncs[i], &err) && !d->closing)
            plm_pull_fail(batch->pull, &err);
    }
    batch->running_count = 0;
    plm_pull_kick(batch->pull);
}

void plm_batch_run(struct plm_batch *batch, bool is_last)
{
    struct plm_error err = {0};
    if (batch->running_count > 0 || batch->waiting_count == 0)
        return;
    batch->is_last = is_last;
    for (size_t i = 0; i < batch->waiting_count; i++) {
        struct plm_download *d = batch->waiting[i];
        if (plm_partial_sync_prepare(d->partial, &batch->syncs[batch->running_count], &err)) {
            d->unsynced = 0;
            batch->running[batch->running_count++] = d;
        } else {
            d->is_batched = false;
            plm_pull_fail(batch->pull, &err);
        }
    }
    batch->waiting_count = 0;
    batch->work = (struct plm_work){.run = run, .done = synced};
    if (batch->running_count > 0)
        plm_workers_submit(batch->pull->job->engine->workers, &batch->work);
}

void plm_batch_done(struct plm_batch *batch)
{
    for (size_t i = 0; i < batch->running_count; i++)
        plm_partial_sync_drop(&batch->syncs[i]);
    batch->running_count = 0;
}
