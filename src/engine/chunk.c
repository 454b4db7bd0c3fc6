/* Chunks: ranged requests with their retries; here bytes cross from net to store. */
#include "engine/chunk.h"

#include <stdlib.h>

#include "engine/pull.h"
#include "os/os.h"

#define RESOLVES_MAX 5

static int64_t now_of(const struct plm_chunk *chunk)
{
    return plm_loop_now(plm_pull_loop(chunk->download->pull));
}

static uint64_t end_of(const struct plm_chunk *chunk)
{
    return chunk->whole ? chunk->download->want.size : chunk->span.end;
}

/* The first answer tells where the blob is: others need not wait for the next tick. */
static void note_answer(const struct plm_chunk *chunk)
{
    struct plm_pull *pull = chunk->download->pull;
    int64_t ms = now_of(chunk) - chunk->started_ms;
    if (pull->answer_ms == 0 || ms < pull->answer_ms)
        pull->answer_ms = ms > 0 ? ms : 1;
    plm_pull_kick(pull);
}

static bool on_head(void *ctx, const struct plm_http_head *head, struct plm_error *err)
{
    struct plm_chunk *chunk = ctx;
    struct plm_download *d = chunk->download;
    bool asked_all = chunk->asked.start == 0 && chunk->asked.end == d->want.size;
    switch (plm_range_judge(head, chunk->asked, d->want.size, err)) {
    case PLM_RANGE_EXACT:
        break;
    case PLM_RANGE_WHOLE:
        if (asked_all)
            break; /* exactly that was asked for; a part of it may still be given to others */
        d->no_ranges = chunk->whole = true;
        chunk->at = 0;
        break;
    case PLM_RANGE_WRONG:
        if (!asked_all && err->code == PLM_E_PROTOCOL)
            d->no_ranges = true; /* ask for all of it instead, once */
        return false;
    }
    chunk->state = PLM_CHUNK_RECEIVING;
    note_answer(chunk);
    return true;
}

static bool on_bytes(void *ctx, const void *bytes, size_t length, struct plm_error *err)
{
    struct plm_chunk *chunk = ctx;
    uint64_t end = end_of(chunk), room = end > chunk->at ? end - chunk->at : 0;
    bool surplus = length > room;
    size_t use = surplus ? (size_t)room : length;
    if (use > 0) {
        uint64_t before = chunk->download->done;
        if (!plm_download_write(chunk->download, chunk->at, bytes, use, err))
            return false;
        chunk->at += use;
        chunk->received += use;
        chunk->last_byte_ms = now_of(chunk);
        bool is_new = chunk->download->done > before; /* else a stream repeats what is here */
        if (is_new) {
            chunk->attempts = chunk->resolves = 0;
            plm_mirrors_praise(&chunk->download->pull->mirrors, chunk->download->mirror);
        }
        plm_pull_received(chunk->download->pull, use, is_new);
    }
    bool cut = chunk->at >= end && !chunk->whole && end < chunk->asked.end;
    return surplus || cut ? plm_fail(err, PLM_E_INTERRUPTED, "%s", "") : true;
}

static void on_done(void *ctx, const struct plm_fetch_result *result);

static bool send_request(struct plm_chunk *chunk, struct plm_error *err)
{
    struct plm_download *d = chunk->download;
    chunk->whole = d->no_ranges;
    if (chunk->whole)
        chunk->at = 0;
    chunk->asked = chunk->whole ? (struct plm_span){0, d->want.size}
                                : (struct plm_span){chunk->at, chunk->span.end};
    chunk->state = PLM_CHUNK_CONNECTING;
    chunk->started_ms = now_of(chunk);
    chunk->received = 0;
    struct plm_http_sink sink = {.begin = on_head, .write = on_bytes, .ctx = chunk};
    return plm_source_fetch(d->source, chunk->asked, sink, on_done, chunk, &chunk->fetch, err);
}

static void on_backoff_over(void *ctx)
{
    struct plm_chunk *chunk = ctx;
    struct plm_error err = {0};
    if (!send_request(chunk, &err))
        plm_pull_fail(chunk->download->pull, &err);
}

static void wait_before(struct plm_chunk *chunk, int64_t delay_ms)
{
    chunk->state = PLM_CHUNK_BACKOFF;
    plm_timer_start(plm_pull_loop(chunk->download->pull), &chunk->timer, delay_ms);
}

static void tell_retry(struct plm_chunk *chunk, const struct plm_fetch_result *result,
                       int64_t delay_ms)
{
    struct plm_pull *pull = chunk->download->pull;
    struct plm_event event = {.kind = PLM_EV_RETRY,
                              .retry = {.reason = result->reason,
                                        .what = "blob",
                                        .host = plm_source_host(chunk->download->source),
                                        .detail = result->error->msg,
                                        .attempt = chunk->attempts,
                                        .max_attempts = pull->job->engine->options.max_retries,
                                        .delay_ms = delay_ms,
                                        .http_status = result->error->http_status,
                                        .retry_after = result->retry_after_ms >= 0}};
    plm_pull_emit(pull, chunk->download, &event);
}

/* Other requests do bring bytes: this one more connection is one too many for the server. */
static bool is_one_too_many(const struct plm_chunk *chunk, const struct plm_fetch_result *result)
{
    const struct plm_pull *pull = chunk->download->pull;
    bool refused = result->reason == PLM_RETRY_CONNECTION ||
                   result->reason == PLM_RETRY_RATE_LIMITED ||
                   result->reason == PLM_RETRY_SERVER_ERROR;
    return refused && chunk->received == 0 && result->retry_after_ms < 0 && pull->active > 1 &&
           now_of(chunk) - pull->last_byte_ms < 1000;
}

static void give_back(struct plm_chunk *chunk)
{
    struct plm_pull *pull = chunk->download->pull;
    plm_lanes_refused(&pull->lanes, pull->active, now_of(chunk));
    plm_download_chunk_ended(chunk);
}

static void fail_for_good(struct plm_chunk *chunk, const struct plm_error *cause)
{
    struct plm_error err = *cause;
    char name[PLM_DIGEST_TEXT];
    if (err.code == PLM_E_NOT_FOUND) /* the model is there, but its registry is not whole */
        err.code = PLM_E_HTTP;
    (void)plm_prefix(&err, "blob %.12s",
                     plm_digest_file_name(&chunk->download->want.digest, name) + 7);
    plm_pull_fail(chunk->download->pull, &err);
}

static void retry(struct plm_chunk *chunk, const struct plm_fetch_result *result)
{
    struct plm_pull *pull = chunk->download->pull;
    uint64_t random = 0;
    if (is_one_too_many(chunk, result)) {
        give_back(chunk);
        return;
    }
    if (chunk->attempts > 0 && plm_download_leave_mirror(chunk->download, result->error)) {
        plm_download_chunk_ended(chunk);
        return;
    }
    /* A byte that came for any other request counts as well: then this is the first failure again.
     */
    if (chunk->attempts++ == 0 || pull->last_byte_ms > chunk->failing_since_ms) {
        chunk->attempts = 1;
        chunk->failing_since_ms = now_of(chunk);
    }
    if (chunk->attempts > pull->job->engine->options.max_retries) {
        struct plm_error err = *result->error;
        err.code = PLM_E_NETWORK;
        (void)plm_prefix(&err, "gave up after %d tries without a new byte", chunk->attempts);
        fail_for_good(chunk, &err);
        return;
    }
    (void)!plm_os_random(&random, sizeof(random), NULL); /* without it the delay is the shortest */
    int64_t delay = plm_retry_delay(chunk->attempts - 1, random);
    if (result->retry_after_ms > delay)
        delay = result->retry_after_ms;
    tell_retry(chunk, result, delay);
    wait_before(chunk, delay);
}

static void on_done(void *ctx, const struct plm_fetch_result *result)
{
    struct plm_chunk *chunk = ctx;
    struct plm_download *d = chunk->download;
    chunk->fetch = NULL;
    plm_pull_kick(d->pull);
    if (result->complete && chunk->at >= end_of(chunk)) {
        plm_download_chunk_ended(chunk);
        return;
    }
    if (result->complete) {
        struct plm_error short_err = {0};
        (void)plm_fail(&short_err, PLM_E_NETWORK, "the answer ended early");
        struct plm_fetch_result ended = {.action = PLM_RETRY_LATER,
                                         .reason = PLM_RETRY_SHORT_BODY,
                                         .retry_after_ms = -1,
                                         .error = &short_err};
        retry(chunk, &ended);
    } else if (result->action == PLM_RETRY_RERESOLVE && ++chunk->resolves <= RESOLVES_MAX) {
        wait_before(chunk, chunk->resolves > 1 ? 100 << chunk->resolves : 0);
    } else if (result->action == PLM_RETRY_LATER) {
        retry(chunk, result);
    } else if (d->no_ranges && !chunk->whole && result->error->code == PLM_E_PROTOCOL) {
        plm_download_chunk_ended(chunk); /* the plan goes on with one stream of the whole */
    } else if (plm_download_leave_mirror(d, result->error)) {
        plm_download_chunk_ended(chunk);
    } else {
        fail_for_good(chunk, result->error);
    }
}

bool plm_chunk_start(struct plm_download *d, struct plm_span span, struct plm_error *err)
{
    struct plm_chunk *chunk = calloc(1, sizeof(*chunk));
    if (!chunk)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a request");
    *chunk = (struct plm_chunk){
        .download = d, .span = span, .at = span.start, .timer = {.fire = on_backoff_over}};
    chunk->timer.ctx = chunk;
    if (!send_request(chunk, err)) {
        free(chunk);
        return false;
    }
    chunk->next = d->chunks;
    d->chunks = chunk;
    d->chunk_count++;
    d->pull->active++;
    return true;
}

void plm_chunk_inherit(struct plm_chunk *chunk, const struct plm_chunk *from)
{
    chunk->attempts = from->attempts;
    chunk->resolves = from->resolves;
    chunk->failing_since_ms = from->failing_since_ms;
}

void plm_chunk_free(struct plm_chunk *chunk)
{
    struct plm_download *d = chunk->download;
    struct plm_chunk **link = &d->chunks;
    while (*link && *link != chunk)
        link = &(*link)->next;
    if (*link) {
        *link = chunk->next;
        d->chunk_count--;
        d->pull->active--;
    }
    plm_timer_stop(plm_pull_loop(d->pull), &chunk->timer);
    plm_fetch_cancel(chunk->fetch);
    free(chunk);
}

uint64_t plm_chunk_rate(const struct plm_chunk *chunk, int64_t now_ms)
{
    int64_t elapsed = now_ms - chunk->started_ms;
    return elapsed > 0 ? chunk->received * 1000 / (uint64_t)elapsed : 0;
}
