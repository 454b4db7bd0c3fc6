/* Preflight: what of a model is here, what must come, and whether it fits on the disk. */
#include "engine/pull.h"

#include <stdio.h>
#include <string.h>

#include "pullama/text.h"
#include "store/blobs.h"

/* Room that is always left, for checkpoints, the manifest, and everybody else. */
#define RESERVE (UINT64_C(64) << 20)

static bool look_at(struct plm_pull *pull, struct plm_download *d, struct plm_event_plan *plan,
                    struct plm_error *err)
{
    const struct plm_store *store = &pull->job->engine->store;
    enum plm_blob_state state;
    uint64_t done = 0;
    long pid;
    if (!plm_blob_look(store, &d->want, &state, err))
        return false;
    if ((state == PLM_BLOB_PROVEN || state == PLM_BLOB_UNPROVEN) && !plm_download_is_damaged(d)) {
        plan->present += d->want.size;
        plan->blobs_present++;
        return true;
    }
    if (!plm_partial_peek(store, &d->want, &done, &pid, err))
        return false;
    uint64_t disk = plm_partial_disk_bytes(store, &d->want);
    if (disk < d->want.size)
        plan->needed += d->want.size - disk;
    plan->present += done < d->want.size ? done : d->want.size;
    return true;
}

static bool make_plan(struct plm_pull *pull, struct plm_event_plan *out, struct plm_error *err)
{
    const struct plm_engine *engine = pull->job->engine;
    struct plm_event_plan plan = {
        .total = pull->total, .blobs_total = (uint32_t)pull->count, .dry_run = pull->job->dry_run};
    for (size_t i = 0; i < pull->count; i++)
        if (!look_at(pull, &pull->downloads[i], &plan, err))
            return false;
    plan.fetch = plan.total - plan.present;
    plan.fits = true;
    if (!plm_store_free_space(&engine->store, &plan.free_bytes, err))
        return false;
    if (plan.needed > 0) {
        /* Blobs are below 2^62 bytes together; what the user wants free has no such bound. */
        plan.needed += RESERVE;
        plan.needed = engine->options.min_free < UINT64_MAX - plan.needed
                          ? plan.needed + engine->options.min_free
                          : UINT64_MAX;
        plan.fits = plan.needed <= plan.free_bytes;
    }
    *out = plan;
    return true;
}

/* Publishing is a rename: better refused now than after everything has been fetched. */
static bool check_disks(const struct plm_store *store, struct plm_error *err)
{
    const struct {
        const char *name;
        int fd;
    } parts[] = {{"blobs", store->blobs_fd}, {"manifests", store->manifests_fd}};
    int base = store->state_fd >= 0 ? store->state_fd : store->root_fd;
    for (size_t i = 0; base >= 0 && i < PLM_COUNT(parts); i++) {
        if (parts[i].fd >= 0 && !plm_os_same_disk(base, parts[i].fd))
            return plm_fail(err, PLM_E_UNSUPPORTED,
                            "%s/%s lies on another disk than %s; put the whole models directory "
                            "there, and name it with --models-dir or OLLAMA_MODELS",
                            store->root, parts[i].name, store->root);
    }
    return true;
}

bool plm_pull_preflight(struct plm_pull *pull, struct plm_event_plan *out, struct plm_error *err)
{
    struct plm_event_plan plan;
    if (!check_disks(&pull->job->engine->store, err) || !make_plan(pull, &plan, err))
        return false;
    *out = plan;
    if (plan.fits || plan.dry_run)
        return true;
    char needed[PLM_TEXT_SHORT], have[PLM_TEXT_SHORT];
    return plm_fail(err, PLM_E_NOSPACE, "%s needs %s (%llu bytes) free, and there are %s",
                    pull->job->engine->store.root, plm_text_size(plan.needed, needed),
                    (unsigned long long)plan.needed, plm_text_size(plan.free_bytes, have));
}

void plm_pull_say_needed(struct plm_pull *pull)
{
    struct plm_event_plan plan;
    struct plm_error quiet = {0};
    char needed[PLM_TEXT_SHORT];
    /* What preflight refused has said it already. */
    if (pull->error.code != PLM_E_NOSPACE || pull->error.sys_errno == 0 ||
        !make_plan(pull, &plan, &quiet))
        return;
    if (plan.fits) { /* by the numbers there is room: a quota */
        size_t used = strlen(pull->error.msg);
        if (plan.fetch > 0)
            (void)snprintf(pull->error.msg + used, sizeof(pull->error.msg) - used,
                           "; %llu more bytes are needed", (unsigned long long)plan.fetch);
        return;
    }
    (void)plm_prefix(&pull->error, "%s needs %s (%llu bytes) free", pull->job->engine->store.root,
                     plm_text_size(plan.needed, needed), (unsigned long long)plan.needed);
}
