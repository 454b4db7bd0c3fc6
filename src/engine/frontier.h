/**
 * The hash that runs behind a file's contiguous prefix, on a worker, while the rest is still
 * arriving.
 *
 * It starts at byte 0 on every run: no saved hash state, no trust in old bytes. Loop thread; the
 * reading and hashing is a worker's.
 */
#pragma once

#include "engine/workers.h"
#include "pullama/digest.h"

struct plm_frontier {
    struct plm_work work;
    struct plm_workers *workers;
    struct plm_hash *hash;
    int fd;            /**< borrowed */
    bool write_behind; /**< start writing back what is hashed, and drop it from the cache later */
    bool busy;         /**< a worker is at it */
    uint64_t hashed;   /**< bytes from 0 that are in the hash */
    uint64_t piece;    /**< length of the piece under way */
    bool failed;
    struct plm_error err;
    bool piece_failed; /**< the worker's, while busy; likewise piece_err */
    struct plm_error piece_err;
    void (*moved)(void *ctx); /**< called on the loop thread when a piece is done */
    void *ctx;
};

PLM_MUST bool plm_frontier_init(struct plm_frontier *frontier, struct plm_workers *workers, int fd,
                                bool write_behind, void (*moved)(void *ctx), void *ctx,
                                struct plm_error *err);
/** Not while busy. */
void plm_frontier_done(struct plm_frontier *frontier);
/** Lets the hash run up to @p prefix, piece by piece, if it is not running. @p all: small pieces
 * too. */
void plm_frontier_push(struct plm_frontier *frontier, uint64_t prefix, bool all);
/** The digest of what was hashed, once hashed == the blob's size; starts anew at byte 0. */
PLM_MUST bool plm_frontier_digest(struct plm_frontier *frontier, struct plm_digest *out,
                                  struct plm_error *err);
