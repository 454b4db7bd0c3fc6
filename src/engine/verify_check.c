/* The check of one blob: opened, held against its size, trusted or hashed, and judged. */
#include "engine/verify.h"
#include "store/blobs.h"

#define TRIES 3

static const struct plm_store *store_of(const struct plm_check *c)
{
    return &c->verify->job->engine->store;
}

static void release(struct plm_check *c)
{
    if (c->is_hashing)
        plm_frontier_done(&c->frontier);
    c->is_hashing = false;
    plm_os_close(c->fd);
    c->fd = -1;
}

static void begin(struct plm_check *c);

/* What was found is about a file that is not there any more, or has changed: about the one that
 * stands there now it says nothing. */
static bool is_outdated(const struct plm_check *c)
{
    char name[PLM_DIGEST_TEXT];
    struct plm_file_status now;
    return c->fd >= 0 &&
           plm_os_status(store_of(c)->blobs_fd, plm_digest_file_name(&c->blob->want.digest, name),
                         &now, NULL) &&
           now.type == PLM_FILE_REGULAR &&
           (now.inode != c->status.inode || now.size != c->status.size ||
            now.modified_ns != c->status.modified_ns);
}

/* A blob that no model names any more was removed with its model. */
static bool is_gone(const struct plm_check *c)
{
    struct plm_verify *v = c->verify;
    bool gone = true;
    for (uint32_t i = 0; i < c->blob->user_count; i++) {
        struct plm_verify_model *model = &v->models[v->users[c->blob->first_user + i]];
        model->changed =
            model->changed || !plm_verify_model_names(store_of(c), model, &c->blob->want.digest);
        gone = gone && model->changed;
    }
    return gone;
}

static void found(struct plm_check *c, struct plm_found *found)
{
    bool failed = found->verdict >= PLM_BLOB_WRONG_DIGEST;
    if (failed && is_outdated(c) && c->tries < TRIES) {
        release(c);
        begin(c);
        return;
    }
    if (found->verdict == PLM_BLOB_MISSING && is_gone(c))
        found->verdict = PLM_BLOB_GONE;
    if (found->verdict == PLM_BLOB_WRONG_DIGEST)
        plm_blob_note_doubted(c->fd);
    plm_verify_found(c, found);
}

static void judge_digest(struct plm_check *c)
{
    struct plm_found is = {.verdict = PLM_BLOB_OK};
    struct plm_file_status now;
    struct plm_error err = {0};
    if (!plm_frontier_digest(&c->frontier, &is.is, &err)) {
        plm_verify_fail(c->verify, &err);
        return;
    }
    bool is_right = plm_digest_equal(&is.is, &c->blob->want.digest);
    is.verdict = is_right ? PLM_BLOB_OK : PLM_BLOB_WRONG_DIGEST;
    /* What was written behind the hash's back must not be noted as proven. */
    if (is_right && plm_os_fd_status(c->fd, &now, NULL) && now.size == c->status.size &&
        now.modified_ns == c->status.modified_ns)
        plm_blob_note_proven(c->fd);
    found(c, &is);
}

/* The worker has come to the end of the blob, or could not go on. */
static void hashed(void *ctx)
{
    struct plm_check *c = ctx;
    const struct plm_error *why = &c->frontier.err;
    if (c->verify->error.code) { /* the job ends: there are no more verdicts */
        plm_verify_kick(c->verify);
    } else if (!c->frontier.failed) {
        judge_digest(c);
    } else if (why->code == PLM_E_NOMEM || why->code == PLM_E_INTERNAL) {
        plm_verify_fail(c->verify, why);
    } else {
        struct plm_found unread = {.verdict = PLM_BLOB_UNREADABLE, .why = *why};
        if (why->sys_errno == 0) /* it ended too early */
            unread.verdict = PLM_BLOB_TRUNCATED;
        found(c, &unread);
    }
}

static void start_hash(struct plm_check *c)
{
    struct plm_error err = {0};
    struct plm_workers *workers = c->verify->job->engine->workers;
    if (!plm_frontier_init(&c->frontier, workers, c->fd, false, hashed, c, &err)) {
        plm_verify_fail(c->verify, &err);
        return;
    }
    c->is_hashing = true;
    plm_os_read_ahead(c->fd);
    plm_frontier_push(&c->frontier, c->blob->want.size, true);
    if (!c->frontier.busy) /* there is nothing in it */
        hashed(c);
}

static void judge_refusal(struct plm_check *c, const struct plm_error *why)
{
    struct plm_found refused = {.verdict = PLM_BLOB_UNREADABLE, .why = *why};
    if (why->code == PLM_E_NOT_FOUND)
        refused.verdict = PLM_BLOB_MISSING;
    else if (why->code == PLM_E_CORRUPT)
        refused.verdict = PLM_BLOB_NO_FILE;
    found(c, &refused);
}

static void begin(struct plm_check *c)
{
    struct plm_found known = {.verdict = PLM_BLOB_TRUSTED};
    struct plm_error why = {0};
    uint64_t size = c->blob->want.size;
    c->tries++;
    if (!plm_blob_open(store_of(c), &c->blob->want.digest, &c->fd, &why) ||
        !plm_os_fd_status(c->fd, &c->status, &why)) {
        judge_refusal(c, &why);
        return;
    }
    if (c->status.size != size) {
        known.verdict = c->status.size < size ? PLM_BLOB_TRUNCATED : PLM_BLOB_GROWN;
        found(c, &known);
    } else if (c->verify->job->fast && plm_blob_is_proven(c->fd, &c->status, &known.checked_s)) {
        plm_verify_found(c, &known);
    } else {
        start_hash(c);
    }
}

void plm_check_begin(struct plm_check *c, const struct plm_verify_blob *blob)
{
    c->blob = blob;
    c->shown = 0;
    c->tries = 0;
    begin(c);
}

uint64_t plm_check_hashed(const struct plm_check *c)
{
    return c->is_hashing ? c->frontier.hashed : 0;
}

void plm_check_cancel(struct plm_check *c)
{
    if (c->is_hashing)
        plm_frontier_cancel(&c->frontier);
}

void plm_check_close(struct plm_check *c)
{
    release(c);
    c->blob = NULL;
}
