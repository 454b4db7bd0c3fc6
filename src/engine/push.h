/**
 * A push: LOCKING → LOOKING → TRANSFERRING → COMMITTING, then it ends. Shared by push.c,
 * push_mount.c, push_record.c, upload.c and upload_part.c.
 */
#pragma once

#include "engine/engine_private.h"
#include "engine/lanes.h"
#include "engine/meter.h"
#include "engine/push_pace.h"
#include "engine/upload.h"
#include "store/sessions.h"

enum plm_push_state {
    PLM_PUSH_LOCKING, /**< another process pushes to the same repository */
    PLM_PUSH_LOOKING, /**< which blobs has the registry? */
    PLM_PUSH_TRANSFERRING,
    PLM_PUSH_COMMITTING,
    PLM_PUSH_ENDING, /**< failed or stopped: waits until nothing is under way */
    PLM_PUSH_STATES
};

/** What is kept of sessions under way, for the next run. */
struct plm_push_record {
    struct plm_work work; /**< first */
    int state_fd;         /**< borrowed; -1: there is no place. A worker reads it while busy */
    bool disabled;        /**< nothing is to be written, or not any more */
    struct plm_lock lock;
    char name[PLM_PUSH_NAME], temp[PLM_PUSH_NAME];
    struct plm_sessions sessions;
    bool dirty, busy;
    bool stands; /**< the file is there */
    char *text;  /**< owned; being written */
    struct plm_error error;
    bool failed;
};

struct plm_push {
    struct plm_job *job;
    struct plm_ref target; /**< never pinned */
    struct plm_registry *registry;
    struct plm_manifest *manifest;
    char media[PLM_MEDIA_MAX];  /**< type of the manifest */
    struct plm_upload *uploads; /**< owned array */
    size_t count;
    size_t low;    /**< all before it are at the registry */
    size_t high;   /**< none from it on was begun */
    size_t looked; /**< none from it on was looked for */
    size_t looking;
    enum plm_push_state state;
    unsigned connections;
    struct plm_push_pace pace; /**< of requests with bytes of blobs */
    unsigned active;           /**< requests with bytes of blobs under way */
    unsigned running;          /**< uploads that were begun and are not at their end */
    bool direct;               /**< asks for Ollama's direct form first */
    bool plain;   /**< the registry takes bytes itself: small blobs may go in one request */
    bool changed; /**< something was sent or mounted */
    bool told_of_lock;
    bool asked_for_manifest;
    uint64_t
        length_max; /**< of a stretch, as far as the registry refused longer ones; 0: it did not */
    uint64_t total, sent, shown;
    int64_t last_byte_ms; /**< when the registry last had more of a blob than ever before */
    struct plm_meter meter;
    struct plm_timer kick, tick;
    struct plm_push_record record;
    struct plm_error error; /**< first error */
};

/** Remembers the first error and lets the push end. */
void plm_push_fail(struct plm_push *push, const struct plm_error *err);
/** Looks at everything soon, from the loop. */
void plm_push_kick(struct plm_push *push);
void plm_push_emit(struct plm_push *push, const struct plm_upload *upload, struct plm_event *event);
struct plm_loop *plm_push_loop(const struct plm_push *push);
/** Counts one more failure in a row; false when there were too many. A byte that anything brought
 * to the registry since @p since_ms makes it the first again. */
bool plm_push_may_retry(struct plm_push *push, int *attempts, int64_t *since_ms);
/** Emits the retry, and gives the delay before it. */
int64_t plm_push_tell_retry(struct plm_push *push, const struct plm_upload *upload,
                            const struct plm_upload_answer *answer, int attempt);

/* push_plan.c */

/** Reads what the model is to be called at the registry. */
PLM_MUST bool plm_push_find_target(struct plm_push *push, struct plm_error *err);
/** Reads the manifest in the store, and makes an upload for each blob. */
PLM_MUST bool plm_push_read_model(struct plm_push *push, struct plm_error *err);
/** Says what the registry has and what it lacks; fails when something of that is not here. */
PLM_MUST bool plm_push_make_plan(struct plm_push *push, struct plm_error *err);

/* push_mount.c */

/** Finds for each blob a repository of the same registry that may have it. */
PLM_MUST bool plm_push_find_mounts(struct plm_push *push, struct plm_error *err);

/* push_record.c */

/** Takes the lock and reads what the last run left. PLM_E_BUSY. Without a place to keep it:
 * nothing, but a warning. A dry run only reads. */
PLM_MUST bool plm_push_record_open(struct plm_push *push, struct plm_error *err);
/** Notes where a blob's session goes on now. */
void plm_push_record_put(struct plm_push *push, const struct plm_session *session);
void plm_push_record_drop(struct plm_push *push, const struct plm_digest *digest);
/** Writes what changed, on a worker; to be called again until it gives true. */
bool plm_push_record_settle(struct plm_push *push);
/** Not while it writes. */
void plm_push_record_close(struct plm_push *push);
