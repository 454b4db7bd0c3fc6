/* Incoming bytes: the head to its reader, the body to the sink or the collector, under the rate
 * limit. */
#include "net/http_private.h"

#include <string.h>

#define REFUSE SIZE_MAX            /* never a length that curl offers: ends the transfer */
#define NEXT_TURN_MS 1             /* not in this step any more */
#define ERROR_BODY_MAX (64u << 10) /* of an answer that is no content: enough for a message */
#define ERROR_BODY_WIRE (1u << 20) /* more than this of it is not waited for */

/* Fixes the end; the error stands in the outcome already. */
static size_t decide(struct plm_http_transfer *t, enum plm_http_end end)
{
    t->outcome.end = end;
    t->decided = true;
    return REFUSE;
}

static bool is_content(const struct plm_http_transfer *t)
{
    return t->outcome.head.status == 200 || t->outcome.head.status == 206;
}

static bool begin_body(struct plm_http_transfer *t)
{
    t->begun = true;
    /* Whoever has too many connections gets this one back. */
    if (t->outcome.head.status == 429 || t->outcome.head.status == 503)
        (void)curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
    if (!t->sink.write || !is_content(t) || t->is_head_request)
        return true;
    struct plm_error *err = &t->outcome.error;
    if (t->sink.begin && !t->sink.begin(t->sink.ctx, &t->outcome.head, err)) {
        (void)plm_fail(err, PLM_E_INTERNAL, "the answer of %s was refused", t->authority);
        return false;
    }
    t->to_sink = true;
    /* All of a blob may take longer than any part of it; that it moves is the stall clock's matter.
     */
    if (t->outcome.head.status == 200)
        (void)curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, 0L);
    return true;
}

size_t plm_http_on_header(char *bytes, size_t one, size_t length, void *ctx)
{
    struct plm_http_transfer *t = ctx;
    (void)one; /* always 1 */
    t->active_ms = plm_loop_now(t->client->loop);
    if (!plm_head_line(&t->reader, bytes, length, &t->outcome.error)) {
        (void)plm_prefix(&t->outcome.error, "%s", t->authority);
        return decide(t, PLM_HTTP_MALFORMED);
    }
    if (t->reader.complete && !t->begun && !begin_body(t))
        return decide(t, PLM_HTTP_REFUSED);
    return length;
}

int plm_http_on_sending(void *ctx, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct plm_http_transfer *t = ctx;
    (void)local_ip;
    plm_http_find_socket(t, local_port, remote_port);
    plm_http_way_found(t, remote_ip);
    t->active_ms = plm_loop_now(t->client->loop);
    t->sent = true;
    return CURL_PREREQFUNC_OK;
}

static size_t collect(struct plm_http_transfer *t, const char *bytes, size_t length)
{
    struct plm_buf *body = &t->outcome.body;
    struct plm_error *err = &t->outcome.error;
    bool wanted = t->outcome.head.status / 100 == 2 && !t->sink.write;
    size_t take = length;
    if (wanted) {
        body->max = t->body_max;
    } else {
        body->max = ERROR_BODY_MAX;
        if (t->outcome.received > ERROR_BODY_WIRE)
            return decide(t, PLM_HTTP_ANSWERED);
        if (take > body->max - body->size)
            take = body->max - body->size;
    }
    if (plm_buf_append(body, bytes, take, err))
        return length;
    if (err->code != PLM_E_LIMIT)
        return decide(t, PLM_HTTP_FAILED);
    (void)plm_prefix(err, "body from %s", t->authority);
    return decide(t, PLM_HTTP_MALFORMED);
}

bool plm_http_is_held_back(struct plm_http_transfer *t, size_t length)
{
    struct plm_http_client *client = t->client;
    struct plm_rate *rate = &client->rate;
    if (plm_loop_turn_is_over(client->loop)) {
        t->paused = true;
        if (!client->resume.armed)
            plm_timer_start(client->loop, &client->resume, NEXT_TURN_MS);
        return true;
    }
    if (!rate->per_second)
        return false;
    int64_t now_ms = plm_loop_now(client->loop);
    if (t->quantum > 0 && plm_rate_may_pass(rate, now_ms)) {
        t->quantum -= t->quantum < length ? t->quantum : length;
        plm_rate_take(rate, length);
        return false;
    }
    t->paused = true;
    if (!client->resume.armed)
        plm_timer_start(client->loop, &client->resume, plm_rate_wait_ms(rate, now_ms));
    return true;
}

size_t plm_http_on_body(char *bytes, size_t one, size_t length, void *ctx)
{
    struct plm_http_transfer *t = ctx;
    (void)one; /* always 1 */
    t->active_ms = plm_loop_now(t->client->loop);
    if (!t->reader.complete) {
        (void)plm_fail(&t->outcome.error, PLM_E_PROTOCOL, "%s sent a body without a head",
                       t->authority);
        return decide(t, PLM_HTTP_MALFORMED);
    }
    if (t->decided)
        return REFUSE;
    if (plm_http_is_held_back(t, length))
        return CURL_WRITEFUNC_PAUSE;
    t->outcome.received += length;
    t->client->received += length;
    if (!t->to_sink)
        return collect(t, bytes, length);
    return plm_http_gather(t, bytes, length) ? length : REFUSE;
}
