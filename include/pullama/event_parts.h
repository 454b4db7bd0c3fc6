/**
 * Parts of events: what verify, outdated, adopt and doctor say of a blob, a model, a file or a server.
 * Plain data, borrowed as the event that holds it.
 */
#pragma once

#include "pullama/error.h"
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
    PLM_MODEL_TRUSTED,   /**< OK, but some blobs were trusted and not hashed */
    PLM_MODEL_REPAIRED,  /**< it was damaged, and is whole again */
    PLM_MODEL_CHANGED,   /**< removed or replaced while it was checked: nothing is known, nothing failed */
    PLM_MODEL_DAMAGED,   /**< this one and those that follow are failures */
    PLM_MODEL_UNREADABLE, /**< no blob is damaged, but some cannot be read */
    PLM_MODEL_BAD_MANIFEST,
    PLM_MODEL_NOT_FOUND,
    PLM_MODEL_VERDICTS
};

/** "ok", "damaged", …; never NULL. */
PLM_API const char *plm_model_verdict_name(enum plm_model_verdict verdict);

struct plm_event_blob_checked {
    enum plm_blob_verdict verdict;
    bool is_sized;                /**< found_size is known */
    uint64_t found_size;          /**< bytes of the file */
    const struct plm_digest *is;  /**< of its bytes, when that is the wrong one; else NULL */
    int64_t checked_s;            /**< TRUSTED: when it was hashed, Unix seconds; 0 unknown */
    const char *message;          /**< what the system said, or NULL */
};

/** Models that name the blob of an event. */
struct plm_event_models {
    const struct plm_ref *const *items;
    size_t count;
};

struct plm_event_model_checked {
    const struct plm_ref *ref;
    enum plm_model_verdict verdict;
    uint64_t size;        /**< bytes of its distinct blobs */
    uint32_t blobs, blobs_bad, blobs_trusted, blobs_repaired;
    int64_t checked_s;    /**< TRUSTED: the oldest of the checks that it rests on; 0 unknown */
    const char *message;  /**< BAD_MANIFEST, NOT_FOUND: why, with the path; else NULL */
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

/** How the bytes of an adopted file came into the store. */
enum plm_placement {
    PLM_PLACED_UNKNOWN,
    PLM_PLACED_REFLINK, /**< blocks are shared until somebody writes */
    PLM_PLACED_LINK,    /**< it is the same file, under two names */
    PLM_PLACED_COPY,
    PLM_PLACED_NOT, /**< the blob was here already */
    PLM_PLACEMENTS
};

/** "reflink", "hard_link", "copy", "present"; NULL for UNKNOWN. */
PLM_API const char *plm_placement_name(enum plm_placement placement);

/** How a model in the store compares with what its registry has. */
enum plm_upstream_verdict {
    PLM_UPSTREAM_CURRENT,
    PLM_UPSTREAM_OUTDATED,   /**< the registry has another version, or blobs of this one are missing here */
    PLM_UPSTREAM_NOT_SERVED, /**< the registry has no such model: it was made here, or taken away there */
    PLM_UPSTREAM_UNKNOWN,    /**< it could not be asked, or the manifest here cannot be read */
    PLM_UPSTREAM_NOT_HERE,   /**< the store has no such model */
    PLM_UPSTREAM_VERDICTS
};

/** "current", "outdated", …; never NULL. */
PLM_API const char *plm_upstream_verdict_name(enum plm_upstream_verdict verdict);

struct plm_event_upstream {
    const struct plm_ref *ref;
    enum plm_upstream_verdict verdict;
    const struct plm_digest *here, *there; /**< of the manifests; NULL: there is none, or it is unknown */
    uint64_t total, fetch;                 /**< bytes of the registry's version, and to be fetched */
    uint32_t blobs, lacking;               /**< likewise */
    const char *message;                   /**< why it is not known, or NULL */
};

struct plm_event_outdated {
    uint32_t models, current, outdated, unknown; /**< unknown: not served, too */
    uint64_t fetch;                              /**< bytes that an update would fetch */
};

/** What `doctor` looks at, in the order in which it does. */
enum plm_check_kind {
    PLM_CHECK_RESOLVER,    /**< which addresses the name has */
    PLM_CHECK_PROXY,       /**< what stands between */
    PLM_CHECK_ADDRESS,     /**< does one answer, and how soon */
    PLM_CHECK_CERTIFICATE, /**< who signed for the server */
    PLM_CHECK_AUTH,        /**< what it wants to be shown */
    PLM_CHECK_ACCESS,      /**< what it made of what was shown */
    PLM_CHECK_MANIFEST,
    PLM_CHECK_BLOB, /**< where bytes come from */
    PLM_CHECK_RANGES,
    PLM_CHECK_CHUNK_DIGESTS,
    PLM_CHECK_UPLOADS,
    PLM_CHECKS
};

enum plm_check_result {
    PLM_CHECK_OK,
    PLM_CHECK_NOTE,   /**< nothing is wrong: good to know */
    PLM_CHECK_WARN,   /**< a pull works, but not as well as it could */
    PLM_CHECK_FAILED, /**< a pull (uploads: a push) does not work */
    PLM_CHECK_RESULTS
};

/** "resolver", "address", …; never NULL. */
PLM_API const char *plm_check_name(enum plm_check_kind check);
/** "ok", "note", "warning", "failed"; never NULL. */
PLM_API const char *plm_check_result_name(enum plm_check_result result);

/** One thing that `doctor` looked at. */
struct plm_event_check {
    enum plm_check_kind check;
    enum plm_check_result result;
    const char *seen; /**< may quote what a server said */
    const char *means;
    const char *advice;  /**< what to do, or NULL */
    const char *address; /**< that it is about, or NULL */
    int64_t elapsed_ms;  /**< that it took; -1: not measured */
};
