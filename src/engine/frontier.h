/**
 * The hash that runs behind a file's contiguous prefix, on a worker, while the rest is still
 * arriving.
 *
 * It starts at byte 0 on every run: no saved hash state, no trust in old bytes. Loop thread; the
 * reading and hashing is a worker's.
 */
#pragma once

#include <stdatomic.h>

#include "engine/workers.h"
#include "pullama/digest.h"

struct plm_frontier {
    struct plm_work work;
    struct plm_workers *workers;
    struct plm_hash *hash;
    int fd;            /**< borrowed */
    bool write_behind; /**< start writing back what is hashed, and drop it from the cache later */
    bool busy;         /**< a worker is at it */
    _Atomic uint64_t target; /**< bytes from 0 that may be hashed; grows while a worker is at it */
    _Atomic uint64_t hashed; /**< bytes from 0 that are in the hash */
    atomic_bool cancelled;   /**< the worker stops at the next block */
    bool failed;
    struct plm_error err;
    bool run_failed; /**< the worker's, while busy; likewise run_err */
    struct plm_error run_err;
    void (*moved)(void *ctx); /**< called on the loop thread when the worker has caught up */
    void *ctx;
};

PLM_MUST bool plm_frontier_init(struct plm_frontier *frontier, struct plm_workers *workers, int fd,
                                bool write_behind, void (*moved)(void *ctx), void *ctx,
                                struct plm_error *err);
/** Not while busy. */
void plm_frontier_done(struct plm_frontier *frontier);
/**
 * Lets the hash run up to @p prefix. A worker that is at it learns of it at once, also while the
 * loop is busy: it need not wait for the loop to come round. @p all: for small pieces too.
 */
void plm_frontier_push(struct plm_frontier *frontier, uint64_t prefix, bool all);
/** Makes the worker stop soon; what it has is of no use any more. */
void plm_frontier_cancel(struct plm_frontier *frontier);
/** The digest of what was hashed, once hashed == the blob's size; starts anew at byte 0. */
PLM_MUST bool plm_frontier_digest(struct plm_frontier *frontier, struct plm_digest *out,
                                  struct plm_error *err);
