/* The tally: distinct blobs of several models, with numbers and a sum. */
#include "engine/tally.h"

#include <stdlib.h>

#include "oci/descriptor.h"

static int compare(const void *a, const void *b)
{
    const struct plm_tally_blob *x = a, *y = b;
    return plm_digest_compare(&x->digest, &y->digest);
}

static const struct plm_tally_blob *find(const struct plm_tally *tally,
                                         const struct plm_digest *digest)
{
    const struct plm_tally_blob key = {.digest = *digest};
    return tally->count > 0 ? bsearch(&key, tally->blobs, tally->count, sizeof(key), compare)
                            : NULL;
}

uint32_t plm_tally_number(const struct plm_tally *tally, const struct plm_digest *digest)
{
    const struct plm_tally_blob *found = find(tally, digest);
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

/* What is counted by one size and brought in another would be more than all. */
static bool list_new(const struct plm_tally *tally, const struct plm_descriptor *blobs,
                     size_t count, struct plm_tally_blob *fresh, uint32_t *fresh_count,
                     uint64_t *size, struct plm_error *err)
{
    char digest[PLM_DIGEST_TEXT];
    for (size_t i = 0; i < count; i++) {
        const struct plm_tally_blob *found = find(tally, &blobs[i].digest);
        if (found && found->size != blobs[i].size)
            return plm_fail(err, PLM_E_CORRUPT, "%s is listed with two sizes",
                            plm_digest_format(&blobs[i].digest, digest));
        if (found)
            continue;
        if (blobs[i].size >= PLM_BLOB_SIZE_LIMIT - *size)
            return plm_fail(err, PLM_E_CORRUPT, "the sizes add up to more than any disk holds");
        *size += blobs[i].size;
        fresh[*fresh_count] = (struct plm_tally_blob){.digest = blobs[i].digest,
                                                      .size = blobs[i].size,
                                                      .number = tally->count + *fresh_count + 1};
        (*fresh_count)++;
    }
    return true;
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
    uint64_t size = tally->size;
    if (!list_new(tally, blobs, count, fresh, &fresh_count, &size, err)) {
        free(fresh);
        return false;
    }
    qsort(fresh, fresh_count, sizeof(*fresh), compare);
    merge(grown, tally->count, tally->count + fresh_count, fresh);
    tally->count += fresh_count;
    tally->size = size;
    free(fresh);
    return true;
}

void plm_tally_done(struct plm_tally *tally)
{
    free(tally->blobs);
    *tally = (struct plm_tally){0};
}
