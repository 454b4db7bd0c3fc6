/* Downloads: which requests run for a blob, and what they bring. */
#include <stdlib.h>

#include "engine/download_private.h"
#include "engine/feed.h"
#include "engine/plan.h"
#include "engine/pull.h"

#define MUCH_SLOWER 4
#define REPLACE_WORTH_MS 1000
#define WINDOW_LEAST (UINT64_C(128) << 20)

/* The hash follows the prefix: what lies far beyond it would have to come from the disk again. */
static uint64_t window_of(const struct plm_download *d, uint64_t length)
{
    uint64_t window = 2 * plm_lanes_allowed(&d->pull->lanes) * length;
    if (window < WINDOW_LEAST)
        window = WINDOW_LEAST;
    uint64_t limit = plm_spans_prefix(&d->partial->written) + window;
    return limit < d->want.size ? limit : d->want.size;
}

bool plm_download_start_chunk(struct plm_download *d)
{
    struct plm_span asked[PLM_CONNECTIONS_MAX + 1], span;
    struct plm_error err = {0};
    size_t count = 0;
    uint64_t left = d->want.size - d->done;
    if (d->wants_proof && !d->closing)
        return plm_feed_prove(d->pull->feed, d);
    if (d->state != PLM_DOWNLOAD_FETCHING || d->closing || d->leaving)
        return false;
    if (d->pull->feed)
        return plm_feed_start(d->pull->feed, d);
    if (d->chunk_count > 0 && (d->no_ranges || plm_source_is_unresolved(d->source)))
        return false;
    for (const struct plm_chunk *c = d->chunks; c && count < PLM_COUNT(asked); c = c->next)
        asked[count++] = (struct plm_span){c->at, c->span.end};
    for (size_t i = 0; i < count; i++)
        left -= plm_span_length(asked[i]) < left ? plm_span_length(asked[i]) : left;
    const struct plm_plan_pace pace = {.connections = plm_lanes_allowed(&d->pull->lanes),
                                       .bytes_per_second = d->pull->usual_rate
                                                               ? d->pull->usual_rate
                                                               : plm_lanes_each(&d->pull->lanes),
                                       .answer_ms = d->pull->answer_ms};
    uint64_t length =
        plm_plan_chunk_length(d->want.size, left, d->pull->job->engine->options.chunk_size, &pace);
    if (!plm_plan_next(&d->partial->written, asked, count, window_of(d, length), length, &span))
        return false;
    if (d->no_ranges)
        span = (struct plm_span){0, d->want.size};
    if (!d->announced) {
        d->announced = true;
        plm_pull_emit_kind(d->pull, d, PLM_EV_BLOB_START);
    }
    if (!plm_chunk_start(d, span, &err)) {
        plm_pull_fail(d->pull, &err);
        return false;
    }
    return true;
}

static uint64_t left_of(const struct plm_chunk *chunk)
{
    return chunk->span.end > chunk->at ? chunk->span.end - chunk->at : 0;
}

static bool is_judged(const struct plm_chunk *chunk, int64_t now)
{
    int64_t after = plm_plan_split_ms(plm_chunk_rate(chunk, now), chunk->download->pull->answer_ms);
    return now - chunk->started_ms >= after;
}

/* The chunk that would end last, of those that run long enough to be judged. One that fails is left
 * to its own retries: whoever took its rest over would count them anew. */
static struct plm_chunk *last_to_end(const struct plm_download *d, int64_t now, uint64_t *left_ms)
{
    struct plm_chunk *slow = NULL;
    for (struct plm_chunk *c = d->chunks; c; c = c->next) {
        uint64_t rate = plm_chunk_rate(c, now);
        uint64_t ms = left_of(c) * 1000 / (rate ? rate : 1);
        if (c->attempts + c->resolves == 0 && is_judged(c, now) && (!slow || ms > *left_ms)) {
            slow = c;
            *left_ms = ms;
        }
    }
    return slow;
}

/* What another connection can be expected to bring: not what the best one does, which on a lossy
 * link had luck. */
static uint64_t rate_of_others(const struct plm_download *d, const struct plm_chunk *slow,
                               int64_t now)
{
    uint64_t sum = d->pull->usual_rate, count = sum > 0;
    for (const struct plm_chunk *c = d->chunks; c; c = c->next)
        if (c != slow && is_judged(c, now)) {
            sum += plm_chunk_rate(c, now);
            count++;
        }
    return count > 0 ? sum / count : 0;
}

bool plm_download_split(struct plm_download *d)
{
    int64_t now = plm_loop_now(plm_pull_loop(d->pull));
    struct plm_error err = {0};
    uint64_t left_ms = 0;
    if (d->state != PLM_DOWNLOAD_FETCHING || d->no_ranges || d->closing)
        return false;
    struct plm_chunk *slow = last_to_end(d, now, &left_ms);
    if (!slow || left_of(slow) == 0)
        return false;
    uint64_t rate = plm_chunk_rate(slow, now), fast = rate_of_others(d, slow, now);
    if (rate < fast / MUCH_SLOWER && left_ms > REPLACE_WORTH_MS) {
        /* A new connection takes all of its rest. If that is slow as well, less is expected next
         * time. */
        struct plm_chunk was = *slow;
        d->pull->usual_rate /= 2;
        plm_chunk_free(slow);
        if (!plm_download_start_chunk(d))
            return false;
        plm_chunk_inherit(d->chunks, &was);
        return true;
    }
    uint64_t keep = plm_plan_split(left_of(slow), rate, fast > rate ? fast : rate,
                                   plm_plan_split_ms(rate, d->pull->answer_ms));
    if (keep == 0)
        return false;
    struct plm_span rest = {slow->at + keep, slow->span.end};
    if (!plm_chunk_start(d, rest, &err)) {
        plm_pull_fail(d->pull, &err);
        return false;
    }
    slow->span.end = rest.start;
    return true;
}

static bool streams_all(const struct plm_chunk *chunk)
{
    const struct plm_span *asked = &chunk->asked;
    return chunk->whole || (chunk->state == PLM_CHUNK_RECEIVING && asked->start == 0 &&
                            asked->end == chunk->download->want.size);
}

void plm_download_keep_one(struct plm_download *d)
{
    struct plm_chunk *keep = NULL;
    for (struct plm_chunk *c = d->chunks; c; c = c->next)
        if (streams_all(c) && (!keep || c->at > keep->at))
            keep = c;
    if (keep)
        keep->whole = true; /* also what was split off it: that request is over */
    for (struct plm_chunk *c = d->chunks, *next; c; c = next) {
        next = c->next;
        if (c != keep)
            plm_chunk_free(c);
    }
}

bool plm_download_write(struct plm_download *d, uint64_t offset, const void *bytes, size_t length,
                        struct plm_error *err)
{
    uint64_t before = d->done;
    if (!plm_partial_write(d->partial, offset, bytes, length, err))
        return false;
    d->done = plm_spans_total(&d->partial->written);
    d->unsynced += d->done - before;
    d->dirty = true;
    plm_frontier_push(d->frontier, plm_spans_prefix(&d->partial->written), false);
    return true;
}

void plm_download_chunk_ended(struct plm_chunk *chunk)
{
    struct plm_pull *pull = chunk->download->pull;
    uint64_t rate = plm_chunk_rate(chunk, plm_loop_now(plm_pull_loop(pull)));
    if (rate > 0)
        pull->usual_rate = pull->usual_rate ? (3 * pull->usual_rate + rate) / 4 : rate;
    pull->ended++;
    plm_chunk_free(chunk);
    plm_pull_kick(pull);
}
