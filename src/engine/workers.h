/**
 * A few threads for what would hold up the loop: hashing, syncing. They own no state.
 *
 * A piece of work is embedded in its owner, which stays alive until `done` was called. run() gets a
 * worker thread, done() the loop thread.
 */
#pragma once

#include "net/loop.h"

struct plm_workers;

struct plm_work {
    struct plm_message message; /**< first: the way back to the loop */
    void (*run)(struct plm_work *work);
    void (*done)(struct plm_work *work);
    bool again; /**< set by run(): put at the end of the queue once more, so that others get their
                   turn */
    struct plm_work *next;
};

PLM_MUST bool plm_workers_new(struct plm_loop *loop, unsigned count, struct plm_workers **out,
                              struct plm_error *err);
/** Waits for work that is running; queued work is not run any more. */
void plm_workers_free(struct plm_workers *workers);
/** How many threads there are. */
unsigned plm_workers_count(const struct plm_workers *workers);
/** Loop thread. Work is taken up in the order of submission. */
void plm_workers_submit(struct plm_workers *workers, struct plm_work *work);
