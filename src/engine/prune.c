/* Pruning: removes layers that only a replaced manifest named. */
#include "engine/prune.h"

#include <stdlib.h>

#include "store/gc.h"

struct removal {
    uint32_t files;
    uint64_t bytes;
};

static void count_removed(void *ctx, const struct plm_descriptor *blob, uint64_t freed)
{
    struct removal *removal = ctx;
    (void)blob;
    removal->files++;
    removal->bytes += freed;
}

void plm_prune(struct plm_job *job, const struct plm_manifest *old)
{
    const struct plm_store *store = &job->engine->store;
    struct plm_descriptor *blobs = NULL;
    struct plm_digest_set marked = {0};
    struct plm_error err = {0};
    struct removal removal = {0};
    size_t count = 0;
    if (!plm_manifest_blobs(old, &blobs, &count, &err) || !plm_gc_mark(store, &marked, &err) ||
        !plm_gc_sweep(store, blobs, count, &marked, count_removed, &removal, &err))
        plm_job_warn(job, "old layers stay: %s", err.msg);
    if (removal.files) {
        struct plm_event event = {.kind = PLM_EV_LAYERS_REMOVED,
                                  .removed = {.files = removal.files, .bytes = removal.bytes}};
        plm_job_emit(job, &event);
    }
    plm_digest_set_done(&marked);
    free(blobs);
}
