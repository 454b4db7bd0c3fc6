/* Plan: pure decisions about byte ranges. */
#include "engine/plan.h"

#define GRID (UINT64_C(256) << 10)
#define WHOLE (UINT64_C(1) << 20)
#define LEAST (UINT64_C(4) << 20)
#define FIRST (UINT64_C(2) << 20) /* soon its rate is known */
/* Between two requests a connection is idle for one answer: a twentieth of its time, or towards the
 * end a fifth. */
#define PIECE_ANSWERS 20
#define PIECE_MS 2000
#define PIECE_ANSWERS_LEAST 5
#define PIECE_MS_LEAST 500
#define PIECE_MOST_MS 60000
/* What is left is enough for so many pieces for each connection: more of them may come. */
#define SHARES 4
#define RATE_MOST (UINT64_C(1) << 40)
/* A cut connection throws away what is on its way to us, and a new one needs some answers. */
#define SPLIT_ANSWERS 5
#define SPLIT_FAST (UINT64_C(2) << 20) /* from here on that may be megabytes */
#define SPLIT_LEAST_MS 500
#define SPLIT_MOST_MS 3000

static uint64_t on_grid(uint64_t length)
{
    return length > 0 ? (length + GRID - 1) / GRID * GRID : GRID;
}

/* What a connection brings in so many answers, or in @p least_ms if that is longer. */
static uint64_t brought_in(const struct plm_plan_pace *pace, int64_t answers, int64_t least_ms)
{
    uint64_t rate = pace->bytes_per_second < RATE_MOST ? pace->bytes_per_second : RATE_MOST;
    int64_t ms = pace->answer_ms < PIECE_MOST_MS ? pace->answer_ms * answers : PIECE_MOST_MS;
    if (ms < least_ms)
        ms = least_ms;
    return on_grid(rate * (uint64_t)(ms < PIECE_MOST_MS ? ms : PIECE_MOST_MS) / 1000);
}

uint64_t plm_plan_chunk_length(uint64_t size, uint64_t left, uint64_t most,
                               const struct plm_plan_pace *pace)
{
    bool is_known = pace->bytes_per_second > 0;
    uint64_t length = is_known ? brought_in(pace, PIECE_ANSWERS, PIECE_MS) : FIRST;
    uint64_t least = is_known ? brought_in(pace, PIECE_ANSWERS_LEAST, PIECE_MS_LEAST) : FIRST;
    if (is_known && length < LEAST)
        length = LEAST;
    if (size <= WHOLE)
        return size > 0 && size < most ? size : most;
    uint64_t even = on_grid(size / pace->connections);
    uint64_t share = on_grid(left / (SHARES * (uint64_t)pace->connections));
    if (least > LEAST)
        least = LEAST;
    if (least > even)
        least = even;
    if (length > share)
        length = share;
    if (length < least)
        length = least;
    return length < most ? length : most;
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
        uint64_t end = start + chunk_length, even = end / GRID * GRID;
        if (even > start)
            end = even;
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

int64_t plm_plan_split_ms(uint64_t rate, int64_t answer_ms)
{
    if (rate >= SPLIT_FAST)
        return SPLIT_MOST_MS;
    int64_t ms = answer_ms < SPLIT_MOST_MS ? answer_ms * SPLIT_ANSWERS : SPLIT_MOST_MS;
    if (ms < SPLIT_LEAST_MS)
        return SPLIT_LEAST_MS;
    return ms < SPLIT_MOST_MS ? ms : SPLIT_MOST_MS;
}

uint64_t plm_plan_split(uint64_t left, uint64_t slow, uint64_t fast, int64_t worth_ms)
{
    if (left < 2 * PLM_PLAN_MIN_CHUNK)
        return 0;
    if (slow && (double)left * 1000.0 / (double)slow < (double)worth_ms)
        return 0;
    double share = slow + fast > 0 ? (double)slow / ((double)slow + (double)fast) : 0.5;
    uint64_t keep = (uint64_t)((double)left * share);
    if (keep < PLM_PLAN_MIN_CHUNK)
        keep = PLM_PLAN_MIN_CHUNK;
    return keep > left - PLM_PLAN_MIN_CHUNK ? 0 : keep;
}
