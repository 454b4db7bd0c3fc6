/* Seed: copies a damaged file into another, as far as it can be read. */
#include "engine/seed.h"

#include <stdlib.h>

#include "os/os.h"

#define PIECE (UINT64_C(8) << 20)
#define BLOCK ((size_t)256 << 10)
/* After so much a worker looks after other work first. */
#define TURN (UINT64_C(64) << 20)

/* A block that a dying disk refuses is left out. */
static bool copy_blocks(struct plm_seed *s, struct plm_span span)
{
    char *block = malloc(BLOCK);
    bool ok = block || plm_fail(&s->err, PLM_E_NOMEM, "no memory to copy with");
    for (uint64_t at = span.start; ok && at < span.end; at += BLOCK) {
        size_t want = span.end - at < BLOCK ? (size_t)(span.end - at) : BLOCK, got = 0;
        if (atomic_load(&s->cancelled))
            break;
        if (!plm_os_read_at(s->from, block, want, at, &got, NULL) || got == 0)
            continue;
        ok = plm_os_write_at(s->to, block, got, at, &s->err) &&
             plm_spans_add(&s->copied, (struct plm_span){at, at + got}, &s->err);
    }
    free(block);
    return ok;
}

static bool copy_piece(struct plm_seed *s, struct plm_span span)
{
    uint64_t copied = 0;
    if (!s->cannot_share && plm_os_copy_range(s->from, s->to, span, &copied))
        return plm_spans_add(&s->copied, span, &s->err);
    s->cannot_share = s->cannot_share || copied == 0;
    return copy_blocks(s, span);
}

static void copy(struct plm_work *work)
{
    struct plm_seed *s = (struct plm_seed *)(void *)work; /* its first member */
    uint64_t turn = s->at + TURN;
    s->ok = true;
    while (s->ok && s->at < s->size && s->at < turn) {
        struct plm_span piece = {s->at, s->size - s->at < PIECE ? s->size : s->at + PIECE};
        s->ok = copy_piece(s, piece);
        plm_os_write_behind(s->to, piece);
        s->at = piece.end;
        if (s->ok && atomic_load(&s->cancelled))
            s->ok = plm_fail(&s->err, PLM_E_INTERRUPTED, "copying was stopped");
    }
    work->again = s->ok && s->at < s->size;
}

static void copied(struct plm_work *work)
{
    struct plm_seed *s = (struct plm_seed *)(void *)work;
    s->busy = false;
    s->finished(s->ctx);
}

bool plm_seed_new(int from, int to, uint64_t size, void (*finished)(void *ctx), void *ctx,
                  struct plm_seed **out, struct plm_error *err)
{
    struct plm_seed *seed = calloc(1, sizeof(*seed));
    if (!seed) {
        plm_os_close(from);
        return plm_fail(err, PLM_E_NOMEM, "no memory to copy a blob");
    }
    *seed = (struct plm_seed){.work = {.run = copy, .done = copied},
                              .from = from,
                              .to = to,
                              .size = size,
                              .finished = finished,
                              .ctx = ctx};
    *out = seed;
    return true;
}

void plm_seed_free(struct plm_seed *seed)
{
    if (!seed)
        return;
    plm_os_close(seed->from);
    plm_spans_done(&seed->copied);
    free(seed);
}

void plm_seed_start(struct plm_seed *seed, struct plm_workers *workers)
{
    seed->busy = true;
    plm_workers_submit(workers, &seed->work);
}

void plm_seed_cancel(struct plm_seed *seed)
{
    atomic_store(&seed->cancelled, true);
}
