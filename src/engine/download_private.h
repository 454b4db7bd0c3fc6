/** What download.c, download_plan.c and download_verify.c share. */
#pragma once

#include "engine/download.h"
#include "engine/sift.h"

/** A sync under way; only few of a model's downloads have one at a time. */
struct plm_download_sync {
    struct plm_work work; /**< first */
    struct plm_download *download;
    struct plm_partial_sync partial;
};

/** Starts making durable what was written so far, unless that is under way. */
void plm_download_sync(struct plm_download *download);
void plm_download_drop_frontier(struct plm_download *download);
/** Of the requests under way, keeps the one that streams the whole blob. */
void plm_download_keep_one(struct plm_download *download);
/** download_origin.c: opens a source at the first mirror that is left, or at the registry itself.
 */
PLM_MUST bool plm_download_find_source(struct plm_download *download, struct plm_error *err);
/** Goes over to the next source, if that was decided; false when there is none. */
bool plm_download_change_source(struct plm_download *download);
/** download_seed.c: takes over what is good of a damaged blob that stands in blobs/: SEEDING, or
 * nothing when there is none, or none that is worth it. */
PLM_MUST bool plm_download_seed(struct plm_download *download, struct plm_error *err);
/** What becomes of chunk digests: they are told of, and compared with the file by a sift that is
 * still to be started; it drops what is bad. */
void plm_download_tell_chunksums(struct plm_download *download, const struct plm_chunksum *sums,
                                 size_t count);
PLM_MUST bool plm_download_new_sift(struct plm_download *download, const struct plm_chunksum *sums,
                                    size_t count, struct plm_error *err);
/** The digest is right: the file waits in .pullm/ until all blobs of the model are here. */
void plm_download_stage(struct plm_download *download);
/** The digest is @p is, not what it must be: finds out what to fetch again, or gives up. */
void plm_download_wrong_hash(struct plm_download *download, const struct plm_digest *is);
/** The blob has the digest @p is in the archive itself. */
void plm_download_judge_archive(struct plm_download *download, const struct plm_digest *is);
