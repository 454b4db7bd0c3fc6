/**
 * A verification: which blobs its models name, what is found of each, and what that means for the
 * models. Shared by verify.c, verify_list.c, verify_check.c and repair.c. Loop thread only.
 *
 *     plm_verify_list → VERIFY_START → a check for each blob, as many at a time as there are
 *     workers, the largest first → MODEL_CHECKED when its last blob is done → VERIFY_DONE
 *
 * A repair does the rest for blobs that are damaged, one after the other, before their models are
 * told of: each is a pull of its own, from the place of a model that names it.
 *
 * No lock is held: who removes or replaces something meanwhile is not kept from it, and a blob is
 * only called missing while its model still names it.
 */
#pragma once

#include "engine/engine_private.h"
#include "engine/frontier.h"
#include "engine/meter.h"

struct plm_verify_model {
    struct plm_ref ref;
    uint32_t number;      /**< how many were read before it */
    struct plm_digest id; /**< of the manifest that was read */
    uint64_t size;
    uint32_t blobs, bad, trusted, repaired;
    uint32_t pending;  /**< blobs whose verdict is not known */
    int64_t checked_s; /**< oldest check that is trusted, or 0 */
    bool changed;      /**< removed or replaced since its manifest was read */
    enum plm_model_verdict verdict;
    enum plm_code code; /**< OK, or its failure */
    char *message;      /**< owned; why the manifest cannot be used, or NULL */
};

/** A blob as manifests have it: one digest with two sizes is two of them. */
struct plm_verify_blob {
    struct plm_descriptor want;
    uint32_t first_user, user_count; /**< in plm_verify.users: models that name it */
};

struct plm_verify;
struct plm_pull;

struct plm_bad_blob {
    const struct plm_verify_blob *blob;
    uint64_t damaged; /**< inode of the file that was found; 0: none could be opened */
};

struct plm_repair {
    struct plm_bad_blob *blobs; /**< owned */
    size_t count;
    size_t at;             /**< the one that is repaired now */
    uint32_t user;         /**< of its users, those before this one were asked */
    struct plm_pull *pull; /**< owned; NULL between two */
    struct plm_error why;  /**< why the last one failed */
    uint64_t total, done;  /**< bytes of all; of those before `at` */
    uint64_t shown;        /**< bytes of this one that were shown */
    uint64_t fetched;      /**< payload bytes received for this one */
};

/** A blob under way. */
struct plm_check {
    struct plm_verify *verify;
    const struct plm_verify_blob *blob; /**< NULL: the place is free */
    int fd;                             /**< -1: not open */
    struct plm_file_status status;      /**< of the file when it was opened */
    struct plm_frontier frontier;
    bool is_hashing; /**< the frontier is made */
    uint64_t shown;  /**< bytes that were shown; never goes down */
    int tries;       /**< beginnings, after each of which another file stood there */
};

struct plm_verify {
    struct plm_job *job;
    struct plm_verify_model *models; /**< owned */
    size_t model_count;
    struct plm_verify_blob *blobs; /**< owned; the largest first */
    size_t blob_count;
    size_t next;              /**< first blob that is not begun */
    uint32_t *users;          /**< owned; indexes of models */
    struct plm_check *checks; /**< owned */
    size_t check_count, active;
    uint64_t total, finished, shown; /**< bytes */
    uint64_t hashed;                 /**< bytes of blobs that were hashed to their end */
    uint64_t fetched;                /**< payload bytes received for repairs */
    uint32_t bad, trusted, repaired; /**< blobs; what was repaired is not bad any more */
    struct plm_repair repair;
    struct plm_meter meter;
    struct plm_timer kick, tick;
    struct plm_error error; /**< why the job ends early */
};

/* ---- verify_list.c ---- */

/** Reads the manifests that are asked for, or all, and finds out which blobs there are to check.
 * What is wrong with a manifest is its model's verdict. A name that is none fails with
 * PLM_E_BAD_NAME. */
PLM_MUST bool plm_verify_list(struct plm_verify *verify, struct plm_error *err);
void plm_verify_list_done(struct plm_verify *verify);
/** Looks once more: false when the model was removed, or replaced by one that does not name the
 * blob. */
bool plm_verify_model_names(const struct plm_store *store, const struct plm_verify_model *model,
                            const struct plm_digest *digest);

/* ---- verify_check.c ---- */

/** What was found of a blob. */
struct plm_found {
    enum plm_blob_verdict verdict;
    int64_t checked_s;
    struct plm_digest is; /**< WRONG_DIGEST: of its bytes */
    struct plm_error why; /**< NO_FILE, UNREADABLE */
};

/** Begins with @p blob; plm_verify_found() is called now or later, unless the job is to end. */
void plm_check_begin(struct plm_check *check, const struct plm_verify_blob *blob);
/** Bytes of the blob that were hashed so far. */
uint64_t plm_check_hashed(const struct plm_check *check);
/** Makes its worker stop soon. */
void plm_check_cancel(struct plm_check *check);
/** Frees the place; not while a worker is at it. */
void plm_check_close(struct plm_check *check);

/* ---- repair.c ---- */

/** Looks for credentials of all the registries that may be asked: later, no helper program can be
 * started. */
PLM_MUST bool plm_repair_prepare(struct plm_job *job, struct plm_error *err);
/** Remembers a blob that failed, if it is to be repaired and can be. */
PLM_MUST bool plm_repair_plan(struct plm_verify *verify, const struct plm_check *check,
                              const struct plm_found *found, struct plm_error *err);
/** Goes on with repairing; false when there is nothing left to do. When something has come to its
 * end, plm_verify_kick() is called. */
bool plm_repair_step(struct plm_verify *verify);
void plm_repair_cancel(struct plm_verify *verify, const struct plm_error *err);
/** Nothing is under way. */
bool plm_repair_is_idle(const struct plm_verify *verify);
void plm_repair_done(struct plm_verify *verify);

/* ---- verify.c, for the others ---- */

/** Emits an event about a blob, with the models that name it where it has a place for them. */
void plm_verify_tell(struct plm_verify *verify, const struct plm_verify_blob *blob,
                     struct plm_event *event);

/** A check has come to its end. */
void plm_verify_found(struct plm_check *check, const struct plm_found *found);
/** Ends the whole job early. */
void plm_verify_fail(struct plm_verify *verify, const struct plm_error *err);
/** Looks at everything soon. */
void plm_verify_kick(struct plm_verify *verify);
