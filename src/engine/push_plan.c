/* What a push is about: target, manifest and blobs; and what of it has to be sent. */
#include "engine/push.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/doctor.h"
#include "engine/stored.h"
#include "store/blobs.h"

#define TENSOR "application/vnd.ollama.image.tensor"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"

bool plm_push_find_target(struct plm_push *push, struct plm_error *err)
{
    const struct plm_job *job = push->job;
    push->target = job->ref;
    if (job->target && plm_doctor_is_host(job->target))
        return plm_fail(err, PLM_E_USAGE,
                        "--as %s is a registry, and names no model there: write HOST/NAME",
                        job->target);
    if (job->target && !plm_ref_parse(job->target, &push->target, err))
        return plm_prefix(err, "--as");
    if (job->target && push->target.has_digest)
        return plm_fail(err, PLM_E_USAGE, "--as takes a name without a digest");
    push->target.has_digest = false;
    return true;
}

/* Registries want the request to say what the manifest says of itself. */
static bool read_media(struct plm_push *push, struct plm_error *err)
{
    plm_auto(plm_json_freep) struct plm_json *root = NULL;
    const struct plm_manifest *manifest = push->manifest;
    if (!plm_json_parse(manifest->raw, manifest->raw_size, PLM_MANIFEST_MAX_DEPTH, &root, err))
        return false;
    const char *said = plm_json_text(plm_json_get(root, "mediaType"));
    bool is_oci =
        manifest->has_config && strncmp(manifest->config.media, "application/vnd.oci.", 20) == 0;
    if (!said || !*said)
        said = is_oci ? OCI_MANIFEST : DOCKER_MANIFEST;
    size_t length = strlen(said);
    bool is_usable = length < sizeof(push->media);
    for (size_t i = 0; i < length; i++)
        is_usable = is_usable && said[i] >= ' ' && said[i] <= '~';
    if (!is_usable)
        return plm_fail(err, PLM_E_CORRUPT, "the manifest's media type is not usable");
    memcpy(push->media, said, length + 1);
    return true;
}

static bool make_uploads(struct plm_push *push, struct plm_error *err)
{
    struct plm_descriptor *blobs = NULL;
    size_t count;
    if (!plm_manifest_blobs(push->manifest, &blobs, &count, err))
        return false;
    push->uploads = calloc(count ? count : 1, sizeof(*push->uploads));
    for (size_t i = 0; push->uploads && i < count; i++) {
        push->uploads[i] =
            (struct plm_upload){.push = push, .want = blobs[i], .index = (uint32_t)i};
        push->total += blobs[i].size;
        push->direct = push->direct || strcmp(blobs[i].media, TENSOR) == 0;
    }
    push->count = push->uploads ? count : 0;
    free(blobs);
    return push->uploads || plm_fail(err, PLM_E_NOMEM, "no memory for %zu blobs", count);
}

bool plm_push_read_model(struct plm_push *push, struct plm_error *err)
{
    return plm_stored_manifest(&push->job->engine->store, &push->job->ref, &push->manifest, NULL,
                               err) &&
           read_media(push, err) && make_uploads(push, err);
}

/* ---- the plan ---- */

/* Everything that must be sent has to be here, or nothing is sent. */
static bool plan_one(struct plm_push *push, const struct plm_upload *u,
                     struct plm_event_push_plan *plan, struct plm_error *err)
{
    enum plm_blob_state state;
    char name[PLM_DIGEST_TEXT];
    if (u->state == PLM_UPLOAD_PRESENT) {
        plan->present += u->want.size;
        plan->blobs_present++;
        return true;
    }
    if (!plm_blob_look(&push->job->engine->store, &u->want, &state, err))
        return false;
    if (state == PLM_BLOB_ABSENT || state == PLM_BLOB_WRONG_SIZE)
        return plm_fail(
            err, PLM_E_CORRUPT, "blob %.12s is %s, and the registry does not have it either",
            plm_digest_file_name(&u->want.digest, name) + 7,
            state == PLM_BLOB_ABSENT ? "missing in the store" : "of another size in the store");
    const struct plm_session *session =
        plm_sessions_find(&push->record.sessions, &u->want.digest, u->want.size);
    plan->present += session ? session->offset : 0;
    return true;
}

bool plm_push_make_plan(struct plm_push *push, struct plm_error *err)
{
    struct plm_event event = {.kind = PLM_EV_PUSH_PLAN,
                              .push_plan = {.total = push->total,
                                            .blobs_total = (uint32_t)push->count,
                                            .dry_run = push->job->dry_run}};
    for (size_t i = 0; i < push->count; i++)
        if (!plan_one(push, &push->uploads[i], &event.push_plan, err))
            return false;
    event.push_plan.send = push->total - event.push_plan.present;
    plm_job_emit(push->job, &event);
    return true;
}
