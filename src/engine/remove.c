/* Remove: takes a model's manifest away, then the blobs that no other model names. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/stored.h"
#include "store/blobs.h"
#include "store/gc.h"
#include "store/partial.h"

struct removal {
    struct plm_job *job;
    struct plm_descriptor *blobs; /* owned; the model's */
    size_t count;
    struct plm_digest_set needed; /* by the other manifests */
    uint32_t files;
    uint64_t bytes;
};

static void tell_blob(void *ctx, const struct plm_descriptor *blob, uint64_t freed)
{
    struct removal *removal = ctx;
    removal->files++;
    removal->bytes += freed;
    struct plm_event event = {.kind = PLM_EV_RM_BLOB,
                              .blob = {.want = blob,
                                       .index = (uint32_t)(blob - removal->blobs) + 1,
                                       .total = (uint32_t)removal->count},
                              .file = {.bytes = freed, .dry_run = removal->job->dry_run}};
    plm_job_emit(removal->job, &event);
}

static void tell_manifest(struct plm_job *job, uint64_t bytes)
{
    const struct plm_ref *ref = &job->ref;
    char path[PLM_REF_TEXT];
    (void)snprintf(path, sizeof(path), "manifests/%s/%s/%s/%s", ref->host, ref->ns, ref->model,
                   ref->tag);
    struct plm_event event = {
        .kind = PLM_EV_RM_MANIFEST,
        .file = {.path = path, .type = "manifest", .bytes = bytes, .dry_run = job->dry_run}};
    plm_job_emit(job, &event);
}

static bool manifest_bytes(const struct plm_job *job, uint64_t *out, struct plm_error *err)
{
    struct plm_file_status status;
    int dir = -1;
    if (!plm_store_manifest_dir(&job->engine->store, &job->ref, false, &dir, err))
        return false;
    bool ok = plm_os_status(dir, job->ref.tag, &status, err);
    plm_os_close(dir);
    if (ok)
        *out = status.disk_bytes;
    return ok;
}

static bool tell_what_would_go(struct removal *removal, struct plm_error *err)
{
    const struct plm_store *store = &removal->job->engine->store;
    for (size_t i = 0; i < removal->count; i++) {
        enum plm_blob_state state;
        uint64_t bytes = 0;
        const struct plm_digest *digest = &removal->blobs[i].digest;
        if (plm_digest_set_has(&removal->needed, digest))
            continue;
        if (!plm_blob_look(store, &removal->blobs[i], &state, err) ||
            !plm_blob_reclaimable(store, digest, &bytes, err))
            return false;
        if (state != PLM_BLOB_ABSENT)
            tell_blob(removal, &removal->blobs[i], bytes);
    }
    return true;
}

static bool remove_blobs(struct removal *removal, struct plm_error *err)
{
    const struct plm_store *store = &removal->job->engine->store;
    /* Ollama does not know our lock: what it may have written since must be seen. */
    plm_digest_set_done(&removal->needed);
    if (!plm_gc_mark(store, &removal->needed, err) ||
        !plm_gc_sweep(store, removal->blobs, removal->count, &removal->needed, tell_blob, removal,
                      err))
        return plm_prefix(err, "the model is gone, but not all of its blobs");
    for (size_t i = 0; i < removal->count && store->state_fd >= 0; i++) {
        char lock[PLM_STATE_NAME];
        const struct plm_digest *digest = &removal->blobs[i].digest;
        (void)plm_store_state_name(digest, PLM_STATE_LOCK, lock);
        if (!plm_digest_set_has(&removal->needed, digest) &&
            !plm_lock_is_used(store->state_fd, lock))
            plm_partial_sweep(store, digest);
    }
    return true;
}

static bool remove_model(struct removal *removal, struct plm_error *err)
{
    struct plm_job *job = removal->job;
    uint64_t bytes = 0;
    if (!manifest_bytes(job, &bytes, err))
        return false;
    plm_job_emit_kind(job, PLM_EV_RM_START);
    if (!job->dry_run && !plm_manifest_remove(&job->engine->store, &job->ref, err))
        return false;
    tell_manifest(job, bytes);
    return job->dry_run ? tell_what_would_go(removal, err) : remove_blobs(removal, err);
}

static bool load(const struct plm_job *job, struct plm_manifest **out, struct plm_error *err)
{
    struct plm_error why = {0};
    if (plm_stored_manifest(&job->engine->store, &job->ref, out, NULL, &why))
        return true;
    if (why.code == PLM_E_CORRUPT)
        return plm_fail(err, PLM_E_CORRUPT,
                        "nobody knows which blobs this model has; to be rid of it delete its "
                        "manifest by hand: %s",
                        why.msg);
    *err = why;
    return false;
}

/* What other models need. A dry run counts those as gone of which one before it told, as they would
 * be. */
static bool mark_needed(struct removal *removal, struct plm_error *err)
{
    const struct plm_job *job = removal->job;
    struct plm_engine *engine = job->engine;
    size_t count = job->dry_run ? engine->would_go_count : 0;
    struct plm_ref *gone = realloc(engine->would_go, (count + 1) * sizeof(*gone));
    if (!gone)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a name");
    gone[count] = job->ref;
    engine->would_go = gone;
    engine->would_go_count = count + 1;
    return plm_gc_mark_others(&engine->store, gone, count + 1, &removal->needed, err);
}

static bool run(struct plm_job *job, struct plm_error *err)
{
    struct removal removal = {.job = job};
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    bool ok = load(job, &manifest, err) &&
              plm_manifest_blobs(manifest, &removal.blobs, &removal.count, err) &&
              mark_needed(&removal, err) && remove_model(&removal, err);
    if (ok) {
        struct plm_event event = {
            .kind = PLM_EV_RM_DONE,
            .removed = {.files = removal.files, .bytes = removal.bytes, .dry_run = job->dry_run}};
        plm_job_emit(job, &event);
        plm_job_complete(job);
    }
    plm_digest_set_done(&removal.needed);
    free(removal.blobs);
    return ok;
}

const struct plm_job_kind plm_remove_kind = {
    .is_recorded = true, .verb = PLM_VERB_RM, .needs_ref = true, .needs_lock = true, .run = run};
