/* Parts: requests with bytes of a blob, where the answers send them, and their retries. */
#include "engine/push.h"

#include <stdlib.h>
#include <string.h>

#define EXPIRIES_MAX 5
#define STRETCH_LEAST (UINT64_C(1) << 20)
/* Below this the leave that one asks for costs more than what might be sent in vain. */
#define EXPECT_FROM (UINT64_C(64) << 10)
#define TURN_MS 100 /* between looks whether others have made room */

struct plm_part {
    struct plm_upload *upload;
    struct plm_part *next;
    struct plm_span span;
    size_t index;
    enum plm_send_kind kind;
    char *session; /* owned; where it was sent first */
    char *target;  /* owned; where the registry sent it then */
    struct plm_send *send;
    struct plm_timer timer;
    int attempts, expiries;
    int64_t failing_since_ms, began_ms;
    uint64_t passed;
    struct plm_md5 *md5; /* owned; NULL while nobody wants to know */
    bool md5_failed;
};

static void on_answer(void *ctx, const struct plm_upload_answer *answer);

/* It holds the session's address that the next part would be sent to. One that only renews its
 * target does not. */
static bool is_asking(const struct plm_part *part)
{
    return part->kind == PLM_SEND_PATCH && part->expiries == 0;
}

/* ---- the list ---- */

void plm_part_free(struct plm_part *part)
{
    struct plm_upload_run *run = part->upload->run;
    struct plm_push *push = part->upload->push;
    struct plm_part **link = &run->parts;
    while (*link && *link != part)
        link = &(*link)->next;
    if (*link) {
        *link = part->next;
        push->active--;
        if (is_asking(part))
            run->is_asking = false;
    }
    plm_timer_stop(plm_push_loop(push), &part->timer);
    plm_send_cancel(part->send);
    plm_md5_free(part->md5);
    free(part->session);
    free(part->target);
    free(part);
}

uint64_t plm_parts_passed(const struct plm_upload_run *run)
{
    uint64_t passed = 0;
    for (const struct plm_part *part = run->parts; part; part = part->next)
        passed += part->passed;
    return passed;
}

bool plm_parts_first(const struct plm_upload_run *run, size_t *index, const char **session)
{
    const struct plm_part *first = NULL;
    for (const struct plm_part *part = run->parts; part; part = part->next)
        if (!first || part->index < first->index)
            first = part;
    if (!first)
        return false;
    *index = first->index;
    *session = first->session;
    return true;
}

/* ---- sending ---- */

static void on_passed(void *ctx, uint64_t at, const void *bytes, size_t length)
{
    struct plm_part *part = ctx;
    struct plm_error ignored = {0};
    if (part->md5 && at == 0)
        part->md5_failed = !plm_md5_restart(part->md5, &ignored);
    if (part->md5 && !plm_md5_update(part->md5, bytes, length, &ignored))
        part->md5_failed = true;
    part->passed = at + length;
    part->upload->push->sent += length;
    part->upload->push->job->record.sent += length;
    part->upload->run->payload += length;
    plm_upload_count(part->upload);
}

static bool send_request(struct plm_part *part, struct plm_error *err)
{
    struct plm_upload *u = part->upload;
    struct plm_upload_run *run = u->run;
    bool first = run->offset == 0 && part->span.start == 0;
    part->passed = 0;
    part->began_ms = plm_loop_now(plm_push_loop(u->push));
    if (run->redirects && !part->md5 && !plm_md5_new(&part->md5, err))
        return false;
    const struct plm_send_request request = {
        .kind = part->kind,
        .url = part->kind == PLM_SEND_STORE ? part->target : part->session,
        .headers = run->direct ? run->headers : NULL,
        .fd = run->fd,
        .span = part->span,
        .digest = &u->want.digest,
        .expect = plm_span_length(part->span) >= EXPECT_FROM && (first || run->redirects) &&
                  part->kind == PLM_SEND_PATCH,
        .passed = on_passed,
    };
    return plm_send_start(u->push->registry, &request, on_answer, part, &part->send, err);
}

static unsigned count_sending(const struct plm_push *push)
{
    unsigned count = 0;
    for (size_t i = push->low; i < push->high; i++) {
        const struct plm_upload_run *run = push->uploads[i].run;
        for (const struct plm_part *part = run ? run->parts : NULL; part; part = part->next)
            count += part->send != NULL;
    }
    return count;
}

static void on_backoff_over(void *ctx)
{
    struct plm_part *part = ctx;
    struct plm_push *push = part->upload->push;
    struct plm_error err = {0};
    if (count_sending(push) >= push->pace.allowed)
        plm_timer_start(plm_push_loop(push), &part->timer, TURN_MS);
    else if (!send_request(part, &err))
        plm_upload_fail(part->upload, &err);
}

bool plm_part_start(struct plm_upload *u, struct plm_span span, size_t index, struct plm_error *err)
{
    struct plm_upload_run *run = u->run;
    struct plm_part *part = calloc(1, sizeof(*part));
    if (!part)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a request");
    part->upload = u;
    part->span = span;
    part->index = index;
    part->timer = (struct plm_timer){.fire = on_backoff_over, .ctx = part};
    part->kind = run->direct ? PLM_SEND_STORE : run->whole ? PLM_SEND_WHOLE : PLM_SEND_PATCH;
    part->session = strdup(run->session);
    part->target = run->direct ? strdup(run->target) : NULL;
    bool ok = (part->session && (part->target || !run->direct)) ||
              plm_fail(err, PLM_E_NOMEM, "no memory for a request");
    part->next = run->parts;
    run->parts = part;
    u->push->active++;
    run->is_asking = run->is_asking || is_asking(part);
    if (ok && send_request(part, err))
        return true;
    plm_part_free(part);
    return false;
}

/* ---- answers ---- */

/* In its own time, for nothing else depends on it. */
static void retry_alone(struct plm_part *part, const struct plm_upload_answer *answer)
{
    struct plm_push *push = part->upload->push;
    if (!plm_push_may_retry(push, &part->attempts, &part->failing_since_ms)) {
        struct plm_error err = *answer->error;
        err.code = PLM_E_NETWORK;
        (void)plm_prefix(&err, "gave up after %d tries without a new byte", part->attempts);
        plm_upload_fail(part->upload, &err);
        return;
    }
    int64_t delay = plm_push_tell_retry(push, part->upload, answer, part->attempts);
    part->passed = 0;
    plm_timer_start(plm_push_loop(push), &part->timer, delay);
}

static void put_off(struct plm_part *part, const struct plm_upload_answer *answer)
{
    struct plm_upload *u = part->upload;
    bool misplaced = part->kind == PLM_SEND_PATCH && answer->error->http_status == 416;
    if (misplaced && u->run->redirects) {
        plm_upload_lose(u, answer); /* of parts there is no other place to go on at */
    } else if (u->run->redirects || u->run->direct) {
        retry_alone(part, answer);
    } else {
        u->run->misplaced = misplaced;
        plm_upload_retry(u, answer);
    }
}

static bool keep_session(struct plm_upload *u, const struct plm_upload_answer *answer)
{
    struct plm_error err = {0};
    if (plm_upload_keep_session(u, answer->session, &err))
        return true;
    plm_upload_fail(u, &err);
    return false;
}

/* The registry itself has it; what it says of the offset counts more than what we think. */
static void take_offset(struct plm_part *part, const struct plm_upload_answer *answer)
{
    struct plm_upload *u = part->upload;
    uint64_t end = part->span.end, start = part->span.start;
    struct plm_error err = {0};
    if (!keep_session(u, answer))
        return;
    u->push->plain = u->push->plain || !u->run->redirects;
    if (answer->has_taken && answer->taken != end && !(end == 0 && answer->taken == 1)) {
        if (answer->taken > end || answer->taken <= start) {
            (void)plm_fail(&err, PLM_E_PROTOCOL,
                           "%s says that it has %llu bytes after %llu were sent", answer->host,
                           (unsigned long long)answer->taken, (unsigned long long)end);
            const struct plm_upload_answer lost = {
                .said = PLM_SAID_LOST, .error = &err, .host = answer->host, .retry_after_ms = -1};
            plm_upload_lose(u, &lost);
            return;
        }
        end = answer->taken;
    }
    plm_part_free(part);
    plm_upload_reached(u, end);
}

static void end_part(struct plm_part *part)
{
    struct plm_upload *u = part->upload;
    struct plm_md5_value md5 = {{0}};
    struct plm_error err = {0};
    if (part->md5 && (part->md5_failed || !plm_md5_final(part->md5, &md5, &err))) {
        (void)plm_fail(&err, PLM_E_INTERNAL, "the MD5 of a part cannot be computed");
        plm_upload_fail(u, &err);
        return;
    }
    size_t index = part->index;
    plm_part_free(part);
    plm_upload_part_sent(u, index, &md5);
}

/* 307: the bytes go to an object store, and the session is free for the next part. */
static void go_elsewhere(struct plm_part *part, const struct plm_upload_answer *answer)
{
    struct plm_upload *u = part->upload;
    struct plm_upload_run *run = u->run;
    struct plm_error err = {0};
    bool is_new = is_asking(part);
    if (!run->redirects && !plm_upload_begin_parts(u, part->index, answer))
        return;
    char *target = strdup(answer->target);
    if (!target)
        (void)plm_fail(&err, PLM_E_NOMEM, "no memory for an address");
    free(part->target);
    part->target = target;
    run->is_asking = run->is_asking && !is_new;
    part->kind = PLM_SEND_STORE;
    if (!target || (is_new && !plm_upload_keep_session(u, answer->session, &err)) ||
        !send_request(part, &err))
        plm_upload_fail(u, &err);
    plm_upload_note(u);
}

/* The store's address was good for a while, or for one try. */
static void ask_again(struct plm_part *part, const struct plm_upload_answer *answer)
{
    struct plm_upload *u = part->upload;
    struct plm_error err = {0};
    int *expiries = u->run->direct ? &u->run->expiries : &part->expiries;
    if (++*expiries > EXPIRIES_MAX) {
        plm_upload_fail(u, answer->error);
        return;
    }
    const struct plm_event_retry retry = {.reason = PLM_RETRY_REDIRECT,
                                          .what = "blob",
                                          .host = answer->host,
                                          .detail = answer->error->msg,
                                          .http_status = answer->error->http_status};
    struct plm_event event = {.kind = PLM_EV_REFRESH, .retry = retry};
    plm_push_emit(u->push, u, &event);
    if (u->run->direct) {
        plm_upload_reopen(u); /* a new session brings a new address */
        return;
    }
    part->kind = PLM_SEND_PATCH;
    if (!send_request(part, &err))
        plm_upload_fail(u, &err);
}

static void send_less(struct plm_part *part, const struct plm_upload_answer *answer)
{
    struct plm_upload *u = part->upload;
    if (part->kind != PLM_SEND_PATCH || u->run->redirects ||
        plm_span_length(part->span) <= STRETCH_LEAST) {
        plm_upload_fail(u, answer->error);
        return;
    }
    uint64_t half = plm_span_length(part->span) / 2;
    if (u->push->length_max == 0 || half < u->push->length_max)
        u->push->length_max = half;
    plm_upload_ask(u);
}

static void keep_pace(const struct plm_part *part, const struct plm_upload_answer *answer)
{
    struct plm_push *push = part->upload->push;
    if (answer->said == PLM_SAID_HAS || answer->said == PLM_SAID_GOES_ON)
        plm_push_pace_passed(&push->pace);
    else if (answer->said == PLM_SAID_LATER && answer->reason == PLM_RETRY_STALL)
        plm_push_pace_stalled(&push->pace, part->began_ms, plm_loop_now(plm_push_loop(push)));
}

static void on_answer(void *ctx, const struct plm_upload_answer *answer)
{
    struct plm_part *part = ctx;
    struct plm_upload *u = part->upload;
    part->send = NULL;
    keep_pace(part, answer);
    plm_push_kick(u->push);
    switch (answer->said) {
    case PLM_SAID_HAS:
        if (part->kind == PLM_SEND_WHOLE)
            plm_upload_finish(u, PLM_EV_BLOB_SENT);
        else
            end_part(part);
        return;
    case PLM_SAID_GOES_ON:
        if (!u->run->redirects)
            take_offset(part, answer);
        else if (!is_asking(part) || keep_session(u, answer))
            end_part(part);
        return;
    case PLM_SAID_ELSEWHERE:
        go_elsewhere(part, answer);
        return;
    case PLM_SAID_EXPIRED:
        ask_again(part, answer);
        return;
    case PLM_SAID_LATER:
        put_off(part, answer);
        return;
    case PLM_SAID_TOO_LARGE:
        send_less(part, answer);
        return;
    case PLM_SAID_LOST:
        plm_upload_lose(u, answer);
        return;
    case PLM_SAID_LACKS:
    case PLM_SAID_FAILED:
        break;
    }
    plm_upload_fail(u, answer->error);
}
