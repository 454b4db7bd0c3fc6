/* Sift: compares a file with chunk digests and marks the chunks that are bad. */
#include "engine/sift.h"

#include <stdlib.h>
#include <string.h>

#include "os/os.h"

#define BLOCK ((size_t)256 << 10)

static bool digest_of_span(struct plm_sift *sift, struct plm_span span, char *block,
                           struct plm_hash *hash, struct plm_digest *out)
{
    struct plm_error *err = &sift->err;
    uint64_t at = span.start;
    while (at < span.end) {
        size_t want = span.end - at < BLOCK ? (size_t)(span.end - at) : BLOCK, got = 0;
        if (atomic_load(&sift->cancelled))
            return plm_fail(err, PLM_E_INTERRUPTED, "checking was stopped");
        if (!plm_os_read_at(sift->fd, block, want, at, &got, err) ||
            !plm_hash_update(hash, block, got, err))
            return false;
        if (got == 0)
            return plm_fail(err, PLM_E_IO, "the file became shorter while it was checked");
        at += got;
    }
    return plm_hash_final(hash, out, err);
}

static void compare_all(struct plm_work *work)
{
    struct plm_sift *sift = (struct plm_sift *)(void *)work;
    plm_auto(plm_hash_freep) struct plm_hash *hash = NULL;
    char *block = malloc(BLOCK);
    sift->ok = block && plm_hash_new(&hash, &sift->err);
    if (!block)
        (void)plm_fail(&sift->err, PLM_E_NOMEM, "no memory to check with");
    for (size_t i = 0; sift->ok && i < sift->count; i++) {
        struct plm_digest digest;
        sift->ok = digest_of_span(sift, sift->sums[i].span, block, hash, &digest);
        sift->bad[i] = sift->ok && !plm_digest_equal(&digest, &sift->sums[i].digest);
    }
    free(block);
}

static void compared(struct plm_work *work)
{
    struct plm_sift *sift = (struct plm_sift *)(void *)work;
    sift->busy = false;
    sift->finished(sift->ctx);
}

bool plm_sift_new(int fd, const struct plm_chunksum *sums, size_t count,
                  void (*finished)(void *ctx), void *ctx, struct plm_sift **out,
                  struct plm_error *err)
{
    struct plm_sift *sift = calloc(1, sizeof(*sift));
    if (!sift)
        return plm_fail(err, PLM_E_NOMEM, "no memory to check chunks");
    *sift = (struct plm_sift){.work = {.run = compare_all, .done = compared},
                              .fd = fd,
                              .count = count,
                              .finished = finished,
                              .ctx = ctx,
                              .sums = calloc(count, sizeof(*sums)),
                              .bad = calloc(count, sizeof(bool))};
    if (!sift->sums || !sift->bad) {
        plm_sift_free(sift);
        return plm_fail(err, PLM_E_NOMEM, "no memory to check chunks");
    }
    memcpy(sift->sums, sums, count * sizeof(*sums));
    *out = sift;
    return true;
}

void plm_sift_free(struct plm_sift *sift)
{
    if (!sift)
        return;
    free(sift->sums);
    free(sift->bad);
    free(sift);
}

void plm_sift_start(struct plm_sift *sift, struct plm_workers *workers)
{
    sift->busy = true;
    plm_workers_submit(workers, &sift->work);
}

void plm_sift_cancel(struct plm_sift *sift)
{
    atomic_store(&sift->cancelled, true);
}
