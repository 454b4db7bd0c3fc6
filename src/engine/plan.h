/** Which bytes to ask for next, and where to split what is slow. Pure. */
#pragma once

#include "store/spans.h"

/** Smallest piece worth a request of its own. */
#define PLM_PLAN_MIN_CHUNK (UINT64_C(64) << 10)

/** Chunk length for a blob: @p chunk_size, but so small that every connection gets several pieces.
 */
uint64_t plm_plan_chunk_length(uint64_t blob_size, uint64_t chunk_size, unsigned connections);

/**
 * Towards the end pieces become smaller, so that all connections end together: the length of the
 * next one, when @p left bytes are neither here nor asked for.
 */
uint64_t plm_plan_tail_length(uint64_t left, uint64_t chunk_length, unsigned connections);

/**
 * The lowest bytes below @p limit that are neither written nor asked for, cut at the next multiple
 * of
 * @p chunk_length. False when there are none.
 */
bool plm_plan_next(const struct plm_spans *written, const struct plm_span *asked, size_t count,
                   uint64_t limit, uint64_t chunk_length, struct plm_span *out);

/**
 * Where to cut what is @p left of a chunk that runs at @p slow bytes per second, so that it and a
 * helper at @p fast end together: the length that stays with the slow one. 0: not worth it.
 */
uint64_t plm_plan_split(uint64_t left, uint64_t slow, uint64_t fast);
