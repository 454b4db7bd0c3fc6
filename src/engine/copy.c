/* Copy: gives a model a second name, sharing its blobs. */
#include "engine/prune.h"
#include "engine/stored.h"
#include "store/manifests.h"

static void tell(struct plm_job *job, const struct plm_ref *target)
{
    struct plm_event event = {.kind = PLM_EV_COPIED, .copied = {.from = &job->ref, .to = target}};
    plm_job_emit(job, &event);
    plm_job_complete(job);
}

static bool run(struct plm_job *job, struct plm_error *err)
{
    const struct plm_store *store = &job->engine->store;
    struct plm_ref target;
    struct plm_error quiet = {0};
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL, *old = NULL;
    if (job->dry_run)
        return plm_fail(err, PLM_E_USAGE, "a copy has no dry run");
    if (!plm_ref_parse(job->target ? job->target : "", &target, err))
        return plm_prefix(err, "destination");
    if (job->ref.has_digest || target.has_digest)
        return plm_fail(err, PLM_E_USAGE, "a copy takes names without a digest");
    if (!plm_stored_manifest(&job->engine->store, &job->ref, &manifest, NULL, err))
        return false;
    if (plm_ref_same_model(&job->ref, &target)) {
        tell(job, &target);
        return true;
    }
    if (!plm_manifest_load(store, &target, &old, NULL, &quiet) && quiet.code != PLM_E_NOT_FOUND)
        plm_job_warn(job, "the old manifest is replaced: %s", quiet.msg);
    char name[PLM_REF_TEXT];
    if (old && !plm_digest_equal(&old->digest, &manifest->digest))
        plm_job_warn(job, "%s was another model, and is replaced", plm_ref_format(&target, name));
    if (!plm_manifest_store(store, &target, manifest->raw, manifest->raw_size, err))
        return false;
    if (old && !job->engine->options.no_prune)
        plm_prune(job, old);
    tell(job, &target);
    return true;
}

const struct plm_job_kind plm_copy_kind = {
    .is_recorded = true, .verb = PLM_VERB_CP, .needs_ref = true, .needs_lock = true, .run = run};
