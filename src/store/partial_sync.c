/* Making a partial blob's bytes durable: the data first, then the checkpoint that claims them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "store/atomic.h"
#include "store/checkpoint.h"
#include "store/partial.h"

/* One sync of the file system costs as much as that of a few files, each of which waits for the
 * disk. But it waits for what other programs wrote, too. */
#define TOGETHER_LEAST 3

bool plm_partial_has_record(const struct plm_partial *p)
{
    return p->live || p->has_checkpoint;
}

bool plm_partial_sync_prepare(const struct plm_partial *p, struct plm_partial_sync *out,
                              struct plm_error *err)
{
    struct plm_partial_sync sync = {.fd = p->fd, .state_dir = p->store->state_fd};
    (void)plm_store_state_name(&p->want->digest, PLM_STATE_CHECKPOINT, sync.name);
    (void)snprintf(sync.temp_name, sizeof(sync.temp_name), "%s.tmp", sync.name);
    if (!plm_spans_copy(&p->written, &sync.claim, err))
        return false;
    if (plm_partial_has_record(p)) {
        struct plm_buf text = PLM_BUF_INIT(PLM_CHECKPOINT_MAX_BYTES);
        if (!plm_checkpoint_encode(p->want, &sync.claim, &text, err)) {
            plm_buf_done(&text);
            plm_spans_done(&sync.claim);
            return false;
        }
        sync.text_size = text.size;
        sync.text = plm_buf_take(&text);
    }
    *out = sync;
    return true;
}

void plm_partial_sync_run(struct plm_partial_sync *sync)
{
    sync->data_synced = plm_os_sync_data(sync->fd, &sync->err);
    sync->ok =
        sync->data_synced &&
        (!sync->text || plm_atomic_write(sync->state_dir, sync->temp_name, sync->state_dir,
                                         sync->name, sync->text, sync->text_size, &sync->err));
}

void plm_partial_sync_run_all(struct plm_partial_sync *syncs, size_t count, bool all)
{
    bool together = all && count >= TOGETHER_LEAST && plm_os_sync_volume(syncs[0].fd);
    for (size_t i = 0; i < count; i++) {
        struct plm_partial_sync *sync = &syncs[i];
        if (together && !sync->text)
            sync->ok = sync->data_synced = plm_os_sync_result(sync->fd, &sync->err);
        else
            plm_partial_sync_run(sync);
    }
}

/* The kernel reports a failed write-back once and may drop the pages, also of what was written
 * while the sync ran: what was not durable before is not there. */
static void void_unsynced(struct plm_partial *p)
{
    struct plm_error ignored = {0};
    if (!plm_spans_copy(&p->durable, &p->written, &ignored)) {
        plm_spans_done(&p->written); /* without memory, the one set has to do for both */
        p->written = p->durable;
        p->durable = (struct plm_spans){0};
    }
    plm_live_reset(p->live, &p->written);
}

bool plm_partial_sync_finish(struct plm_partial *p, struct plm_partial_sync *sync,
                             struct plm_error *err)
{
    bool ok = sync->ok;
    if (ok) {
        plm_spans_done(&p->durable);
        p->durable = sync->claim;
        sync->claim = (struct plm_spans){0};
        p->has_checkpoint = p->has_checkpoint || sync->text;
    } else {
        if (!sync->data_synced)
            void_unsynced(p);
        if (err && err->code == PLM_OK) {
            char name[PLM_STATE_NAME];
            *err = sync->err;
            (void)plm_prefix(err, "%s",
                             plm_store_state_name(&p->want->digest, PLM_STATE_PARTIAL, name));
        }
    }
    plm_partial_sync_drop(sync);
    return ok;
}

void plm_partial_sync_drop(struct plm_partial_sync *sync)
{
    free(sync->text);
    plm_spans_done(&sync->claim);
    *sync = (struct plm_partial_sync){0};
}
