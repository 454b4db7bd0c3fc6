/**
 * What events tell of the store, of archives and registries as a whole: the payload of commands
 * other than a pull and a push. pullama/event.h includes it, and says how long they live.
 */
#pragma once

#include "pullama/manifest.h"
#include "pullama/ref.h"

/** What `list` knows of one model. */
struct plm_event_listed {
    const struct plm_ref *ref;
    const char *id_hex; /**< 64 hex digits: SHA-256 of the manifest file */
    uint64_t size;
    int64_t modified_s; /**< Unix seconds */
    const char *format, *family, *parameter_size, *quantization; /**< "" when unknown */
};

/** A text layer, as far as it is shown; at most 64 KiB are read. */
struct plm_show_text {
    const char *text; /**< NULL: no such layer */
    size_t length;
};

/** What `show` knows of one model. Strings "" and numbers 0 when unknown. */
struct plm_event_show {
    const struct plm_ref *ref;
    const struct plm_manifest *manifest;
    const char *id_hex;
    uint64_t size;
    int64_t modified_s;
    const char *architecture, *family, *format, *quantization, *parameter_size, *requires_version;
    uint64_t parameter_count, context_length, embedding_length;
    uint64_t block_count, tensor_count;
    const char *gguf_warning; /**< why the GGUF header could not be read, or NULL */
    const char *const *capabilities; /**< NULL-terminated */
    struct plm_show_text license, tmpl, system, parameters;
    const char *blob_path; /**< absolute path of the model layer's blob, "" when there is none */
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

/** An archive of models. Numbers are 0 where they are not known: of a stream that is read. */
struct plm_event_archive {
    const char *path; /**< as the user gave it; "-": standard input or output */
    uint32_t models, blobs, parts;
    uint64_t total_size;   /**< bytes of its models' blobs */
    uint64_t archive_size; /**< bytes of the archive, all parts together */
    bool dry_run;
};
