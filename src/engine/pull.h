/**
 * A pull: RESOLVING → PREFLIGHT → TRANSFERRING → COMMITTING, then it ends. Shared by pull.c,
 * schedule.c, preflight.c, commit.c, batch.c, download.c and chunk.c.
 *
 * A part of another job (pull_part.c) is a pull of one blob that a model of the store names: it
 * begins with TRANSFERRING, writes no manifest, and tells of its end instead of ending the job. A
 * fed pull is a whole model of an archive, with its manifest.
 */
#pragma once

#include "engine/batch.h"
#include "engine/download.h"
#include "engine/engine_private.h"
#include "engine/lanes.h"
#include "engine/meter.h"
#include "engine/mirrors.h"
#include "store/needs.h"

/** Blobs that are looked at in each step. */
#define PLM_PULL_OPEN_MAX 96

enum plm_pull_state {
    PLM_PULL_RESOLVING,
    PLM_PULL_TRANSFERRING,
    PLM_PULL_COMMITTING,
    PLM_PULL_ENDING, /**< failed or stopped: waits until nothing is under way */
    PLM_PULL_STATES
};

/** What a part is of the job that it belongs to. */
struct plm_pull_part {
    uint32_t index, blob_count;       /**< of its blob, 0-based, and how many the job has */
    uint64_t bytes_before, bytes_all; /**< that the job had done and will have done */
    uint64_t bytes_shown;             /**< of its blobs, that were shown before */
    /** Which of the job's blobs, from 1, in place of index; NULL: by the index. */
    uint32_t (*number_of)(void *ctx, const struct plm_digest *digest);
    bool is_model; /**< a whole model: its manifest is written, too */
    /** Comes once, on the loop thread; @p err NULL: the blob stands in blobs/. Free the pull
     * afterwards, not during the call. */
    void (*over)(void *ctx, const struct plm_error *err);
    /** Asked when all blobs are here: false keeps them from being published until the pull is
     * kicked and it is true. NULL: nothing else counts. */
    bool (*may_publish)(void *ctx);
    void *ctx;
};

struct plm_pull {
    struct plm_job *job;
    struct plm_pull_part part; /**< over NULL: it is the whole job */
    bool is_over;              /**< a part that has told of its end */
    struct plm_feed *feed; /**< borrowed; the archive in place of the registry, if there is one */
    struct plm_registry *registry;
    struct plm_mirrors mirrors;
    struct plm_manifest *manifest;
    struct plm_download *downloads; /**< owned array */
    size_t count;
    size_t next; /**< none from it on was opened since it was planned */
    struct plm_download *open[PLM_PULL_OPEN_MAX]; /**< neither planned nor settled, ascending */
    size_t open_count;
    struct plm_batch batch;
    enum plm_pull_state state;
    bool is_child;  /**< the manifest was chosen out of an index */
    bool is_pinned; /**< it must have the digest … */
    struct plm_digest pin;
    int manifest_from;     /**< place of the mirror that is asked for it; -1: the registry itself */
    uint32_t left_mirrors; /**< set of places that are not asked for it any more */
    struct plm_lanes lanes; /**< how many chunks may be under way */
    unsigned active;        /**< chunks under way */
    uint64_t ended;         /**< chunks that came to their end */
    bool is_starved;        /**< more may be, but there is nothing to ask for */
    int64_t answer_ms;      /**< shortest time from a request to its answer; 0: none yet */
    uint64_t total, received, shown;
    int64_t last_byte_ms; /**< when the last new byte came */
    struct plm_meter meter;
    uint64_t usual_rate; /**< bytes per second that a connection brings, by those that ended */
    struct plm_timer kick, tick;
    bool told_of_lock;
    struct plm_need need;   /**< says to others which blobs it counts on */
    bool has_store;         /**< holds the store's lock, while it publishes */
    size_t settled;         /**< blobs that were looked at since it holds it */
    bool must_wait;         /**< for somebody who is at one of them */
    struct plm_error error; /**< first error */
    bool wrote_manifest;
};

/** A pull from the registry of @p ref, with nothing to do yet. */
PLM_MUST bool plm_pull_new(struct plm_job *job, const struct plm_ref *ref, struct plm_pull **out,
                           struct plm_error *err);
void plm_pull_free(struct plm_pull *pull);
/** pull_manifest.c: asks for the manifest, by @p digest or, when that is NULL, by its tag; goes on
 * with plm_pull_begin(). */
PLM_MUST bool plm_pull_ask_for_manifest(struct plm_pull *pull, const struct plm_digest *digest,
                                        struct plm_error *err);
/** The manifest is here: looks at what it names, and starts or ends. */
PLM_MUST bool plm_pull_begin(struct plm_pull *pull, struct plm_error *err);
/** Starts what preflight found to fit. */
void plm_pull_transfer(struct plm_pull *pull);
/** pull_part.c: starts a part that fetches @p want, and replaces what stands in its place; the file
 * there with the inode @p damaged (0: none) is no good, whatever its note says. */
PLM_MUST bool plm_pull_start_part(struct plm_job *job, const struct plm_ref *ref,
                                  const struct plm_descriptor *want, uint64_t damaged,
                                  const struct plm_pull_part *part, struct plm_pull **out,
                                  struct plm_error *err);
/** pull_part.c: starts a pull of the model that @p manifest (taken over) is, from an archive. With
 * a dry run it is over at once. */
PLM_MUST bool plm_pull_start_fed(struct plm_job *job, struct plm_feed *feed,
                                 struct plm_manifest **manifest, const struct plm_pull_part *part,
                                 struct plm_pull **out, struct plm_error *err);
/** A pull with nothing to fetch from. */
PLM_MUST bool plm_pull_new_empty(struct plm_job *job, struct plm_pull **out, struct plm_error *err);
/** Remembers the first error and lets the pull end. */
void plm_pull_fail(struct plm_pull *pull, const struct plm_error *err);
/** Looks at everything soon, from the loop. */
void plm_pull_kick(struct plm_pull *pull);
/** Emits an event about one blob. */
void plm_pull_emit(struct plm_pull *pull, const struct plm_download *download,
                   struct plm_event *event);
void plm_pull_emit_kind(struct plm_pull *pull, const struct plm_download *download,
                        enum plm_event_kind kind);
/** Counts bytes of a blob; only those that were not here yet renew the retries. */
void plm_pull_received(struct plm_pull *pull, size_t length, bool is_new);
/** Bytes of the model that are here, never less than was shown before. */
void plm_pull_show_progress(struct plm_pull *pull, struct plm_download *download);
struct plm_loop *plm_pull_loop(const struct plm_pull *pull);

/** schedule.c: moves all on, and starts what may run. True when all blobs are staged or present. */
bool plm_pull_schedule(struct plm_pull *pull);
/** schedule.c: lets what came decide about the number of requests; ten times a second. */
void plm_pull_look_at_lanes(struct plm_pull *pull);
/** preflight.c: says what is here and what must come, and whether it fits. */
PLM_MUST bool plm_pull_preflight(struct plm_pull *pull, struct plm_event_plan *out,
                                 struct plm_error *err);
/** preflight.c: adds to an error about a disk that filled up how much room the rest needs. */
void plm_pull_say_needed(struct plm_pull *pull);
enum plm_commit_result {
    PLM_COMMIT_DONE,
    PLM_COMMIT_TURN, /**< there is more to do: call again soon; the store is locked */
    PLM_COMMIT_WAIT, /**< somebody else is at it, or blobs must be fetched: later */
};
/** commit.c: publishes for a turn of the loop; false on a real failure. */
PLM_MUST bool plm_pull_commit(struct plm_pull *pull, enum plm_commit_result *result,
                              struct plm_error *err);
/** commit.c: gives the store back when a commit ends before it is done. */
void plm_pull_leave_store(struct plm_pull *pull);
