/* Outdated and update: compares models with their registries, and pulls those that changed there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/mirrors.h"
#include "engine/upstream.h"

struct outdated {
    struct plm_upstream upstream;
    struct plm_event_outdated numbers;
    enum plm_code first;       /* why the first that could not be asked could not */
    enum plm_code missing;     /* a named model is not here */
    uint32_t children, failed; /* pulls that are left; that failed */
    enum plm_code failure;     /* of the first of them */
};

static bool is_update(const struct plm_job *job)
{
    return job->kind->verb == PLM_VERB_UPDATE;
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
    if (is_unknown && o->first == PLM_OK)
        o->first = m->why.code;
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

/* Registries that are gone fail nothing, as long as one answered. */
static enum plm_code code_of_unknown(const struct outdated *o)
{
    if (o->missing)
        return o->missing;
    return o->numbers.unknown > 0 && o->numbers.unknown == o->numbers.models ? o->first : PLM_OK;
}

static void end(struct plm_job *job)
{
    const struct outdated *o = job->state;
    struct plm_error err = {0};
    enum plm_code unknown = code_of_unknown(o);
    if (o->failed > 0)
        (void)plm_fail(&err, o->failure, "%u of %u models could not be updated", o->failed,
                       o->numbers.outdated);
    else if (unknown == PLM_E_NOT_FOUND && o->missing)
        (void)plm_fail(&err, unknown, "not all of these models are here");
    else if (unknown)
        (void)plm_fail(&err, unknown, "no registry could say which version it has");
    if (err.code) {
        plm_job_end(job, NULL, &err);
        return;
    }
    plm_job_complete(job);
    if (!is_update(job) && o->numbers.outdated > 0 && job->engine->result == PLM_OK)
        job->engine->result = PLM_E_OUTDATED;
}

static void end_update(struct plm_job *job)
{
    const struct outdated *o = job->state;
    struct plm_event event = {
        .kind = PLM_EV_UPDATE_DONE,
        .updated = {.updated = o->numbers.outdated - o->failed, .failed = o->failed}};
    plm_job_emit(job, &event);
    end(job);
}

static bool pull_outdated(struct plm_job *job, struct plm_error *err)
{
    struct outdated *o = job->state;
    for (size_t i = 0; i < o->upstream.count; i++) {
        struct plm_upstream_model *m = &o->upstream.models[i];
        if (m->verdict != PLM_UPSTREAM_OUTDATED)
            continue;
        char *manifest = m->manifest;
        m->manifest = NULL;
        if (!plm_job_submit_child(job, &plm_pull_kind, &m->ref, manifest, m->manifest_size, err))
            return false;
        o->children++;
    }
    return true;
}

static void over(void *ctx)
{
    struct plm_job *job = ctx;
    struct outdated *o = job->state;
    struct plm_error err = {0};
    struct plm_event event = {.kind = PLM_EV_OUTDATED_DONE, .outdated = o->numbers};
    plm_job_emit(job, &event);
    if (!is_update(job) || job->dry_run)
        end(job);
    else if (!pull_outdated(job, &err))
        plm_job_end(job, NULL, &err);
    else if (o->children == 0)
        end_update(job);
}

static void child_ended(struct plm_job *job, const struct plm_job *child)
{
    struct outdated *o = job->state;
    o->children--;
    o->failed += child->code != PLM_OK;
    if (o->failure == PLM_OK)
        o->failure = child->code;
    if (o->children == 0)
        end_update(job);
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
    o->upstream = (struct plm_upstream){.job = job,
                                        .keeps = is_update(job) && !job->dry_run,
                                        .told = tell,
                                        .over = over,
                                        .ctx = job};
    for (size_t i = 0; i < job->model_count; i++)
        if (!plm_upstream_add_named(&o->upstream, job->models[i], err))
            return false;
    if (job->model_count == 0 && !plm_upstream_add_all(&o->upstream, err))
        return false;
    o->numbers.models = (uint32_t)o->upstream.count;
    return plm_upstream_find_credentials(&o->upstream, err);
}

/* Before the process is confined: credentials may need a helper program. */
static bool prepare(struct plm_job *job, struct plm_error *err)
{
    if (job->state)
        return true;
    if (is_update(job) && !plm_mirrors_find_credentials(job->engine, err))
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
