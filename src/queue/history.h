/**
 * History: what became of every job that moved bytes or changed the store, and sums over it.
 */
#pragma once

#include "pullama/queue.h"
#include "queue/schema.h"

/** Adds a record, and drops what is beyond the bounds that were set. One change, of its own. */
PLM_MUST bool plm_history_add(struct plm_database *db, const struct plm_history_record *record,
                              struct plm_error *err);
/** Calls @p each for those that ended at @p since_ms or later, oldest first, until it gives false.
 */
PLM_MUST bool plm_history_each(struct plm_database *db, int64_t since_ms,
                               bool (*each)(void *ctx, const struct plm_history_record *record),
                               void *ctx, struct plm_error *err);
/** Calls @p each for the sum of all, of each host, and of each day, in this order. */
PLM_MUST bool plm_history_sums(struct plm_database *db, int64_t since_ms,
                               void (*each)(void *ctx, const struct plm_history_sum *sum),
                               void *ctx, struct plm_error *err);
/** Sets the bounds for now and later, and drops what is beyond them. One change, of its own. */
PLM_MUST bool plm_history_set_keep(struct plm_database *db, const struct plm_history_keep *keep,
                                   int64_t now_ms, uint64_t *dropped, struct plm_error *err);
