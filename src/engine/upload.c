/* Uploads: one blob's state machine, from the question whether it is there to its commit. */
#include "engine/push.h"

#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "store/blobs.h"

/* So far the hash may run ahead of what is sent: both read the file while it is in the cache. */
#define HASH_AHEAD (UINT64_C(64) << 20)
#define REFUSALS_MAX 2

void plm_upload_move(struct plm_upload *u, enum plm_upload_state state)
{
    u->state = state;
    plm_push_kick(u->push);
}

void plm_upload_fail(struct plm_upload *u, const struct plm_error *cause)
{
    struct plm_error err = *cause;
    char name[PLM_DIGEST_TEXT];
    if (err.code == PLM_E_NOT_FOUND) /* the model is there: something of the registry is not */
        err.code = PLM_E_HTTP;
    (void)plm_prefix(&err, "blob %.12s", plm_digest_file_name(&u->want.digest, name) + 7);
    plm_push_fail(u->push, &err);
}

/* ---- what is under way ---- */

static void free_parts(struct plm_upload *u)
{
    struct plm_upload_run *run = u->run;
    while (run->parts)
        plm_part_free(run->parts);
    free(run->md5s);
    free(run->sent);
    run->md5s = NULL;
    run->sent = NULL;
    run->redirects = run->is_asking = false;
    run->part_count = run->next_part = 0;
}

static void leave_session(struct plm_upload *u)
{
    struct plm_upload_run *run = u->run;
    free_parts(u);
    free(run->session);
    free(run->target);
    free(run->headers);
    run->session = run->target = run->headers = NULL;
    run->direct = run->is_old = run->misplaced = false;
    run->offset = 0;
}

static void forget_session(struct plm_upload *u)
{
    leave_session(u);
    plm_push_record_drop(u->push, &u->want.digest);
}

static void free_run(struct plm_upload *u)
{
    struct plm_upload_run *run = u->run;
    if (!run)
        return;
    free_parts(u);
    plm_timer_stop(plm_push_loop(u->push), &run->timer);
    if (run->hashing)
        plm_frontier_done(&run->frontier);
    plm_os_close(run->fd);
    free(run->session);
    free(run->target);
    free(run->headers);
    free(run);
    u->run = NULL;
    u->push->running--;
}

void plm_upload_count(struct plm_upload *u)
{
    const struct plm_upload_run *run = u->run;
    uint64_t done = run->offset + plm_parts_passed(run);
    for (size_t i = 0; run->sent && i < run->next_part; i++) {
        struct plm_span span = plm_part_at(u->want.size, run->length, i);
        if (run->sent[i] && span.start >= run->offset)
            done += plm_span_length(span);
    }
    u->done = done < u->want.size ? done : u->want.size;
    u->dirty = true;
    if (run->hashing && !run->proven)
        plm_frontier_push(&u->run->frontier,
                          u->want.size - u->done > HASH_AHEAD ? u->done + HASH_AHEAD : u->want.size,
                          false);
}

void plm_upload_note(struct plm_upload *u)
{
    struct plm_upload_run *run = u->run;
    if (u->want.size < PLM_UPLOAD_SMALL || run->direct || run->whole || !run->session)
        return;
    struct plm_session session = {.digest = u->want.digest,
                                  .size = u->want.size,
                                  .location = run->session,
                                  .offset = run->offset,
                                  .touched_s = plm_os_unix_ms() / 1000};
    const char *first;
    size_t index;
    if (run->redirects) {
        session.part_length = run->length;
        session.parts = run->md5s;
        while (session.part_count < run->part_count && run->sent[session.part_count])
            session.part_count++;
        if (plm_parts_first(run, &index, &first))
            session.location = (char *)(uintptr_t)first; /* it is copied */
    }
    plm_push_record_put(u->push, &session);
}

bool plm_upload_keep_session(struct plm_upload *u, const char *session, struct plm_error *err)
{
    if (!*session)
        return true;
    char *copy = strdup(session);
    if (!copy)
        return plm_fail(err, PLM_E_NOMEM, "no memory for an address");
    free(u->run->session);
    u->run->session = copy;
    return true;
}

void plm_upload_reached(struct plm_upload *u, uint64_t offset)
{
    struct plm_upload_run *run = u->run;
    run->offset = offset;
    if (offset > run->best) {
        run->best = offset;
        run->expiries = 0;
        u->push->last_byte_ms = plm_loop_now(plm_push_loop(u->push));
    }
    plm_upload_count(u);
    plm_upload_note(u);
}

void plm_upload_finish(struct plm_upload *u, enum plm_event_kind kind)
{
    if (u->run && u->run->hashing && u->run->frontier.busy) {
        plm_frontier_cancel(&u->run->frontier);
        u->run->found = kind;
        plm_upload_move(u, PLM_UPLOAD_DRAINING);
        return;
    }
    struct plm_event event = {.kind = kind};
    if (u->run && kind != PLM_EV_BLOB_MOUNTED && u->run->payload > 0)
        event.kind = PLM_EV_BLOB_SENT; /* found where we had sent it before an answer was lost */
    if (event.kind == PLM_EV_BLOB_SENT && u->run) {
        event.sent.bytes = u->run->payload;
        event.sent.elapsed_ms = plm_loop_now(plm_push_loop(u->push)) - u->run->began_ms;
    }
    if (event.kind == PLM_EV_BLOB_MOUNTED)
        event.mounted.from = u->from;
    u->push->changed = u->push->changed || event.kind != PLM_EV_BLOB_EXISTS;
    free_run(u);
    plm_push_record_drop(u->push, &u->want.digest);
    u->done = u->want.size;
    u->dirty = false;
    plm_push_emit(u->push, u, &event);
    plm_upload_move(u, PLM_UPLOAD_PRESENT);
}

/* ---- failures ---- */

void plm_upload_reopen(struct plm_upload *u)
{
    leave_session(u);
    plm_upload_move(u, PLM_UPLOAD_OPENING);
}

void plm_upload_lose(struct plm_upload *u, const struct plm_upload_answer *answer)
{
    struct plm_upload_run *run = u->run;
    struct plm_error err = *answer->error;
    bool refused = err.code == PLM_E_INTEGRITY && ++run->refusals >= REFUSALS_MAX;
    if (refused || !plm_push_may_retry(u->push, &run->attempts, &run->failing_since_ms)) {
        (void)plm_prefix(&err, "gave up after %d tries", refused ? run->refusals : run->attempts);
        plm_upload_fail(u, &err);
        return;
    }
    forget_session(u);
    run->lost = err;
    if (run->attempts > 1)
        plm_timer_start(plm_push_loop(u->push), &run->timer,
                        plm_push_tell_retry(u->push, u, answer, run->attempts));
    plm_upload_move(u, PLM_UPLOAD_LOOKING);
}

void plm_upload_retry(struct plm_upload *u, const struct plm_upload_answer *answer)
{
    struct plm_upload_run *run = u->run;
    struct plm_error err = *answer->error;
    if (!plm_push_may_retry(u->push, &run->attempts, &run->failing_since_ms)) {
        err.code = PLM_E_NETWORK;
        (void)plm_prefix(&err, "gave up after %d tries without a new byte", run->attempts);
        plm_upload_fail(u, &err);
        return;
    }
    plm_timer_start(plm_push_loop(u->push), &run->timer,
                    plm_push_tell_retry(u->push, u, answer, run->attempts));
    free_parts(u);
    plm_upload_move(u, run->whole ? PLM_UPLOAD_LOOKING : PLM_UPLOAD_ASKING);
}

void plm_upload_ask(struct plm_upload *u)
{
    free_parts(u);
    plm_upload_move(u, PLM_UPLOAD_ASKING);
}

/* ---- sending ---- */

void plm_upload_part_sent(struct plm_upload *u, size_t index, const struct plm_md5_value *md5)
{
    struct plm_upload_run *run = u->run;
    if (run->direct) {
        plm_upload_reached(u, u->want.size);
        return;
    }
    size_t prefix = 0;
    run->sent[index] = true;
    run->md5s[index] = *md5;
    while (prefix < run->part_count && run->sent[prefix])
        prefix++;
    plm_upload_reached(u, prefix > 0 ? plm_part_at(u->want.size, run->length, prefix - 1).end : 0);
}

/* What to send next; false when nothing may be sent now. */
static bool next_span(struct plm_upload *u, struct plm_span *span, size_t *index)
{
    struct plm_upload_run *run = u->run;
    uint64_t size = u->want.size;
    if (run->redirects) {
        while (run->next_part < run->part_count && run->sent[run->next_part])
            run->next_part++;
        if (run->is_asking || run->next_part == run->part_count)
            return false;
        *index = run->next_part++;
        *span = plm_part_at(size, run->length, *index);
        return true;
    }
    if (run->parts || run->offset == size)
        return false;
    if (u->push->length_max > 0 && run->length > u->push->length_max)
        run->length = u->push->length_max;
    bool all = run->direct || run->whole || size - run->offset < run->length;
    *span = (struct plm_span){run->offset, all ? size : run->offset + run->length};
    *index = run->offset > 0;
    return true;
}

bool plm_upload_start_part(struct plm_upload *u)
{
    struct plm_span span;
    struct plm_error err = {0};
    size_t index;
    if (u->state != PLM_UPLOAD_SENDING || u->run->timer.armed || !next_span(u, &span, &index))
        return false;
    if (!u->run->announced) {
        struct plm_event event = {.kind = PLM_EV_BLOB_START};
        u->run->announced = true;
        plm_push_emit(u->push, u, &event);
    }
    if (plm_part_start(u, span, index, &err))
        return true;
    plm_upload_fail(u, &err);
    return false;
}

/* ---- one step of each state ---- */

static void fail_damaged(struct plm_upload *u, const struct plm_digest *is)
{
    char text[PLM_DIGEST_TEXT];
    struct plm_error err = {0};
    forget_session(u); /* what went into it is of no use to any run */
    (void)plm_fail(&err, PLM_E_INTEGRITY, "it is damaged in the store: its digest is %s",
                   plm_digest_format(is, text));
    plm_upload_fail(u, &err);
}

/* True once the bytes were hashed and have the digest. */
static bool prove(struct plm_upload *u)
{
    struct plm_upload_run *run = u->run;
    struct plm_frontier *f = &run->frontier;
    struct plm_digest is;
    struct plm_error err = {0};
    if (run->proven)
        return true;
    if (f->failed) {
        plm_upload_fail(u, &f->err);
        return false;
    }
    plm_frontier_push(f, u->want.size, true);
    if (f->busy || f->hashed < u->want.size)
        return false;
    if (!plm_frontier_digest(f, &is, &err)) {
        plm_upload_fail(u, &err);
        return false;
    }
    run->proven = plm_digest_equal(&is, &u->want.digest);
    if (!run->proven)
        fail_damaged(u, &is);
    return run->proven;
}

static void step_hashing(struct plm_upload *u)
{
    if (prove(u))
        plm_upload_move(u, PLM_UPLOAD_OPENING);
}

static void step_sending(struct plm_upload *u)
{
    if (u->run->frontier.failed)
        plm_upload_fail(u, &u->run->frontier.err);
    else if (!u->run->parts && u->run->offset == u->want.size)
        plm_upload_move(u, PLM_UPLOAD_PROVING);
}

static void step_proving(struct plm_upload *u)
{
    if (prove(u))
        plm_upload_move(u, PLM_UPLOAD_COMMITTING);
}

/* The frontier is the worker's until it lets go of it, and kicks then. */
static void step_draining(struct plm_upload *u)
{
    if (!u->run->frontier.busy)
        plm_upload_finish(u, u->run->found);
}

/* States in which a small request is to be out. */
static void step_asking(struct plm_upload *u)
{
    struct plm_error err = {0};
    if (u->in_flight || (u->run && u->run->timer.armed))
        return;
    u->in_flight = true;
    if (plm_upload_send_question(u, &err))
        return;
    u->in_flight = false;
    plm_upload_fail(u, &err);
}

static void step_nothing(struct plm_upload *u)
{
    (void)u;
}

typedef void (*step_fn)(struct plm_upload *u);

static const step_fn steps[PLM_UPLOAD_STATES] = {
    [PLM_UPLOAD_PLANNED] = step_nothing,   [PLM_UPLOAD_LOOKING] = step_asking,
    [PLM_UPLOAD_ABSENT] = step_nothing,    [PLM_UPLOAD_HASHING] = step_hashing,
    [PLM_UPLOAD_OPENING] = step_asking,    [PLM_UPLOAD_ASKING] = step_asking,
    [PLM_UPLOAD_SENDING] = step_sending,   [PLM_UPLOAD_PROVING] = step_proving,
    [PLM_UPLOAD_COMMITTING] = step_asking, [PLM_UPLOAD_DRAINING] = step_draining,
    [PLM_UPLOAD_PRESENT] = step_nothing,
};

void plm_upload_advance(struct plm_upload *u)
{
    enum plm_upload_state before = PLM_UPLOAD_STATES;
    while (u->state != before && !u->push->error.code) {
        before = u->state;
        steps[before](u);
    }
}

/* ---- the end ---- */

void plm_upload_close(struct plm_upload *u)
{
    if (!u->run)
        return;
    while (u->run->parts)
        plm_part_free(u->run->parts);
    plm_timer_stop(plm_push_loop(u->push), &u->run->timer);
    if (u->run->hashing)
        plm_frontier_cancel(&u->run->frontier);
}

bool plm_upload_is_closed(const struct plm_upload *u)
{
    return !u->run || !u->run->hashing || !u->run->frontier.busy;
}

void plm_upload_done(struct plm_upload *u)
{
    free_run(u);
    free(u->from);
    u->from = NULL;
}
