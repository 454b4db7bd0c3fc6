/* The tally: distinct blobs of several models, with numbers and a sum. */
#include "engine/tally.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, PLM_DIGEST_BYTES);
}

uint32_t plm_tally_number(const struct plm_tally *tally, const struct plm_digest *digest)
{
    const struct plm_tally_blob *found =
        tally->count > 0 ? bsearch(digest, tally->blobs, tally->count, sizeof(*found), compare)
                         : NULL;
    return found ? found->number : 0;
}

/* Merges what is sorted up to @p middle with what is sorted behind it, from the end, so that
 * nothing is written over; @p behind: a copy of the latter. */
static void merge(struct plm_tally_blob *blobs, uint32_t middle, uint32_t end,
                  const struct plm_tally_blob *behind)
{
    uint32_t from = middle, of_behind = end - middle;
    while (of_behind > 0) {
        bool is_behind = from == 0 || compare(&blobs[from - 1], &behind[of_behind - 1]) < 0;
        blobs[--end] = is_behind ? behind[--of_behind] : blobs[--from];
    }
}

bool plm_tally_add(struct plm_tally *tally, const struct plm_descriptor *blobs, size_t count,
                   struct plm_error *err)
{
    struct plm_tally_blob *grown = NULL, *fresh = NULL;
    uint32_t fresh_count = 0;
    if (count < UINT32_MAX - tally->count)
        grown = realloc(tally->blobs, (tally->count + count + 1) * sizeof(*grown));
    if (grown) {
        tally->blobs = grown;
        fresh = calloc(count + 1, sizeof(*fresh));
    }
    if (!fresh)
        return plm_fail(err, PLM_E_NOMEM, "no memory for %zu blobs", tally->count + count);
    for (size_t i = 0; i < count; i++) {
        if (plm_tally_number(tally, &blobs[i].digest) != 0)
            continue;
        fresh[fresh_count++].digest = blobs[i].digest;
        fresh[fresh_count - 1].number = tally->count + fresh_count;
        tally->size += blobs[i].size;
    }
    qsort(fresh, fresh_count, sizeof(*fresh), compare);
    merge(grown, tally->count, tally->count + fresh_count, fresh);
    tally->count += fresh_count;
    free(fresh);
    return true;
}

void plm_tally_done(struct plm_tally *tally)
{
    free(tally->blobs);
    *tally = (struct plm_tally){0};
}
