/* Pulls that are a part of another job: one blob that a model of the store names, or a model that an
 * archive has. */
#include "engine/pull.h"

#include <stdlib.h>

bool plm_pull_start_part(struct plm_job *job, const struct plm_ref *ref,
                         const struct plm_descriptor *want, uint64_t damaged,
                         const struct plm_pull_part *part, struct plm_pull **out,
                         struct plm_error *err)
{
    struct plm_pull *pull = NULL;
    struct plm_event_plan plan;
    if (!plm_pull_new(job, ref, &pull, err))
        return false;
    pull->part = *part;
    pull->shown = part->bytes_shown;
    pull->total = want->size;
    pull->downloads = calloc(1, sizeof(*pull->downloads));
    if (!pull->downloads) {
        plm_pull_free(pull);
        return plm_fail(err, PLM_E_NOMEM, "no memory to fetch a blob");
    }
    pull->count = 1;
    plm_download_init(&pull->downloads[0], pull, 0, want);
    if (damaged)
        plm_download_distrust(&pull->downloads[0], damaged);
    if (!plm_pull_preflight(pull, &plan, err)) {
        plm_pull_free(pull);
        return false;
    }
    plm_pull_transfer(pull);
    *out = pull;
    return true;
}

bool plm_pull_start_fed(struct plm_job *job, struct plm_feed *feed, struct plm_manifest **manifest,
                        const struct plm_pull_part *part, struct plm_pull **out,
                        struct plm_error *err)
{
    struct plm_pull *pull = NULL;
    if (!plm_pull_new_empty(job, &pull, err))
        return false;
    pull->part = *part;
    pull->shown = part->bytes_shown;
    pull->feed = feed;
    pull->manifest = plm_steal(manifest);
    *out = pull; /* a dry run tells of its end from within */
    if (plm_pull_begin(pull, err))
        return true;
    *out = NULL;
    plm_pull_free(pull);
    return false;
}
