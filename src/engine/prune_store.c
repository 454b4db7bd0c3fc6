/* Prune, the verb: removes the blobs that no manifest names, and says of each why it goes or stays.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_private.h"
#include "engine/clean_scan.h"
#include "pullama/text.h"
#include "store/blobs.h"
#include "store/gc.h"

/* What Ollama, too, leaves alone when it starts: its pulls and builds give blobs their names before
 * there is a manifest. */
#define YOUNG_MS (60 * 60 * 1000)

struct pruning {
    struct plm_job *job;
    const struct plm_store *store;
    struct plm_digest_set named, needed, unnamed;
    int64_t now_ms, spare_ms;
    bool ollama_pulls;
    char young[64];
    uint32_t removed, kept;
    uint64_t freed, kept_bytes;
    struct plm_error *err;
    bool ok;
};

static bool collect(void *ctx, const struct plm_digest *digest)
{
    struct pruning *p = ctx;
    p->ok =
        plm_digest_set_has(&p->named, digest) || plm_digest_set_add(&p->unnamed, digest, p->err);
    return p->ok;
}

/* Ollama names each layer as soon as it has it, and the model when it has all. */
static bool find_ollama(struct pruning *p)
{
    struct plm_debris_list list = {0};
    if (!plm_debris_scan(p->store, &list, p->err))
        return false;
    for (size_t i = 0; i < list.count && !p->ollama_pulls; i++) {
        struct plm_file_status status;
        p->ollama_pulls = list.items[i].is_ollama &&
                          plm_os_status(p->store->blobs_fd, list.items[i].name, &status, NULL) &&
                          status.type == PLM_FILE_REGULAR &&
                          status.modified_ns / 1000000 > p->now_ms - YOUNG_MS;
    }
    plm_debris_list_done(&list);
    return true;
}

/* Why a blob stays, or NULL. */
static const char *reason_to_stay(const struct pruning *p, const struct plm_digest *digest,
                                  const struct plm_file_status *status)
{
    if (plm_digest_set_has(&p->needed, digest))
        return "a running pullama needs it";
    if (p->ollama_pulls)
        return "Ollama is pulling a model that may have it";
    if (status->modified_ns / 1000000 > p->now_ms - p->spare_ms)
        return p->young;
    return NULL;
}

static void tell(struct pruning *p, const char *name, const struct plm_file_status *status,
                 uint64_t freed, const char *stays)
{
    char path[PLM_DIGEST_TEXT + 8];
    (void)snprintf(path, sizeof(path), "blobs/%s", name);
    struct plm_event event = {.kind = PLM_EV_PRUNE_BLOB,
                              .pruned = {.path = path,
                                         .size = status->size,
                                         .freed = freed,
                                         .kept = stays != NULL,
                                         .why = stays ? stays : "no model names it",
                                         .dry_run = p->job->dry_run}};
    plm_job_emit(p->job, &event);
}

static bool settle(struct pruning *p, const struct plm_digest *digest)
{
    char name[PLM_DIGEST_TEXT];
    struct plm_file_status status;
    uint64_t freed = 0;
    if (!plm_os_status(p->store->blobs_fd, plm_digest_file_name(digest, name), &status, p->err))
        return plm_prefix(p->err, "blobs");
    if (status.type == PLM_FILE_NONE && /* an old name; without a dry run there is none */
        !plm_os_status(p->store->blobs_fd, plm_digest_format(digest, name), &status, p->err))
        return plm_prefix(p->err, "blobs");
    if (status.type == PLM_FILE_NONE || status.type == PLM_FILE_DIRECTORY)
        return true;
    const char *stays = reason_to_stay(p, digest, &status);
    if (!stays && !(p->job->dry_run ? plm_blob_reclaimable(p->store, digest, &freed, p->err)
                                    : plm_blob_remove(p->store, digest, &freed, p->err)))
        return false;
    p->removed += !stays;
    p->freed += freed;
    p->kept += stays != NULL;
    p->kept_bytes += stays ? status.disk_bytes : 0;
    tell(p, name, &status, freed, stays);
    return true;
}

static bool settle_all(struct pruning *p)
{
    bool ok = true;
    plm_digest_set_sort(&p->unnamed);
    for (size_t i = 0; ok && i < p->unnamed.count; i++)
        ok = plm_engine_is_ending(p->job->engine)
                 ? plm_fail(p->err, PLM_E_INTERRUPTED, "stopped on request")
                 : settle(p, &p->unnamed.items[i]);
    if (p->removed && !p->job->dry_run && !plm_os_sync_dir(p->store->blobs_fd, p->err))
        ok = false;
    return ok;
}

static bool prune(struct pruning *p)
{
    bool ok = (p->job->dry_run || plm_blobs_migrate(p->store, p->err)) &&
              plm_gc_mark_needs(p->store, &p->needed, p->err) &&
              plm_gc_mark_named(p->store, &p->named, p->err) &&
              (p->job->has_age || find_ollama(p)) && plm_blobs_each(p->store, collect, p, p->err) &&
              p->ok;
    return ok && settle_all(p);
}

static bool run(struct plm_job *job, struct plm_error *err)
{
    char age[PLM_TEXT_SHORT];
    struct pruning p = {.job = job,
                        .store = &job->engine->store,
                        .now_ms = plm_os_unix_ms(),
                        .spare_ms = job->has_age ? job->older_than_ms : YOUNG_MS,
                        .err = err,
                        .ok = true};
    (void)snprintf(p.young, sizeof(p.young), "younger than %s", plm_text_duration(p.spare_ms, age));
    plm_job_emit_kind(job, PLM_EV_PRUNE_START);
    bool ok = prune(&p);
    plm_digest_set_done(&p.named);
    plm_digest_set_done(&p.needed);
    plm_digest_set_done(&p.unnamed);
    if (!ok)
        return false;
    struct plm_event event = {.kind = PLM_EV_PRUNE_DONE,
                              .prune_done = {.files = p.removed,
                                             .bytes = p.freed,
                                             .kept = p.kept,
                                             .kept_bytes = p.kept_bytes,
                                             .dry_run = job->dry_run}};
    plm_job_emit(job, &event);
    plm_job_complete(job);
    return true;
}

const struct plm_job_kind plm_prune_kind = {
    .is_recorded = true, .verb = PLM_VERB_PRUNE, .needs_lock = true, .run = run};
