/* List: tells of every model whose manifest can be read. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "engine/stored.h"
#include "pullama/text.h"
#include "store/manifests.h"

struct entry {
    struct plm_ref ref;
    struct plm_digest id;
    uint64_t size;
    int64_t modified_s;
    char format[PLM_STORED_TEXT], family[PLM_STORED_TEXT], parameter_size[PLM_STORED_TEXT],
        quantization[PLM_STORED_TEXT];
};

struct listing {
    struct plm_job *job;
    struct entry *entries; /* owned */
    size_t count, capacity;
    struct plm_error *err;
    bool ok;
};

static bool is_asked_for(const struct plm_job *job, const struct plm_ref *ref)
{
    char name[PLM_REF_TEXT];
    return !job->model ||
           strncasecmp(plm_ref_format(ref, name), job->model, strlen(job->model)) == 0;
}

static bool make_room(struct listing *listing)
{
    if (listing->count < listing->capacity)
        return true;
    size_t capacity = listing->capacity ? listing->capacity * 2 : 32;
    struct entry *entries = realloc(listing->entries, capacity * sizeof(*entries));
    if (!entries)
        return plm_fail(listing->err, PLM_E_NOMEM, "no memory for %zu models", capacity);
    listing->entries = entries;
    listing->capacity = capacity;
    return true;
}

static void fill(struct entry *entry, const struct plm_store *store,
                 const struct plm_manifest_file *file)
{
    struct plm_stored_config config;
    plm_stored_config(store, file->manifest, &config);
    *entry = (struct entry){.ref = file->ref,
                            .id = file->manifest->digest,
                            .size = plm_manifest_total_size(file->manifest),
                            .modified_s = file->modified_s};
    memcpy(entry->format, config.format, sizeof(entry->format));
    memcpy(entry->family, config.family, sizeof(entry->family));
    memcpy(entry->parameter_size, config.parameter_size, sizeof(entry->parameter_size));
    memcpy(entry->quantization, config.quantization, sizeof(entry->quantization));
}

static bool add_file(void *ctx, const struct plm_manifest_file *file)
{
    struct listing *listing = ctx;
    if (!file->is_named || !is_asked_for(listing->job, &file->ref))
        return true;
    if (!file->manifest) {
        char path[256];
        plm_job_warn(listing->job, "manifests/%s cannot be read: %s",
                     plm_text_printable(file->path, path, sizeof(path)), file->why);
        return true;
    }
    listing->ok = make_room(listing);
    if (listing->ok)
        fill(&listing->entries[listing->count++], &listing->job->engine->store, file);
    return listing->ok;
}

/* Newest first; names decide among models of the same second. */
static int compare(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    if (left->modified_s != right->modified_s)
        return left->modified_s > right->modified_s ? -1 : 1;
    char left_name[PLM_REF_TEXT], right_name[PLM_REF_TEXT];
    return strcmp(plm_ref_format(&left->ref, left_name), plm_ref_format(&right->ref, right_name));
}

static void tell(struct plm_job *job, const struct entry *entry)
{
    char id[2 * PLM_DIGEST_BYTES + 1];
    plm_hex_encode(entry->id.sha256, PLM_DIGEST_BYTES, id);
    struct plm_event event = {.kind = PLM_EV_LIST_MODEL,
                              .listed = {.ref = &entry->ref,
                                         .id_hex = id,
                                         .size = entry->size,
                                         .modified_s = entry->modified_s,
                                         .format = entry->format,
                                         .family = entry->family,
                                         .parameter_size = entry->parameter_size,
                                         .quantization = entry->quantization}};
    plm_job_emit(job, &event);
}

static bool run(struct plm_job *job, struct plm_error *err)
{
    struct listing listing = {.job = job, .err = err, .ok = true};
    bool ok = plm_manifests_each(&job->engine->store, add_file, &listing, err) && listing.ok;
    if (ok && listing.count)
        qsort(listing.entries, listing.count, sizeof(*listing.entries), compare);
    for (size_t i = 0; ok && i < listing.count; i++)
        tell(job, &listing.entries[i]);
    free(listing.entries);
    if (ok)
        plm_job_complete(job);
    return ok;
}

const struct plm_job_kind plm_list_kind = {.verb = PLM_VERB_LIST, .run = run};
