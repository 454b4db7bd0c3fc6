/**
 * One blob on its way down: lock, chunks, syncs, hash, and what happens when the hash is wrong.
 *
 *     PLANNED → (CHECKING | WAITING) → (SEEDING → SIFTING) → FETCHING → SYNCING → VERIFYING →
 * STAGED → PUBLISHED
 *
 * A staged blob holds no lock and no descriptor: its file lies complete and synced in .pullm/, and
 * publishing makes sure that it is still the file that was hashed. So waiting for others can never
 * be a deadlock, and a thousand staged blobs cost nothing.
 */
#pragma once

#include "engine/chunk.h"
#include "engine/frontier.h"
#include "store/partial.h"

enum plm_download_state {
    PLM_DOWNLOAD_PLANNED,
    PLM_DOWNLOAD_CHECKING, /**< stands in blobs/, not known to have been hashed: hashing */
    PLM_DOWNLOAD_WAITING,  /**< another process holds the blob's lock */
    PLM_DOWNLOAD_SEEDING,  /**< a damaged blob stands in blobs/: what is good of it is taken over */
    PLM_DOWNLOAD_FETCHING,
    PLM_DOWNLOAD_SYNCING,   /**< all bytes are here; the last sync runs */
    PLM_DOWNLOAD_VERIFYING, /**< the hash is being finished */
    PLM_DOWNLOAD_SIFTING, /**< wrong hash: chunk digests, or an archive, tell which bytes are bad */
    PLM_DOWNLOAD_STAGED,
    PLM_DOWNLOAD_PRESENT, /**< stands verified in blobs/ */
    PLM_DOWNLOAD_STATES
};

struct plm_pull;

struct plm_download {
    struct plm_pull *pull;
    struct plm_descriptor want;
    uint32_t index; /**< 0-based */
    enum plm_download_state state;
    struct plm_partial *partial;
    struct plm_source *source;
    int mirror;            /**< place of the mirror that is the source; -1: the registry itself */
    uint32_t left_mirrors; /**< set of places that are not asked for this blob any more */
    bool leaving;          /**< the source is to be changed */
    struct plm_frontier *frontier; /**< owned; NULL unless open */
    struct plm_sift *sift;         /**< owned; while SEEDING or SIFTING */
    struct plm_seed *seed;         /**< owned; while SEEDING */
    bool is_copy;                  /**< the file is a damaged blob's copy that was not hashed yet */
    struct plm_chunk *chunks;
    unsigned chunk_count;
    bool no_ranges;   /**< the server gives the whole blob or nothing */
    bool announced;   /**< BLOB_START went out */
    bool distrusted;  /**< the file `damaged` in blobs/ has another digest: replace it */
    uint64_t damaged; /**< its inode */
    bool closing;     /**< ends as soon as no worker is at it */
    bool is_batched;  /**< waits for a sync that it shares with others, or is in it */
    bool is_new;      /**< got its name in blobs/ by this pull */
    int check_fd;     /**< while CHECKING */
    struct plm_timer timer;
    /* syncs */
    struct plm_download_sync *sync; /**< owned; NULL unless one is under way */
    uint64_t unsynced;
    int64_t synced_ms;
    /* hash failures */
    int failures; /**< wrong hashes so far */
    int sifts;    /**< times that chunk digests were asked for */
    int restarts; /**< times that everything was dropped */
    bool clean;   /**< every byte was fetched since the last start from nothing */
    bool has_wrong;
    struct plm_digest wrong;
    struct plm_spans fed; /**< what an archive brought */
    bool wants_proof;     /**< the archive is to be looked at: are the wrong bytes its own? */
    int64_t full_ms;      /**< when the last byte came */
    /* progress */
    uint64_t done, shown; /**< bytes here; highest that was shown */
    bool dirty;
    /* the staged file, to be recognised when it is published */
    uint64_t staged_inode;
    int64_t staged_modified_ns;
};

void plm_download_init(struct plm_download *download, struct plm_pull *pull, uint32_t index,
                       const struct plm_descriptor *want);
/** Tells that the file in blobs/ with this inode does not have the digest, whatever its note says.
 */
void plm_download_distrust(struct plm_download *download, uint64_t inode);
/** Whether that file still stands in blobs/. */
bool plm_download_is_damaged(const struct plm_download *download);
/** Opens what is needed and goes to CHECKING, WAITING, FETCHING or SYNCING. */
void plm_download_open(struct plm_download *download);
/** Starts one more request for this blob if there is something to ask for. */
bool plm_download_start_chunk(struct plm_download *download);
/** Lets the slowest chunk give part of its rest to an idle connection. */
bool plm_download_split(struct plm_download *download);
/** Looks at where things stand and moves on; called after anything happened. */
void plm_download_advance(struct plm_download *download);
/** Ends requests; syncs what is not synced; is_closed() tells when nothing is under way any more.
 * To be called again until then. */
void plm_download_close(struct plm_download *download);
bool plm_download_is_closed(const struct plm_download *download);
void plm_download_done(struct plm_download *download);

/** For chunks: the mirror that the bytes come from is left, soon. False when it is no mirror. */
bool plm_download_leave_mirror(struct plm_download *download, const struct plm_error *cause);
/** For chunks: bytes came in; the chunk is at its end. */
bool plm_download_write(struct plm_download *download, uint64_t offset, const void *bytes,
                        size_t length, struct plm_error *err);
void plm_download_chunk_ended(struct plm_chunk *chunk);
