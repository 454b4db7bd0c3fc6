/* Manifests: owns the caps and checks between a registry's bytes and what we believe of them. */
#include "pullama/manifest.h"

#include "base/json.h"
#include "oci/descriptor.h"
#include "oci/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A blob and its place in the manifest. */
struct entry {
    const struct plm_descriptor *blob;
    size_t place;
};

static int compare_digest(const struct entry *a, const struct entry *b)
{
    return plm_digest_compare(&a->blob->digest, &b->blob->digest);
}

static int by_digest_and_place(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = compare_digest(a, b);
    if (order != 0)
        return order;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* All blobs, layers first, sorted so that equal digests are neighbours and the first use comes
 * first. */
static bool sort_entries(const struct plm_manifest *m, struct entry **out, size_t *count,
                         struct plm_error *err)
{
    size_t n = m->layer_count + m->has_config;
    struct entry *entries = calloc(n ? n : 1, sizeof(*entries));
    if (!entries)
        return plm_fail(err, PLM_E_NOMEM, "out of memory for %zu blobs", n);
    for (size_t i = 0; i < m->layer_count; i++)
        entries[i] = (struct entry){&m->layers[i].blob, i};
    if (m->has_config)
        entries[m->layer_count] = (struct entry){&m->config, m->layer_count};
    qsort(entries, n, sizeof(*entries), by_digest_and_place);
    *out = entries;
    *count = n;
    return true;
}

static bool check_sizes(const struct plm_manifest *m, struct plm_error *err)
{
    struct entry *entries = NULL;
    size_t count = 0;
    if (!sort_entries(m, &entries, &count, err))
        return false;
    bool good = true;
    uint64_t total = 0;
    for (size_t i = 0; i < count && good; i++) {
        const struct plm_descriptor *blob = entries[i].blob;
        total += blob->size; /* both below 2^62 */
        char digest[PLM_DIGEST_TEXT];
        if (total >= PLM_BLOB_SIZE_LIMIT)
            good = plm_fail(err, PLM_E_PROTOCOL, "the sizes add up to more than any disk holds");
        else if (i > 0 && compare_digest(&entries[i - 1], &entries[i]) == 0 &&
                 entries[i - 1].blob->size != blob->size)
            good = plm_fail(err, PLM_E_PROTOCOL, "%s is listed with two sizes",
                            plm_digest_format(&blob->digest, digest));
    }
    free(entries);
    return good;
}

static bool copy_text(const struct plm_json *value, const char *key, const char *what, char **out,
                      struct plm_error *err)
{
    const struct plm_json *member = plm_json_get(value, key);
    if (!member)
        return true;
    const char *text = plm_json_text(member);
    if (!text)
        return plm_fail(err, PLM_E_PROTOCOL, "%s has a '%s' that is no text", what, key);
    *out = strdup(text);
    return *out || plm_fail(err, PLM_E_NOMEM, "out of memory for a manifest");
}

static bool read_layers(const struct plm_json *layers, struct plm_manifest *m,
                        struct plm_error *err)
{
    if (!layers)
        return true;
    if (!plm_json_is_array(layers))
        return plm_fail(err, PLM_E_PROTOCOL, "'layers' is no array");
    size_t count = plm_json_array_size(layers);
    if (count > PLM_MANIFEST_MAX_LAYERS)
        return plm_fail(err, PLM_E_LIMIT, "%zu layers; at most %d are allowed", count,
                        PLM_MANIFEST_MAX_LAYERS);
    m->layers = calloc(count ? count : 1, sizeof(*m->layers));
    if (!m->layers)
        return plm_fail(err, PLM_E_NOMEM, "out of memory for %zu layers", count);
    m->layer_count = count;
    for (size_t i = 0; i < count; i++) {
        struct plm_layer *layer = &m->layers[i];
        const struct plm_json *value = plm_json_at(layers, i);
        char what[32];
        (void)snprintf(what, sizeof(what), "layer %zu", i + 1);
        if (!plm_descriptor_read(value, what, &layer->blob, err) ||
            !copy_text(value, "from", what, &layer->from, err) ||
            !copy_text(value, "name", what, &layer->name, err))
            return false;
    }
    return true;
}

static bool read_config(const struct plm_json *config, struct plm_manifest *m,
                        struct plm_error *err)
{
    if (!config)
        return true;
    const char *digest = plm_json_text(plm_json_get(config, "digest"));
    if (plm_json_is_object(config) && digest && digest[0] == '\0')
        return true; /* Ollama writes this, and reads it as none */
    m->has_config = plm_descriptor_read(config, "config", &m->config, err);
    return m->has_config;
}

static bool read_document(const struct plm_json *root, struct plm_manifest *m,
                          struct plm_error *err)
{
    if (!plm_json_is_object(root))
        return plm_fail(err, PLM_E_PROTOCOL, "not a JSON object");
    if (plm_index_is(root))
        return plm_fail(err, PLM_E_UNSUPPORTED, "a list of manifests, not one manifest");
    if (!read_layers(plm_json_get(root, "layers"), m, err) ||
        !read_config(plm_json_get(root, "config"), m, err))
        return false;
    if (m->layer_count == 0 && !m->has_config)
        return plm_fail(err, PLM_E_PROTOCOL, "names neither layers nor a config");
    return check_sizes(m, err);
}

static bool copy_raw(const char *bytes, size_t size, struct plm_manifest *m, struct plm_error *err)
{
    m->raw = malloc(size + 1);
    if (!m->raw)
        return plm_fail(err, PLM_E_NOMEM, "out of memory");
    memcpy(m->raw, bytes, size);
    m->raw[size] = '\0';
    m->raw_size = size;
    return plm_digest_of(bytes, size, &m->digest, err);
}

bool plm_manifest_parse(const char *bytes, size_t size, struct plm_manifest **out,
                        struct plm_error *err)
{
    if (size > PLM_MANIFEST_MAX_BYTES)
        return plm_fail(err, PLM_E_LIMIT, "manifest has %zu bytes; at most %u are allowed", size,
                        PLM_MANIFEST_MAX_BYTES);
    plm_auto(plm_manifest_freep) struct plm_manifest *m = calloc(1, sizeof(*m));
    if (!m)
        return plm_fail(err, PLM_E_NOMEM, "out of memory for a manifest");
    plm_auto(plm_json_freep) struct plm_json *root = NULL;
    if (!copy_raw(bytes, size, m, err) ||
        !plm_json_parse(bytes, size, PLM_MANIFEST_MAX_DEPTH, &root, err) ||
        !read_document(root, m, err))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not know plm_auto */
        return plm_prefix(err, "manifest");
    *out = plm_steal(&m);
    return true;
}

void plm_manifest_free(struct plm_manifest *manifest)
{
    if (!manifest)
        return;
    for (size_t i = 0; i < manifest->layer_count; i++) {
        free(manifest->layers[i].from);
        free(manifest->layers[i].name);
    }
    free(manifest->layers);
    free(manifest->raw);
    free(manifest);
}

uint64_t plm_manifest_total_size(const struct plm_manifest *manifest)
{
    uint64_t total = manifest->has_config ? manifest->config.size : 0;
    for (size_t i = 0; i < manifest->layer_count; i++)
        total += manifest->layers[i].blob.size;
    return total;
}

static int by_place(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return a->place < b->place ? -1 : a->place > b->place;
}

bool plm_manifest_blobs(const struct plm_manifest *manifest, struct plm_descriptor **out,
                        size_t *count, struct plm_error *err)
{
    struct entry *entries = NULL;
    size_t n = 0;
    if (!sort_entries(manifest, &entries, &n, err))
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || compare_digest(&entries[kept - 1], &entries[i]) != 0)
            entries[kept++] = entries[i];
    }
    qsort(entries, kept, sizeof(*entries), by_place);
    struct plm_descriptor *blobs = calloc(kept ? kept : 1, sizeof(*blobs));
    if (!blobs) {
        free(entries);
        return plm_fail(err, PLM_E_NOMEM, "out of memory for %zu blobs", kept);
    }
    for (size_t i = 0; i < kept; i++)
        blobs[i] = *entries[i].blob;
    free(entries);
    *out = blobs;
    *count = kept;
    return true;
}
