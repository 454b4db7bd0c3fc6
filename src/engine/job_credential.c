/* Credentials of the queued jobs: who needs which, and for how long. */
#include "engine/job_credential.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/engine_private.h"

struct plm_held_credential {
    struct plm_ref of; /* host and scheme alone */
    unsigned users;
    bool told;
    struct plm_credential credential;
    struct plm_held_credential *next;
};

static bool is_for(const struct plm_held_credential *held, const struct plm_ref *ref)
{
    return strcasecmp(held->of.host, ref->host) == 0 && held->of.scheme == ref->scheme &&
           held->of.scheme_typed == ref->scheme_typed;
}

bool plm_job_find_credential(struct plm_job *job, struct plm_error *err)
{
    struct plm_engine *engine = job->engine;
    struct plm_ref remote = job->ref, target;
    struct plm_error why = {0};
    if (job->credential)
        return true;
    if (job->target &&
        plm_ref_parse(job->target, &target, &why)) /* else the job will say why not */
        remote = target;
    struct plm_held_credential *held = engine->credentials;
    while (held && !is_for(held, &remote))
        held = held->next;
    if (!held) {
        held = calloc(1, sizeof(*held));
        if (!held)
            return plm_fail(err, PLM_E_NOMEM, "no memory for credentials");
        held->of = remote;
        plm_registry_find_credential(&held->of, engine->options.insecure, &held->credential);
        held->next = engine->credentials;
        engine->credentials = held;
    }
    held->users++;
    job->credential = held;
    return true;
}

void plm_job_tell_of_credential(struct plm_job *job)
{
    struct plm_held_credential *held = job->credential;
    if (!held || held->told || !held->credential.is_warning)
        return;
    held->told = true;
    plm_job_warn(job, "going on without credentials for %s: %s", held->of.host,
                 held->credential.problem);
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
