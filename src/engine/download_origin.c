/* Downloads: which registry a blob's bytes come from, a mirror or the model's own. */
#include "engine/download_private.h"
#include "engine/pull.h"

static const char *host_at(const struct plm_pull *pull, int place)
{
    return plm_registry_host(place < 0 ? pull->registry : pull->mirrors.items[place].registry);
}

bool plm_download_find_source(struct plm_download *d, struct plm_error *err)
{
    struct plm_pull *pull = d->pull;
    d->leaving = false;
    d->mirror = plm_mirrors_choose(&pull->mirrors, d->left_mirrors);
    struct plm_registry *registry =
        d->mirror < 0 ? pull->registry : pull->mirrors.items[d->mirror].registry;
    return plm_source_new(registry, &d->want, &d->source, err);
}

bool plm_download_leave_mirror(struct plm_download *d, const struct plm_error *cause)
{
    if (d->mirror < 0)
        return false;
    if (d->leaving)
        return true;
    struct plm_pull *pull = d->pull;
    bool is_wrong = cause->code == PLM_E_INTEGRITY;
    /* A mirror need not have everything, and bytes of an earlier run need not be its own. */
    if (is_wrong ? d->clean : cause->code != PLM_E_NOT_FOUND)
        plm_mirrors_blame(&pull->mirrors, d->mirror, is_wrong);
    /* What is mended comes from where the digest comes from. */
    d->left_mirrors = is_wrong ? UINT32_MAX : d->left_mirrors | UINT32_C(1) << d->mirror;
    d->leaving = true;
    int next = plm_mirrors_choose(&pull->mirrors, d->left_mirrors);
    if (cause->code != PLM_E_NOT_FOUND)
        plm_job_warn(pull->job, "mirror %s: %s; going on with %s", host_at(pull, d->mirror),
                     cause->msg, host_at(pull, next));
    plm_pull_kick(pull);
    return true;
}

/* Not from a request's own callback: its source must outlive that. */
bool plm_download_change_source(struct plm_download *d)
{
    struct plm_error err = {0};
    if (!d->leaving)
        return true;
    while (d->chunks)
        plm_chunk_free(d->chunks);
    plm_source_free(d->source);
    d->source = NULL;
    d->no_ranges = false;
    if (plm_download_find_source(d, &err))
        return true;
    plm_pull_fail(d->pull, &err);
    return false;
}
