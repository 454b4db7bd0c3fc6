/* Plan: pure decisions about byte ranges. */
#include "engine/plan.h"

#define GRID (UINT64_C(1) << 20)
#define PIECES_PER_CONNECTION 4
#define LEAST (UINT64_C(8) << 20)
/* A cut connection throws away what is on its way to us. */
#define SPLIT_WORTH_S 3
#define TAIL_LEAST (UINT64_C(4) << 20)

uint64_t plm_plan_chunk_length(uint64_t blob_size, uint64_t chunk_size, unsigned connections)
{
    uint64_t even = blob_size / ((uint64_t)connections * PIECES_PER_CONNECTION);
    if (even < LEAST)
        even = blob_size / connections < LEAST ? blob_size / connections + 1 : LEAST;
    even = (even + GRID - 1) / GRID * GRID;
    return even < chunk_size ? even : chunk_size;
}

uint64_t plm_plan_tail_length(uint64_t left, uint64_t chunk_length, unsigned connections)
{
    uint64_t share = left / (2 * (uint64_t)connections);
    if (share < TAIL_LEAST)
        share = TAIL_LEAST;
    share = (share + GRID - 1) / GRID * GRID;
    return share < chunk_length ? share : chunk_length;
}

/* Moves `from` behind every asked span that covers it. */
static uint64_t skip_asked(uint64_t from, const struct plm_span *asked, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (asked[i].start <= from && from < asked[i].end) {
            from = asked[i].end;
            i = (size_t)-1; /* another span may cover the new place */
        }
    }
    return from;
}

bool plm_plan_next(const struct plm_spans *written, const struct plm_span *asked, size_t count,
                   uint64_t limit, uint64_t chunk_length, struct plm_span *out)
{
    struct plm_span gap;
    uint64_t from = 0;
    while (plm_spans_next_gap(written, from, limit, &gap)) {
        uint64_t start = skip_asked(gap.start, asked, count);
        if (start >= gap.end) {
            from = start;
            continue;
        }
        uint64_t end = (start / chunk_length + 1) * chunk_length;
        if (end > gap.end)
            end = gap.end;
        for (size_t i = 0; i < count; i++)
            if (asked[i].start > start && asked[i].start < end)
                end = asked[i].start;
        *out = (struct plm_span){start, end};
        return true;
    }
    return false;
}

uint64_t plm_plan_split(uint64_t left, uint64_t slow, uint64_t fast)
{
    if (left < 2 * PLM_PLAN_MIN_CHUNK)
        return 0;
    if (slow && left / slow < SPLIT_WORTH_S)
        return 0;
    double share = slow + fast > 0 ? (double)slow / ((double)slow + (double)fast) : 0.5;
    uint64_t keep = (uint64_t)((double)left * share);
    if (keep < PLM_PLAN_MIN_CHUNK)
        keep = PLM_PLAN_MIN_CHUNK;
    return keep > left - PLM_PLAN_MIN_CHUNK ? 0 : keep;
}
