/** Which bytes to ask for next, and where to split what is slow. Pure. */
#pragma once

#include "store/spans.h"

/** Smallest piece worth a request of its own. */
#define PLM_PLAN_MIN_CHUNK (UINT64_C(64) << 10)

/** What is known of the connections. */
struct plm_plan_pace {
    unsigned connections;
    uint64_t bytes_per_second; /**< that one of them brings; 0: not known yet */
    int64_t answer_ms; /**< from a request to its answer, when nothing moves; 0: not known */
};

/**
 * The length of the next piece of a blob of @p size bytes, @p left of which are neither here nor
 * asked for: at most @p most; so long that the wait for the next answer is a small part of it;
 * shorter towards the end, so that all connections end together; and every connection gets a piece.
 */
uint64_t plm_plan_chunk_length(uint64_t size, uint64_t left, uint64_t most,
                               const struct plm_plan_pace *pace);

/**
 * The lowest bytes below @p limit that are neither written nor asked for, at most @p chunk_length,
 * to a multiple of 256 KiB where that fits. False when there are none.
 */
bool plm_plan_next(const struct plm_spans *written, const struct plm_span *asked, size_t count,
                   uint64_t limit, uint64_t chunk_length, struct plm_span *out);

/** How long a connection that brings @p rate must run to be judged, and have to run yet, before it
 * is given help. */
int64_t plm_plan_split_ms(uint64_t rate, int64_t answer_ms);
/**
 * Where to cut what is @p left of a chunk that runs at @p slow bytes per second, so that it and a
 * helper at @p fast end together: the length that stays with the slow one. 0: not worth it, as when
 * it ends within @p worth_ms.
 */
uint64_t plm_plan_split(uint64_t left, uint64_t slow, uint64_t fast, int64_t worth_ms);
