/* Outdated, update and sync: compares models with their registries or a lock file, and pulls those
 * that differ. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/mirrors.h"
#include "engine/sync.h"

struct outdated {
    struct plm_upstream upstream;
    struct plm_event_outdated numbers;
    struct plm_error first;    /* why the first that could not be asked could not */
    enum plm_code missing;     /* a named model is not here */
    uint32_t children, failed; /* jobs that are left; that failed */
    enum plm_code failure;     /* of the first of them */
    uint32_t others;           /* models that a lock file does not name */
    bool removes;              /* these are being removed */
};

static bool is_sync(const struct plm_job *job)
{
    return job->kind->verb == PLM_VERB_SYNC;
}

/* What differs is to be pulled. */
static bool pulls(const struct plm_job *job)
{
    return job->kind->verb == PLM_VERB_UPDATE || is_sync(job);
}

static void tell(void *ctx, struct plm_upstream_model *m)
{
    struct plm_job *job = ctx;
    struct outdated *o = job->state;
    bool is_unknown = m->verdict >= PLM_UPSTREAM_NOT_SERVED;
    o->numbers.current += m->verdict == PLM_UPSTREAM_CURRENT;
    o->numbers.outdated += m->verdict == PLM_UPSTREAM_OUTDATED;
    o->numbers.unknown += is_unknown;
    o->numbers.fetch += is_unknown ? 0 : m->fetch;
    if (is_unknown && o->first.code == PLM_OK)
        o->first = m->why;
    if (m->verdict == PLM_UPSTREAM_NOT_HERE)
        o->missing = m->why.code;
    struct plm_event event = {.kind = PLM_EV_UPSTREAM,
                              .upstream = {.ref = &m->ref,
                                           .verdict = m->verdict,
                                           .here = m->is_here ? &m->here : NULL,
                                           .there = m->is_there ? &m->there : NULL,
                                           .total = m->total,
                                           .fetch = m->fetch,
                                           .blobs = m->blobs,
                                           .lacking = m->lacking,
                                           .message = is_unknown ? m->why.msg : NULL}};
    plm_job_emit(job, &event);
}

/* ---- the end ---- */

/* Registries that are gone fail nothing, as long as one answered; but what a lock file asks for is
 * needed. */
static bool check_unknown(const struct plm_job *job, struct plm_error *err)
{
    const struct outdated *o = job->state;
    bool is_all = o->numbers.unknown > 0 && o->numbers.unknown == o->numbers.models;
    if (o->missing)
        return plm_fail(err, o->missing, "not all of these models are here");
    if (is_sync(job) && o->first.code)
        *err = o->first;
    else if (is_all)
        (void)plm_fail(err, o->first.code, "no registry could say which version it has");
    return err->code == PLM_OK;
}

static bool check_children(const struct plm_job *job, struct plm_error *err)
{
    const struct outdated *o = job->state;
    if (o->failed == 0)
        return true;
    if (o->removes)
        return plm_fail(err, o->failure, "%u of %u models could not be removed", o->failed,
                        o->others);
    return plm_fail(err, o->failure, "%u of %u models could not be %s", o->failed,
                    o->numbers.outdated, is_sync(job) ? "fetched" : "updated");
}

static void end(struct plm_job *job)
{
    const struct outdated *o = job->state;
    struct plm_error err = {0};
    if (!check_children(job, &err) || !check_unknown(job, &err)) {
        plm_job_end(job, NULL, &err);
        return;
    }
    plm_job_complete(job);
    if (!pulls(job) && o->numbers.outdated > 0 && job->engine->result == PLM_OK)
        job->engine->result = PLM_E_OUTDATED;
}

static void tell_pulled(struct plm_job *job)
{
    const struct outdated *o = job->state;
    uint32_t pulled = job->dry_run ? 0 : o->numbers.outdated;
    struct plm_event event = {.kind = PLM_EV_UPDATE_DONE,
                              .updated = {.updated = o->removes ? pulled : pulled - o->failed,
                                          .removed = o->removes ? o->others - o->failed : 0,
                                          .failed = o->failed,
                                          .dry_run = job->dry_run}};
    plm_job_emit(job, &event);
}

static bool pull_outdated(struct plm_job *job, struct plm_error *err)
{
    struct outdated *o = job->state;
    for (size_t i = 0; i < o->upstream.count; i++) {
        struct plm_upstream_model *m = &o->upstream.models[i];
        if (m->verdict != PLM_UPSTREAM_OUTDATED)
            continue;
        char *manifest = m->manifest;
        struct plm_ref ref = m->ref;
        m->manifest = NULL;
        ref.has_digest = m->by_digest;
        ref.digest = m->wanted;
        if (!plm_job_submit_child(job, &plm_pull_kind, &ref, manifest, m->manifest_size, err))
            return false;
        o->children++;
    }
    return true;
}

static bool remove_others(struct plm_job *job, struct plm_error *err)
{
    struct outdated *o = job->state;
    struct plm_ref *others = NULL;
    size_t count = 0;
    bool ok = plm_sync_others(&o->upstream, &others, &count, err);
    for (size_t i = 0; ok && i < count; i++) {
        ok = plm_job_submit_child(job, &plm_remove_kind, &others[i], NULL, 0, err);
        o->children += ok;
    }
    o->removes = true;
    o->others = (uint32_t)count;
    free(others);
    return ok;
}

/* Nothing is under way. Others go once all that is asked for is here, and never when something of
 * it is not. */
static void go_on(struct plm_job *job)
{
    struct outdated *o = job->state;
    struct plm_error err = {0};
    bool may_remove = job->prune && !o->removes && o->failed == 0 && o->first.code == PLM_OK;
    if (may_remove && !remove_others(job, &err)) {
        plm_job_end(job, NULL, &err);
        return;
    }
    if (o->children > 0)
        return;
    tell_pulled(job);
    end(job);
}

static void over(void *ctx)
{
    struct plm_job *job = ctx;
    struct outdated *o = job->state;
    struct plm_error err = {0};
    struct plm_event event = {.kind = PLM_EV_OUTDATED_DONE, .outdated = o->numbers};
    plm_job_emit(job, &event);
    if (!pulls(job) || (job->dry_run && !job->prune))
        end(job);
    else if (!job->dry_run && !pull_outdated(job, &err))
        plm_job_end(job, NULL, &err);
    else if (o->children == 0)
        go_on(job);
}

static void child_ended(struct plm_job *job, const struct plm_job *child)
{
    struct outdated *o = job->state;
    o->children--;
    o->failed += child->code != PLM_OK;
    if (o->failure == PLM_OK)
        o->failure = child->code;
    if (o->children == 0)
        go_on(job);
}

/* ---- the beginning ---- */

static void release(struct plm_job *job)
{
    struct outdated *o = job->state;
    if (o)
        plm_upstream_done(&o->upstream);
    free(o);
    job->state = NULL;
}

static bool fill(struct plm_job *job, struct plm_error *err)
{
    struct outdated *o = job->state;
    o->upstream = (struct plm_upstream){
        .job = job, .keeps = pulls(job) && !job->dry_run, .told = tell, .over = over, .ctx = job};
    bool ok = true;
    for (size_t i = 0; ok && i < job->model_count; i++)
        ok = plm_upstream_add_named(&o->upstream, job->models[i], err);
    if (ok && is_sync(job))
        ok = plm_sync_fill(&o->upstream, job->model ? job->model : "", err);
    else if (ok && job->model_count == 0)
        ok = plm_upstream_add_all(&o->upstream, err);
    o->numbers.models = (uint32_t)o->upstream.count;
    return ok && plm_upstream_find_credentials(&o->upstream, err);
}

/* Before the process is confined: credentials may need a helper program. */
static bool prepare(struct plm_job *job, struct plm_error *err)
{
    if (job->state)
        return true;
    if (pulls(job) && !plm_mirrors_find_credentials(job->engine, err))
        return false;
    job->state = calloc(1, sizeof(struct outdated));
    if (!job->state)
        return plm_fail(err, PLM_E_NOMEM, "no memory to compare models");
    if (fill(job, err))
        return true;
    release(job);
    return false;
}

static bool start(struct plm_job *job, struct plm_error *err)
{
    struct outdated *o = job->state;
    (void)err;
    struct plm_event event = {.kind = PLM_EV_OUTDATED_START, .outdated = o->numbers};
    plm_job_emit(job, &event);
    plm_job_tell_of_credentials(job);
    plm_upstream_start(&o->upstream);
    return true;
}

static void stop(struct plm_job *job)
{
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request");
    plm_job_end(job, NULL, &err);
}

const struct plm_job_kind plm_outdated_kind = {
    .verb = PLM_VERB_OUTDATED,
    .needs_network = true,
    .prepare = prepare,
    .start = start,
    .stop = stop,
    .free = release,
};

const struct plm_job_kind plm_update_kind = {
    .verb = PLM_VERB_UPDATE,
    .changes_store = true,
    .needs_network = true,
    .prepare = prepare,
    .start = start,
    .stop = stop,
    .child_ended = child_ended,
    .free = release,
};

const struct plm_job_kind plm_sync_kind = {
    .verb = PLM_VERB_SYNC,
    .makes_store = true,
    .needs_network = true,
    .prepare = prepare,
    .start = start,
    .stop = stop,
    .child_ended = child_ended,
    .free = release,
};
