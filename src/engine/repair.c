/* Repair: fetches damaged blobs again, each from the registries of the models that name it. */
#include <stdlib.h>
#include <string.h>

#include "engine/pull.h"
#include "engine/verify.h"
#include "store/manifests.h"

bool plm_repair_plan(struct plm_verify *v, const struct plm_check *c, const struct plm_found *found,
                     struct plm_error *err)
{
    struct plm_repair *r = &v->repair;
    /* What may not be read may be whole, and is somebody else's. */
    if (!v->job->repair || found->verdict < PLM_BLOB_WRONG_DIGEST ||
        found->why.code == PLM_E_ACCESS)
        return true;
    struct plm_bad_blob *grown = realloc(r->blobs, (r->count + 1) * sizeof(*grown));
    if (!grown)
        return plm_fail(err, PLM_E_NOMEM, "no memory to repair");
    r->blobs = grown;
    r->blobs[r->count++] =
        (struct plm_bad_blob){.blob = c->blob, .damaged = c->fd >= 0 ? c->status.inode : 0};
    r->total += c->blob->want.size;
    return true;
}

/* ---- one blob ---- */

static void over(void *ctx, const struct plm_error *err)
{
    struct plm_verify *v = ctx;
    v->repair.why = err ? *err : (struct plm_error){0};
    plm_verify_kick(v);
}

static const struct plm_ref *ref_of(const struct plm_verify *v, const struct plm_verify_blob *b,
                                    uint32_t user)
{
    return &v->models[v->users[b->first_user + user]].ref;
}

static bool is_same_place(const struct plm_ref *a, const struct plm_ref *b)
{
    return a->scheme == b->scheme && strcmp(a->host, b->host) == 0 && strcmp(a->ns, b->ns) == 0 &&
           strcmp(a->model, b->model) == 0;
}

/* The next place that was not asked for this blob; NULL when there is none. */
static const struct plm_ref *next_place(struct plm_verify *v, const struct plm_verify_blob *b)
{
    while (v->repair.user < b->user_count) {
        const struct plm_ref *ref = ref_of(v, b, v->repair.user);
        bool is_new = true;
        for (uint32_t i = 0; is_new && i < v->repair.user; i++)
            is_new = !is_same_place(ref_of(v, b, i), ref);
        v->repair.user++;
        if (is_new)
            return ref;
    }
    return NULL;
}

/* Whom it would not help to ask somebody else. */
static bool is_of_this_machine(enum plm_code code)
{
    return code == PLM_E_NOSPACE || code == PLM_E_NOMEM || code == PLM_E_IO ||
           code == PLM_E_ACCESS || code == PLM_E_INTERNAL;
}

static bool start_fetch(struct plm_verify *v, const struct plm_bad_blob *bad)
{
    struct plm_repair *r = &v->repair;
    const struct plm_ref *ref;
    while (!is_of_this_machine(r->why.code) && (ref = next_place(v, bad->blob)) != NULL) {
        struct plm_pull_part part = {.index = (uint32_t)(bad->blob - v->blobs),
                                     .blob_count = (uint32_t)v->blob_count,
                                     .bytes_before = v->total + r->done,
                                     .bytes_all = v->total + r->total,
                                     .bytes_shown = r->shown,
                                     .over = over,
                                     .ctx = v};
        r->why = (struct plm_error){0};
        if (plm_pull_start_part(v->job, ref, &bad->blob->want, bad->damaged, &part, &r->pull,
                                &r->why))
            return true;
    }
    return false;
}

static void tell(struct plm_verify *v, const struct plm_verify_blob *b, uint64_t fetched)
{
    const struct plm_repair *r = &v->repair;
    struct plm_event event = {
        .kind = PLM_EV_BLOB_REPAIRED,
        .blob_repaired = {.error = r->why.code ? &r->why : NULL, .fetched = fetched}};
    plm_verify_tell(v, b, &event);
}

/* Exit statuses of their own say more than that bytes are still wrong. */
static enum plm_code code_of_failure(enum plm_code code)
{
    return code == PLM_E_NOSPACE || code == PLM_E_NETWORK || code == PLM_E_AUTH ? code
                                                                                : PLM_E_INTEGRITY;
}

static void settle(struct plm_verify *v, const struct plm_bad_blob *bad)
{
    struct plm_repair *r = &v->repair;
    tell(v, bad->blob, r->fetched);
    for (uint32_t i = 0; i < bad->blob->user_count; i++) {
        struct plm_verify_model *m = &v->models[v->users[bad->blob->first_user + i]];
        if (r->why.code) {
            if (m->code == PLM_E_INTEGRITY)
                m->code = code_of_failure(r->why.code);
            continue;
        }
        m->repaired++;
        m->bad -= m->bad > 0;
        if (m->bad == 0) {
            m->code = PLM_OK;
            m->verdict = PLM_MODEL_REPAIRED;
        }
    }
    v->repaired += r->why.code == PLM_OK;
    v->bad -= r->why.code == PLM_OK;
    v->fetched += r->fetched;
    r->done += bad->blob->want.size;
    r->shown = r->fetched = 0;
    r->user = 0;
    r->why = (struct plm_error){0};
    r->at++;
}

/* ---- all of them ---- */

static void tell_start(struct plm_verify *v)
{
    struct plm_event event = {
        .kind = PLM_EV_REPAIR_START,
        .repair = {.blobs = (uint32_t)v->repair.count, .total_size = v->repair.total}};
    plm_job_emit(v->job, &event);
    plm_job_tell_of_credentials(v->job);
}

/* Takes in what came of the pull that is over. False: there is none. */
static bool end_fetch(struct plm_verify *v, bool *done)
{
    struct plm_repair *r = &v->repair;
    if (!r->pull)
        return false;
    r->fetched += r->pull->received;
    r->shown = r->pull->shown;
    *done = r->why.code == PLM_OK;
    plm_pull_free(r->pull);
    r->pull = NULL;
    return true;
}

struct search {
    struct plm_engine *engine;
    struct plm_error *err;
    bool ok;
};

static bool find_credential(void *ctx, const struct plm_manifest_file *file)
{
    struct search *s = ctx;
    s->ok = !file->is_named || plm_engine_find_credential(s->engine, &file->ref, s->err);
    return s->ok;
}

bool plm_repair_prepare(struct plm_job *job, struct plm_error *err)
{
    struct search s = {.engine = job->engine, .err = err, .ok = true};
    if (!plm_mirrors_find_credentials(job->engine, err))
        return false;
    for (size_t i = 0; i < job->model_count; i++) {
        struct plm_ref ref;
        /* What is no name is the job's to tell. */
        if (plm_ref_parse(job->models[i], &ref, NULL) &&
            !plm_engine_find_credential(job->engine, &ref, err))
            return false;
    }
    return job->model_count > 0 ||
           (plm_manifests_each(&job->engine->store, find_credential, &s, err) && s.ok);
}

bool plm_repair_step(struct plm_verify *v)
{
    struct plm_repair *r = &v->repair;
    bool done = false;
    if (r->pull && !r->pull->is_over)
        return true;
    if (r->at == 0 && r->user == 0 && !r->pull && r->count > 0)
        tell_start(v);
    if (end_fetch(v, &done) && done)
        settle(v, &r->blobs[r->at]);
    while (r->at < r->count) {
        if (start_fetch(v, &r->blobs[r->at]))
            return true;
        settle(v, &r->blobs[r->at]);
    }
    return false;
}

void plm_repair_cancel(struct plm_verify *v, const struct plm_error *err)
{
    if (v->repair.pull && !v->repair.pull->is_over)
        plm_pull_fail(v->repair.pull, err);
}

bool plm_repair_is_idle(const struct plm_verify *v)
{
    return !v->repair.pull || v->repair.pull->is_over;
}

void plm_repair_done(struct plm_verify *v)
{
    plm_pull_free(v->repair.pull);
    free(v->repair.blobs);
}
