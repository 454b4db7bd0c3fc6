/* Credentials of the queued jobs: who needs which, and for how long. */
#include "engine/job_credential.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/engine_private.h"

struct plm_held_credential {
    struct plm_ref of; /* host and scheme alone */
    unsigned users;
    bool kept; /* the engine is one of them */
    bool told;
    struct plm_credential credential;
    struct plm_held_credential *next;
};

static bool is_for(const struct plm_held_credential *held, const struct plm_ref *ref)
{
    return strcasecmp(held->of.host, ref->host) == 0 && held->of.scheme == ref->scheme &&
           held->of.scheme_typed == ref->scheme_typed;
}

static struct plm_held_credential *find(struct plm_engine *engine, const struct plm_ref *ref,
                                        struct plm_error *err)
{
    struct plm_held_credential *held = engine->credentials;
    while (held && !is_for(held, ref))
        held = held->next;
    if (held)
        return held;
    held = calloc(1, sizeof(*held));
    if (!held) {
        (void)plm_fail(err, PLM_E_NOMEM, "no memory for credentials");
        return NULL;
    }
    held->of = *ref;
    const struct plm_end_request end = plm_engine_end_request(engine);
    if (!plm_engine_is_ending(engine))
        plm_registry_find_credential(&held->of, engine->options.insecure, &end, &held->credential);
    if (plm_engine_is_ending(engine)) { /* the helper was ended, or never asked */
        plm_credential_wipe(&held->credential);
        free(held);
        (void)plm_fail(err, PLM_E_INTERRUPTED, "stopped on request");
        return NULL;
    }
    held->next = engine->credentials;
    engine->credentials = held;
    return held;
}

bool plm_job_find_credential(struct plm_job *job, struct plm_error *err)
{
    struct plm_ref remote = job->ref, target;
    struct plm_error why = {0};
    if (job->credential)
        return true;
    if (job->target &&
        plm_ref_parse(job->target, &target, &why)) /* else the job will say why not */
        remote = target;
    struct plm_held_credential *held = find(job->engine, &remote, err);
    if (!held)
        return false;
    held->users++;
    job->credential = held;
    return true;
}

bool plm_engine_find_credential(struct plm_engine *engine, const struct plm_ref *ref,
                                struct plm_error *err)
{
    struct plm_held_credential *held = find(engine, ref, err);
    if (held && !held->kept)
        held->users++;
    if (held)
        held->kept = true;
    return held != NULL;
}

const struct plm_credential *plm_engine_credential(const struct plm_engine *engine,
                                                   const struct plm_ref *ref)
{
    const struct plm_held_credential *held = engine->credentials;
    while (held && !is_for(held, ref))
        held = held->next;
    return held ? &held->credential : NULL;
}

static void tell(struct plm_job *job, struct plm_held_credential *held)
{
    if (held->told || !held->credential.is_warning)
        return;
    held->told = true;
    plm_job_warn(job, "going on without credentials for %s: %s", held->of.host,
                 held->credential.problem);
}

void plm_job_tell_of_credential(struct plm_job *job)
{
    if (job->credential)
        tell(job, job->credential);
}

void plm_job_tell_of_credentials(struct plm_job *job)
{
    for (struct plm_held_credential *held = job->engine->credentials; held; held = held->next)
        tell(job, held);
}

const struct plm_credential *plm_job_credential(const struct plm_job *job)
{
    return job->credential ? &job->credential->credential : NULL;
}

void plm_job_drop_credential(struct plm_job *job)
{
    struct plm_held_credential *held = job->credential, **link = &job->engine->credentials;
    job->credential = NULL;
    if (!held || --held->users > 0)
        return;
    while (*link != held)
        link = &(*link)->next;
    *link = held->next;
    plm_credential_wipe(&held->credential);
    free(held);
}

void plm_engine_drop_credentials(struct plm_engine *engine)
{
    while (engine->credentials) {
        struct plm_held_credential *held = engine->credentials;
        engine->credentials = held->next;
        plm_credential_wipe(&held->credential);
        free(held);
    }
}
