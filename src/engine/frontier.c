/* Frontier: hashes a growing file in order, a piece at a time. */
#include "engine/frontier.h"

#include <stdlib.h>

#include "os/os.h"

#define PIECE_MAX (UINT64_C(8) << 20)
#define PIECE_MIN (UINT64_C(1) << 20)
#define BLOCK ((size_t)256 << 10)
/* Pages so far behind were written back by now and can leave the cache. */
#define DROP_BEHIND (UINT64_C(64) << 20)

static void hash_piece(struct plm_work *work)
{
    struct plm_frontier *f = (struct plm_frontier *)(void *)work; /* its first member */
    uint64_t at = f->hashed, end = f->hashed + f->piece;
    if (f->write_behind)
        plm_os_write_behind(f->fd, (struct plm_span){at, end});
    char *block = malloc(BLOCK);
    if (!block) {
        f->piece_failed = true;
        (void)plm_fail(&f->piece_err, PLM_E_NOMEM, "no memory to hash with");
        return;
    }
    while (at < end && !f->piece_failed) {
        size_t want = end - at < BLOCK ? (size_t)(end - at) : BLOCK, got = 0;
        f->piece_failed = !plm_os_read_at(f->fd, block, want, at, &got, &f->piece_err) ||
                          !plm_hash_update(f->hash, block, got, &f->piece_err);
        if (!f->piece_failed && got < want) {
            f->piece_failed = true;
            (void)plm_fail(&f->piece_err, PLM_E_IO, "the file became shorter while it was hashed");
        }
        at += got;
    }
    free(block);
    if (f->write_behind && end > DROP_BEHIND)
        plm_os_drop_cache(f->fd,
                          (struct plm_span){end > 2 * DROP_BEHIND ? end - 2 * DROP_BEHIND : 0,
                                            end - DROP_BEHIND});
}

static void piece_done(struct plm_work *work)
{
    struct plm_frontier *f = (struct plm_frontier *)(void *)work;
    f->busy = false;
    f->failed = f->piece_failed;
    f->err = f->piece_err;
    if (!f->failed)
        f->hashed += f->piece;
    f->moved(f->ctx);
}

bool plm_frontier_init(struct plm_frontier *f, struct plm_workers *workers, int fd,
                       bool write_behind, void (*moved)(void *ctx), void *ctx,
                       struct plm_error *err)
{
    *f = (struct plm_frontier){.work = {.run = hash_piece, .done = piece_done},
                               .workers = workers,
                               .fd = fd,
                               .write_behind = write_behind,
                               .moved = moved,
                               .ctx = ctx};
    return plm_hash_new(&f->hash, err);
}

void plm_frontier_done(struct plm_frontier *f)
{
    plm_hash_free(f->hash);
    f->hash = NULL;
}

void plm_frontier_push(struct plm_frontier *f, uint64_t prefix, bool all)
{
    if (f->busy || f->failed || prefix <= f->hashed || (!all && prefix - f->hashed < PIECE_MIN))
        return;
    f->piece = prefix - f->hashed < PIECE_MAX ? prefix - f->hashed : PIECE_MAX;
    f->busy = true;
    plm_workers_submit(f->workers, &f->work);
}

bool plm_frontier_digest(struct plm_frontier *f, struct plm_digest *out, struct plm_error *err)
{
    f->hashed = 0;
    return plm_hash_final(f->hash, out, err);
}
