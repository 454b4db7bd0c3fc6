/**
 * A blob being filled: its lock, its file, what was written and what is on the disk for sure.
 *
 *     plm_partial_open → plm_partial_write … (sync_prepare → sync_run on a worker → sync_finish) …
 *     → plm_partial_publish → plm_partial_free
 *
 * Order of writing: data, then the live file's claim; data synced, then the checkpoint. Loop thread
 * only, but for plm_partial_sync_run().
 */
#pragma once

#include "store/layout.h"
#include "store/live.h"
#include "store/lock.h"
#include "store/spans.h"

/** Blobs below this size keep no record of progress: they are cheaper to fetch again than to
 * account for. */
#define PLM_PARTIAL_RECORD_MIN (UINT64_C(1) << 20)

struct plm_partial {
    const struct plm_store *store;
    const struct plm_descriptor *want; /**< borrowed; outlives the partial */
    struct plm_lock lock;
    int fd;
    struct plm_live *live; /**< NULL: no record is kept */
    struct plm_spans written, durable;
    struct plm_spans doubtful; /**< of written: no record of ours speaks for them, nor any sync */
    bool has_checkpoint;       /**< there is one on the disk */
    bool is_loaded; /**< what the disk says is in `written`: if that is empty, there is nothing */
};

/** What was found when a partial was opened. */
struct plm_partial_found {
    const char *adopted; /**< program whose partial was taken over, or NULL */
    uint64_t adopted_bytes;
    char corrupt[160]; /**< why the checkpoint could not be used, or "" */
};

/**
 * Takes the blob's lock, then opens or makes its file, with all progress that can be found:
 * checkpoint, live file, other programs' leftovers, and where none of these is, the file's data
 * extents (claims only: the final hash decides).
 *
 * @retval false PLM_E_BUSY when another process holds the lock; PLM_E_NOSPACE, PLM_E_IO,
 * PLM_E_CORRUPT.
 */
PLM_MUST bool plm_partial_open(const struct plm_store *store, const struct plm_descriptor *want,
                               struct plm_partial **out, struct plm_partial_found *found,
                               struct plm_error *err);

/**
 * Writes those of @p length bytes at @p offset that are not here yet, and records them.
 *
 * What is written stays as it is until it is dropped: the hash may have read it, and must have read
 * what the file has in the end, whoever brings other bytes for the same place.
 */
PLM_MUST bool plm_partial_write(struct plm_partial *partial, uint64_t offset, const void *bytes,
                                size_t length, struct plm_error *err);

/** Takes bytes for the blob's that something else wrote into the file: doubtful ones. */
PLM_MUST bool plm_partial_claim(struct plm_partial *partial, struct plm_span span,
                                struct plm_error *err);
/** Whether a sync writes a checkpoint, or there is one that speaks for the bytes. */
bool plm_partial_has_record(const struct plm_partial *partial);

/** Forgets bytes that turned out bad: they are to be fetched again. */
PLM_MUST bool plm_partial_drop(struct plm_partial *partial, struct plm_span span,
                               struct plm_error *err);

/** One sync of the data and then of the checkpoint, to be run on a worker. */
struct plm_partial_sync {
    int fd, state_dir; /**< borrowed from the partial, which must outlive the run */
    char name[PLM_STATE_NAME], temp_name[PLM_STATE_NAME + 8];
    char *text; /**< owned; the checkpoint to write, or NULL for none */
    size_t text_size;
    struct plm_spans claim; /**< owned; what will be durable */
    bool data_synced;       /**< the data is safe, though the checkpoint may not be written */
    bool ok;
    struct plm_error err;
};
PLM_MUST bool plm_partial_sync_prepare(const struct plm_partial *partial,
                                       struct plm_partial_sync *out, struct plm_error *err);
/** Any thread. Fills ok and err. */
void plm_partial_sync_run(struct plm_partial_sync *sync);
/** Any thread. Runs several; with @p all those without a checkpoint in one go, where the system can
 * do that: it then syncs what others have written there, too. */
void plm_partial_sync_run_all(struct plm_partial_sync *syncs, size_t count, bool all);
/** Takes over the result; when the data could not be synced, all that is not durable is void, and
 * the sync's error is given. Frees the sync's contents. */
PLM_MUST bool plm_partial_sync_finish(struct plm_partial *partial, struct plm_partial_sync *sync,
                                      struct plm_error *err);
/** Frees the contents of a sync that was never finished. */
void plm_partial_sync_drop(struct plm_partial_sync *sync);

enum plm_publish_result {
    PLM_PUBLISH_DONE,
    PLM_PUBLISH_BUSY,    /**< another process holds the blob's lock: try again */
    PLM_PUBLISH_CHANGED, /**< the staged file is gone, or not the one that was verified: fetch again
                          */
};
/**
 * Gives a complete, synced, verified file, closed by plm_partial_free() since, its name in blobs/,
 * and removes its record and lock.
 * @p inode and @p modified_ns say which file was verified. The caller holds the store lock and
 * syncs blobs/ afterwards, once for all.
 */
PLM_MUST bool plm_partial_publish(const struct plm_store *store, const struct plm_descriptor *want,
                                  uint64_t inode, int64_t modified_ns, enum plm_publish_result *out,
                                  struct plm_error *err);

/** Closes and gives back the lock; progress stays on the disk, unless there is none. NULL is
 * nothing. */
void plm_partial_free(struct plm_partial *partial);

/** Removes progress debris of a blob that is finished, unless somebody holds its lock. Best effort.
 */
void plm_partial_sweep(const struct plm_store *store, const struct plm_digest *digest);

/** Bytes of a blob that a partial, our own or one that could be taken over, has; and who holds its
 * lock. Read only. */
PLM_MUST bool plm_partial_peek(const struct plm_store *store, const struct plm_descriptor *want,
                               uint64_t *done, long *pid, struct plm_error *err);

/** Bytes that the disk already gives to a partial of this blob, ours or one that could be taken
 * over. */
uint64_t plm_partial_disk_bytes(const struct plm_store *store, const struct plm_descriptor *want);
