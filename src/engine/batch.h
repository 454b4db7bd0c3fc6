/**
 * A batch: small blobs of a pull whose bytes are made durable together, since a sync for each would
 * take longer than to fetch it. Loop thread only.
 *
 *     plm_batch_add for each … plm_batch_run → the downloads' unsynced bytes are durable, kick
 */
#pragma once

#include "engine/workers.h"
#include "store/partial.h"

/** As many again may be under way: each holds two descriptors. */
#define PLM_BATCH_MAX 24

struct plm_download;
struct plm_pull;

struct plm_batch {
    struct plm_work work; /**< first */
    struct plm_pull *pull;
    struct plm_download *waiting[PLM_BATCH_MAX], *running[PLM_BATCH_MAX];
    struct plm_partial_sync syncs[PLM_BATCH_MAX]; /**< of those that are running */
    size_t waiting_count, running_count;
    bool is_last;
    int64_t since_ms; /**< when the first one that waits came */
};

/** Takes in a download that has all its bytes, unless there is no room: then it has to come again.
 */
void plm_batch_add(struct plm_batch *batch, struct plm_download *download);
/** Whether what waits should wait no longer. @p is_idle: nothing will join it soon. */
bool plm_batch_is_due(const struct plm_batch *batch, int64_t now_ms, bool is_idle);
/** Begins to sync all that waits, unless a sync is under way. @p is_last: the pull ends, and nobody
 * waits for what other programs have written to the same file system. */
void plm_batch_run(struct plm_batch *batch, bool is_last);
/** After the workers are gone. */
void plm_batch_done(struct plm_batch *batch);
