/**
 * What the queue and the history hold, as plain data.
 *
 * Texts are borrowed and never NULL unless said so. Those that were read may be anything, since
 * others can write the file; times are Unix time in milliseconds, 0 where there is none.
 */
#pragma once

#include "pullama/defs.h"

enum plm_queue_status {
    PLM_QUEUE_QUEUED,
    PLM_QUEUE_ACTIVE, /**< a runner is at it; without a living one it counts as queued */
    PLM_QUEUE_COMPLETED,
    PLM_QUEUE_FAILED,
    PLM_QUEUE_STATUSES
};

/** "queued", "active", …; never NULL. */
PLM_API const char *plm_queue_status_name(enum plm_queue_status status);

struct plm_queue_entry {
    int64_t id;            /**< never used again; 0: there is no such entry */
    uint32_t position;     /**< 1, 2, 3 … over all entries; 0 where it was not counted */
    const char *reference; /**< whole: with host, namespace and tag */
    enum plm_queue_status status;
    int64_t added_ms, started_ms, finished_ms;
    uint64_t attempts;
    const char *code, *error; /**< of the last failure; "" when there was none */
};

struct plm_queue_count {
    uint64_t all, queued, active, completed, failed;
};

/** One job that moved bytes or changed the store. */
struct plm_history_record {
    const char *verb;
    /** What was asked for: a whole reference, a file, or "3 models"; "": none. */
    const char *reference;
    const char *host; /**< "": none */
    int64_t started_ms, ended_ms;
    int64_t elapsed_ms;
    uint64_t total;   /**< bytes that the job was about; of `rm` and the like: bytes freed */
    uint64_t fetched; /**< payload bytes received, also those that came again */
    uint64_t sent;    /**< payload bytes sent */
    uint64_t reused;  /**< bytes of the total that were there already */
    uint64_t retries;
    uint64_t rate;       /**< fetched and sent ÷ elapsed, bytes per second */
    const char *outcome; /**< "ok", or the name of a code */
    const char *error;   /**< "" when it went well */
};

enum plm_history_scope { PLM_HISTORY_ALL, PLM_HISTORY_HOST, PLM_HISTORY_DAY, PLM_HISTORY_SCOPES };

/** "all", "host", "day"; never NULL. */
PLM_API const char *plm_history_scope_name(enum plm_history_scope scope);

/** Sums over records. */
struct plm_history_sum {
    enum plm_history_scope scope;
    const char *name; /**< a host, a day as 2026-11-21 in UTC, or "" */
    uint64_t jobs, failed, interrupted;
    uint64_t fetched, sent, reused, retries;
    int64_t elapsed_ms;
    uint64_t rate; /**< of the jobs that moved bytes */
};

/** How much of the history is kept. A job that is beyond either bound is dropped. */
struct plm_history_keep {
    uint64_t count; /**< so many of the newest; 0: no such bound */
    int64_t age_ms; /**< none that ended longer ago; 0: no such bound */
};

/* ---- in events; see event.h ---- */

struct plm_ref;

struct plm_event_queued {
    const struct plm_queue_entry *entry;
    const struct plm_ref *ref; /**< NULL: what stands in the database is no reference */
    bool duplicate;            /**< ADDED: it was queued before, and stays where it is */
    uint32_t index, total;     /**< NEXT, SETTLED: which of how many of this run; else 0 */
    uint32_t failed;           /**< NEXT, SETTLED: of those that have ended */
};

struct plm_event_queue {
    struct plm_queue_count count;
    uint64_t changed, skipped; /**< CHANGED: entries that were, and that were asked for in vain;
                                  DONE: entries that completed, and that failed */
    unsigned jobs;             /**< of a run: models at a time; else 0 */
    bool paused;               /**< DONE: it was asked to end before the queue was empty */
};
