/* Power cuts: which changes of a history are there afterwards, and in which state. */
#include <stdlib.h>
#include <string.h>

#include "disk_private.h"

#define BLOCK 4096
#define SECTOR 512

struct cutting {
    const struct disk_history *h;
    size_t cut;
    enum disk_chance chance;
    uint64_t random;
    size_t *need;  /* for each object: its changes before this one are there for sure */
    size_t *keep;  /* for each directory: its changes before this one are there */
    bool *is_lost; /* for each change: a failed sync took it */
    struct disk *disk;
};

static uint64_t draw(struct cutting *c, uint64_t below)
{
    uint64_t x = c->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (x ^ x >> 31) % below;
}

static bool is_naming(const struct change *change)
{
    return change->kind == DISK_CREATE || change->kind == DISK_MKDIR ||
           change->kind == DISK_REMOVE || change->kind == DISK_RENAME;
}

/* The second directory that a change of names needs; the first one again where there is none. */
static size_t second_of(const struct change *change)
{
    return change->kind == DISK_RENAME ? change->other : change->object;
}

/* What the syncs before the cut cover. What a failed one lost, no later one brings back. */
static void find_needed(struct cutting *c)
{
    for (size_t i = 0; i < c->cut; i++) {
        const struct change *sync = &c->h->changes[i];
        if (sync->kind == DISK_SYNC && sync->first > c->need[sync->object])
            c->need[sync->object] = (size_t)sync->first;
        for (size_t w = 0; sync->kind == DISK_LOST && w < i; w++)
            if (c->h->changes[w].kind == DISK_WRITE && c->h->changes[w].object == sync->object &&
                w >= c->need[sync->object])
                c->is_lost[w] = true;
    }
}

/* A rename that one directory has for sure, the other one has, too, and all that came before. */
static void close_needed(struct cutting *c)
{
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < c->cut; i++) {
            const struct change *change = &c->h->changes[i];
            size_t a = change->object, b = second_of(change);
            if (!is_naming(change) || (i >= c->need[a] && i >= c->need[b]) ||
                (i < c->need[a] && i < c->need[b]))
                continue;
            c->need[i < c->need[a] ? b : a] = i + 1;
            again = true;
        }
    }
}

static void choose_kept(struct cutting *c)
{
    for (size_t d = 0; d < c->h->object_count; d++) {
        size_t need = c->need[d] < c->cut ? c->need[d] : c->cut;
        switch (c->chance) {
        case DISK_NOTHING:
        case DISK_BYTES:
            c->keep[d] = need;
            break;
        case DISK_NAMES:
            c->keep[d] = c->cut;
            break;
        case DISK_RANDOM:
            c->keep[d] = draw(c, 3) == 0 ? need : need + (size_t)draw(c, c->cut - need + 1);
            break;
        }
    }
}

/* A rename that one directory has not, the other one has not either, nor anything behind it. */
static void close_kept(struct cutting *c)
{
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < c->cut; i++) {
            const struct change *change = &c->h->changes[i];
            size_t a = change->object, b = second_of(change);
            if (!is_naming(change) || (i < c->keep[a]) == (i < c->keep[b]))
                continue;
            c->keep[i < c->keep[a] ? a : b] = i;
            again = true;
        }
    }
}

static void resize(struct object *object, size_t size)
{
    if (size > object->size) {
        object->bytes = grown(object->bytes, size, 1);
        memset(object->bytes + object->size, 0, size - object->size);
    }
    object->size = size;
}

/* One block of a write that no sync covered. */
static void write_block(struct cutting *c, struct object *object, size_t at,
                        const unsigned char *bytes, size_t length)
{
    uint64_t fate = draw(c, 4);
    if (fate == 0)
        return;
    if (fate == 1) /* torn */
        length = length / SECTOR * (size_t)draw(c, SECTOR) / SECTOR * SECTOR;
    if (length == 0)
        return;
    if (at + length > object->size)
        resize(object, at + length);
    memcpy(object->bytes + at, bytes, length);
    for (size_t i = 0; fate == 2 && i < length; i += 8)
        object->bytes[at + i] = (unsigned char)draw(c, 256);
}

static void apply_write(struct cutting *c, size_t index)
{
    const struct change *change = &c->h->changes[index];
    struct object *object = &c->disk->objects[change->object];
    bool sure = index < c->need[change->object] || c->chance == DISK_BYTES;
    uint64_t fate = c->chance == DISK_RANDOM ? draw(c, 4) : 0;
    size_t at = (size_t)change->first, end = at + change->length;
    if (c->is_lost[index] || (!sure && fate == 0))
        return;
    if (sure || fate == 1) {
        if (end > object->size)
            resize(object, end);
        memcpy(object->bytes + at, change->data, change->length);
        return;
    }
    for (size_t next; at < end; at = next) {
        next = (at / BLOCK + 1) * BLOCK < end ? (at / BLOCK + 1) * BLOCK : end;
        write_block(c, object, at, change->data + (at - (size_t)change->first), next - at);
    }
}

static void apply_name(struct cutting *c, size_t index)
{
    const struct change *change = &c->h->changes[index];
    if (index >= c->keep[change->object] || index >= c->keep[second_of(change)])
        return;
    if (change->kind == DISK_CREATE || change->kind == DISK_MKDIR) {
        add_entry(c->disk, change->object, change->name, change->other);
        return;
    }
    struct entry *entry = find_entry(c->disk, change->object, change->name);
    if (!entry)
        return;
    size_t moved = entry->object;
    remove_entry(c->disk, entry);
    if (change->kind == DISK_REMOVE)
        return;
    struct entry *replaced = find_entry(c->disk, change->other, change->to);
    if (replaced)
        remove_entry(c->disk, replaced);
    add_entry(c->disk, change->other, change->to, moved);
}

static void apply(struct cutting *c, size_t index)
{
    const struct change *change = &c->h->changes[index];
    bool sure = index < c->need[change->object];
    if (change->kind == DISK_WRITE)
        apply_write(c, index);
    else if (is_naming(change))
        apply_name(c, index);
    else if (change->kind == DISK_SIZE &&
             (sure || c->chance == DISK_BYTES || (c->chance == DISK_RANDOM && draw(c, 2))))
        resize(&c->disk->objects[change->object], (size_t)change->first);
}

static struct disk *copy_base(const struct disk_history *h)
{
    struct disk *disk = grown(NULL, 1, sizeof(*disk));
    *disk = (struct disk){.object_count = h->object_count, .entry_count = h->base->entry_count};
    disk->objects = calloc(h->object_count, sizeof(*disk->objects));
    disk->entries = grown(NULL, disk->entry_count, sizeof(*disk->entries));
    if (!disk->objects)
        abort();
    if (disk->entry_count > 0)
        memcpy(disk->entries, h->base->entries, disk->entry_count * sizeof(*disk->entries));
    for (size_t i = 0; i < h->object_count; i++) {
        disk->objects[i].is_directory = h->is_directory[i];
        if (i < h->base->object_count && h->base->objects[i].size > 0) {
            resize(&disk->objects[i], h->base->objects[i].size);
            memcpy(disk->objects[i].bytes, h->base->objects[i].bytes, disk->objects[i].size);
        }
    }
    return disk;
}

struct disk *disk_cut(const struct disk_history *h, size_t cut, enum disk_chance chance,
                      uint64_t seed)
{
    struct cutting c = {.h = h,
                        .cut = cut,
                        .chance = chance,
                        .random = seed,
                        .need = calloc(h->object_count, sizeof(size_t)),
                        .keep = calloc(h->object_count, sizeof(size_t)),
                        .is_lost = calloc(h->count + 1, sizeof(bool)),
                        .disk = copy_base(h)};
    if (!c.need || !c.keep || !c.is_lost)
        abort();
    find_needed(&c);
    close_needed(&c);
    choose_kept(&c);
    close_kept(&c);
    for (size_t i = 0; i < cut; i++)
        if (h->changes[i].kind < DISK_DONE)
            apply(&c, i);
    free(c.need);
    free(c.keep);
    free(c.is_lost);
    return c.disk;
}
