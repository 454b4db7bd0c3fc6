/* Feed: an archive's blobs, block by block, into the downloads of a pull. */
#include "engine/feed.h"

#include <stdlib.h>
#include <string.h>

#include "archive/entry_name.h"
#include "engine/download_private.h"
#include "engine/pull.h"
#include "oci/descriptor.h"

#define BLOCK ((size_t)4 << 20)
#define IN ((size_t)256 << 10)

/* ---- on a worker ---- */

static bool make_room(struct plm_feed *f, struct plm_error *err)
{
    f->in = f->in ? f->in : malloc(IN);
    f->block = f->block ? f->block : malloc(BLOCK);
    return (f->in && f->block) || plm_fail(err, PLM_E_NOMEM, "no memory to read an archive");
}

bool plm_feed_enter(struct plm_feed *f, const struct plm_content_blob *entry, struct plm_error *err)
{
    plm_unpack_free(f->unpack);
    f->unpack = NULL;
    f->entry = *entry;
    f->taken = f->at = 0;
    f->in_start = f->in_end = 0;
    f->has_entry = true;
    if (!f->input.is_stream && entry->method == PLM_ZIP_STORED)
        return true;
    return plm_unpack_new(entry->method, entry->packed, entry->size, &f->unpack, err);
}

static bool read_more(struct plm_feed *f, struct plm_error *err)
{
    uint64_t left = f->entry.packed - f->taken;
    size_t take = left < IN ? (size_t)left : IN;
    struct plm_content_source source = plm_archive_input_source(&f->input);
    if (take > 0 &&
        !(f->input.is_stream ? plm_archive_input_next(&f->input, f->in, take, err)
                             : source.read(source.ctx, f->data + f->taken, f->in, take, err)))
        return false;
    f->taken += take;
    f->in_start = 0;
    f->in_end = take;
    return true;
}

bool plm_feed_fill(struct plm_feed *f, struct plm_error *err)
{
    f->start = f->at;
    f->length = 0;
    while (f->length < BLOCK && !plm_unpack_is_over(f->unpack)) {
        if (f->in_start == f->in_end && !read_more(f, err))
            return false;
        struct plm_unpack_turn turn = {.in = f->in + f->in_start,
                                       .in_length = f->in_end - f->in_start,
                                       .out = f->block + f->length,
                                       .room = BLOCK - f->length};
        if (!plm_unpack_run(f->unpack, &turn, err))
            return false;
        f->in_start += turn.taken;
        f->length += turn.made;
        f->at += turn.made;
    }
    return true;
}

/* Stored: exactly what is missing. */
static bool read_stored(struct plm_feed *f, struct plm_error *err)
{
    struct plm_content_source source = plm_archive_input_source(&f->input);
    uint64_t missing = plm_span_length(f->want);
    size_t length = missing < BLOCK ? (size_t)missing : BLOCK;
    f->start = f->want.start;
    if (!source.read(source.ctx, f->data + f->start, f->block, length, err))
        return false;
    f->length = length; /* only now: what has a length is written, also in front of an error */
    return true;
}

static bool read_block(struct plm_feed *f, const struct plm_content_blob *entry,
                       struct plm_error *err)
{
    struct plm_content_source source = plm_archive_input_source(&f->input);
    bool is_other = !f->has_entry || !plm_digest_equal(&f->entry.digest, &entry->digest);
    if (is_other && !plm_content_locate_blob(&source, &f->content, entry, &f->data, err))
        return false;
    if ((is_other || f->at > f->want.start) && !plm_feed_enter(f, entry, err))
        return false;
    if (!f->unpack)
        return read_stored(f, err);
    do {
        if (!plm_feed_fill(f, err))
            return false;
    } while (f->length > 0 && f->at <= f->want.start);
    return true;
}

static void run_file(struct plm_work *work)
{
    struct plm_feed *f = (struct plm_feed *)(void *)work; /* its first member */
    const struct plm_content_blob *entry = plm_content_find(&f->content, &f->target->want.digest);
    char name[PLM_ENTRY_NAME];
    f->length = 0;
    if (!entry) {
        (void)plm_fail(&f->err, PLM_E_CORRUPT, "it lacks %s",
                       plm_entry_of_blob(&f->target->want.digest, name));
        return;
    }
    if (!make_room(f, &f->err) || !read_block(f, entry, &f->err)) {
        f->has_entry = false;
        (void)plm_prefix(&f->err, "%s", plm_entry_of_blob(&entry->digest, name));
    }
}

static bool hash_entry(struct plm_feed *f, const struct plm_content_blob *entry,
                       struct plm_error *err)
{
    struct plm_hash *hash = NULL;
    bool ok = plm_hash_new(&hash, err);
    f->has_entry = false;
    for (uint64_t at = 0; ok && at < entry->size; at += f->length) {
        f->want = (struct plm_span){at, entry->size};
        ok = read_block(f, entry, err) && plm_hash_update(hash, f->block, f->length, err);
        if (ok && f->length == 0)
            ok = plm_fail(err, PLM_E_CORRUPT, "it is cut short");
    }
    ok = ok && plm_hash_final(hash, &f->proof, err);
    plm_hash_free(hash);
    return ok;
}

static void run_proof(struct plm_work *work)
{
    struct plm_feed *f = (struct plm_feed *)(void *)work;
    const struct plm_content_blob *entry = plm_content_find(&f->content, &f->target->want.digest);
    char name[PLM_ENTRY_NAME];
    if (!entry || !make_room(f, &f->err) || !hash_entry(f, entry, &f->err))
        (void)plm_fail(&f->err, PLM_E_CORRUPT, "%s cannot be read",
                       plm_entry_of_blob(&f->target->want.digest, name));
    f->has_entry = false;
    f->length = 0; /* nothing of it is to be written */
}

bool plm_feed_scan(struct plm_feed *f, struct plm_error *err)
{
    struct plm_content_source source = plm_archive_input_source(&f->input);
    if (!make_room(f, err))
        return false;
    return f->input.is_stream ? plm_feed_scan_stream(f, err)
                              : plm_content_read(&source, &f->content, err);
}

/* ---- on the loop ---- */

/* Two models may share a blob: then it is in the list twice, and one of them is found. */
static bool list_named(struct plm_feed *f, struct plm_error *err)
{
    for (size_t i = 0; i < f->content.model_count; i++) {
        struct plm_descriptor *blobs = NULL;
        size_t count = 0;
        if (!plm_manifest_blobs(f->content.models[i].manifest, &blobs, &count, err))
            return false;
        struct plm_descriptor *grown =
            realloc(f->named, (f->named_count + count) * sizeof(*grown) + 1);
        if (grown) {
            f->named = grown;
            memcpy(grown + f->named_count, blobs, count * sizeof(*grown));
            f->named_count += count;
        }
        free(blobs);
        if (!grown)
            return plm_fail(err, PLM_E_NOMEM, "no memory for %zu blobs", count);
    }
    qsort(f->named, f->named_count, sizeof(*f->named), plm_descriptor_compare);
    f->seen = calloc(f->named_count + 1, sizeof(*f->seen));
    return f->seen || plm_fail(err, PLM_E_NOMEM, "no memory for blobs");
}

bool plm_feed_check(struct plm_feed *f,
                    bool (*is_here)(void *ctx, const struct plm_descriptor *want), void *ctx,
                    struct plm_error *err)
{
    if (!f->input.is_stream)
        return plm_content_check(&f->content, is_here, ctx, err);
    if (f->content.model_count == 0)
        return plm_fail(err, PLM_E_CORRUPT, "it has no model in it");
    return list_named(f, err) && (!f->has_entry || plm_feed_check_entry(f, err));
}

/* Of bytes that were read, those that are not here yet. */
static bool write_missing(struct plm_feed *f, struct plm_download *d, struct plm_error *err)
{
    uint64_t from = f->start, end = f->start + f->length;
    struct plm_span gap;
    while (plm_spans_next_gap(&d->partial->written, from, end, &gap)) {
        if (!plm_download_write(d, gap.start, f->block + (gap.start - f->start),
                                (size_t)plm_span_length(gap), err) ||
            !plm_spans_add(&d->fed, gap, err))
            return false;
        from = gap.end;
        plm_pull_received(d->pull, (size_t)plm_span_length(gap), true);
    }
    return true;
}

static void block_is_read(struct plm_work *work)
{
    struct plm_feed *f = (struct plm_feed *)(void *)work;
    struct plm_download *d = f->target;
    struct plm_pull *pull = f->pull;
    bool is_proof = f->is_proof;
    f->busy = f->is_proof = false;
    f->target = NULL;
    f->pull = NULL;
    pull->active--;
    plm_pull_kick(pull);
    /* What a stream gave in front of an error is as good as ever. */
    if (d && !d->closing && f->length > 0)
        (void)!write_missing(f, d, &f->err);
    if (f->err.code)
        plm_pull_fail(pull, &f->err);
    else if (is_proof && !d->closing)
        plm_download_judge_archive(d, &f->proof);
}

void plm_feed_submit(struct plm_feed *f, struct plm_pull *pull, struct plm_download *d,
                     void (*run)(struct plm_work *work))
{
    if (d && !d->announced) {
        d->announced = true;
        plm_pull_emit_kind(pull, d, PLM_EV_BLOB_START);
    }
    f->busy = true;
    f->pull = pull;
    f->target = d;
    f->err = (struct plm_error){0};
    f->work = (struct plm_work){.run = run, .done = block_is_read};
    pull->active++;
    plm_workers_submit(pull->job->engine->workers, &f->work);
}

bool plm_feed_start(struct plm_feed *f, struct plm_download *d)
{
    if (f->busy || !plm_spans_next_gap(&d->partial->written, 0, d->want.size, &f->want))
        return false;
    if (f->input.is_stream)
        return plm_feed_start_stream(f, d);
    plm_feed_submit(f, d->pull, d, run_file);
    return true;
}

bool plm_feed_prove(struct plm_feed *f, struct plm_download *d)
{
    if (f->busy)
        return false;
    d->wants_proof = false;
    f->is_proof = true;
    plm_feed_submit(f, d->pull, d, run_proof);
    return true;
}

void plm_feed_cancel(struct plm_feed *f)
{
    atomic_store(&f->input.cancelled, true);
}

void plm_feed_done(struct plm_feed *f)
{
    plm_unpack_free(f->unpack);
    plm_content_done(&f->content);
    plm_archive_input_close(&f->input);
    free(f->named);
    free(f->seen);
    free(f->in);
    free(f->block);
}
