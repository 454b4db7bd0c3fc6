/**
 * A relay: a file's bytes on their way from the store into something else, hashed and summed up as
 * they pass. While one block is hashed on a worker, the next is read and written on another: what
 * was hashed is what was written. Loop thread; two blocks of memory, whatever the size.
 *
 *     plm_relay_init → plm_relay_start → finished → … start again … → plm_relay_done
 */
#pragma once

#include <stdatomic.h>

#include "engine/workers.h"
#include "pullama/digest.h"

#define PLM_RELAY_BLOCK ((size_t)4 << 20)

/** Takes bytes that lie at @p at of the file. Worker thread. */
typedef bool (*plm_relay_put_fn)(void *ctx, uint64_t at, const void *bytes, size_t length,
                                 struct plm_error *err);

struct plm_relay {
    struct plm_work read, hashing;
    struct plm_workers *workers;
    struct plm_hash *hash;
    char *blocks[2];   /**< owned */
    size_t lengths[2]; /**< bytes in them */
    unsigned front;    /**< the block that is hashed; the other one is filled */
    unsigned busy;     /**< workers that are at it */
    int fd;            /**< borrowed */
    uint64_t size, at;
    _Atomic uint64_t passed; /**< bytes that were hashed */
    atomic_bool cancelled;
    plm_relay_put_fn put; /**< NULL: only looked at */
    void *put_ctx;
    uint32_t crc;
    struct plm_digest digest;
    struct plm_error err, read_err, hash_err; /**< the first is the answer */
    void (*finished)(void *ctx);
    void *ctx;
};

PLM_MUST bool plm_relay_init(struct plm_relay *relay, struct plm_workers *workers,
                             void (*finished)(void *ctx), void *ctx, struct plm_error *err);
/** Not while a worker is at it. */
void plm_relay_done(struct plm_relay *relay);
/**
 * Passes on the first @p size bytes of @p fd. finished() comes on the loop thread, never from
 * within this call: then err, or digest and crc, are the answer.
 */
void plm_relay_start(struct plm_relay *relay, int fd, uint64_t size, plm_relay_put_fn put,
                     void *put_ctx);
/** Makes it end soon, with PLM_E_INTERRUPTED. */
void plm_relay_cancel(struct plm_relay *relay);
