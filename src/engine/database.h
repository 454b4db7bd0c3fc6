/** The store's database as the engine's jobs open it. Loop thread only. */
#pragma once

#include "engine/engine_private.h"
#include "queue/schema.h"

#define PLM_QUEUE_LOCK "queue.lock"
/** How long a command waits for other processes that change the queue. */
#define PLM_QUEUE_WAIT_MS 30000

/** Opens the database in the store's `.pullm`. *out NULL: there is none, and @p use is READ. */
PLM_MUST bool plm_engine_open_database(struct plm_engine *engine, enum plm_database_use use,
                                       int64_t wait_ms, struct plm_database **out,
                                       struct plm_error *err);
/**
 * The same for a command that adds to the queue: a damaged database gets another name, of which the
 * job warns, and a new one is made.
 */
PLM_MUST bool plm_job_open_queue(struct plm_job *job, struct plm_database **out,
                                 struct plm_error *err);
/**
 * Begins a change to the queue: what a runner that died was at is queued again, and what Pullama
 * left in its own queue is taken over, once. plm_database_end() ends it.
 */
PLM_MUST bool plm_job_begin_queue(struct plm_job *job, struct plm_database *db,
                                  struct plm_error *err);
/** Whether a runner is at the queue. */
bool plm_engine_has_runner(const struct plm_engine *engine);

/** Emits an event of an entry that was read from the database. */
void plm_job_emit_entry(struct plm_job *job, enum plm_event_kind kind,
                        const struct plm_queue_entry *entry);
