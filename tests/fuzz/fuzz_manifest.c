/* Manifests: what is accepted keeps its bytes and stays inside all limits. */
#include "fuzz.h"

#include "oci/descriptor.h"
#include "pullama/manifest.h"

static void check_descriptor(const struct plm_descriptor *blob)
{
    char kind[PLM_MEDIA_MAX];
    FUZZ_HOLDS(blob->size < PLM_BLOB_SIZE_LIMIT);
    FUZZ_HOLDS(strnlen(blob->media, PLM_MEDIA_MAX) < PLM_MEDIA_MAX && fuzz_is_safe(blob->media));
    FUZZ_HOLDS(plm_media_kind(blob->media, kind) == kind && fuzz_is_safe(kind));
    FUZZ_HOLDS(strlen(kind) <= strlen(blob->media));
}

static size_t count_digest(const struct plm_descriptor *blobs, size_t count,
                           const struct plm_descriptor *one)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!plm_digest_equal(&blobs[i].digest, &one->digest))
            continue;
        FUZZ_HOLDS(blobs[i].size == one->size);
        found++;
    }
    return found;
}

static void check_blobs(const struct plm_manifest *m)
{
    struct plm_descriptor *blobs = NULL;
    size_t count = 0;
    struct plm_error err = {0};
    FUZZ_HOLDS(plm_manifest_blobs(m, &blobs, &count, &err));
    FUZZ_HOLDS(count > 0 && count <= m->layer_count + m->has_config);
    uint64_t total = m->has_config ? m->config.size : 0;
    for (size_t i = 0; i < m->layer_count; i++) {
        check_descriptor(&m->layers[i].blob);
        FUZZ_HOLDS(count_digest(blobs, count, &m->layers[i].blob) == 1);
        total += m->layers[i].blob.size;
    }
    if (m->has_config) {
        check_descriptor(&m->config);
        FUZZ_HOLDS(count_digest(blobs, count, &m->config) == 1);
    }
    FUZZ_HOLDS(plm_manifest_total_size(m) == total && total < PLM_BLOB_SIZE_LIMIT);
    free(blobs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plm_manifest *m = NULL;
    struct plm_digest digest;
    struct plm_error err = {0};
    if (plm_manifest_parse((const char *)data, size, &m, &err)) {
        FUZZ_HOLDS(m->raw_size == size && memcmp(m->raw, data, size) == 0);
        FUZZ_HOLDS(plm_digest_of(data, size, &digest, &err));
        FUZZ_HOLDS(plm_digest_equal(&digest, &m->digest));
        FUZZ_HOLDS(m->layer_count <= PLM_MANIFEST_MAX_LAYERS);
        FUZZ_HOLDS(!plm_index_detect((const char *)data, size));
        check_blobs(m);
    } else {
        fuzz_failed(&err);
        FUZZ_HOLDS(!m && fuzz_is_safe(err.msg));
        FUZZ_HOLDS(err.code == PLM_E_PROTOCOL || err.code == PLM_E_LIMIT ||
                   err.code == PLM_E_UNSUPPORTED);
    }
    plm_manifest_free(m);
    return 0;
}
