/* The tests' models: bytes without end from a small table, and the manifests that name them. */
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)64 << 10)

/* The 8 bytes at a multiple of 8: no two pieces of a blob are alike, and none of them is zero. */
static uint64_t word_at(unsigned seed, uint64_t offset)
{
    uint64_t x = (offset / 8 + ((uint64_t)seed << 40) + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9) | 1;
}

void model_bytes(const struct model_blob *blob, uint64_t offset, void *out, size_t length)
{
    unsigned char *to = out;
    while (length > 0) {
        uint64_t word = word_at(blob->seed, offset);
        size_t skip = (size_t)(offset % 8), part = 8 - skip < length ? 8 - skip : length;
        memcpy(to, (const char *)&word + skip, part);
        to += part;
        offset += part;
        length -= part;
    }
}

bool model_is_right(const struct model_blob *blob, uint64_t offset, const void *bytes,
                    size_t length)
{
    unsigned char right[4096];
    for (size_t at = 0, part; at < length; at += part) {
        part = length - at < sizeof(right) ? length - at : sizeof(right);
        model_bytes(blob, offset + at, right, part);
        if (memcmp((const char *)bytes + at, right, part) != 0)
            return false;
    }
    return true;
}

static void set_blob(struct model_blob *blob, unsigned seed, uint64_t size)
{
    struct plm_hash *hash = NULL;
    unsigned char *piece = malloc(PIECE);
    blob->seed = seed;
    blob->want.size = size;
    if (!piece || !plm_hash_new(&hash, NULL))
        abort();
    for (uint64_t at = 0; at < size; at += PIECE) {
        size_t length = size - at < PIECE ? (size_t)(size - at) : PIECE;
        model_bytes(blob, at, piece, length);
        if (!plm_hash_update(hash, piece, length, NULL))
            abort();
    }
    if (!plm_hash_final(hash, &blob->want.digest, NULL))
        abort();
    plm_hash_free(hash);
    free(piece);
}

void model_make(struct model *model, enum model_version version, uint64_t large_size)
{
    static const char *const media[MODEL_BLOBS] = {
        "application/vnd.ollama.image.model", "application/vnd.ollama.image.template",
        "application/vnd.ollama.image.params", "application/vnd.ollama.image.system",
        "application/vnd.docker.container.image.v1+json"};
    set_blob(&model->blobs[0], 1 + (unsigned)version, large_size);
    set_blob(&model->blobs[1], 11, (64u << 10) + 13);
    set_blob(&model->blobs[2], 12, 7);
    set_blob(&model->blobs[3], 13, 0);
    set_blob(&model->blobs[4], 14 + (unsigned)version, 400);
    size_t used = 0;
    char layers[MODEL_MANIFEST_MAX / 2], digest[PLM_DIGEST_TEXT], config[256] = "";
    for (size_t i = 0; i < MODEL_BLOBS; i++) {
        char item[256];
        bool last = i + 1 == MODEL_BLOBS;
        (void)snprintf(item, sizeof(item),
                       "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%" PRIu64 "}", media[i],
                       plm_digest_format(&model->blobs[i].want.digest, digest),
                       model->blobs[i].want.size);
        if (last)
            (void)snprintf(config, sizeof(config), "%s", item);
        else
            used +=
                (size_t)snprintf(layers + used, sizeof(layers) - used, "%s%s", i ? "," : "", item);
    }
    (void)snprintf(model->manifest, sizeof(model->manifest),
                   "{\"schemaVersion\":2,\"mediaType\":"
                   "\"application/vnd.docker.distribution.manifest.v2+json\","
                   "\"config\":%s,\"layers\":[%s]}",
                   config, layers);
}
