/* Frontier: hashes a growing file in order, as close behind its prefix as the processor allows. */
#include "engine/frontier.h"

#include <stdlib.h>

#include "os/os.h"

#define PIECE_MAX (UINT64_C(8) << 20)
#define PIECE_MIN (UINT64_C(1) << 20)
#define BLOCK ((size_t)256 << 10)
/* After so much a worker looks after other work first: syncs must not wait for a whole blob. */
#define TURN (UINT64_C(64) << 20)
/* Pages so far behind may be written back by now, and can leave the cache: used pages are still
 * warm when they are handed out again, and there stay few of them. Those that a slow disk has not
 * yet got stay, and are looked at again until they are so far behind as DROP_LAST. */
#define DROP_BEHIND (UINT64_C(8) << 20)
#define DROP_LAST (UINT64_C(64) << 20)

static bool hash_piece(struct plm_frontier *f, char *block, struct plm_span span)
{
    uint64_t at = span.start;
    while (at < span.end && !atomic_load(&f->cancelled)) {
        size_t want = span.end - at < BLOCK ? (size_t)(span.end - at) : BLOCK, got = 0;
        if (!plm_os_read_at(f->fd, block, want, at, &got, &f->run_err) ||
            !plm_hash_update(f->hash, block, got, &f->run_err))
            return false;
        if (got < want)
            return plm_fail(&f->run_err, PLM_E_IO, "the file became shorter while it was hashed");
        at += got;
    }
    return at == span.end || plm_fail(&f->run_err, PLM_E_INTERRUPTED, "hashing was stopped");
}

static void drop_behind(const struct plm_frontier *f, uint64_t end)
{
    if (end > DROP_BEHIND)
        plm_os_drop_cache(
            f->fd, (struct plm_span){end > DROP_LAST ? end - DROP_LAST : 0, end - DROP_BEHIND});
}

static void run(struct plm_work *work)
{
    struct plm_frontier *f = (struct plm_frontier *)(void *)work; /* its first member */
    uint64_t at = atomic_load(&f->hashed), turn = at + TURN, target;
    char *block = malloc(BLOCK);
    f->run_failed = !block && !plm_fail(&f->run_err, PLM_E_NOMEM, "no memory to hash with");
    while (!f->run_failed && at < turn && (target = atomic_load(&f->target)) > at) {
        struct plm_span piece = {at, target - at < PIECE_MAX ? target : at + PIECE_MAX};
        if (f->write_behind)
            plm_os_write_behind(f->fd, piece);
        f->run_failed = !hash_piece(f, block, piece);
        at = piece.end;
        if (!f->run_failed)
            atomic_store(&f->hashed, at);
        if (f->write_behind)
            drop_behind(f, at);
    }
    free(block);
    work->again = !f->run_failed && atomic_load(&f->target) > at;
}

static void caught_up(struct plm_work *work)
{
    struct plm_frontier *f = (struct plm_frontier *)(void *)work;
    f->busy = false;
    f->failed = f->run_failed;
    f->err = f->run_err;
    f->moved(f->ctx);
}

bool plm_frontier_init(struct plm_frontier *f, struct plm_workers *workers, int fd,
                       bool write_behind, void (*moved)(void *ctx), void *ctx,
                       struct plm_error *err)
{
    *f = (struct plm_frontier){.work = {.run = run, .done = caught_up},
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
    uint64_t hashed = atomic_load(&f->hashed);
    if (prefix > atomic_load(&f->target))
        atomic_store(&f->target, prefix);
    if (f->busy || f->failed || prefix <= hashed || (!all && prefix - hashed < PIECE_MIN))
        return;
    f->busy = true;
    plm_workers_submit(f->workers, &f->work);
}

void plm_frontier_cancel(struct plm_frontier *f)
{
    atomic_store(&f->cancelled, true);
}

bool plm_frontier_digest(struct plm_frontier *f, struct plm_digest *out, struct plm_error *err)
{
    atomic_store(&f->hashed, 0);
    atomic_store(&f->target, 0);
    return plm_hash_final(f->hash, out, err);
}
