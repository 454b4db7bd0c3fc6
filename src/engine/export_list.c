/* Export's list: which models and blobs go into an archive, and where in it each of them lies. */
#include "engine/export.h"

#include <stdlib.h>
#include <string.h>

#include "archive/entry_name.h"
#include "engine/stored.h"
#include "oci/descriptor.h"
#include "store/blobs.h"

/* ---- models ---- */

static int compare_models(const void *a, const void *b)
{
    char x[PLM_ENTRY_NAME], y[PLM_ENTRY_NAME];
    const struct plm_export_model *left = a, *right = b;
    return strcmp(plm_entry_of_manifest(&left->ref, x), plm_entry_of_manifest(&right->ref, y));
}

static bool has_model(const struct plm_export *x, const struct plm_ref *ref)
{
    for (size_t i = 0; i < x->model_count; i++)
        if (plm_ref_same_model(&x->models[i].ref, ref))
            return true;
    return false;
}

static bool read_models(struct plm_export *x, struct plm_error *err)
{
    const struct plm_job *job = x->job;
    x->models = calloc(job->model_count ? job->model_count : 1, sizeof(*x->models));
    if (!x->models)
        return plm_fail(err, PLM_E_NOMEM, "no memory for models");
    for (size_t i = 0; i < job->model_count; i++) {
        struct plm_export_model *m = &x->models[x->model_count];
        if (!plm_ref_parse(job->models[i], &m->ref, err))
            return false;
        if (has_model(x, &m->ref))
            continue;
        if (!plm_stored_manifest(&job->engine->store, &m->ref, &m->manifest, NULL, err))
            return false;
        x->model_count++;
    }
    if (x->model_count == 0)
        return plm_fail(err, PLM_E_USAGE, "no model to export");
    qsort(x->models, x->model_count, sizeof(*x->models), compare_models);
    return true;
}

/* ---- blobs ---- */

static bool check_blob(const struct plm_export *x, const struct plm_ref *ref,
                       const struct plm_descriptor *want, struct plm_error *err)
{
    enum plm_blob_state state;
    char model[PLM_REF_TEXT], blob[PLM_DIGEST_TEXT];
    if (!plm_blob_look(&x->job->engine->store, want, &state, err))
        return false;
    if (state == PLM_BLOB_UNPROVEN || state == PLM_BLOB_PROVEN)
        return true;
    return plm_fail(err, PLM_E_INTEGRITY, "%s is damaged: %s %s", plm_ref_format(ref, model),
                    plm_digest_file_name(&want->digest, blob),
                    state == PLM_BLOB_ABSENT ? "is not here" : "has the wrong size");
}

/* Appends those of @p more that are not in the list. @p seen is sorted, and has what was there. */
static void take_new(struct plm_export *x, const struct plm_descriptor *seen, size_t seen_count,
                     const struct plm_descriptor *more, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (seen_count > 0 &&
            bsearch(&more[i], seen, seen_count, sizeof(*seen), plm_descriptor_compare))
            continue;
        x->blobs[x->blob_count++] = more[i];
        x->total += more[i].size;
    }
}

static bool add_blobs(struct plm_export *x, const struct plm_export_model *m, struct plm_error *err)
{
    struct plm_descriptor *more = NULL, *seen = NULL, *grown;
    size_t count = 0, before = x->blob_count;
    bool ok = plm_manifest_blobs(m->manifest, &more, &count, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = check_blob(x, &m->ref, &more[i], err);
    if (ok) {
        seen = calloc(before + 1, sizeof(*seen));
        grown = realloc(x->blobs, (before + count + 1) * sizeof(*grown));
        x->blobs = grown ? grown : x->blobs;
        ok = (seen && grown) || plm_fail(err, PLM_E_NOMEM, "no memory for %zu blobs", count);
    }
    if (ok) {
        if (before > 0)
            memcpy(seen, x->blobs, before * sizeof(*seen));
        qsort(seen, before, sizeof(*seen), plm_descriptor_compare);
        take_new(x, seen, before, more, count);
    }
    free(seen);
    free(more);
    return ok;
}

/* ---- the layout ---- */

struct plm_zip_new plm_export_header(const struct plm_export_item *item, char *name)
{
    struct plm_zip_new header = {.name = item->name, .offset = item->offset, .crc = item->crc};
    if (item->blob) {
        header.name = plm_entry_of_blob(&item->blob->digest, name);
        header.size = item->blob->size;
    } else if (item->manifest) {
        header.size = item->manifest->raw_size;
    }
    return header;
}

static bool add_item(struct plm_export *x, const char *name, size_t length,
                     const struct plm_manifest *manifest, struct plm_error *err)
{
    char *copy = strndup(name, length);
    if (!copy)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a name");
    x->items[x->item_count++] = (struct plm_export_item){.name = copy, .manifest = manifest};
    return true;
}

static bool has_folder(const struct plm_export *x, const char *name, size_t length)
{
    for (size_t i = 0; i < x->item_count; i++)
        if (strlen(x->items[i].name) == length && memcmp(x->items[i].name, name, length) == 0)
            return true;
    return false;
}

/* The manifest, and in front of it the folders that it lies in, as far as they are new. */
static bool add_manifest(struct plm_export *x, const struct plm_export_model *m,
                         struct plm_error *err)
{
    char name[PLM_ENTRY_NAME];
    (void)plm_entry_of_manifest(&m->ref, name);
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - name) + 1;
        if (!has_folder(x, name, length) && !add_item(x, name, length, NULL, err))
            return false;
    }
    return add_item(x, name, strlen(name), m->manifest, err);
}

static bool make_items(struct plm_export *x, struct plm_error *err)
{
    x->items = calloc(5 * x->model_count + 1 + x->blob_count, sizeof(*x->items));
    if (!x->items)
        return plm_fail(err, PLM_E_NOMEM, "no memory for %zu entries", x->blob_count);
    for (size_t i = 0; i < x->model_count; i++)
        if (!add_manifest(x, &x->models[i], err))
            return false;
    if (!add_item(x, "blobs/", strlen("blobs/"), NULL, err))
        return false;
    x->first_blob = x->item_count;
    for (size_t i = 0; i < x->blob_count; i++)
        x->items[x->item_count++].blob = &x->blobs[i];
    return true;
}

static void lay_out(struct plm_export *x)
{
    uint64_t at = 0;
    char name[PLM_ENTRY_NAME];
    for (size_t i = 0; i < x->item_count; i++) {
        x->items[i].offset = at;
        struct plm_zip_new header = plm_export_header(&x->items[i], name);
        x->items[i].data = at + plm_zip_local_length(&header);
        at = x->items[i].data + header.size;
        x->directory_size += plm_zip_central_length(&header);
    }
    x->directory = at;
    x->size =
        at + x->directory_size + plm_zip_end_length(x->item_count, x->directory_size, x->directory);
}

bool plm_export_list(struct plm_export *x, struct plm_error *err)
{
    if (!read_models(x, err))
        return false;
    for (size_t i = 0; i < x->model_count; i++)
        if (!add_blobs(x, &x->models[i], err))
            return false;
    if (!make_items(x, err))
        return false;
    lay_out(x);
    return true;
}

void plm_export_list_done(struct plm_export *x)
{
    for (size_t i = 0; i < x->item_count; i++)
        free(x->items[i].name);
    for (size_t i = 0; i < x->model_count; i++)
        plm_manifest_free(x->models[i].manifest);
    free(x->items);
    free(x->models);
    free(x->blobs);
}
