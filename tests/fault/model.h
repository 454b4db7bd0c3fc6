/**
 * Models that the tests pull: two versions of one tag, and a large one. A blob's bytes are a
 * function of its number and the offset.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pullama/digest.h"

#define MODEL_BLOBS 5
#define MODEL_MANIFEST_MAX 4096

enum model_version {
    MODEL_FIRST, /**< 3 MiB, 64 KiB and a bit, a few bytes, none at all, and a config */
    MODEL_NEXT,  /**< another large blob, the others as before */
    MODEL_LARGE, /**< as the first, with the large blob of model_make()'s size */
    MODEL_VERSIONS
};

struct model_blob {
    unsigned seed;
    struct plm_descriptor want;
};
struct model {
    struct model_blob blobs[MODEL_BLOBS]; /**< the large one first, the config last */
    char manifest[MODEL_MANIFEST_MAX];
};

void model_make(struct model *model, enum model_version version, uint64_t large_size);
void model_bytes(const struct model_blob *blob, uint64_t offset, void *out, size_t length);
/** Whether @p length bytes are the blob's at @p offset. */
bool model_is_right(const struct model_blob *blob, uint64_t offset, const void *bytes,
                    size_t length);
