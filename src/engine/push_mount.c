/* Mounts: which other repositories of the registry may have a model's blobs, by what the store
 * knows. */
#include "engine/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/manifests.h"

#define REPOSITORY_MAX (2 * PLM_REF_PART_MAX + 2)

struct search {
    struct plm_push *push;
    struct plm_upload **by_digest; /* sorted */
    bool failed;
};

static int compare(const void *a, const void *b)
{
    const struct plm_upload *const *left = a, *const *right = b;
    return memcmp(&(*left)->want.digest, &(*right)->want.digest, sizeof(struct plm_digest));
}

/* Notes @p ref's repository as a source, unless there is one already or it is the target itself. */
static bool note(struct plm_upload *u, const struct plm_ref *ref)
{
    const struct plm_ref *target = &u->push->target;
    char repository[REPOSITORY_MAX];
    if (u->from || strcmp(ref->host, target->host) != 0 ||
        (strcmp(ref->ns, target->ns) == 0 && strcmp(ref->model, target->model) == 0))
        return true;
    (void)snprintf(repository, sizeof(repository), "%s/%s", ref->ns, ref->model);
    u->from = strdup(repository);
    return u->from != NULL;
}

static struct plm_upload *find(const struct search *search, const struct plm_digest *digest)
{
    struct plm_upload key = {.want = {.digest = *digest}}, *wanted = &key;
    struct plm_upload **found = bsearch(&wanted, search->by_digest, search->push->count,
                                        sizeof(struct plm_upload *), compare);
    return found ? *found : NULL;
}

static bool look_at(struct search *search, const struct plm_digest *digest,
                    const struct plm_ref *ref)
{
    struct plm_upload *u = find(search, digest);
    return !u || note(u, ref);
}

static bool see(void *ctx, const struct plm_manifest_file *file)
{
    struct search *search = ctx;
    const struct plm_manifest *manifest = file->manifest;
    if (!file->is_named || !manifest || strcmp(file->ref.host, search->push->target.host) != 0)
        return true;
    bool ok = !manifest->has_config || look_at(search, &manifest->config.digest, &file->ref);
    for (size_t i = 0; ok && i < manifest->layer_count; i++)
        ok = look_at(search, &manifest->layers[i].blob.digest, &file->ref);
    search->failed = !ok;
    return ok;
}

/* What the layers themselves name comes first. It may be a file's path as well, or nonsense. */
static bool take_named(struct search *search)
{
    const struct plm_manifest *manifest = search->push->manifest;
    bool ok = true;
    for (size_t i = 0; ok && i < manifest->layer_count; i++) {
        struct plm_ref ref;
        struct plm_error ignored = {0};
        const char *from = manifest->layers[i].from;
        if (from && plm_ref_parse(from, &ref, &ignored))
            ok = look_at(search, &manifest->layers[i].blob.digest, &ref);
    }
    return ok;
}

bool plm_push_find_mounts(struct plm_push *push, struct plm_error *err)
{
    struct search search = {.push = push};
    struct plm_error ignored = {0};
    search.by_digest = calloc(push->count ? push->count : 1, sizeof(struct plm_upload *));
    if (search.by_digest) {
        for (size_t i = 0; i < push->count; i++)
            search.by_digest[i] = &push->uploads[i];
        qsort(search.by_digest, push->count, sizeof(struct plm_upload *), compare);
        search.failed = !take_named(&search);
        /* Manifests that cannot be read tell of no source: that is all. */
        if (!search.failed)
            (void)!plm_manifests_each(&push->job->engine->store, see, &search, &ignored);
    }
    bool ok = search.by_digest && !search.failed;
    free(search.by_digest);
    return ok || plm_fail(err, PLM_E_NOMEM, "no memory for the names of repositories");
}
