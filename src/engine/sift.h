/** After a wrong hash: finds the bytes that are bad, by the registry's chunk digests, on a worker.
 */
#pragma once

#include "engine/workers.h"
#include "net/registry.h"

#include <stdatomic.h>

struct plm_sift {
    struct plm_work work;      /**< first */
    int fd;                    /**< borrowed */
    struct plm_chunksum *sums; /**< owned */
    bool *bad;                 /**< owned; one for each sum */
    size_t count;
    bool busy;
    atomic_bool cancelled; /**< the worker looks at it */
    bool ok;
    struct plm_error err;
    void (*finished)(void *ctx);
    void *ctx;
};
PLM_MUST bool plm_sift_new(int fd, const struct plm_chunksum *sums, size_t count,
                           void (*finished)(void *ctx), void *ctx, struct plm_sift **out,
                           struct plm_error *err);
/** Not while busy. */
void plm_sift_free(struct plm_sift *sift);
void plm_sift_start(struct plm_sift *sift, struct plm_workers *workers);
/** Lets the worker stop soon; finished() is called all the same, and ok is false then. */
void plm_sift_cancel(struct plm_sift *sift);
