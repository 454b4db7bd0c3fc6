/* Commit: under the store lock, blobs get their names, then the manifest; then what nobody names
 * any more goes. */
#include "engine/prune.h"
#include "engine/pull.h"
#include "store/blobs.h"
#include "store/manifests.h"

#define TURN_MS 50

/* The pull goes on with fetching this one. */
static void send_back(struct plm_pull *pull, struct plm_download *d)
{
    d->state = PLM_DOWNLOAD_PLANNED;
    d->is_new = false;
    pull->next = pull->next < d->index ? pull->next : d->index;
    pull->state = PLM_PULL_TRANSFERRING;
}

/* Publishes one blob, or finds that it stands there. *wait: somebody is at it. Sends it back to be
 * fetched when it is gone. */
static bool settle(struct plm_pull *pull, struct plm_download *d, bool *wait, struct plm_error *err)
{
    const struct plm_store *store = &pull->job->engine->store;
    enum plm_blob_state state;
    enum plm_publish_result result;
    if (!plm_blob_look(store, &d->want, &state, err))
        return false;
    if ((state == PLM_BLOB_PROVEN && !plm_download_is_damaged(d)) ||
        (state == PLM_BLOB_UNPROVEN && d->state == PLM_DOWNLOAD_PRESENT))
        return true;
    if (d->state == PLM_DOWNLOAD_STAGED) {
        if (!plm_partial_publish(store, &d->want, d->staged_inode, d->staged_modified_ns, &result,
                                 err))
            return false;
        if (result == PLM_PUBLISH_DONE) {
            d->state = PLM_DOWNLOAD_PRESENT;
            d->is_new = true;
            plm_pull_emit_kind(pull, d, PLM_EV_BLOB_FINALIZED);
            return true;
        }
        *wait = *wait || result == PLM_PUBLISH_BUSY;
        if (result == PLM_PUBLISH_BUSY)
            return true;
    }
    send_back(pull, d);
    return true;
}

/* Looks once more, when all are durable: Ollama does not know our lock. */
static bool look_again(struct plm_pull *pull, struct plm_error *err)
{
    for (size_t i = 0; i < pull->count; i++) {
        enum plm_blob_state state;
        if (!plm_blob_look(&pull->job->engine->store, &pull->downloads[i].want, &state, err))
            return false;
        if (state == PLM_BLOB_ABSENT || state == PLM_BLOB_WRONG_SIZE)
            send_back(pull, &pull->downloads[i]);
    }
    return true;
}

static bool write_manifest(struct plm_pull *pull, struct plm_error *err)
{
    const struct plm_engine *engine = pull->job->engine;
    const struct plm_manifest *manifest = pull->manifest;
    struct plm_error quiet = {0};
    plm_auto(plm_manifest_freep) struct plm_manifest *old = NULL;
    if (!plm_manifest_load(&engine->store, &pull->job->ref, &old, NULL, &quiet) &&
        quiet.code != PLM_E_NOT_FOUND)
        plm_job_warn(pull->job, "the old manifest is replaced: %s", quiet.msg);
    if (old && plm_digest_equal(&old->digest, &manifest->digest))
        return true;
    pull->wrote_manifest = true;
    plm_job_emit_kind(pull->job, PLM_EV_MANIFEST_WRITE_START);
    if (!plm_manifest_store(&engine->store, &pull->job->ref, manifest->raw, manifest->raw_size,
                            err))
        return false;
    struct plm_event event = {.kind = PLM_EV_MANIFEST_WRITTEN,
                              .manifest = {.blob_count = (uint32_t)pull->count,
                                           .total_size = pull->total,
                                           .digest = &manifest->digest}};
    plm_job_emit(pull->job, &event);
    if (old && !engine->options.no_prune)
        plm_prune(pull->job, old);
    return true;
}

/* A directory entry may take milliseconds, and a signal must not wait for a thousand of them. Not
 * all are settled after it: another turn. */
static bool settle_some(struct plm_pull *pull, struct plm_error *err)
{
    int64_t until = plm_os_monotonic_ms() + TURN_MS;
    while (pull->settled < pull->count) {
        if (!settle(pull, &pull->downloads[pull->settled], &pull->must_wait, err))
            return false;
        pull->settled++;
        if (plm_os_monotonic_ms() >= until)
            break;
    }
    return true;
}

static bool publish(struct plm_pull *pull, enum plm_commit_result *result, struct plm_error *err)
{
    const struct plm_store *store = &pull->job->engine->store;
    *result = PLM_COMMIT_TURN;
    if (!settle_some(pull, err))
        return false;
    if (pull->settled < pull->count && pull->state == PLM_PULL_COMMITTING)
        return true;
    *result = PLM_COMMIT_WAIT;
    if (pull->must_wait || pull->state != PLM_PULL_COMMITTING)
        return true;
    for (size_t i = 0; i < pull->count; i++)
        if (!pull->downloads[i].is_new)
            plm_blob_renew(store, &pull->downloads[i].want.digest);
    if (!plm_os_sync_dir(store->blobs_fd, err) || !look_again(pull, err))
        return false;
    if (pull->state != PLM_PULL_COMMITTING)
        return true;
    *result = PLM_COMMIT_DONE;
    return (pull->part.over && !pull->part.is_model) || write_manifest(pull, err);
}

static bool lock_store(struct plm_pull *pull, bool *is_busy, struct plm_error *err)
{
    struct plm_engine *engine = pull->job->engine;
    struct plm_error why = {0};
    if (plm_engine_lock_store(engine, &why)) {
        pull->has_store = true;
        pull->settled = 0;
        pull->must_wait = false;
        return true;
    }
    *is_busy = why.code == PLM_E_BUSY;
    if (*is_busy && !pull->told_of_lock) {
        pull->told_of_lock = true;
        struct plm_event event = {
            .kind = PLM_EV_LOCK_WAITING,
            .waiting = {.pid = plm_lock_holder(engine->store.state_fd, PLM_STORE_LOCK)}};
        plm_job_emit(pull->job, &event);
    }
    if (!*is_busy && err)
        *err = why;
    return false;
}

bool plm_pull_commit(struct plm_pull *pull, enum plm_commit_result *result, struct plm_error *err)
{
    bool is_busy = false;
    *result = PLM_COMMIT_WAIT;
    if (!pull->has_store && !lock_store(pull, &is_busy, err))
        return is_busy;
    bool ok = publish(pull, result, err);
    if (!ok || *result != PLM_COMMIT_TURN)
        plm_pull_leave_store(pull);
    return ok;
}

void plm_pull_leave_store(struct plm_pull *pull)
{
    if (pull->has_store)
        plm_engine_unlock_store(pull->job->engine);
    pull->has_store = false;
}
