/* Relay: two blocks in turn, one that is filled and written on, one that is hashed. */
#include "engine/relay.h"

#include <stdlib.h>

#include "archive/unpack.h"
#include "os/os.h"

static struct plm_relay *of_read(struct plm_work *work)
{
    return (struct plm_relay *)(void *)work; /* its first member */
}

static struct plm_relay *of_hash(struct plm_work *work)
{
    return (struct plm_relay *)(void *)((char *)work - offsetof(struct plm_relay, hashing));
}

static void run_read(struct plm_work *work)
{
    struct plm_relay *r = of_read(work);
    unsigned back = 1 - r->front;
    uint64_t left = r->size - r->at;
    size_t want = left < PLM_RELAY_BLOCK ? (size_t)left : PLM_RELAY_BLOCK, got = 0;
    if (!plm_os_read_at(r->fd, r->blocks[back], want, r->at, &got, &r->read_err))
        return;
    if (got < want) {
        (void)plm_fail(&r->read_err, PLM_E_INTEGRITY, "it became shorter while it was read");
        return;
    }
    r->crc = plm_unpack_crc(r->crc, r->blocks[back], got);
    if (r->put && !r->put(r->put_ctx, r->at, r->blocks[back], got, &r->read_err))
        return;
    r->lengths[back] = got;
    r->at += got;
}

static void run_hash(struct plm_work *work)
{
    struct plm_relay *r = of_hash(work);
    size_t length = r->lengths[r->front];
    if (plm_hash_update(r->hash, r->blocks[r->front], length, &r->hash_err))
        atomic_fetch_add(&r->passed, length);
}

static void end(struct plm_relay *r)
{
    if (r->err.code == PLM_OK)
        (void)!plm_hash_final(r->hash, &r->digest, &r->err);
    r->finished(r->ctx);
}

static void submit(struct plm_relay *r, struct plm_work *work)
{
    r->busy++;
    plm_workers_submit(r->workers, work);
}

/* Both are done: the blocks change places. */
static void turn(struct plm_relay *r)
{
    if (r->read_err.code)
        r->err = r->read_err;
    else if (r->hash_err.code)
        r->err = r->hash_err;
    else if (atomic_load(&r->cancelled))
        (void)plm_fail(&r->err, PLM_E_INTERRUPTED, "stopped on request");
    r->lengths[r->front] = 0;
    r->front = 1 - r->front;
    if (r->err.code || (r->lengths[r->front] == 0 && r->at == r->size)) {
        end(r);
        return;
    }
    if (r->lengths[r->front] > 0)
        submit(r, &r->hashing);
    if (r->at < r->size)
        submit(r, &r->read);
}

static void read_done(struct plm_work *work)
{
    struct plm_relay *r = of_read(work);
    if (--r->busy == 0)
        turn(r);
}

static void hash_done(struct plm_work *work)
{
    struct plm_relay *r = of_hash(work);
    if (--r->busy == 0)
        turn(r);
}

bool plm_relay_init(struct plm_relay *r, struct plm_workers *workers, void (*finished)(void *ctx),
                    void *ctx, struct plm_error *err)
{
    *r = (struct plm_relay){.read = {.run = run_read, .done = read_done},
                            .hashing = {.run = run_hash, .done = hash_done},
                            .workers = workers,
                            .fd = -1,
                            .finished = finished,
                            .ctx = ctx};
    r->blocks[0] = malloc(PLM_RELAY_BLOCK);
    r->blocks[1] = malloc(PLM_RELAY_BLOCK);
    return ((r->blocks[0] && r->blocks[1]) ||
            plm_fail(err, PLM_E_NOMEM, "no memory to copy with")) &&
           plm_hash_new(&r->hash, err);
}

void plm_relay_done(struct plm_relay *r)
{
    plm_hash_free(r->hash);
    free(r->blocks[0]);
    free(r->blocks[1]);
    r->hash = NULL;
    r->blocks[0] = r->blocks[1] = NULL;
}

void plm_relay_start(struct plm_relay *r, int fd, uint64_t size, plm_relay_put_fn put,
                     void *put_ctx)
{
    struct plm_digest unused;
    r->fd = fd;
    r->size = size;
    r->put = put;
    r->put_ctx = put_ctx;
    r->at = 0;
    r->crc = 0;
    r->lengths[0] = r->lengths[1] = 0;
    r->err = r->read_err = r->hash_err = (struct plm_error){0};
    atomic_store(&r->passed, 0);
    (void)!plm_hash_final(r->hash, &unused, &r->err); /* what an earlier one left in it */
    plm_os_read_ahead(fd);
    submit(r, &r->read); /* an empty file too: the answer must not come from within */
}

void plm_relay_cancel(struct plm_relay *r)
{
    atomic_store(&r->cancelled, true);
}
