/* Feed from a stream: entries come in their order, once, and tell by their own headers what they
 * are. */
#include <stdlib.h>
#include <string.h>

#include "archive/entry_name.h"
#include "engine/feed.h"
#include "engine/pull.h"
#include "oci/descriptor.h"
#include "store/blobs.h"

#define ORDER                                                                                      \
    "save the archive to a file and import that; only what `pullama export` makes can be read "    \
    "from a pipe"

/* ---- on a worker ---- */

static bool read_header(struct plm_feed *f, struct plm_zip_entry *entry,
                        char name[PLM_ZIP_NAME_MAX + 1], bool *over, struct plm_error *err)
{
    uint8_t head[PLM_ZIP_LOCAL_BYTES], rest[PLM_ZIP_NAME_MAX + UINT16_MAX];
    if (!plm_archive_input_next(&f->input, head, 4, err))
        return false;
    enum plm_zip_record record = plm_zip_record_of(head);
    *over = record == PLM_ZIP_CENTRAL || record == PLM_ZIP_END;
    if (*over)
        return true;
    if (record != PLM_ZIP_LOCAL)
        return plm_fail(err, PLM_E_CORRUPT, "it is no zip file, or is broken");
    if (!plm_archive_input_next(&f->input, head + 4, sizeof(head) - 4, err))
        return false;
    plm_zip_get_local(head, entry);
    if (entry->flags & PLM_ZIP_FLAG_DESCRIPTOR)
        return plm_fail(err, PLM_E_UNSUPPORTED, "sizes stand behind the bytes; " ORDER);
    if (entry->name_length == 0 || entry->name_length > PLM_ZIP_NAME_MAX)
        return plm_fail(err, PLM_E_CORRUPT, "it has an entry whose name is empty or too long");
    size_t length = entry->name_length + entry->extra_length;
    if (!plm_archive_input_next(&f->input, rest, length, err))
        return false;
    memcpy(name, rest, entry->name_length);
    name[entry->name_length] = '\0';
    return plm_zip_get_extra(rest + entry->name_length, entry->extra_length, true, entry) ||
           plm_fail(err, PLM_E_CORRUPT, "it has an entry with broken sizes");
}

/* Manifests are small, and stand in front of all blobs. */
static bool read_manifest(struct plm_feed *f, struct plm_error *err)
{
    struct plm_content_model *m = &f->content.models[f->content.model_count - 1];
    size_t size = (size_t)m->entry.size;
    char text[PLM_REF_TEXT];
    if (f->named)
        return plm_fail(err, PLM_E_UNSUPPORTED, "a manifest stands behind a blob; " ORDER);
    char *bytes = malloc(size + 1);
    if (!bytes)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a manifest");
    bool ok = plm_feed_enter(f, &m->entry, err);
    for (size_t at = 0; ok && at < size; at += f->length) {
        ok = plm_feed_fill(f, err);
        if (ok && f->length == 0)
            ok = plm_fail(err, PLM_E_CORRUPT, "a manifest is cut short");
        if (ok)
            memcpy(bytes + at, f->block, f->length);
    }
    f->has_entry = false;
    if (ok && plm_unpack_crc(0, bytes, size) != m->entry.crc)
        ok = plm_fail(err, PLM_E_INTEGRITY, "manifest of %s: its checksum is wrong",
                      plm_ref_format(&m->ref, text));
    ok = ok && plm_content_set_manifest(m, bytes, size, err);
    free(bytes);
    return ok;
}

static bool skip_entry(struct plm_feed *f, struct plm_error *err)
{
    while (!plm_unpack_is_over(f->unpack))
        if (!plm_feed_fill(f, err))
            return false;
    f->has_entry = false;
    f->length = 0;
    return true;
}

/* Goes on to the next blob, or to the end. */
static bool next_blob(struct plm_feed *f, struct plm_error *err)
{
    while (!f->has_entry && !f->is_over) {
        struct plm_zip_entry entry;
        char name[PLM_ZIP_NAME_MAX + 1];
        size_t blob = SIZE_MAX, models = f->content.model_count;
        if (!read_header(f, &entry, name, &f->is_over, err))
            return false;
        if (f->is_over)
            return true;
        if (!plm_content_add(&f->content, &entry, name, &blob, err))
            return false;
        if (f->content.model_count > models) {
            if (!read_manifest(f, err))
                return false;
        } else if (blob != SIZE_MAX) {
            if (!plm_feed_enter(f, &f->content.blobs[blob], err) ||
                (f->named && !plm_feed_check_entry(f, err)))
                return false;
            f->content.blob_count = 0; /* the list of what is named remembers it */
        } else {
            const struct plm_content_blob folder = {
                .method = entry.method, .packed = entry.packed, .size = entry.size};
            if (!plm_feed_enter(f, &folder, err) || !skip_entry(f, err))
                return false;
        }
    }
    return true;
}

bool plm_feed_scan_stream(struct plm_feed *f, struct plm_error *err)
{
    if (!next_blob(f, err))
        return false;
    if (f->content.model_count == 0 && f->has_entry)
        return plm_fail(err, PLM_E_UNSUPPORTED, "a blob stands in front of the manifests; " ORDER);
    return true;
}

/* What follows is looked at before the blob counts as read: it may have no business here. */
static void run_read(struct plm_work *work)
{
    struct plm_feed *f = (struct plm_feed *)(void *)work; /* its first member */
    f->length = 0;
    if (f->has_entry && !plm_feed_fill(f, &f->err))
        return;
    if (f->has_entry && plm_unpack_is_over(f->unpack)) {
        size_t length = f->length;
        uint64_t start = f->start;
        f->has_entry = false;
        if (!next_blob(f, &f->err))
            f->has_entry = false;
        f->length = length;
        f->start = start;
    } else if (!f->has_entry) {
        (void)!next_blob(f, &f->err);
    }
}

static void run_skip(struct plm_work *work)
{
    struct plm_feed *f = (struct plm_feed *)(void *)work;
    (void)!(skip_entry(f, &f->err) && next_blob(f, &f->err));
    f->length = 0;
}

bool plm_feed_end(struct plm_feed *f, struct plm_error *err)
{
    if (!f->input.is_stream)
        return true;
    while (!f->is_over)
        if ((f->has_entry && !skip_entry(f, err)) || !next_blob(f, err))
            return false;
    return plm_archive_input_drain(&f->input) ||
           plm_fail(err, PLM_E_IO, "the end of the archive cannot be read");
}

/* ---- on the loop, or for the worker ---- */

bool plm_feed_check_entry(struct plm_feed *f, struct plm_error *err)
{
    const struct plm_descriptor key = {.digest = f->entry.digest};
    char name[PLM_ENTRY_NAME];
    const struct plm_descriptor *named =
        bsearch(&key, f->named, f->named_count, sizeof(key), plm_descriptor_compare);
    (void)plm_entry_of_blob(&f->entry.digest, name);
    if (!named)
        return plm_fail(err, PLM_E_CORRUPT, "entry '%s' is named by no manifest of the archive",
                        name);
    if (named->size != f->entry.size)
        return plm_fail(err, PLM_E_CORRUPT, "entry '%s' has not the size that the manifest says",
                        name);
    if (f->seen[named - f->named])
        return plm_fail(err, PLM_E_CORRUPT, "entry '%s' is there twice", name);
    f->seen[named - f->named] = true;
    return true;
}

/* The pull's own, of the blob that the stream is at; NULL: it is another model's. */
static struct plm_download *find(struct plm_feed *f, struct plm_pull *pull)
{
    for (size_t n = 0; n < pull->count; n++) {
        size_t i = (f->hint + n) % pull->count;
        if (plm_digest_equal(&pull->downloads[i].want.digest, &f->entry.digest)) {
            f->hint = i;
            return &pull->downloads[i];
        }
    }
    return NULL;
}

static bool is_in_store(const struct plm_feed *f, const struct plm_pull *pull)
{
    struct plm_descriptor want = {.digest = f->entry.digest, .size = f->entry.size};
    enum plm_blob_state state;
    return plm_blob_look(&pull->job->engine->store, &want, &state, NULL) &&
           (state == PLM_BLOB_PROVEN || state == PLM_BLOB_UNPROVEN);
}

static bool refuse_order(struct plm_download *d)
{
    struct plm_error err = {0};
    char name[PLM_ENTRY_NAME];
    (void)plm_fail(&err, PLM_E_UNSUPPORTED, "%s is not there, or stands in another place; " ORDER,
                   plm_entry_of_blob(&d->want.digest, name));
    plm_pull_fail(d->pull, &err);
    return false;
}

/* @p d is the first that wants bytes: what lies in front of its entry is not wanted any more, or
 * its owner has to be waited for. */
bool plm_feed_start_stream(struct plm_feed *f, struct plm_download *d)
{
    struct plm_pull *pull = d->pull;
    if (!f->has_entry && f->is_over)
        return refuse_order(d);
    if (!f->has_entry) {
        plm_feed_submit(f, pull, NULL, run_read);
        return true;
    }
    struct plm_download *owner = find(f, pull);
    if (owner == d) {
        plm_feed_submit(f, pull, d, run_read);
        return true;
    }
    bool is_settled =
        owner ? owner->state == PLM_DOWNLOAD_STAGED || owner->state == PLM_DOWNLOAD_PRESENT
              : is_in_store(f, pull);
    if (!is_settled && (!owner || owner->index > d->index))
        return refuse_order(d);
    if (is_settled)
        plm_feed_submit(f, pull, NULL, run_skip);
    return is_settled;
}
