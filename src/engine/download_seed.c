/* Downloads that replace a damaged blob: what is good of it is taken over, where chunk digests can
 * tell. */
#include "engine/download_private.h"
#include "engine/pull.h"
#include "engine/seed.h"
#include "store/blobs.h"

static void fetch_rest(struct plm_download *d)
{
    plm_seed_free(d->seed);
    d->seed = NULL;
    d->state = PLM_DOWNLOAD_FETCHING;
    plm_pull_kick(d->pull);
}

/* The copy goes the way of bytes that turned out wrong, and its chunks are compared; without
 * digests of them, the way of bytes that are all here. */
static void take_copy(void *ctx)
{
    struct plm_download *d = ctx;
    struct plm_seed *seed = d->seed;
    struct plm_error err = seed->err;
    bool ok = seed->ok;
    if (d->closing) {
        plm_pull_kick(d->pull);
        return;
    }
    for (size_t i = 0; ok && i < seed->copied.count; i++)
        ok = plm_partial_claim(d->partial, seed->copied.items[i], &err);
    plm_seed_free(seed);
    d->seed = NULL;
    if (!ok) {
        plm_pull_fail(d->pull, &err);
        return;
    }
    d->done = d->unsynced = plm_spans_total(&d->partial->written);
    d->clean = false;
    if (!d->sift) {
        fetch_rest(d);
        return;
    }
    d->is_copy = true;
    d->failures++;
    d->sifts++;
    d->state = PLM_DOWNLOAD_SIFTING;
    plm_sift_start(d->sift, d->pull->job->engine->workers);
}

static void on_chunksums(void *ctx, const struct plm_chunksum *sums, size_t count)
{
    struct plm_download *d = ctx;
    struct plm_error err = {0};
    if (d->closing)
        return;
    plm_download_tell_chunksums(d, sums, count);
    bool has_sums = sums && count > 0;
    /* Nobody could tell what is good of it; all of it may be when only its end is wrong. */
    if (!has_sums && !d->seed->has_other_size) {
        fetch_rest(d);
        return;
    }
    if (has_sums && !plm_download_new_sift(d, sums, count, &err)) {
        plm_pull_fail(d->pull, &err);
        return;
    }
    plm_seed_start(d->seed, d->pull->job->engine->workers);
}

bool plm_download_seed(struct plm_download *d, struct plm_error *err)
{
    struct plm_file_status status;
    int fd = -1;
    /* What is small is fetched sooner than asked about. What has a partial goes on with that. */
    if (d->done > 0 || d->want.size < PLM_PARTIAL_RECORD_MIN ||
        !plm_blob_open(&d->pull->job->engine->store, &d->want.digest, &fd, NULL))
        return true;
    if (!plm_os_fd_status(fd, &status, NULL) || status.size == 0) {
        plm_os_close(fd);
        return true;
    }
    uint64_t size = status.size < d->want.size ? status.size : d->want.size;
    if (!plm_seed_new(fd, d->partial->fd, size, take_copy, d, &d->seed, err))
        return false;
    d->state = PLM_DOWNLOAD_SEEDING;
    d->seed->has_other_size = status.size != d->want.size;
    return plm_registry_get_chunksums(d->pull->registry, &d->want, on_chunksums, d, err);
}
