/** One ranged request that fills a stretch of a blob, with its own retries. The only place where
 * bytes cross from net to store. */
#pragma once

#include "engine/range.h"
#include "net/registry.h"

struct plm_download;

enum plm_chunk_state {
    PLM_CHUNK_CONNECTING, /**< a request is out, no accepted head yet */
    PLM_CHUNK_RECEIVING,
    PLM_CHUNK_BACKOFF, /**< waits before the next try; what it has is kept */
    PLM_CHUNK_STATES
};

struct plm_chunk {
    struct plm_download *download;
    struct plm_chunk *next;
    enum plm_chunk_state state;
    struct plm_span span;  /**< what it is to bring; the end moves down when it is split */
    struct plm_span asked; /**< what the request under way asked for */
    uint64_t at;           /**< next byte from the wire */
    bool whole; /**< the server knows no ranges, the answer is the blob from byte 0: bytes that are
                   here are passed over */
    struct plm_fetch *fetch;
    struct plm_timer timer;
    int attempts, resolves; /**< in a row without a new byte */
    int64_t started_ms, last_byte_ms, failing_since_ms;
    uint64_t received; /**< since started_ms */
};

/** Starts fetching @p span; on success the chunk is linked into the download. */
PLM_MUST bool plm_chunk_start(struct plm_download *download, struct plm_span span,
                              struct plm_error *err);
/** Lets a chunk that takes another's place go on with its count of failures. */
void plm_chunk_inherit(struct plm_chunk *chunk, const struct plm_chunk *from);
/** Ends a chunk and gives what it has not brought back to the plan. */
void plm_chunk_free(struct plm_chunk *chunk);
/** Bytes per second since the request's first byte, or since it went out. */
uint64_t plm_chunk_rate(const struct plm_chunk *chunk, int64_t now_ms);
