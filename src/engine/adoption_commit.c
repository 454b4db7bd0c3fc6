/* The end of an adoption: under the store lock the blobs get their names, then the manifest. */
#include <string.h>

#include "engine/adoption.h"
#include "engine/prune.h"
#include "store/atomic.h"
#include "store/blobs.h"
#include "store/manifests.h"

bool plm_adoption_is_unchanged(const struct plm_adoption *a, struct plm_error *err)
{
    struct plm_file_status now;
    if (!plm_os_fd_status(a->fd, &now, err))
        return false;
    return (now.size == a->status.size && now.modified_ns == a->status.modified_ns) ||
           plm_fail(err, PLM_E_CORRUPT, "%s: somebody writes to this file", a->path);
}

/* A blob that is known to be right stays as it is. The lock may have been waited for long, and what
 * was hashed has to be what gets the name. */
static bool publish_weights(struct plm_adoption *a, struct plm_error *err)
{
    const struct plm_store *store = &a->job->engine->store;
    enum plm_blob_state state;
    char name[PLM_DIGEST_TEXT];
    if (!plm_blob_look(store, &a->weights, &state, err))
        return false;
    if (state == PLM_BLOB_PROVEN) {
        a->placement = PLM_PLACED_NOT;
        plm_blob_renew(store, &a->weights.digest);
        return true;
    }
    if (!plm_adoption_is_unchanged(a, err))
        return false;
    if (a->placement != PLM_PLACED_LINK) { /* that one is the user's file, too */
        (void)!plm_os_touch(a->fd, NULL);
        plm_blob_note_proven(a->fd);
    }
    if (!plm_atomic_move(store->state_fd, a->name, store->blobs_fd,
                         plm_digest_file_name(&a->weights.digest, name), err))
        return plm_prefix(err, "blobs");
    a->name[0] = '\0';
    return true;
}

static bool publish_text(const struct plm_store *store, const struct plm_descriptor *blob,
                         const char *text, struct plm_error *err)
{
    enum plm_blob_state state;
    char name[PLM_DIGEST_TEXT];
    if (!text)
        return true;
    if (!plm_blob_look(store, blob, &state, err))
        return false;
    if (state == PLM_BLOB_PROVEN) {
        plm_blob_renew(store, &blob->digest);
        return true;
    }
    return plm_atomic_write(store->state_fd, "manifest.tmp", store->blobs_fd,
                            plm_digest_file_name(&blob->digest, name), text, strlen(text), err) ||
           plm_prefix(err, "blobs");
}

/* Ollama does not know our lock: it may have removed what no manifest named yet. */
static bool is_here(const struct plm_store *store, const struct plm_descriptor *blob,
                    struct plm_error *err)
{
    enum plm_blob_state state;
    if (!plm_blob_look(store, blob, &state, err))
        return false;
    return state == PLM_BLOB_PROVEN || state == PLM_BLOB_UNPROVEN ||
           plm_fail(err, PLM_E_BUSY, "another program has removed a blob of the model just now");
}

static bool publish_manifest(struct plm_adoption *a, const struct plm_adoption_texts *texts,
                             struct plm_error *err)
{
    struct plm_job *job = a->job;
    const struct plm_store *store = &job->engine->store;
    struct plm_error quiet = {0};
    struct plm_digest id;
    plm_auto(plm_manifest_freep) struct plm_manifest *old = NULL;
    if (!plm_digest_of(texts->manifest, strlen(texts->manifest), &id, err))
        return false;
    if (!plm_manifest_load(store, &job->ref, &old, NULL, &quiet) && quiet.code != PLM_E_NOT_FOUND)
        plm_job_warn(job, "the old manifest is replaced: %s", quiet.msg);
    if (!plm_manifest_store(store, &job->ref, texts->manifest, strlen(texts->manifest), err))
        return false;
    struct plm_event event = {.kind = PLM_EV_ADOPTED,
                              .placed = {.path = a->path,
                                         .how = a->placement,
                                         .size = a->weights.size,
                                         .weights = &a->weights.digest,
                                         .id = &id}};
    plm_job_emit(job, &event);
    if (old && !plm_digest_equal(&old->digest, &id) && !job->engine->options.no_prune)
        plm_prune(job, old);
    return true;
}

bool plm_adoption_commit(struct plm_adoption *a, struct plm_error *err)
{
    const struct plm_store *store = &a->job->engine->store;
    struct plm_adoption_texts texts = {0};
    bool ok = plm_adoption_write(&a->gguf, &a->weights, &texts, err) && publish_weights(a, err) &&
              publish_text(store, &texts.config_blob, texts.config, err) &&
              publish_text(store, &texts.params_blob, texts.params, err) &&
              plm_os_sync_dir(store->blobs_fd, err) && is_here(store, &a->weights, err) &&
              is_here(store, &texts.config_blob, err) && publish_manifest(a, &texts, err);
    plm_adoption_texts_done(&texts);
    return ok;
}
