/**
 * An adoption: a GGUF file of the user's becomes a model of the store. Shared by adoption.c,
 * adoption_model.c and adoption_commit.c. Loop thread only.
 *
 *     header is good → the file's bytes are placed under `.pullm/` (reflink, hard link or copy) →
 *     what was placed is hashed and synced → under the store lock: blobs, then the manifest
 */
#pragma once

#include "engine/engine_private.h"
#include "engine/frontier.h"
#include "engine/meter.h"
#include "engine/seed.h"
#include "oci/gguf.h"
#include "pullama/manifest.h"

#define PLM_ADOPTION_NAME 40

struct plm_adoption {
    struct plm_job *job;
    char *path; /**< owned; of the file, links resolved */
    int source; /**< -1: not open */
    struct plm_gguf gguf;
    bool has_gguf;
    enum plm_placement placement;
    struct plm_lock lock;
    char name[PLM_ADOPTION_NAME];  /**< in `.pullm`, of what is placed; "" when nothing is */
    int fd;                        /**< of that; -1 */
    struct plm_file_status status; /**< of that, when the hashing began */
    struct plm_seed *seed;         /**< owned; while it is copied */
    struct plm_frontier frontier;
    bool is_hashing, told_of_lock;
    struct plm_work sync;
    bool is_syncing, is_synced;
    struct plm_error sync_err;
    struct plm_descriptor weights;
    struct plm_meter meter;
    struct plm_timer kick, tick;
    struct plm_error error;
};

/* ---- adoption_model.c ---- */

/** Reads the header. PLM_E_CORRUPT says what is damaged or how much is missing; PLM_E_UNSUPPORTED
 * for files that are no model of their own. */
PLM_MUST bool plm_adoption_read(int fd, uint64_t size, struct plm_gguf *out, struct plm_error *err);
/** The small blobs and the manifest, as Ollama writes them for such a file. */
struct plm_adoption_texts {
    char *config, *params, *manifest; /**< owned; params NULL: none */
    struct plm_descriptor config_blob, params_blob;
};
PLM_MUST bool plm_adoption_write(const struct plm_gguf *gguf, const struct plm_descriptor *weights,
                                 struct plm_adoption_texts *out, struct plm_error *err);
void plm_adoption_texts_done(struct plm_adoption_texts *texts);

/* ---- adoption_place.c ---- */

/** Locks a place under `.pullm/` that nobody else has; removes what dead adoptions have left. */
PLM_MUST bool plm_adoption_reserve(struct plm_adoption *adoption, struct plm_error *err);
/** Gives the file itself a second name there. */
PLM_MUST bool plm_adoption_link(struct plm_adoption *adoption, struct plm_error *err);
/** Makes a file there: a clone when *is_whole, else an empty one to be copied into, for which there
 * is room. */
PLM_MUST bool plm_adoption_make(struct plm_adoption *adoption, bool *is_whole,
                                struct plm_error *err);
/** Closes what is placed, and removes it unless it was published. */
void plm_adoption_drop(struct plm_adoption *adoption);
/** True for the names of such files, with the name of the lock that guards them. */
bool plm_adoption_is_name(const char *name, bool *is_lock, char lock[PLM_ADOPTION_NAME]);

/* ---- adoption_commit.c ---- */

/** PLM_E_CORRUPT when the bytes have changed since the hashing began: those of a hard link are the
 * user's to change, at any time. */
PLM_MUST bool plm_adoption_is_unchanged(const struct plm_adoption *adoption, struct plm_error *err);
/** Publishes, under the store lock, what was hashed and synced. */
PLM_MUST bool plm_adoption_commit(struct plm_adoption *adoption, struct plm_error *err);
