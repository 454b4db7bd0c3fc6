/** What the events of `verify` tell. See event.h. */
#pragma once

#include "pullama/digest.h"
#include "pullama/ref.h"

/** What `verify` found of a blob. */
enum plm_blob_verdict {
    PLM_BLOB_OK,           /**< its bytes were hashed and have the digest */
    PLM_BLOB_TRUSTED,      /**< hashed before, and unchanged since by size, time and inode */
    PLM_BLOB_GONE,         /**< removed in the meantime, and no model names it any more */
    PLM_BLOB_WRONG_DIGEST, /**< this one and those that follow are failures */
    PLM_BLOB_TRUNCATED,
    PLM_BLOB_GROWN,
    PLM_BLOB_MISSING,
    PLM_BLOB_NO_FILE,    /**< a directory, a link or such stands in its place */
    PLM_BLOB_UNREADABLE, /**< the system refuses to open or read it: it may be whole */
    PLM_BLOB_VERDICTS
};

/** "ok", "wrong_digest", …; never NULL. */
PLM_API const char *plm_blob_verdict_name(enum plm_blob_verdict verdict);

/** What `verify` found of a model. */
enum plm_model_verdict {
    PLM_MODEL_OK,
    PLM_MODEL_TRUSTED,    /**< OK, but some blobs were trusted and not hashed */
    PLM_MODEL_REPAIRED,   /**< it was damaged, and is whole again */
    PLM_MODEL_CHANGED,    /**< removed or replaced while it was checked: nothing is known, nothing
                             failed */
    PLM_MODEL_DAMAGED,    /**< this one and those that follow are failures */
    PLM_MODEL_UNREADABLE, /**< no blob is damaged, but some cannot be read */
    PLM_MODEL_BAD_MANIFEST,
    PLM_MODEL_NOT_FOUND,
    PLM_MODEL_VERDICTS
};

/** "ok", "damaged", …; never NULL. */
PLM_API const char *plm_model_verdict_name(enum plm_model_verdict verdict);

struct plm_event_blob_checked {
    enum plm_blob_verdict verdict;
    bool is_sized;               /**< found_size is known */
    uint64_t found_size;         /**< bytes of the file */
    const struct plm_digest *is; /**< of its bytes, when that is the wrong one; else NULL */
    int64_t checked_s;           /**< TRUSTED: when it was hashed, Unix seconds; 0 unknown */
    const char *message;         /**< what the system said, or NULL */
};

/** Models that name the blob of an event. */
struct plm_event_models {
    const struct plm_ref *const *items;
    size_t count;
};

struct plm_event_model_checked {
    const struct plm_ref *ref;
    enum plm_model_verdict verdict;
    uint64_t size; /**< bytes of its distinct blobs */
    uint32_t blobs, blobs_bad, blobs_trusted, blobs_repaired;
    int64_t checked_s;   /**< TRUSTED: the oldest of the checks that it rests on; 0 unknown */
    const char *message; /**< BAD_MANIFEST, NOT_FOUND: why, with the path; else NULL */
};

/** The numbers of a `verify`; at its start those that are not known yet are 0. */
struct plm_event_verify {
    const struct plm_ref *only; /**< the model, when it is about one alone; else NULL */
    bool fast, repair;
    uint32_t models, models_bad;
    uint32_t blobs, blobs_bad, blobs_trusted, blobs_repaired;
    uint64_t total_size; /**< bytes of all blobs */
    uint64_t hashed;     /**< bytes that were read and hashed */
    uint64_t fetched;    /**< payload bytes received for repairs */
    int64_t elapsed_ms;
    uint64_t bytes_per_second; /**< hashed ÷ elapsed */
};
