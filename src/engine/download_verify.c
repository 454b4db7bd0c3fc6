/* Downloads: what follows the hash. Right: staged. Wrong: only what is bad comes again, or it ends.
 */
#include "engine/download_private.h"
#include "engine/feed.h"
#include "engine/pull.h"

#define CLEAN_STARTS_MAX 2
#define OTHER_BYTES "the archive has other bytes under that name"
#define SIFTS_MAX 3

void plm_download_stage(struct plm_download *d)
{
    struct plm_file_status status;
    struct plm_error err = {0};
    if (!plm_os_fd_status(d->partial->fd, &status, &err)) {
        plm_pull_fail(d->pull, &err);
        return;
    }
    d->staged_inode = status.inode;
    d->staged_modified_ns = status.modified_ns;
    d->done = d->want.size;
    plm_pull_show_progress(d->pull, d);
    d->state = PLM_DOWNLOAD_STAGED;
    plm_source_free(d->source);
    d->source = NULL;
    plm_download_drop_frontier(d);
    plm_partial_free(d->partial);
    d->partial = NULL;
    struct plm_event event = {
        .kind = PLM_EV_BLOB_VERIFIED,
        .verified = {.elapsed_ms = plm_loop_now(plm_pull_loop(d->pull)) - d->full_ms,
                     .attempt = d->failures + 1,
                     .max_attempts = CLEAN_STARTS_MAX + 1}};
    plm_pull_emit(d->pull, d, &event);
}

static void tell_failed(struct plm_download *d, uint64_t dropped)
{
    struct plm_event event = {.kind = PLM_EV_BLOB_VERIFY_FAILED,
                              .verified = {.attempt = d->failures,
                                           .max_attempts = CLEAN_STARTS_MAX + 1,
                                           .dropped = dropped}};
    plm_pull_emit(d->pull, d, &event);
}

/* Bad bytes must not wait for the next run as if they were progress. What was here before an
 * archive was asked has been paid for, and may well be right. */
static void drop_bad_source(struct plm_download *d)
{
    bool is_fed = d->pull->feed != NULL;
    if (!is_fed)
        (void)!plm_partial_drop(d->partial, (struct plm_span){0, d->want.size}, NULL);
    for (size_t i = 0; is_fed && i < d->fed.count; i++)
        (void)!plm_partial_drop(d->partial, d->fed.items[i], NULL);
    d->done = plm_spans_total(&d->partial->written);
    d->unsynced = d->done > 0; /* a checkpoint may still claim what was dropped */
}

static void give_up(struct plm_download *d, const char *why)
{
    char want[PLM_DIGEST_TEXT], got[PLM_DIGEST_TEXT];
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTEGRITY, "blob %s: %s (its bytes have %s)",
                   plm_digest_format(&d->want.digest, want), why,
                   plm_digest_format(&d->wrong, got));
    drop_bad_source(d);
    plm_pull_fail(d->pull, &err);
}

static void fetch_again(struct plm_download *d)
{
    d->done = plm_spans_total(&d->partial->written);
    d->state = PLM_DOWNLOAD_FETCHING;
    plm_download_sync(d); /* the checkpoint still claims what was dropped */
    plm_pull_kick(d->pull);
}

/* What was only taken for bytes of the blob is the likeliest to be bad: what a power cut left, or
 * another program. It alone comes again first, so that it cannot cost the rest. */
static void fetch_doubtful(struct plm_download *d)
{
    struct plm_error err = {0};
    tell_failed(d, plm_spans_total(&d->partial->doubtful));
    while (d->partial->doubtful.count > 0)
        if (!plm_partial_drop(d->partial, d->partial->doubtful.items[0], &err)) {
            plm_pull_fail(d->pull, &err);
            return;
        }
    d->clean = d->partial->written.count == 0;
    fetch_again(d);
}

static void start_clean(struct plm_download *d)
{
    struct plm_error err = {0};
    if (d->partial->doubtful.count > 0) {
        fetch_doubtful(d);
        return;
    }
    if (d->restarts++ == CLEAN_STARTS_MAX) {
        give_up(d, "other wrong bytes arrive each time");
        return;
    }
    tell_failed(d, d->want.size);
    if (!plm_partial_drop(d->partial, (struct plm_span){0, d->want.size}, &err)) {
        plm_pull_fail(d->pull, &err);
        return;
    }
    d->clean = true;
    fetch_again(d);
}

static void drop_bad(void *ctx)
{
    struct plm_download *d = ctx;
    uint64_t dropped = 0;
    struct plm_error err = d->sift->err;
    bool ok = d->sift->ok;
    for (size_t i = 0; ok && i < d->sift->count; i++) {
        if (!d->sift->bad[i])
            continue;
        struct plm_span span = d->sift->sums[i].span;
        struct plm_event event = {.kind = PLM_EV_CHUNK_MISMATCH,
                                  .chunk = {.start = span.start, .end = span.end}};
        plm_pull_emit(d->pull, d, &event);
        ok = plm_partial_drop(d->partial, span, &err);
        dropped += plm_span_length(span);
    }
    plm_sift_free(d->sift);
    d->sift = NULL;
    if (!ok) {
        plm_pull_fail(d->pull, &err);
    } else if (d->closing) {
        plm_pull_kick(d->pull);
    } else if (dropped == 0 && !d->is_copy) {
        start_clean(d);
    } else {
        if (dropped > 0)
            tell_failed(d, dropped);
        d->is_copy = false;
        fetch_again(d);
    }
}

void plm_download_tell_chunksums(struct plm_download *d, const struct plm_chunksum *sums,
                                 size_t count)
{
    struct plm_event event = {
        .kind = PLM_EV_CHUNKSUMS_FETCHED,
        .chunksums = {.chunk_count = (uint32_t)count, .available = sums != NULL}};
    plm_pull_emit(d->pull, d, &event);
}

bool plm_download_new_sift(struct plm_download *d, const struct plm_chunksum *sums, size_t count,
                           struct plm_error *err)
{
    return plm_sift_new(d->partial->fd, sums, count, drop_bad, d, &d->sift, err);
}

static void on_chunksums(void *ctx, const struct plm_chunksum *sums, size_t count)
{
    struct plm_download *d = ctx;
    struct plm_error err = {0};
    if (d->closing)
        return;
    plm_download_tell_chunksums(d, sums, count);
    if (!sums || count == 0) {
        start_clean(d);
        return;
    }
    if (!plm_download_new_sift(d, sums, count, &err)) {
        plm_pull_fail(d->pull, &err);
        return;
    }
    plm_sift_start(d->sift, d->pull->job->engine->workers);
}

/* An archive's bytes are the same each time. A stream cannot be asked again. */
static void doubt_archive(struct plm_download *d, const struct plm_digest *is)
{
    d->failures++;
    d->wrong = *is;
    if (d->clean || d->pull->feed->input.is_stream) {
        give_up(d, OTHER_BYTES);
        return;
    }
    d->state = PLM_DOWNLOAD_SIFTING;
    d->wants_proof = true;
    plm_pull_kick(d->pull);
}

void plm_download_judge_archive(struct plm_download *d, const struct plm_digest *is)
{
    d->wrong = *is;
    if (plm_digest_equal(is, &d->want.digest))
        start_clean(d);
    else
        give_up(d, OTHER_BYTES);
}

void plm_download_wrong_hash(struct plm_download *d, const struct plm_digest *is)
{
    struct plm_error err = {0};
    if (d->pull->feed) {
        doubt_archive(d, is);
        return;
    }
    bool same = d->has_wrong && d->clean && plm_digest_equal(is, &d->wrong);
    struct plm_error wrong = {.code = PLM_E_INTEGRITY,
                              .msg = "its bytes are not those of the blob"};
    bool is_mirrors = plm_download_leave_mirror(d, &wrong);
    d->failures++;
    d->has_wrong = d->clean && !is_mirrors;
    d->wrong = *is;
    if (same) {
        give_up(d, "the source serves the same wrong bytes each time");
    } else if (d->failures > CLEAN_STARTS_MAX + SIFTS_MAX) {
        give_up(d, "other wrong bytes arrive each time");
    } else if (d->sifts < SIFTS_MAX && d->want.size > 0) {
        d->sifts++;
        d->state = PLM_DOWNLOAD_SIFTING;
        if (!plm_registry_get_chunksums(d->pull->registry, &d->want, on_chunksums, d, &err))
            plm_pull_fail(d->pull, &err);
    } else {
        start_clean(d);
    }
}
