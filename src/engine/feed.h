/**
 * A feed: an archive in the place of a registry. A pull that has one asks it for each blob's
 * missing bytes, and does all the rest as ever: locks, progress that survives, the hash,
 * publishing.
 *
 * Blocks are read and unpacked on a worker, one at a time, and written on the loop. Of a stored
 * entry in a file only what is missing is read; deflated ones and streams go from front to back.
 * Loop thread, but for what says otherwise. Shared by feed.c and feed_stream.c.
 */
#pragma once

#include "archive/unpack.h"
#include "engine/archive_input.h"
#include "engine/workers.h"
#include "base/span.h"

struct plm_download;
struct plm_pull;

struct plm_feed {
    struct plm_work work; /**< first */
    struct plm_archive_input input;
    struct plm_content content;
    struct plm_descriptor *named; /**< owned; blobs of all models, ascending by digest */
    bool *seen;                   /**< owned; for each of them: a stream has brought it */
    size_t named_count;
    bool busy;
    struct plm_pull *pull;       /**< that the work is for */
    struct plm_download *target; /**< likewise; NULL: a stream is only brought further */
    struct plm_span want;        /**< bytes of it that are missing */
    bool is_proof;               /**< they are only hashed */
    struct plm_digest proof;     /**< what came of that */
    size_t hint;                 /**< where a stream's last blob was found in the pull */
    /* the entry that is read; the worker's, while busy */
    struct plm_content_blob entry; /**< a copy */
    bool has_entry;
    struct plm_unpack *unpack; /**< owned; NULL: stored in a file */
    uint64_t data, taken, at;  /**< where its bytes begin; packed and plain bytes read of it */
    bool is_over;              /**< a stream has come to its directory */
    char *in, *block;          /**< owned; packed bytes, and what came of them */
    size_t in_start, in_end, length;
    uint64_t start; /**< plain offset of the block */
    struct plm_error err;
};

/** Reads what the archive holds, or of a stream what stands in front of its first blob. Worker. */
PLM_MUST bool plm_feed_scan(struct plm_feed *feed, struct plm_error *err);
/** Holds the models against the blobs; @p is_here as plm_content_check() has it. */
PLM_MUST bool plm_feed_check(struct plm_feed *feed,
                             bool (*is_here)(void *ctx, const struct plm_descriptor *want),
                             void *ctx, struct plm_error *err);
/** Not while busy. */
void plm_feed_done(struct plm_feed *feed);

/** Starts bringing bytes for @p download. False when there is nothing to do for it now. */
bool plm_feed_start(struct plm_feed *feed, struct plm_download *download);
/** Starts hashing what the archive, a file, has for @p download: plm_download_judge_archive() gets
 * the answer. False while something else is under way. */
bool plm_feed_prove(struct plm_feed *feed, struct plm_download *download);
/** Makes what is under way end soon. */
void plm_feed_cancel(struct plm_feed *feed);
/** Reads what follows the last blob that was needed of a stream. Worker. */
PLM_MUST bool plm_feed_end(struct plm_feed *feed, struct plm_error *err);

/* ---- between the two files ---- */

/** Fills the block with what follows of the entry. Worker. */
PLM_MUST bool plm_feed_fill(struct plm_feed *feed, struct plm_error *err);
/** Goes over to an entry, with nothing read of it. Worker. */
PLM_MUST bool plm_feed_enter(struct plm_feed *feed, const struct plm_content_blob *entry,
                             struct plm_error *err);
/** Lets a worker run @p run for @p download (or NULL) of @p pull. */
void plm_feed_submit(struct plm_feed *feed, struct plm_pull *pull, struct plm_download *download,
                     void (*run)(struct plm_work *work));
/** feed_stream.c: plm_feed_scan() and plm_feed_start() for a stream. */
PLM_MUST bool plm_feed_scan_stream(struct plm_feed *feed, struct plm_error *err);
bool plm_feed_start_stream(struct plm_feed *feed, struct plm_download *download);
/** feed_stream.c: whether a blob that a stream has come to may be there. */
PLM_MUST bool plm_feed_check_entry(struct plm_feed *feed, struct plm_error *err);
