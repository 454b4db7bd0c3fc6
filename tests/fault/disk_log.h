/**
 * The disk log: what a run did to its files, in the order in which it happened.
 *
 * It lies in memory that processes share: one run after the other writes, the test reads. An entry
 * is noted after the call has had its effect; a sync says how many entries there were when it
 * began, because it covers these and no later ones.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disk_kind {
    DISK_WRITE,  /**< file; first: offset; payload: the bytes */
    DISK_SIZE,   /**< file; first: its size */
    DISK_SYNC,   /**< file or directory; first: number of entries that it covers */
    DISK_LOST,   /**< file: its sync failed, what it did not hold for sure is gone */
    DISK_CREATE, /**< directory; first: the new file; payload: its name */
    DISK_MKDIR,  /**< directory; first: the new directory; payload: its name */
    DISK_REMOVE, /**< directory; payload: the name */
    DISK_RENAME, /**< directory; first: new directory; payload: both names, each with its NUL */
    DISK_DONE,   /**< payload: what was told as done: "" a run's job, or a name within it */
};

struct disk_note {
    uint32_t kind;
    uint32_t length; /**< of the payload */
    uint64_t inode, first;
    unsigned char payload[];
};

struct disk_log {
    size_t room, used, count;
    bool is_full; /**< something is missing: of no use */
    _Alignas(8) unsigned char bytes[];
};

/** The lock is of the process. Changes of names are made and noted under it. */
void disk_log_lock(void);
void disk_log_unlock(void);
/** Under the lock. A log of NULL notes nothing. */
void disk_log_add(struct disk_log *log, enum disk_kind kind, uint64_t inode, uint64_t first,
                  const void *payload, size_t length);
/** Any time. */
size_t disk_log_count(struct disk_log *log);
void disk_log_clear(struct disk_log *log);
/** Owned by the caller: free(). */
struct disk_log *disk_log_copy(const struct disk_log *log);
/** The note behind @p note, or the first one for NULL; NULL at the end. */
const struct disk_note *disk_log_next(const struct disk_log *log, const struct disk_note *note);
