/**
 * Disks in memory: what a directory holds, and what a power cut at any moment of a run would have
 * left of it.
 *
 *     disk_load → (the run, noted in a disk log) → disk_history_new → disk_cut … → disk_save
 *
 * The model: what a sync covered is there. Of what no sync covered,
 * - each 4 KiB block of a write is there, is not, is torn, or is garbage; bytes around it are
 * whole;
 * - a file's new size is there or not;
 * - the changes of names in one directory are there up to some point of their order, not behind it;
 *   a rename between two directories is there in both or in none.
 * That is less than any journalling file system promises. Memory that cannot be had ends the test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk_log.h"

struct disk;
struct disk_history;

/** How much of what was not synced a cut leaves. */
enum disk_chance {
    DISK_NOTHING, /**< none of it */
    DISK_NAMES,   /**< all changes of names, no contents */
    DISK_BYTES,   /**< all contents, no change of a name */
    DISK_RANDOM,
};

/** All files below @p path, which counts as synced. */
struct disk *disk_load(const char *path);
/** Makes @p path, with everything that the disk holds. */
bool disk_save(const struct disk *disk, const char *path);
void disk_free(struct disk *disk);

/** The log's notes as changes of @p base, which must outlive it; NULL if the log was too small. */
struct disk_history *disk_history_new(const struct disk *base, const struct disk_log *log);
void disk_history_free(struct disk_history *history);
/** Number of changes; a cut may be before the first and behind the last. */
size_t disk_history_count(const struct disk_history *history);
/** How often @p what was told as done before that cut; "": a run's job. */
size_t disk_history_done(const struct disk_history *history, size_t cut, const char *what);

/** Whether a cut there differs from one a change earlier in more than a few bytes of one file. */
bool disk_history_is_turn(const struct disk_history *history, size_t cut);
/** Bytes that were written before that cut to files with this ending. */
uint64_t disk_history_written(const struct disk_history *history, size_t cut, const char *ending);

/** The disk after a power cut when @p cut changes had been made. The same seed gives the same. */
struct disk *disk_cut(const struct disk_history *history, size_t cut, enum disk_chance chance,
                      uint64_t seed);
