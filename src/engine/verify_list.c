/* What there is to verify: models, and their blobs, each of them once, the largest first. */
#include <stdlib.h>
#include <string.h>

#include "engine/stored.h"
#include "engine/verify.h"
#include "pullama/text.h"
#include "store/manifests.h"

struct listing {
    struct plm_verify *verify;
    size_t model_room, blob_room;
    struct plm_error *err;
    bool ok;
};

static bool make_room(void **items, size_t *room, size_t count, size_t item, struct plm_error *err)
{
    if (count < *room)
        return true;
    size_t wanted = *room ? 2 * *room : 32;
    void *grown = realloc(*items, wanted * item);
    if (!grown)
        return plm_fail(err, PLM_E_NOMEM, "no memory for %zu things to verify", wanted);
    *items = grown;
    *room = wanted;
    return true;
}

static struct plm_verify_model *add_model(struct listing *l, const struct plm_ref *ref)
{
    struct plm_verify *v = l->verify;
    void *models = v->models;
    l->ok = make_room(&models, &l->model_room, v->model_count, sizeof(*v->models), l->err);
    v->models = models;
    if (!l->ok)
        return NULL;
    struct plm_verify_model *model = &v->models[v->model_count];
    *model = (struct plm_verify_model){.ref = *ref, .number = (uint32_t)v->model_count++};
    return model;
}

static bool add_blob(struct listing *l, const struct plm_descriptor *want)
{
    struct plm_verify *v = l->verify;
    void *blobs = v->blobs;
    l->ok = make_room(&blobs, &l->blob_room, v->blob_count, sizeof(*v->blobs), l->err);
    v->blobs = blobs;
    if (l->ok) /* until they are sorted, each of them has one user, and says which */
        v->blobs[v->blob_count++] = (struct plm_verify_blob){
            .want = *want, .first_user = (uint32_t)v->model_count - 1, .user_count = 1};
    return l->ok;
}

static bool add_good(struct listing *l, const struct plm_ref *ref,
                     const struct plm_manifest *manifest)
{
    struct plm_descriptor *blobs = NULL;
    size_t count = 0;
    struct plm_verify_model *model = add_model(l, ref);
    l->ok = model && plm_manifest_blobs(manifest, &blobs, &count, l->err);
    if (l->ok) {
        model->id = manifest->digest;
        model->blobs = model->pending = (uint32_t)count;
    }
    for (size_t i = 0; l->ok && i < count; i++) {
        model->size += blobs[i].size;
        l->ok = add_blob(l, &blobs[i]);
    }
    free(blobs);
    return l->ok;
}

static bool add_bad(struct listing *l, const struct plm_ref *ref, enum plm_code code,
                    const char *why)
{
    struct plm_verify_model *model = add_model(l, ref);
    if (!model)
        return false;
    model->code = code;
    model->verdict = code == PLM_E_NOT_FOUND ? PLM_MODEL_NOT_FOUND : PLM_MODEL_BAD_MANIFEST;
    model->message = strdup(why);
    l->ok = model->message || plm_fail(l->err, PLM_E_NOMEM, "no memory for a message");
    return l->ok;
}

/* ---- where the models come from ---- */

static bool add_file(void *ctx, const struct plm_manifest_file *file)
{
    char path[256], why[PLM_ERROR_TEXT];
    if (!file->is_named)
        return true; /* nobody can run it */
    if (file->manifest)
        return add_good(ctx, &file->ref, file->manifest);
    (void)snprintf(why, sizeof(why), "manifests/%s: %s",
                   plm_text_printable(file->path, path, sizeof(path)), file->why);
    return add_bad(ctx, &file->ref, PLM_E_CORRUPT, why);
}

static bool is_listed(const struct plm_verify *v, const struct plm_ref *ref)
{
    for (size_t i = 0; i < v->model_count; i++)
        if (plm_ref_same_model(&v->models[i].ref, ref))
            return true;
    return false;
}

static bool add_named(struct listing *l, const char *name)
{
    const struct plm_store *store = &l->verify->job->engine->store;
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    struct plm_error why = {0};
    struct plm_ref ref;
    if (!plm_ref_parse(name, &ref, l->err))
        return false;
    if (is_listed(l->verify, &ref) && !ref.has_digest)
        return true;
    if (plm_stored_manifest(store, &ref, &manifest, NULL, &why))
        return add_good(l, &ref, manifest);
    if (why.code != PLM_E_NOMEM)
        return add_bad(l, &ref, why.code, why.msg);
    *l->err = why;
    return false;
}

static int compare_models(const void *a, const void *b)
{
    const struct plm_verify_model *left = a, *right = b;
    char left_name[PLM_REF_TEXT], right_name[PLM_REF_TEXT];
    return strcmp(plm_ref_format(&left->ref, left_name), plm_ref_format(&right->ref, right_name));
}

/* From the order of the directory to that of the names. */
static bool sort_models(struct plm_verify *v, struct plm_error *err)
{
    size_t count = v->model_count;
    uint32_t *place = calloc(count ? count : 1, sizeof(*place));
    if (!place)
        return plm_fail(err, PLM_E_NOMEM, "no memory for %zu models", count);
    if (count > 0)
        qsort(v->models, count, sizeof(*v->models), compare_models);
    for (size_t i = 0; i < count; i++)
        place[v->models[i].number] = (uint32_t)i;
    for (size_t i = 0; i < v->blob_count; i++)
        v->blobs[i].first_user = place[v->blobs[i].first_user];
    free(place);
    return true;
}

/* ---- each blob once ---- */

static int compare_wants(const struct plm_descriptor *a, const struct plm_descriptor *b)
{
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return memcmp(&a->digest, &b->digest, sizeof(a->digest));
}

static int compare_blobs(const void *a, const void *b)
{
    const struct plm_verify_blob *left = a, *right = b;
    int wants = compare_wants(&left->want, &right->want);
    if (wants != 0)
        return wants;
    return left->first_user < right->first_user ? -1 : left->first_user > right->first_user;
}

static bool join_blobs(struct plm_verify *v, struct plm_error *err)
{
    size_t all = v->blob_count;
    v->users = calloc(all ? all : 1, sizeof(*v->users));
    if (!v->users)
        return plm_fail(err, PLM_E_NOMEM, "no memory for %zu blobs", all);
    if (all > 0)
        qsort(v->blobs, all, sizeof(*v->blobs), compare_blobs);
    v->blob_count = 0;
    for (size_t i = 0; i < all; i++) {
        struct plm_verify_blob *last = v->blob_count ? &v->blobs[v->blob_count - 1] : NULL;
        v->users[i] = v->blobs[i].first_user;
        if (last && compare_wants(&last->want, &v->blobs[i].want) == 0) {
            last->user_count++;
            continue;
        }
        v->total += v->blobs[i].want.size;
        v->blobs[v->blob_count] = v->blobs[i];
        v->blobs[v->blob_count++].first_user = (uint32_t)i;
    }
    return true;
}

bool plm_verify_list(struct plm_verify *v, struct plm_error *err)
{
    const struct plm_job *job = v->job;
    struct listing l = {.verify = v, .err = err, .ok = true};
    for (size_t i = 0; i < job->model_count; i++)
        if (!add_named(&l, job->models[i]))
            return false;
    if (job->model_count == 0 && (!plm_manifests_each(&job->engine->store, add_file, &l, err) ||
                                  !l.ok || !sort_models(v, err)))
        return false;
    return join_blobs(v, err);
}

void plm_verify_list_done(struct plm_verify *v)
{
    for (size_t i = 0; i < v->model_count; i++)
        free(v->models[i].message);
    free(v->models);
    free(v->blobs);
    free(v->users);
}

bool plm_verify_model_names(const struct plm_store *store, const struct plm_verify_model *model,
                            const struct plm_digest *digest)
{
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    struct plm_error why = {0};
    if (!plm_manifest_load(store, &model->ref, &manifest, NULL, &why))
        return why.code != PLM_E_NOT_FOUND;
    if (plm_digest_equal(&manifest->digest, &model->id))
        return true;
    bool names = manifest->has_config && plm_digest_equal(&manifest->config.digest, digest);
    for (size_t i = 0; !names && i < manifest->layer_count; i++)
        names = plm_digest_equal(&manifest->layers[i].blob.digest, digest);
    return names;
}
