/* The disk log: appends notes, and walks over them. */
#include "disk_log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void disk_log_lock(void)
{
    (void)pthread_mutex_lock(&mutex);
}

void disk_log_unlock(void)
{
    (void)pthread_mutex_unlock(&mutex);
}

static size_t size_of(size_t length)
{
    return (sizeof(struct disk_note) + length + 7) / 8 * 8;
}

void disk_log_add(struct disk_log *log, enum disk_kind kind, uint64_t inode, uint64_t first,
                  const void *payload, size_t length)
{
    if (!log || log->is_full)
        return;
    log->is_full = log->room - log->used < size_of(length);
    if (log->is_full)
        return;
    struct disk_note *note = (struct disk_note *)(void *)(log->bytes + log->used);
    *note = (struct disk_note){kind, (uint32_t)length, inode, first};
    if (length > 0)
        memcpy(note->payload, payload, length);
    log->used += size_of(length);
    log->count++;
}

size_t disk_log_count(struct disk_log *log)
{
    disk_log_lock();
    size_t count = log ? log->count : 0;
    disk_log_unlock();
    return count;
}

void disk_log_clear(struct disk_log *log)
{
    log->used = log->count = 0;
    log->is_full = false;
}

struct disk_log *disk_log_copy(const struct disk_log *log)
{
    struct disk_log *copy = malloc(sizeof(*copy) + log->used);
    if (!copy)
        abort();
    memcpy(copy, log, sizeof(*copy) + log->used);
    copy->room = log->used;
    return copy;
}

const struct disk_note *disk_log_next(const struct disk_log *log, const struct disk_note *note)
{
    const unsigned char *at =
        note ? (const unsigned char *)note + size_of(note->length) : log->bytes;
    return at < log->bytes + log->used ? (const struct disk_note *)(const void *)at : NULL;
}
