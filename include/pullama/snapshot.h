/**
 * The state of a job, folded from its events: what a screen or an API shows. Pure; any thread.
 */
#pragma once

#include "pullama/event.h"

#define PLM_SNAPSHOT_BLOBS 32

enum plm_phase {
    PLM_PHASE_RESOLVING,
    PLM_PHASE_TRANSFERRING,
    PLM_PHASE_COMMITTING,
    PLM_PHASE_DONE,
    PLM_PHASE_FAILED,
};

struct plm_snapshot_blob {
    struct plm_digest digest;
    uint32_t index;
    uint64_t done, total;
    bool waiting;   /**< another process is at it */
    bool verifying; /**< all bytes are here */
};

struct plm_snapshot {
    uint32_t job;
    enum plm_phase phase;
    uint64_t overall_done, overall_total; /**< done never goes down */
    uint64_t bytes_per_second;
    int64_t eta_ms; /**< -1 unknown */
    uint32_t connections;
    uint32_t blobs_total, blobs_finished;
    struct plm_snapshot_blob active[PLM_SNAPSHOT_BLOBS]; /**< by index; more than fit are left out */
    size_t active_count;
};

PLM_API void plm_snapshot_init(struct plm_snapshot *snapshot);
/** Applies one event. Events of another job reset it first. */
PLM_API void plm_snapshot_fold(struct plm_snapshot *snapshot, const struct plm_event *event);
