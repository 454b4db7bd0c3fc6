/**
 * A damaged blob's bytes on their way into its partial, copied on a worker: most of them are good,
 * and chunk digests tell which, so that only the others must be fetched.
 */
#pragma once

#include <stdatomic.h>

#include "engine/workers.h"
#include "store/spans.h"

struct plm_seed {
    struct plm_work work;    /**< first */
    int from;                /**< owned; the damaged file */
    int to;                  /**< borrowed */
    uint64_t size, at;       /**< bytes to copy; those that were looked at */
    struct plm_spans copied; /**< owned; what could not be read is not in it */
    bool has_other_size;     /**< the caller's: the file has not the size of the blob */
    bool busy;
    bool cannot_share;     /**< the system does not copy here: read and write */
    atomic_bool cancelled; /**< the worker looks at it */
    bool ok;
    struct plm_error err;
    void (*finished)(void *ctx);
    void *ctx;
};

/** Takes over @p from, of which the first @p size bytes are copied; closed on failure too. */
PLM_MUST bool plm_seed_new(int from, int to, uint64_t size, void (*finished)(void *ctx), void *ctx,
                           struct plm_seed **out, struct plm_error *err);
/** Not while busy. */
void plm_seed_free(struct plm_seed *seed);
void plm_seed_start(struct plm_seed *seed, struct plm_workers *workers);
/** Lets the worker stop soon; finished() is called all the same, and ok is false then. */
void plm_seed_cancel(struct plm_seed *seed);
