/* Questions about an upload: is the blob there, may it come, how far is it, is it whole; and what
 * the answers lead to. */
#include "engine/push.h"

#include <stdlib.h>
#include <string.h>

static bool is_over(const struct plm_upload *u)
{
    return u->push->state == PLM_PUSH_ENDING;
}

static void tell_loss(struct plm_upload *u)
{
    struct plm_event event = {.kind = PLM_EV_UPLOAD_LOST, .text = {.message = u->run->lost.msg}};
    plm_push_emit(u->push, u, &event);
    u->run->lost = (struct plm_error){0};
}

/* ---- is it there? ---- */

static void on_looked(void *ctx, const struct plm_upload_answer *answer)
{
    struct plm_upload *u = ctx;
    u->in_flight = false;
    u->push->looking -= u->run ? 0 : 1;
    if (is_over(u))
        return;
    if (answer->said == PLM_SAID_HAS) {
        plm_upload_finish(u, PLM_EV_BLOB_EXISTS);
    } else if (answer->said == PLM_SAID_LACKS) {
        if (u->run && u->run->lost.code != PLM_OK)
            tell_loss(u);
        plm_upload_move(u, u->run ? PLM_UPLOAD_OPENING : PLM_UPLOAD_ABSENT);
    } else {
        plm_upload_fail(u, answer->error);
    }
}

void plm_upload_look(struct plm_upload *u)
{
    u->push->looking++;
    u->state = PLM_UPLOAD_LOOKING;
    plm_upload_advance(u);
}

/* ---- a session ---- */

static void give_up_forms(struct plm_upload *u, const struct plm_error *why)
{
    bool passing = why->code == PLM_E_NETWORK || why->code == PLM_E_NOMEM;
    if (!passing && u->run->asked_direct) {
        u->push->direct = false; /* it does not know this form, as others may have learnt before */
    } else if (!passing && u->from) {
        free(u->from); /* the other repository is none that we may look into */
        u->from = NULL;
    } else {
        plm_upload_fail(u, why);
        return;
    }
    plm_push_kick(u->push);
}

static bool take_direct(struct plm_upload *u, const struct plm_upload_answer *answer,
                        struct plm_error *err)
{
    struct plm_upload_run *run = u->run;
    run->direct = true;
    run->target = strdup(answer->target);
    run->headers = strdup(answer->headers ? answer->headers : "");
    return (run->target && run->headers) || plm_fail(err, PLM_E_NOMEM, "no memory for an address");
}

static void on_opened(void *ctx, const struct plm_upload_answer *answer)
{
    struct plm_upload *u = ctx;
    struct plm_error err = {0};
    u->in_flight = false;
    if (is_over(u))
        return;
    if (answer->said == PLM_SAID_HAS) {
        plm_upload_finish(u, u->from && !u->run->asked_direct ? PLM_EV_BLOB_MOUNTED
                                                              : PLM_EV_BLOB_EXISTS);
        return;
    }
    if (answer->said == PLM_SAID_FAILED) {
        give_up_forms(u, answer->error);
        return;
    }
    if (answer->said == PLM_SAID_GOES_ON)
        u->push->direct = false; /* here it is of no use, and a blob could be mounted instead */
    if (!plm_upload_keep_session(u, answer->session, &err) ||
        (answer->said == PLM_SAID_ELSEWHERE && !take_direct(u, answer, &err))) {
        plm_upload_fail(u, &err);
        return;
    }
    plm_upload_note(u);
    plm_upload_move(u, PLM_UPLOAD_SENDING);
}

static bool start_opening(struct plm_upload *u, struct plm_error *err)
{
    struct plm_push *push = u->push;
    u->run->asked_direct = push->direct;
    u->run->whole = u->run->proven && u->want.size > 0 && u->want.size < PLM_UPLOAD_SMALL &&
                    push->plain && !push->direct;
    const struct plm_upload_wish wish = {
        .digest = u->want.digest, .size = u->want.size, .from = u->from, .direct = push->direct};
    return plm_registry_open_upload(push->registry, &wish, on_opened, u, err);
}

/* Of parts only those count that we know, for their MD5s are needed at the end. */
static void shrink_parts(struct plm_upload_run *run, uint64_t taken)
{
    size_t known = run->next_part, kept = (size_t)(taken / run->length);
    for (size_t i = kept; i < known; i++)
        run->sent[i] = false;
    run->next_part = kept < known ? kept : known;
    run->offset = (uint64_t)run->next_part * run->length;
}

/*
 * Where the session stands, by what the registry says. `0-0` is what some say whatever they have
 * (Distribution 2): then the address that it names with it is of no use either, and ours is tried.
 */
static bool take_offset(struct plm_upload *u, const struct plm_upload_answer *answer,
                        struct plm_error *err)
{
    struct plm_upload_run *run = u->run;
    if (answer->has_taken && answer->taken <= 1 && run->offset > 0)
        return true;
    if (!plm_upload_keep_session(u, answer->session, err))
        return false;
    if (!answer->has_taken)
        return true;
    uint64_t taken = answer->taken > 1 ? answer->taken : 0;
    if (taken > u->want.size)
        return plm_fail(err, PLM_E_PROTOCOL, "it says that it has %llu bytes of %llu",
                        (unsigned long long)taken, (unsigned long long)u->want.size);
    if (!run->redirects)
        run->offset = taken;
    else if (taken < run->offset)
        shrink_parts(run, taken);
    return true;
}

/* It cannot be gone on with where it refuses bytes at the very place that it names. */
static bool check_place(struct plm_upload *u, uint64_t before, struct plm_error *err)
{
    struct plm_upload_run *run = u->run;
    if (run->misplaced && run->offset == before)
        return plm_fail(err, PLM_E_PROTOCOL, "it takes no bytes at %llu, and says that it is there",
                        (unsigned long long)before);
    run->misplaced = false;
    return true;
}

/* An old session that cannot be asked for is none: else it would fail each run until it expires. If
 * the registry does not let us in at all, the new one will tell. */
static bool is_of_no_use(const struct plm_upload *u, const struct plm_upload_answer *answer)
{
    enum plm_code code = answer->error->code;
    return answer->said == PLM_SAID_LOST || (answer->said == PLM_SAID_FAILED && u->run->is_old &&
                                             code != PLM_E_NOMEM && code != PLM_E_INTERNAL);
}

static void on_asked(void *ctx, const struct plm_upload_answer *answer)
{
    struct plm_upload *u = ctx;
    struct plm_error err = {0};
    u->in_flight = false;
    if (is_over(u))
        return;
    bool is_old = u->run->is_old;
    uint64_t before = u->run->offset;
    bool lost = is_of_no_use(u, answer);
    if (answer->said == PLM_SAID_GOES_ON &&
        (!take_offset(u, answer, &err) || !check_place(u, before, &err)))
        lost = true;
    else if (lost)
        err = *answer->error;
    if (lost && is_old) {
        u->run->lost = err;
        tell_loss(u);
        plm_upload_reopen(u);
    } else if (lost) {
        const struct plm_upload_answer gone = {
            .said = PLM_SAID_LOST, .error = &err, .host = answer->host, .retry_after_ms = -1};
        plm_upload_lose(u, &gone);
    } else if (answer->said == PLM_SAID_GOES_ON) {
        struct plm_event event = {.kind = PLM_EV_BLOB_RESUMED,
                                  .resumed = {u->run->offset, u->run->offset}};
        u->run->is_old = false;
        if (is_old)
            plm_push_emit(u->push, u, &event);
        plm_upload_reached(u, u->run->offset);
        plm_upload_move(u, PLM_UPLOAD_SENDING);
    } else {
        plm_upload_fail(u, answer->error);
    }
}

/* ---- the end ---- */

static void on_committed(void *ctx, const struct plm_upload_answer *answer)
{
    struct plm_upload *u = ctx;
    u->in_flight = false;
    if (is_over(u))
        return;
    if (answer->said == PLM_SAID_HAS)
        plm_upload_finish(u, PLM_EV_BLOB_SENT);
    else if (answer->said == PLM_SAID_LOST)
        plm_upload_lose(u, answer);
    else
        plm_upload_fail(u, answer->error);
}

static bool start_committing(struct plm_upload *u, struct plm_error *err)
{
    struct plm_upload_run *run = u->run;
    char etag[PLM_ETAG_TEXT];
    if (run->redirects && !plm_etag_of(run->md5s, run->part_count, etag, err))
        return false;
    return plm_registry_commit_upload(u->push->registry, run->session, &u->want.digest,
                                      run->redirects ? etag : NULL, on_committed, u, err);
}

bool plm_upload_send_question(struct plm_upload *u, struct plm_error *err)
{
    struct plm_registry *registry = u->push->registry;
    switch (u->state) {
    case PLM_UPLOAD_LOOKING:
        return plm_registry_look(registry, &u->want.digest, on_looked, u, err);
    case PLM_UPLOAD_OPENING:
        return start_opening(u, err);
    case PLM_UPLOAD_ASKING:
        return plm_registry_ask_upload(registry, u->run->session, on_asked, u, err);
    case PLM_UPLOAD_COMMITTING:
        return start_committing(u, err);
    default:
        return plm_fail(err, PLM_E_INTERNAL, "no question in this state of an upload");
    }
}
