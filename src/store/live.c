/* The live file: a mapped record of written spans that survives the death of the process. */
#include "store/live.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/atomic.h"

#define MAGIC "pullama live 1\n"
#define TEMP_NAME 128

struct slot {
    _Atomic uint64_t start, end; /* valid when end > start */
};

struct layout {
    char magic[16];
    char boot[40];
    uint8_t digest[PLM_DIGEST_BYTES];
    uint64_t size;
    struct slot slots[PLM_LIVE_SLOTS];
};

struct plm_live {
    int fd;
    struct layout *map;
    size_t last; /* slot that grew last: the likely one to grow next */
    size_t high; /* none from it on is filled */
};

static bool slot_span(const struct slot *slot, struct plm_span *out)
{
    out->start = atomic_load_explicit(&slot->start, memory_order_relaxed);
    out->end = atomic_load_explicit(&slot->end, memory_order_relaxed);
    return out->end > out->start;
}

static bool is_usable(const struct layout *file, const struct plm_descriptor *want)
{
    char boot[40] = {0}; /* all of it is compared */
    plm_os_boot_id(boot);
    return boot[0] != '\0' && memcmp(file->magic, MAGIC, sizeof(MAGIC)) == 0 &&
           memcmp(file->boot, boot, sizeof(boot)) == 0 &&
           memcmp(file->digest, want->digest.sha256, PLM_DIGEST_BYTES) == 0 &&
           file->size == want->size;
}

bool plm_live_read(int dir, const char *name, const struct plm_descriptor *want,
                   struct plm_spans *out, struct plm_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    if (!plm_os_read_file(dir, name, sizeof(struct layout), &bytes, &size, NULL))
        return true;
    struct layout *file = (struct layout *)(void *)bytes; /* malloc'd, so aligned */
    bool ok = true;
    if (size == sizeof(*file) && is_usable(file, want)) {
        for (size_t i = 0; ok && i < PLM_LIVE_SLOTS; i++) {
            struct plm_span span;
            if (slot_span(&file->slots[i], &span) && span.end <= want->size)
                ok = plm_spans_add(out, span, err);
        }
    }
    free(bytes);
    return ok;
}

/* A file of its own, whatever stands under the live file's name (a link, the last run's claims): it
 * takes that name when it is complete, so that a kill on the way costs nothing. */
static bool make_file(int dir, const char *temp, const struct plm_descriptor *want,
                      const char boot[40], struct plm_live *live, struct plm_error *err)
{
    void *map = NULL;
    if (!plm_os_unlink(dir, temp, NULL, err) ||
        !plm_os_open(dir, temp, PLM_OPEN_WRITE | PLM_OPEN_CREATE | PLM_OPEN_EXCLUSIVE, &live->fd,
                     err) ||
        !plm_os_allocate(live->fd, sizeof(struct layout), err) ||
        !plm_os_map(live->fd, sizeof(struct layout), &map, err))
        return false;
    live->map = map;
    memcpy(live->map->boot, boot, sizeof(live->map->boot));
    memcpy(live->map->digest, want->digest.sha256, PLM_DIGEST_BYTES);
    live->map->size = want->size;
    return true;
}

bool plm_live_open(int dir, const char *name, const struct plm_descriptor *want,
                   const struct plm_spans *written, struct plm_live **out, struct plm_error *err)
{
    char boot[40] = {0};
    plm_os_boot_id(boot);
    if (boot[0] == '\0') {
        *out = NULL;
        return true;
    }
    struct plm_live *live = calloc(1, sizeof(*live));
    if (!live)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a live file");
    live->fd = -1;
    char temp[TEMP_NAME];
    (void)snprintf(temp, sizeof(temp), "%s.tmp", name);
    bool ok = make_file(dir, temp, want, boot, live, err);
    if (ok) {
        plm_live_reset(live, written);
        atomic_thread_fence(memory_order_release);
        memcpy(live->map->magic, MAGIC, sizeof(MAGIC));
        ok = plm_atomic_move(dir, temp, dir, name, err);
    }
    if (!ok) {
        (void)!plm_os_unlink(dir, temp, NULL, NULL); /* the first error is the one to tell */
        plm_live_free(live);
        return plm_prefix(err, "live file");
    }
    *out = live;
    return true;
}

void plm_live_free(struct plm_live *live)
{
    if (!live)
        return;
    plm_os_unmap(live->map, sizeof(struct layout));
    plm_os_close(live->fd);
    free(live);
}

static void clear(struct slot *slot)
{
    atomic_store_explicit(&slot->end, 0, memory_order_release);
    atomic_store_explicit(&slot->start, 0, memory_order_release);
}

/* Start first, then end: a kill in between leaves a slot that is not valid. */
static void fill(struct slot *slot, struct plm_span span)
{
    atomic_store_explicit(&slot->start, span.start, memory_order_release);
    atomic_store_explicit(&slot->end, span.end, memory_order_release);
}

/* When the grown slot reaches the start of another, the two become one; false when there is none.
 */
static bool merge_next(struct plm_live *live, size_t grown)
{
    struct plm_span span, other;
    (void)slot_span(&live->map->slots[grown], &span);
    for (size_t i = 0; i < live->high; i++) {
        if (i != grown && slot_span(&live->map->slots[i], &other) && other.start <= span.end &&
            other.start >= span.start) {
            if (other.end > span.end)
                atomic_store_explicit(&live->map->slots[grown].end, other.end,
                                      memory_order_release);
            clear(&live->map->slots[i]);
            return true;
        }
    }
    return false;
}

/* Merges all slots that touch, so that some become free. Every step leaves the union as it was. */
static void compact(struct plm_live *live)
{
    struct plm_span span;
    for (size_t i = 0; i < live->high; i++)
        while (slot_span(&live->map->slots[i], &span) && merge_next(live, i))
            continue;
}

static bool grow_slot(struct plm_live *live, size_t i, struct plm_span span)
{
    struct slot *slot = &live->map->slots[i];
    struct plm_span has;
    if (!slot_span(slot, &has) || span.start < has.start || span.start > has.end)
        return false;
    if (span.end > has.end)
        atomic_store_explicit(&slot->end, span.end, memory_order_release);
    live->last = i;
    return true;
}

/* Grows the slot that the span continues; false with the first free slot otherwise. */
static bool grow(struct plm_live *live, struct plm_span span, size_t *free_slot)
{
    size_t unused = live->high;
    struct plm_span has;
    if (grow_slot(live, live->last, span))
        return true;
    for (size_t i = 0; i < live->high; i++) {
        if (grow_slot(live, i, span))
            return true;
        if (unused == live->high && !slot_span(&live->map->slots[i], &has))
            unused = i;
    }
    *free_slot = unused;
    return false;
}

void plm_live_add(struct plm_live *live, struct plm_span span)
{
    size_t unused;
    if (!live || span.end <= span.start || grow(live, span, &unused))
        return;
    if (unused == PLM_LIVE_SLOTS) {
        compact(live);
        if (grow(live, span, &unused) || unused == PLM_LIVE_SLOTS)
            return;
    }
    fill(&live->map->slots[unused], span);
    if (unused == live->high)
        live->high++;
    live->last = unused;
    (void)merge_next(live, unused);
}

void plm_live_reset(struct plm_live *live, const struct plm_spans *written)
{
    if (!live)
        return;
    for (size_t i = 0; i < PLM_LIVE_SLOTS; i++)
        clear(&live->map->slots[i]);
    for (size_t i = 0; i < written->count && i < PLM_LIVE_SLOTS; i++)
        fill(&live->map->slots[i], written->items[i]);
    live->high = written->count < PLM_LIVE_SLOTS ? written->count : PLM_LIVE_SLOTS;
    live->last = 0;
}
