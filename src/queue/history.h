/**
 * History: what became of every job that moved bytes or changed the store, and sums over it.
 */
#pragma once

#include "queue/schema.h"

/** Texts are borrowed; read ones may be anything, since others can write the file. */
struct plm_history_record {
    const char *verb;
    const char *reference;        /**< "": none */
    const char *host;             /**< "": none */
    int64_t started_ms, ended_ms; /**< Unix time */
    int64_t elapsed_ms;
    uint64_t total;   /**< bytes that the job was about */
    uint64_t fetched; /**< payload bytes received, again and again ones too */
    uint64_t sent;
    uint64_t reused; /**< bytes of the total that were there already */
    uint64_t retries;
    uint64_t rate;       /**< fetched and sent ÷ elapsed, bytes per second */
    const char *outcome; /**< "ok", or the name of the code */
    const char *error;   /**< "" when it went well */
};

/** How much is kept: the larger bound rules. */
struct plm_history_keep {
    bool is_set;    /**< false: everything is kept */
    uint64_t count; /**< so many of the newest; 0: no such bound */
    int64_t age_ms; /**< none that ended longer ago; 0: no such bound */
};

enum plm_history_scope { PLM_HISTORY_ALL, PLM_HISTORY_HOST, PLM_HISTORY_DAY };

struct plm_history_sum {
    enum plm_history_scope scope;
    const char *name; /**< host, day as 2026-11-21 in UTC, or "" */
    uint64_t jobs, failed, interrupted;
    uint64_t fetched, sent, reused, retries;
    int64_t elapsed_ms;
    uint64_t rate; /**< of the jobs that moved bytes */
};

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
                                   int64_t now_ms, int64_t *dropped, struct plm_error *err);
