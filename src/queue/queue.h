/**
 * The queue: models that are to be pulled, in their order. All that changes it is
 * part of a change: plm_database_begin() comes before.
 */
#pragma once

#include "pullama/queue.h"
#include "queue/schema.h"

/** Most entries that a queue may have. */
#define PLM_QUEUE_MAX 100000

/**
 * Puts a model at the end. One that is queued or active stays where it is: *added and *out tell.
 * One that has completed or failed is queued anew, at the end.
 */
PLM_MUST bool plm_queue_add(struct plm_database *db, const char *reference, int64_t now_ms,
                            bool *added, struct plm_queue_entry *out, struct plm_error *err);

/** Calls @p each for all entries, in order, until it gives false. */
PLM_MUST bool plm_queue_each(struct plm_database *db,
                             bool (*each)(void *ctx, const struct plm_queue_entry *entry),
                             void *ctx, struct plm_error *err);
PLM_MUST bool plm_queue_count(struct plm_database *db, struct plm_queue_count *out,
                              struct plm_error *err);

#define PLM_QUEUE_REFERENCE 1024
/** An entry that was looked up: its texts are copied. */
struct plm_queue_found {
    struct plm_queue_entry entry; /**< its reference points into @p reference; no other text */
    char reference[PLM_QUEUE_REFERENCE];
};
/** The entry at a position. PLM_E_USAGE when the queue is shorter. */
PLM_MUST bool plm_queue_at(struct plm_database *db, uint64_t position, struct plm_queue_found *out,
                           struct plm_error *err);
/** The entry of a reference; id 0 when there is none. */
PLM_MUST bool plm_queue_find(struct plm_database *db, const char *reference,
                             struct plm_queue_found *out, struct plm_error *err);

PLM_MUST bool plm_queue_remove(struct plm_database *db, int64_t id, struct plm_error *err);
/** A failed or completed entry is queued again, at its place. */
PLM_MUST bool plm_queue_again(struct plm_database *db, int64_t id, struct plm_error *err);
/** The same for all that failed. */
PLM_MUST bool plm_queue_again_failed(struct plm_database *db, uint64_t *count,
                                     struct plm_error *err);
/** Removes all entries that no runner is at; with @p finished those alone that completed or failed.
 */
PLM_MUST bool plm_queue_clear(struct plm_database *db, bool finished, uint64_t *removed,
                              struct plm_error *err);
/** What is active is queued again: for when no runner lives. */
PLM_MUST bool plm_queue_put_back(struct plm_database *db, uint64_t *count, struct plm_error *err);

/** Makes the first queued entry active; id 0: there is none. */
PLM_MUST bool plm_queue_claim(struct plm_database *db, int64_t now_ms, struct plm_queue_found *out,
                              struct plm_error *err);
/** Ends the work at an entry. Queued: it was stopped, and keeps its place. */
PLM_MUST bool plm_queue_settle(struct plm_database *db, int64_t id, enum plm_queue_status status,
                               int64_t now_ms, const char *code, const char *error,
                               struct plm_error *err);
