/* Directory: reads the list at an archive's end, holds it against the entries, and takes it in. */
#include "archive/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/entry_name.h"
#include "archive/unpack.h"

#define COMMENT_MAX 65535u
#define WINDOW ((size_t)256 << 10)
_Static_assert(WINDOW >= PLM_ZIP_CENTRAL_BYTES + PLM_ZIP_NAME_MAX + 2 * 65535u,
               "the longest header fits: fixed part, name, extra fields, comment");
#define DIRECTORY_MAX (UINT64_C(64) << 20)

static bool read_at(const struct plm_content_source *s, uint64_t offset, void *bytes, size_t length,
                    struct plm_error *err)
{
    if (offset > s->size || length > s->size - offset)
        return plm_fail(err, PLM_E_CORRUPT, "it is cut short");
    return s->read(s->ctx, offset, bytes, length, err);
}

/* ---- the end ---- */

/* The end record whose comment reaches exactly to the end of the file. */
static bool find_end(const struct plm_content_source *s, uint64_t *at,
                     uint8_t out[PLM_ZIP_END_BYTES], struct plm_error *err)
{
    size_t length = s->size < PLM_ZIP_END_BYTES + COMMENT_MAX ? (size_t)s->size
                                                              : PLM_ZIP_END_BYTES + COMMENT_MAX;
    uint8_t *tail = malloc(length + 1);
    bool found = false;
    if (!tail)
        return plm_fail(err, PLM_E_NOMEM, "no memory to read an archive");
    if (!read_at(s, s->size - length, tail, length, err)) {
        free(tail);
        return false;
    }
    for (size_t i = length + 1 > PLM_ZIP_END_BYTES ? length - PLM_ZIP_END_BYTES + 1 : 0;
         i-- > 0 && !found;) {
        size_t comment = (size_t)(tail[i + 20] | tail[i + 21] << 8);
        found =
            plm_zip_record_of(tail + i) == PLM_ZIP_END && i + PLM_ZIP_END_BYTES + comment == length;
        if (found) {
            memcpy(out, tail + i, PLM_ZIP_END_BYTES);
            *at = s->size - length + i;
        }
    }
    free(tail);
    return found || plm_fail(err, PLM_E_CORRUPT,
                             "it has no directory at its end: it is cut short, or no zip file");
}

/* Where a 64-bit end is, it counts; the two must not contradict one another. */
static bool read_end64(const struct plm_content_source *s, uint64_t *at, struct plm_zip_end *end,
                       struct plm_error *err)
{
    uint8_t locator[PLM_ZIP_LOCATOR_BYTES], bytes[PLM_ZIP_END64_BYTES];
    struct plm_zip_end end64;
    if (*at < PLM_ZIP_LOCATOR_BYTES)
        return true;
    if (!read_at(s, *at - PLM_ZIP_LOCATOR_BYTES, locator, sizeof(locator), err))
        return false;
    if (plm_zip_record_of(locator) != PLM_ZIP_LOCATOR)
        return true;
    uint64_t place = plm_zip_get_locator(locator);
    if (*at < PLM_ZIP_LOCATOR_BYTES + PLM_ZIP_END64_BYTES ||
        place != *at - PLM_ZIP_LOCATOR_BYTES - PLM_ZIP_END64_BYTES)
        return plm_fail(err, PLM_E_CORRUPT, "its end is not where it says");
    if (!read_at(s, place, bytes, sizeof(bytes), err))
        return false;
    plm_zip_get_end64(bytes, &end64);
    if (plm_zip_record_of(bytes) != PLM_ZIP_END64 || !plm_zip_ends_agree(end, &end64))
        return plm_fail(err, PLM_E_CORRUPT, "its two ends contradict one another");
    end64.is_single = end64.is_single && end->is_single;
    *end = end64;
    *at = place;
    return true;
}

static bool read_end(const struct plm_content_source *s, struct plm_zip_end *out,
                     struct plm_error *err)
{
    uint8_t bytes[PLM_ZIP_END_BYTES];
    uint64_t at = 0;
    if (!find_end(s, &at, bytes, err))
        return false;
    plm_zip_get_end(bytes, out);
    if (!read_end64(s, &at, out, err))
        return false;
    if (!out->is_single)
        return plm_fail(err, PLM_E_UNSUPPORTED,
                        "it is one of several volumes; only parts that pullama made can be read");
    if (out->count > PLM_CONTENT_MAX || out->size > DIRECTORY_MAX)
        return plm_fail(err, PLM_E_LIMIT, "it has more than %d entries", PLM_CONTENT_MAX);
    /* What stands in front of the first entry would shift all offsets. */
    if (out->size > at || out->offset != at - out->size ||
        out->size < out->count * PLM_ZIP_CENTRAL_BYTES)
        return plm_fail(err, PLM_E_CORRUPT, "its directory is not where it says");
    return true;
}

/* ---- the entries ---- */

struct window {
    const struct plm_content_source *source;
    uint8_t *bytes; /* of WINDOW */
    uint64_t next, end;
    size_t at, length; /* what is not used yet lies in between */
};

/* Makes sure that the next @p need bytes of the directory are in the window. */
static bool fill(struct window *w, size_t need, struct plm_error *err)
{
    if (w->length - w->at >= need)
        return true;
    memmove(w->bytes, w->bytes + w->at, w->length - w->at);
    w->length -= w->at;
    w->at = 0;
    size_t room = WINDOW - w->length;
    size_t take = w->end - w->next < room ? (size_t)(w->end - w->next) : room;
    if (!read_at(w->source, w->next, w->bytes + w->length, take, err))
        return false;
    w->next += take;
    w->length += take;
    return w->length >= need || plm_fail(err, PLM_E_CORRUPT, "its directory ends early");
}

static bool read_entry(struct window *w, struct plm_content *c, struct plm_error *err)
{
    struct plm_zip_entry entry;
    char name[PLM_ZIP_NAME_MAX + 1];
    if (!fill(w, PLM_ZIP_CENTRAL_BYTES, err))
        return false;
    if (plm_zip_record_of(w->bytes + w->at) != PLM_ZIP_CENTRAL)
        return plm_fail(err, PLM_E_CORRUPT, "its directory is broken");
    plm_zip_get_central(w->bytes + w->at, &entry);
    size_t all =
        PLM_ZIP_CENTRAL_BYTES + entry.name_length + entry.extra_length + entry.comment_length;
    if (entry.name_length == 0 || entry.name_length > PLM_ZIP_NAME_MAX)
        return plm_fail(err, PLM_E_CORRUPT, "it has an entry whose name is empty or too long");
    if (!fill(w, all, err))
        return false;
    const uint8_t *p = w->bytes + w->at + PLM_ZIP_CENTRAL_BYTES;
    memcpy(name, p, entry.name_length);
    name[entry.name_length] = '\0';
    if (!plm_zip_get_extra(p + entry.name_length, entry.extra_length, false, &entry))
        return plm_fail(err, PLM_E_CORRUPT, "its directory has broken sizes");
    w->at += all;
    return plm_content_add(c, &entry, name, NULL, err);
}

static bool read_entries(const struct plm_content_source *s, const struct plm_zip_end *end,
                         struct plm_content *c, struct plm_error *err)
{
    struct window w = {.source = s, .next = end->offset, .end = end->offset + end->size};
    w.bytes = malloc(WINDOW);
    if (!w.bytes)
        return plm_fail(err, PLM_E_NOMEM, "no memory to read an archive");
    bool ok = true;
    for (uint64_t i = 0; ok && i < end->count; i++)
        ok = read_entry(&w, c, err);
    if (ok && (w.at != w.length || w.next != w.end))
        ok = plm_fail(err, PLM_E_CORRUPT, "its directory has something behind its entries");
    free(w.bytes);
    return ok;
}

/* ---- no two entries share bytes ---- */

static int compare_offsets(const void *a, const void *b)
{
    const struct plm_content_blob *const *x = a, *const *y = b;
    return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

static bool set_limits(struct plm_content *c, uint64_t end, struct plm_error *err)
{
    size_t count = c->blob_count + c->model_count, n = 0;
    struct plm_content_blob **all = calloc(count + 1, sizeof(struct plm_content_blob *));
    if (!all)
        return plm_fail(err, PLM_E_NOMEM, "no memory for %zu entries", count);
    for (size_t i = 0; i < c->blob_count; i++)
        all[n++] = &c->blobs[i];
    for (size_t i = 0; i < c->model_count; i++)
        all[n++] = &c->models[i].entry;
    qsort(all, count, sizeof(struct plm_content_blob *), compare_offsets);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        all[i]->limit = i + 1 < count ? all[i + 1]->offset : end;
        uint64_t room = all[i]->limit > all[i]->offset ? all[i]->limit - all[i]->offset : 0;
        ok = room >= PLM_ZIP_LOCAL_BYTES && room - PLM_ZIP_LOCAL_BYTES >= all[i]->packed;
    }
    free(all);
    return ok || plm_fail(err, PLM_E_CORRUPT, "its entries overlap");
}

bool plm_content_locate(const struct plm_content_source *s, const struct plm_content_blob *entry,
                        const char *name, uint64_t *data, struct plm_error *err)
{
    uint8_t head[PLM_ZIP_LOCAL_BYTES], rest[PLM_ZIP_NAME_MAX + UINT16_MAX];
    struct plm_zip_entry local;
    size_t length = strlen(name);
    if (!read_at(s, entry->offset, head, sizeof(head), err))
        return false;
    plm_zip_get_local(head, &local);
    if (plm_zip_record_of(head) != PLM_ZIP_LOCAL || local.name_length != length ||
        local.name_length > PLM_ZIP_NAME_MAX || local.flags != entry->flags ||
        local.method != entry->method)
        return plm_fail(err, PLM_E_CORRUPT, "entry '%s' is not what the directory says", name);
    uint64_t at = entry->offset + sizeof(head) + length + local.extra_length;
    if (at > entry->limit || entry->limit - at < entry->packed)
        return plm_fail(err, PLM_E_CORRUPT, "its entries overlap");
    if (!read_at(s, entry->offset + sizeof(head), rest, length + local.extra_length, err))
        return false;
    bool has_sizes = !(local.flags & PLM_ZIP_FLAG_DESCRIPTOR);
    if (memcmp(rest, name, length) != 0 ||
        (has_sizes && (!plm_zip_get_extra(rest + length, local.extra_length, true, &local) ||
                       local.size != entry->size || local.packed != entry->packed)))
        return plm_fail(err, PLM_E_CORRUPT, "entry '%s' is not what the directory says", name);
    *data = at;
    return true;
}

bool plm_content_locate_blob(const struct plm_content_source *s, const struct plm_content *c,
                             const struct plm_content_blob *blob, uint64_t *data,
                             struct plm_error *err)
{
    char name[PLM_ENTRY_NAME + sizeof(c->prefix)], own[PLM_ENTRY_NAME];
    (void)snprintf(name, sizeof(name), "%s%s", c->prefix, plm_entry_of_blob(&blob->digest, own));
    return plm_content_locate(s, blob, name, data, err);
}

/* ---- manifests ---- */

static bool unpack_all(const struct plm_content_blob *e, const char *in, char *out,
                       struct plm_error *err)
{
    struct plm_unpack *unpack = NULL;
    if (!plm_unpack_new(e->method, e->packed, e->size, &unpack, err))
        return false;
    struct plm_unpack_turn turn = {.in = in, .out = out};
    size_t taken = 0, made = 0;
    bool ok = true;
    while (ok && !plm_unpack_is_over(unpack)) {
        turn.in = in + taken;
        turn.in_length = (size_t)e->packed - taken;
        turn.out = out + made;
        turn.room = (size_t)e->size - made;
        ok = plm_unpack_run(unpack, &turn, err);
        taken += turn.taken;
        made += turn.made;
    }
    plm_unpack_free(unpack);
    return ok;
}

static bool read_manifest(const struct plm_content_source *s, const struct plm_content *c,
                          struct plm_content_model *m, struct plm_error *err)
{
    char name[PLM_ENTRY_NAME + sizeof(c->prefix)], own[PLM_ENTRY_NAME], text[PLM_REF_TEXT];
    const struct plm_content_blob *e = &m->entry;
    uint64_t data = 0;
    if (m->is_plain)
        (void)snprintf(own, sizeof(own), "manifests/%s/%s/%s/%s", m->ref.host, m->ref.ns,
                       m->ref.model, m->ref.tag);
    else
        (void)plm_entry_of_manifest(&m->ref, own);
    (void)snprintf(name, sizeof(name), "%s%s", c->prefix, own);
    /* Deflate adds a little to what it cannot pack. */
    if (e->packed > PLM_MANIFEST_MAX_BYTES + PLM_MANIFEST_MAX_BYTES / 8)
        return plm_fail(err, PLM_E_LIMIT, "entry '%s' is too large for a manifest", name);
    char *in = malloc((size_t)e->packed + 1), *out = malloc((size_t)e->size + 1);
    bool ok = (in && out) || plm_fail(err, PLM_E_NOMEM, "no memory for a manifest");
    ok = ok && plm_content_locate(s, e, name, &data, err) &&
         read_at(s, data, in, (size_t)e->packed, err) &&
         (unpack_all(e, in, out, err) ||
          plm_prefix(err, "manifest of %s", plm_ref_format(&m->ref, text)));
    if (ok && plm_unpack_crc(0, out, (size_t)e->size) != e->crc)
        ok = plm_fail(err, PLM_E_INTEGRITY, "manifest of %s: its checksum is wrong",
                      plm_ref_format(&m->ref, text));
    ok = ok && plm_content_set_manifest(m, out, (size_t)e->size, err);
    free(in);
    free(out);
    return ok;
}

bool plm_content_read(const struct plm_content_source *s, struct plm_content *out,
                      struct plm_error *err)
{
    struct plm_content c = {0};
    struct plm_zip_end end;
    bool ok = read_end(s, &end, err) && read_entries(s, &end, &c, err) &&
              plm_content_sort(&c, err) && set_limits(&c, end.offset, err);
    for (size_t i = 0; ok && i < c.model_count; i++)
        ok = read_manifest(s, &c, &c.models[i], err);
    if (!ok) {
        plm_content_done(&c);
        return false;
    }
    *out = c;
    return true;
}
