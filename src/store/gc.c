/* Garbage: finds the blobs that no manifest names, and removes them. */
#include "store/gc.h"

#include <stdlib.h>

#include "pullama/text.h"
#include "store/blobs.h"
#include "store/needs.h"

void plm_digest_set_done(struct plm_digest_set *set)
{
    free(set->items);
    *set = (struct plm_digest_set){0};
}

static int compare(const void *a, const void *b)
{
    return plm_digest_compare(a, b); /* a set has nothing but digests */
}

bool plm_digest_set_has(const struct plm_digest_set *set, const struct plm_digest *digest)
{
    return set->count && bsearch(digest, set->items, set->count, sizeof(*digest), compare) != NULL;
}

void plm_digest_set_sort(struct plm_digest_set *set)
{
    if (set->count)
        qsort(set->items, set->count, sizeof(*set->items), compare);
}

bool plm_digest_set_add(struct plm_digest_set *set, const struct plm_digest *digest,
                        struct plm_error *err)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity ? set->capacity * 2 : 64;
        struct plm_digest *items = realloc(set->items, capacity * sizeof(*items));
        if (!items)
            return plm_fail(err, PLM_E_NOMEM, "no memory for %zu digests", capacity);
        set->items = items;
        set->capacity = capacity;
    }
    set->items[set->count++] = *digest;
    return true;
}

struct marking {
    struct plm_digest_set set;
    const struct plm_ref *but; /* models that are left out */
    size_t but_count;
    struct plm_error *err;
    bool ok;
};

static bool mark_manifest(void *ctx, const struct plm_manifest *manifest)
{
    struct marking *m = ctx;
    m->ok = !manifest->has_config || plm_digest_set_add(&m->set, &manifest->config.digest, m->err);
    for (size_t i = 0; m->ok && i < manifest->layer_count; i++)
        m->ok = plm_digest_set_add(&m->set, &manifest->layers[i].blob.digest, m->err);
    return m->ok;
}

static bool mark_file(void *ctx, const struct plm_manifest_file *file)
{
    struct marking *m = ctx;
    char path[256];
    if (!file->manifest && !file->is_named)
        return true; /* no manifest by name, none by content */
    for (size_t i = 0; i < m->but_count && file->is_named; i++)
        if (plm_ref_same_model(&file->ref, &m->but[i]))
            return true;
    if (!file->manifest) {
        m->ok = plm_fail(m->err, PLM_E_CORRUPT,
                         "nothing is deleted while a manifest cannot be read: manifests/%s (%s)",
                         plm_text_printable(file->path, path, sizeof(path)), file->why);
        return false;
    }
    return mark_manifest(m, file->manifest);
}

static bool finish(struct marking *m, bool ok, struct plm_digest_set *out)
{
    if (!ok || !m->ok) {
        plm_digest_set_done(&m->set);
        return false;
    }
    plm_digest_set_sort(&m->set);
    *out = m->set;
    return true;
}

bool plm_gc_mark_others(const struct plm_store *store, const struct plm_ref *but, size_t count,
                        struct plm_digest_set *out, struct plm_error *err)
{
    struct marking m = {.but = but, .but_count = count, .err = err, .ok = true};
    /* A pull that ends between the two walks has its manifest in place before it drops its need. */
    bool ok = plm_needs_each(store, mark_manifest, &m, err) && m.ok &&
              plm_manifests_each(store, mark_file, &m, err);
    return finish(&m, ok, out);
}

bool plm_gc_mark_named(const struct plm_store *store, struct plm_digest_set *out,
                       struct plm_error *err)
{
    struct marking m = {.err = err, .ok = true};
    return finish(&m, plm_manifests_each(store, mark_file, &m, err), out);
}

bool plm_gc_mark_needs(const struct plm_store *store, struct plm_digest_set *out,
                       struct plm_error *err)
{
    struct marking m = {.err = err, .ok = true};
    return finish(&m, plm_needs_each(store, mark_manifest, &m, err), out);
}

bool plm_gc_mark(const struct plm_store *store, struct plm_digest_set *out, struct plm_error *err)
{
    return plm_gc_mark_others(store, NULL, 0, out, err);
}

bool plm_gc_sweep(const struct plm_store *store, const struct plm_descriptor *candidates,
                  size_t count, const struct plm_digest_set *marked, plm_gc_removed_fn removed,
                  void *ctx, struct plm_error *err)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        uint64_t freed = 0;
        enum plm_blob_state state;
        if (plm_digest_set_has(marked, &candidates[i].digest))
            continue;
        if (!plm_blob_look(store, &candidates[i], &state, err) ||
            !plm_blob_remove(store, &candidates[i].digest, &freed, err))
            return false;
        if (state != PLM_BLOB_ABSENT && removed)
            removed(ctx, &candidates[i], freed);
        any = any || state != PLM_BLOB_ABSENT;
    }
    return any ? plm_os_sync_dir(store->blobs_fd, err) : true;
}
