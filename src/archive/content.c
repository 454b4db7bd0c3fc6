/* Content: the list of an archive's blobs and models, and the rules that each entry must keep. */
#include "archive/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/entry_name.h"
#include "pullama/text.h"

#define PREFIX "models/"
#define SHOWN 160
#define SIZE_LIMIT (UINT64_C(1) << 62)

/* Of flags, those that say how it was deflated, that sizes follow, and that the name is UTF-8. */
#define FLAGS_KNOWN (0x0006 | PLM_ZIP_FLAG_DESCRIPTOR | 0x0800)
#define FLAGS_ENCRYPTED (PLM_ZIP_FLAG_ENCRYPTED | 0x0040 | 0x2000)

/* Nothing that deflate makes is smaller than that part of it; and weights never get that small. */
#define RATIO_POSSIBLE 1040
#define RATIO_LIKELY 100
#define RATIO_CARES (UINT64_C(256) << 20)

#define MODE_TYPE 0170000u
#define MODE_REGULAR 0100000u
#define MODE_FOLDER 0040000u

void plm_content_done(struct plm_content *c)
{
    for (size_t i = 0; i < c->model_count; i++)
        plm_manifest_free(c->models[i].manifest);
    free(c->models);
    free(c->blobs);
    *c = (struct plm_content){0};
}

/* ---- rules ---- */

static bool refuse(const char *name, enum plm_code code, const char *why, struct plm_error *err)
{
    char shown[SHOWN];
    return plm_fail(err, code, "entry '%s' %s", plm_text_printable(name, shown, sizeof(shown)),
                    why);
}

static bool is_too_dense(const struct plm_zip_entry *e)
{
    return e->size / RATIO_POSSIBLE > e->packed + 64 ||
           (e->size > RATIO_CARES && e->size / RATIO_LIKELY > e->packed);
}

static bool check_form(const struct plm_zip_entry *e, const char *name, bool is_folder,
                       struct plm_error *err)
{
    unsigned type = e->unix_mode & MODE_TYPE;
    if (e->flags & FLAGS_ENCRYPTED)
        return refuse(name, PLM_E_UNSUPPORTED, "is encrypted", err);
    if (e->flags & ~FLAGS_KNOWN)
        return refuse(name, PLM_E_UNSUPPORTED, "has flags that nobody knows", err);
    if (e->method != PLM_ZIP_STORED && e->method != PLM_ZIP_DEFLATED)
        return refuse(name, PLM_E_UNSUPPORTED, "is packed by another method than deflate", err);
    if (type != 0 && type != (is_folder ? MODE_FOLDER : MODE_REGULAR))
        return refuse(name, PLM_E_CORRUPT, "is a link or a special file", err);
    if (is_folder && (e->size != 0 || e->packed > 2))
        return refuse(name, PLM_E_CORRUPT, "is a folder, and has bytes", err);
    if (e->size > SIZE_LIMIT || e->packed > SIZE_LIMIT)
        return refuse(name, PLM_E_LIMIT, "is too large", err);
    if (e->method == PLM_ZIP_STORED && e->size != e->packed)
        return refuse(name, PLM_E_CORRUPT, "is stored, and has two sizes", err);
    if (e->method == PLM_ZIP_DEFLATED && is_too_dense(e))
        return refuse(name, PLM_E_LIMIT, "unpacks to far more than weights can", err);
    return true;
}

/* Some zip the folder, and some what is in it: the first entry decides for all. */
static const char *without_prefix(struct plm_content *c, const char *name)
{
    if (!c->has_prefix) {
        c->has_prefix = true;
        if (strncmp(name, PREFIX, strlen(PREFIX)) == 0)
            (void)snprintf(c->prefix, sizeof(c->prefix), PREFIX);
    }
    size_t length = strlen(c->prefix);
    return strncmp(name, c->prefix, length) == 0 ? name + length : NULL;
}

/* ---- the list ---- */

static struct plm_content_blob place_of(const struct plm_zip_entry *e)
{
    return (struct plm_content_blob){.packed = e->packed,
                                     .size = e->size,
                                     .offset = e->offset,
                                     .crc = e->crc,
                                     .flags = e->flags,
                                     .method = e->method};
}

static bool add_blob(struct plm_content *c, const struct plm_zip_entry *e,
                     const struct plm_digest *digest, struct plm_error *err)
{
    if (c->blob_count == PLM_CONTENT_MAX)
        return plm_fail(err, PLM_E_LIMIT, "it has more than %d entries", PLM_CONTENT_MAX);
    if (c->blob_count == c->blob_capacity) {
        size_t capacity = c->blob_capacity ? 2 * c->blob_capacity : 16;
        struct plm_content_blob *grown = realloc(c->blobs, capacity * sizeof(*grown));
        if (!grown)
            return plm_fail(err, PLM_E_NOMEM, "no memory for %zu blobs", capacity);
        c->blobs = grown;
        c->blob_capacity = capacity;
    }
    c->blobs[c->blob_count] = place_of(e);
    c->blobs[c->blob_count++].digest = *digest;
    return true;
}

static bool add_model(struct plm_content *c, const struct plm_zip_entry *e, const char *name,
                      const struct plm_ref *ref, struct plm_error *err)
{
    char safe[PLM_ENTRY_NAME];
    for (size_t i = 0; i < c->model_count; i++)
        if (plm_ref_same_model(&c->models[i].ref, ref))
            return refuse(name, PLM_E_CORRUPT, "is there twice", err);
    c->manifest_bytes += e->size;
    if (c->model_count == PLM_CONTENT_MODELS_MAX || e->size > PLM_MANIFEST_MAX_BYTES ||
        c->manifest_bytes > PLM_CONTENT_MANIFESTS_BYTES)
        return refuse(name, PLM_E_LIMIT, "is a manifest too many, or too large", err);
    struct plm_content_model *grown = realloc(c->models, (c->model_count + 1) * sizeof(*c->models));
    if (!grown)
        return plm_fail(err, PLM_E_NOMEM, "no memory for models");
    c->models = grown;
    grown[c->model_count++] =
        (struct plm_content_model){.ref = *ref,
                                   .entry = place_of(e),
                                   .is_plain = strcmp(plm_entry_of_manifest(ref, safe), name) != 0};
    return true;
}

bool plm_content_add(struct plm_content *c, const struct plm_zip_entry *e, const char *name,
                     size_t *blob, struct plm_error *err)
{
    struct plm_digest digest;
    struct plm_ref ref;
    const char *own = without_prefix(c, name);
    enum plm_entry_kind kind = PLM_ENTRY_FOREIGN;
    if (blob)
        *blob = SIZE_MAX;
    if (own && *own == '\0' && *c->prefix)
        kind = PLM_ENTRY_FOLDER;
    else if (own && strlen(name) == e->name_length)
        kind = plm_entry_judge(own, strlen(own), &digest, &ref);
    if (kind == PLM_ENTRY_FOREIGN)
        return refuse(name, PLM_E_CORRUPT,
                      "is no part of a model; only the folders blobs and manifests of a store "
                      "belong into an archive",
                      err);
    if (!check_form(e, name, kind == PLM_ENTRY_FOLDER, err))
        return false;
    if (kind == PLM_ENTRY_FOLDER)
        return true;
    if (kind == PLM_ENTRY_MANIFEST)
        return add_model(c, e, own, &ref, err);
    if (blob)
        *blob = c->blob_count;
    return add_blob(c, e, &digest, err);
}

bool plm_content_set_manifest(struct plm_content_model *model, const char *bytes, size_t size,
                              struct plm_error *err)
{
    char text[PLM_REF_TEXT];
    plm_manifest_free(model->manifest);
    model->manifest = NULL;
    if (plm_manifest_parse(bytes, size, &model->manifest, err))
        return true;
    return plm_prefix(err, "manifest of %s", plm_ref_format(&model->ref, text));
}

static int compare(const void *a, const void *b)
{
    const struct plm_content_blob *x = a, *y = b;
    return plm_digest_compare(&x->digest, &y->digest);
}

bool plm_content_sort(struct plm_content *c, struct plm_error *err)
{
    char name[PLM_ENTRY_NAME];
    if (c->blob_count > 0)
        qsort(c->blobs, c->blob_count, sizeof(*c->blobs), compare);
    for (size_t i = 1; i < c->blob_count; i++)
        if (compare(&c->blobs[i - 1], &c->blobs[i]) == 0)
            return refuse(plm_entry_of_blob(&c->blobs[i].digest, name), PLM_E_CORRUPT,
                          "is there twice", err);
    return true;
}

const struct plm_content_blob *plm_content_find(const struct plm_content *c,
                                                const struct plm_digest *digest)
{
    const struct plm_content_blob key = {.digest = *digest};
    return c->blob_count > 0 ? bsearch(&key, c->blobs, c->blob_count, sizeof(*c->blobs), compare)
                             : NULL;
}

/* ---- do blobs and manifests fit ---- */

struct check {
    const struct plm_content *content;
    bool *is_named; /* for each blob of the content */
    bool (*is_here)(void *ctx, const struct plm_descriptor *want);
    void *ctx;
};

static bool check_blob(struct check *check, const struct plm_ref *ref,
                       const struct plm_descriptor *want, struct plm_error *err)
{
    char text[PLM_REF_TEXT], name[PLM_ENTRY_NAME];
    const struct plm_content_blob *blob = plm_content_find(check->content, &want->digest);
    if (!blob)
        return check->is_here(check->ctx, want) ||
               plm_fail(err, PLM_E_CORRUPT, "it lacks %s, which %s needs",
                        plm_entry_of_blob(&want->digest, name), plm_ref_format(ref, text));
    if (blob->size != want->size)
        return refuse(plm_entry_of_blob(&want->digest, name), PLM_E_CORRUPT,
                      "has not the size that the manifest says", err);
    check->is_named[blob - check->content->blobs] = true;
    return true;
}

static bool check_model(struct check *check, const struct plm_content_model *model,
                        struct plm_error *err)
{
    struct plm_descriptor *blobs = NULL;
    size_t count = 0;
    if (!plm_manifest_blobs(model->manifest, &blobs, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = check_blob(check, &model->ref, &blobs[i], err);
    free(blobs);
    return ok;
}

bool plm_content_check(const struct plm_content *c,
                       bool (*is_here)(void *ctx, const struct plm_descriptor *want), void *ctx,
                       struct plm_error *err)
{
    struct check check = {.content = c, .is_here = is_here, .ctx = ctx};
    char name[PLM_ENTRY_NAME];
    if (c->model_count == 0)
        return plm_fail(err, PLM_E_CORRUPT, "it has no model in it");
    check.is_named = calloc(c->blob_count + 1, sizeof(*check.is_named));
    if (!check.is_named)
        return plm_fail(err, PLM_E_NOMEM, "no memory for %zu blobs", c->blob_count);
    bool ok = true;
    for (size_t i = 0; ok && i < c->model_count; i++)
        ok = check_model(&check, &c->models[i], err);
    for (size_t i = 0; ok && i < c->blob_count; i++)
        ok =
            check.is_named[i] || refuse(plm_entry_of_blob(&c->blobs[i].digest, name), PLM_E_CORRUPT,
                                        "is named by no manifest of the archive", err);
    free(check.is_named);
    return ok;
}
