/* Disk histories: the notes of a log, with inodes turned into objects. */
#include <stdlib.h>
#include <string.h>

#include "disk_private.h"

/* An inode's number may be used again: what it means changes in the course of the log. */
struct naming {
    struct {
        uint64_t inode;
        size_t object;
    } * items;
    size_t count;
};

static void bind(struct naming *naming, uint64_t inode, size_t object)
{
    naming->items = grown(naming->items, naming->count + 1, sizeof(*naming->items));
    naming->items[naming->count].inode = inode;
    naming->items[naming->count++].object = object;
}

static size_t resolve(const struct naming *naming, uint64_t inode)
{
    for (size_t i = naming->count; i-- > 0;)
        if (naming->items[i].inode == inode)
            return naming->items[i].object;
    return NOWHERE;
}

static void add_made(struct disk_history *h, struct naming *naming, uint64_t inode, bool directory)
{
    h->is_directory = grown(h->is_directory, h->object_count + 1, sizeof(bool));
    h->is_directory[h->object_count] = directory;
    bind(naming, inode, h->object_count++);
}

static void add_change(struct disk_history *h, struct naming *naming, const struct disk_note *note)
{
    struct change *change = &h->changes[h->count++];
    *change = (struct change){.kind = note->kind,
                              .object = resolve(naming, note->inode),
                              .first = note->first,
                              .data = note->payload,
                              .length = note->length,
                              .name = (const char *)note->payload};
    if (change->kind == DISK_CREATE || change->kind == DISK_MKDIR) {
        change->other = h->object_count;
        add_made(h, naming, note->first, change->kind == DISK_MKDIR);
    }
    if (change->kind == DISK_RENAME) {
        change->other = resolve(naming, note->first);
        change->to = change->name + strlen(change->name) + 1;
    }
    if (change->object == NOWHERE || change->other == NOWHERE)
        change->kind = DISK_DONE + 1; /* outside of the disk: nothing */
    if (note->kind == DISK_DONE)
        change->kind = DISK_DONE;
}

struct disk_history *disk_history_new(const struct disk *base, const struct disk_log *log)
{
    struct naming naming = {0};
    if (log->is_full)
        return NULL;
    struct disk_history *h = grown(NULL, 1, sizeof(*h));
    *h = (struct disk_history){.base = base};
    h->changes = grown(NULL, log->count, sizeof(*h->changes));
    for (size_t i = 0; i < base->object_count; i++)
        add_made(h, &naming, base->objects[i].inode, base->objects[i].is_directory);
    for (const struct disk_note *note = NULL; (note = disk_log_next(log, note));)
        add_change(h, &naming, note);
    free(naming.items);
    return h;
}

void disk_history_free(struct disk_history *h)
{
    if (!h)
        return;
    free(h->changes);
    free(h->is_directory);
    free(h);
}

size_t disk_history_count(const struct disk_history *h)
{
    return h->count;
}

size_t disk_history_done(const struct disk_history *h, size_t cut, const char *what)
{
    size_t count = 0;
    for (size_t i = 0; i < cut; i++)
        count += h->changes[i].kind == DISK_DONE && strcmp(h->changes[i].name, what) == 0;
    return count;
}

bool disk_history_is_turn(const struct disk_history *h, size_t cut)
{
    return cut == 0 || cut == h->count || h->changes[cut - 1].kind != DISK_WRITE ||
           h->changes[cut].kind != DISK_WRITE;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

uint64_t disk_history_written(const struct disk_history *h, size_t cut, const char *ending)
{
    uint64_t total = 0;
    bool *counts = calloc(h->object_count, sizeof(*counts));
    if (!counts)
        abort();
    for (size_t i = 0; i < h->base->entry_count; i++)
        counts[h->base->entries[i].object] = ends_with(h->base->entries[i].name, ending);
    for (size_t i = 0; i < cut; i++) {
        const struct change *change = &h->changes[i];
        if (change->kind == DISK_CREATE)
            counts[change->other] = ends_with(change->name, ending);
        else if (change->kind == DISK_WRITE && counts[change->object])
            total += change->length;
    }
    free(counts);
    return total;
}
