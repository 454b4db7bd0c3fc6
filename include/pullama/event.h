/**
 * Events: everything that a job says, as plain data.
 *
 * Every face of the program (terminal, plain lines, JSON lines, debug, later SSE and history) is a
 * sink of this one stream. An event and all that it points to is borrowed: it is valid only during
 * emit(), and a sink copies what it keeps. Sinks are called on the thread that steps the engine.
 *
 * Promises: `overall_done` of a job never goes down; the last event of a job is COMPLETED or
 * FAILED, exactly once.
 */
#pragma once

#include "pullama/event_store.h"
#include "pullama/event_verify.h"
#include "pullama/manifest.h"
#include "pullama/queue.h"
#include "pullama/ref.h"

enum plm_event_kind {
    /* a pull, in the order in which they normally come */
    PLM_EV_PULL_START,           /**< model */
    PLM_EV_MANIFEST_FETCH_START, /**< model */
    PLM_EV_MANIFEST_FETCHED,     /**< manifest */
    PLM_EV_PLAN,                 /**< plan: what would be or will be fetched */
    PLM_EV_BLOB_CACHED,          /**< blob: present and trusted, nothing to do */
    PLM_EV_BLOB_WAITING,         /**< blob, waiting: another process is at this blob */
    PLM_EV_BLOB_ADOPTED,         /**< blob, adopted: another program's partial is taken over */
    PLM_EV_BLOB_RESUMED,         /**< blob, resumed */
    PLM_EV_BLOB_START,           /**< blob: first request goes out */
    PLM_EV_CHUNKSUMS_FETCHED,    /**< blob, chunksums */
    PLM_EV_PROGRESS,             /**< blob, progress; at most 10 a second for a blob; also of `verify` */
    PLM_EV_CHUNK_MISMATCH,       /**< blob, chunk: bytes of this range are dropped, to be fetched again */
    PLM_EV_CHECKPOINT_CORRUPT,   /**< blob, text */
    PLM_EV_CHECKPOINT_SAVED,     /**< blob, checkpoint */
    PLM_EV_RETRY,                /**< retry (blob when the request was for one) */
    PLM_EV_REFRESH,              /**< retry: a token or a redirect target is renewed */
    PLM_EV_BLOB_VERIFY_START,    /**< blob: all bytes are here, the hash is being finished */
    PLM_EV_BLOB_VERIFIED,        /**< blob, verified */
    PLM_EV_BLOB_VERIFY_FAILED,   /**< blob, verified (with attempt) */
    PLM_EV_BLOB_FINALIZED,       /**< blob: has its name in blobs/ */
    PLM_EV_MANIFEST_WRITE_START, /**< model */
    PLM_EV_MANIFEST_WRITTEN,     /**< manifest */
    PLM_EV_LAYERS_REMOVED,       /**< removed: blobs that only the tag's old manifest named */
    /* a push; BLOB_START, BLOB_RESUMED, PROGRESS, RETRY and REFRESH are those of a pull, the other way */
    PLM_EV_PUSH_START,          /**< pushed */
    PLM_EV_MANIFEST_READ,       /**< manifest: of the model in the store */
    PLM_EV_PUSH_PLAN,           /**< push_plan: what would be or will be sent */
    PLM_EV_BLOB_EXISTS,         /**< blob: the registry has it */
    PLM_EV_BLOB_MOUNTED,        /**< blob, mounted: the registry took it over from another repository */
    PLM_EV_UPLOAD_LOST,         /**< blob, text: what was sent of it is gone; it is sent again */
    PLM_EV_BLOB_SENT,           /**< blob, sent: the registry has it now */
    PLM_EV_MANIFEST_PUSH_START, /**< pushed */
    PLM_EV_MANIFEST_PUSHED,     /**< manifest */
    /* the store's commands */
    PLM_EV_LIST_MODEL,    /**< listed: one model */
    PLM_EV_SHOW,          /**< show */
    PLM_EV_RM_START,      /**< model */
    PLM_EV_RM_MANIFEST,   /**< file: path of the manifest */
    PLM_EV_RM_BLOB,       /**< blob; file.bytes and file.dry_run alone */
    PLM_EV_RM_DONE,       /**< removed */
    PLM_EV_COPIED,        /**< copied */
    PLM_EV_CLEAN_START,   /**< nothing */
    PLM_EV_CLEAN_FILE,    /**< file */
    PLM_EV_CLEAN_DONE,    /**< removed */
    PLM_EV_PRUNE_START,   /**< nothing */
    PLM_EV_PRUNE_BLOB,    /**< pruned: a blob that no manifest names */
    PLM_EV_PRUNE_DONE,    /**< prune_done */
    PLM_EV_VERIFY_START,  /**< verify */
    PLM_EV_BLOB_CHECKED,  /**< blob, users, blob_checked */
    PLM_EV_MODEL_CHECKED, /**< model_checked: once for each model */
    PLM_EV_REPAIR_START,  /**< repair: all was looked at, and some of it is fetched again */
    PLM_EV_BLOB_REPAIRED, /**< blob, users, blob_repaired: or it could not be */
    PLM_EV_VERIFY_DONE,   /**< verify; not when it was interrupted */
    PLM_EV_OUTDATED_START, /**< outdated: models alone */
    PLM_EV_UPSTREAM,       /**< upstream: what a model's registry has */
    PLM_EV_OUTDATED_DONE,  /**< outdated */
    PLM_EV_UPDATE_DONE,    /**< updated: all that had to be pulled was */
    PLM_EV_ADOPT_START,   /**< placed: a file is to become a model; how is known for LINK alone */
    PLM_EV_ADOPTED,       /**< placed: it is one */
    PLM_EV_EXPORT_START,  /**< archive: what will be, or would be, in it */
    PLM_EV_EXPORTED,      /**< archive: it is whole, and has its name */
    PLM_EV_IMPORT_START,  /**< archive: what is in it; then each of its models as in a pull */
    PLM_EV_IMPORTED,      /**< model, imported: it is in the store */
    PLM_EV_KEY,           /**< key */
    PLM_EV_LOGIN,         /**< login: credentials are kept */
    PLM_EV_LOGOUT,        /**< login: they are forgotten */
    PLM_EV_DOCTOR_START,  /**< doctor: its address alone */
    PLM_EV_DOCTOR_CHECK,  /**< check */
    PLM_EV_DOCTOR_DONE,   /**< doctor; not when it was interrupted */
    PLM_EV_VERSION,       /**< version */
    /* the queue and the history */
    PLM_EV_QUEUE_ADDED,   /**< queued: at the end, or it was there */
    PLM_EV_QUEUE_ENTRY,   /**< queued: one entry of `queue list` */
    PLM_EV_QUEUE_REMOVED, /**< queued */
    PLM_EV_QUEUE_RETRIED, /**< queued: it is to be pulled again */
    PLM_EV_QUEUE_CHANGED, /**< queue: what came of a command that changes it, or of `queue list` */
    PLM_EV_QUEUE_START,   /**< queue: a run begins */
    PLM_EV_QUEUE_NEXT,    /**< queued: its pull begins, as another job */
    PLM_EV_QUEUE_SETTLED, /**< queued: that has ended, and how */
    PLM_EV_QUEUE_PAUSING, /**< queue: what is under way is finished, and nothing more is begun */
    PLM_EV_QUEUE_DONE,    /**< queue: the run is over */
    PLM_EV_HISTORY,       /**< record: one job */
    PLM_EV_HISTORY_KEPT,  /**< kept: how much is kept from now on */
    PLM_EV_STATS,         /**< sum */
    /* any job */
    PLM_EV_LOCK_WAITING, /**< waiting: the store lock is held by another process */
    PLM_EV_WARNING,      /**< text */
    PLM_EV_INTERRUPTED,  /**< model: stopped on request; FAILED with code "interrupted" follows */
    PLM_EV_COMPLETED,    /**< completed */
    PLM_EV_FAILED,       /**< failed */
    PLM_EVENT_KINDS
};

/** Which verb a job, and so an event, belongs to. */
enum plm_verb {
    PLM_VERB_NONE,
    PLM_VERB_PULL,
    PLM_VERB_PUSH,
    PLM_VERB_LIST,
    PLM_VERB_SHOW,
    PLM_VERB_RM,
    PLM_VERB_CP,
    PLM_VERB_CLEAN,
    PLM_VERB_VERIFY,
    PLM_VERB_PRUNE,
    PLM_VERB_OUTDATED,
    PLM_VERB_UPDATE,
    PLM_VERB_ADOPT,
    PLM_VERB_EXPORT,
    PLM_VERB_IMPORT,
    PLM_VERB_KEYGEN,
    PLM_VERB_LOGIN,
    PLM_VERB_LOGOUT,
    PLM_VERB_DOCTOR,
    PLM_VERB_QUEUE_ADD,
    PLM_VERB_QUEUE_LIST,
    PLM_VERB_QUEUE_RM,
    PLM_VERB_QUEUE_START,
    PLM_VERB_QUEUE_RETRY,
    PLM_VERB_QUEUE_CLEAR,
    PLM_VERB_HISTORY,
    PLM_VERB_STATS,
    PLM_VERB_VERSION,
    PLM_VERBS
};

struct plm_event_blob {
    const struct plm_descriptor *want; /**< NULL: the event concerns no blob */
    uint32_t index;                    /**< 1-based */
    uint32_t total;                    /**< blobs of the job */
};

/** Of a pull or an import, bytes are done when they are here; of `verify` and `export`, when they
 * were read. */
struct plm_event_progress {
    uint64_t blob_done;
    uint64_t blob_total;
    uint64_t overall_done; /**< of all blobs of the job; never goes down */
    uint64_t overall_total;
    uint64_t bytes_per_second; /**< of the whole job, smoothed; 0 while unknown */
    int64_t eta_ms;            /**< -1 while unknown */
    uint32_t connections;      /**< transfers under way for this job */
};

struct plm_event_plan {
    uint64_t total;      /**< bytes of the model */
    uint64_t present;    /**< bytes that are here already, finished or partial */
    uint64_t fetch;      /**< bytes to fetch */
    uint64_t free_bytes; /**< free on the store's file system */
    uint64_t needed;     /**< free bytes needed, reserve included */
    bool fits;
    bool dry_run;
    uint32_t blobs_present; /**< finished blobs that are here */
    uint32_t blobs_total;
};

struct plm_event_push_plan {
    uint64_t total;   /**< bytes of the model */
    uint64_t present; /**< bytes that the registry has, of finished blobs and by what we know of others */
    uint64_t send;    /**< bytes to send, unless some can be mounted */
    bool dry_run;
    uint32_t blobs_present; /**< finished blobs that the registry has */
    uint32_t blobs_total;
};

enum plm_retry_reason {
    PLM_RETRY_CONNECTION, /**< connect failed, reset, closed early without a byte */
    PLM_RETRY_TIMEOUT,
    PLM_RETRY_STALL, /**< no byte for the stall time */
    PLM_RETRY_SHORT_BODY,
    PLM_RETRY_SERVER_ERROR,
    PLM_RETRY_RATE_LIMITED,
    PLM_RETRY_DNS,
    PLM_RETRY_TLS,
    PLM_RETRY_TOKEN,    /**< 401: token renewed */
    PLM_RETRY_REDIRECT, /**< the redirect target failed or is due: resolved again */
    PLM_RETRY_REASONS
};

/** "connection reset", "stalled", …; never NULL. */
PLM_API const char *plm_retry_reason_text(enum plm_retry_reason reason);

struct plm_event_retry {
    enum plm_retry_reason reason;
    const char *what; /**< "manifest", "blob", "token", "chunk digests", "upload" */
    const char *host; /**< host[:port] that failed */
    const char *detail;
    int attempt; /**< 1-based, since the last new byte */
    int max_attempts;
    int64_t delay_ms;
    int http_status; /**< or 0 */
    bool retry_after;
};

struct plm_event {
    uint64_t seq;    /**< 1, 2, 3 … over all jobs of an engine */
    int64_t time_ms; /**< Unix time in milliseconds */
    uint32_t job;
    enum plm_verb verb;
    enum plm_event_kind kind;
    const struct plm_ref *ref; /**< the job's model; NULL for verbs without one */
    struct plm_event_blob blob;
    struct plm_event_models users; /**< of blob, for the kinds that say so */
    union {
        struct {
            uint32_t blob_count;
            uint64_t total_size;
            const struct plm_digest *digest;
        } manifest;
        struct plm_event_plan plan;
        struct plm_event_push_plan push_plan;
        struct {
            const struct plm_ref *to; /**< what it is called at the registry */
        } pushed;
        struct {
            const char *from; /**< repository, "namespace/model" */
        } mounted;
        struct {
            uint64_t bytes;     /**< payload that was sent for it */
            int64_t elapsed_ms; /**< since the first request for it */
        } sent;
        struct {
            uint64_t done; /**< bytes that the other process has, of blob.want->size */
            long pid;      /**< of the holder, or 0 when unknown */
        } waiting;
        struct {
            const char *program; /**< "Pullama" or "Ollama" */
            uint64_t bytes;
        } adopted;
        struct {
            uint64_t done;      /**< bytes kept */
            uint64_t contiguous; /**< of these, from byte 0 without a gap */
        } resumed;
        struct {
            uint32_t chunk_count;
            bool available;
        } chunksums;
        struct plm_event_progress progress;
        struct {
            uint64_t start, end; /**< half-open */
        } chunk;
        struct {
            uint64_t durable; /**< bytes */
        } checkpoint;
        struct plm_event_retry retry;
        struct {
            int64_t elapsed_ms; /**< from the last byte to the digest */
            int attempt, max_attempts;
            uint64_t dropped; /**< bytes to be fetched again, when it failed */
        } verified;
        struct {
            uint32_t files;
            uint64_t bytes; /**< really freed on the disk */
            bool dry_run;
        } removed;
        struct plm_event_listed listed;
        struct plm_event_show show;
        struct {
            const char *path;
            const char *type; /**< "manifest", "partial", "checkpoint", "live", "lock", "temporary" */
            uint64_t bytes;   /**< on the disk */
            bool dry_run;
        } file;
        struct {
            const char *path;
            const char *why; /**< it goes, or stays */
            uint64_t size;
            uint64_t freed; /**< bytes that the disk gets back */
            bool kept, dry_run;
        } pruned;
        struct {
            uint32_t files, kept;
            uint64_t bytes;      /**< really freed on the disk */
            uint64_t kept_bytes; /**< on the disk */
            bool dry_run;
        } prune_done;
        struct {
            const char *path; /**< of the file, from the root */
            enum plm_placement how;
            uint64_t size;
            const struct plm_digest *weights, *id; /**< of the blob and of the manifest, or NULL */
            bool dry_run;
        } placed;
        struct plm_event_upstream upstream;
        struct plm_event_outdated outdated;
        struct {
            uint32_t updated, failed; /**< models */
        } updated;
        struct plm_event_blob_checked blob_checked;
        struct plm_event_model_checked model_checked;
        struct plm_event_verify verify;
        struct plm_event_archive archive;
        struct {
            uint32_t blobs;
            uint64_t total_size;
            uint64_t read;   /**< bytes that were taken from the archive */
            bool up_to_date; /**< nothing had to be */
        } imported;
        struct {
            uint32_t blobs;
            uint64_t total_size;
        } repair;
        struct {
            uint64_t fetched;              /**< payload bytes received for it */
            const struct plm_error *error; /**< why it is damaged still; NULL: it is whole */
        } blob_repaired;
        struct {
            const struct plm_ref *from, *to;
        } copied;
        struct {
            const char *path, *public_line;
            bool created;
        } key;
        struct {
            const char *host;
            const char *user;  /**< login alone */
            const char *place; /**< path of the file, or name of the program that keeps them */
            bool checked;      /**< login: the registry was asked, and took them */
            bool removed;      /**< logout: there were some */
        } login;
        struct plm_event_queued queued;
        struct plm_event_queue queue;
        const struct plm_history_record *record;
        const struct plm_history_sum *sum;
        struct {
            struct plm_history_keep keep;
            uint64_t dropped; /**< jobs, just now */
        } kept;
        struct plm_event_check check;
        struct {
            const char *address; /**< `https://host[:port]` that is looked at */
            uint32_t checks, warnings, failures;
        } doctor;
        struct {
            const char *version, *libraries;
        } version;
        struct {
            const char *message;
        } text;
        struct {
            uint64_t total_size; /**< bytes of the model */
            uint64_t fetched;    /**< payload bytes received by this job */
            uint64_t sent;       /**< payload bytes sent by this job */
            uint32_t blob_count;
            int64_t elapsed_ms;
            uint64_t bytes_per_second; /**< fetched, or sent, ÷ elapsed */
            bool up_to_date; /**< nothing had to be fetched, or sent, and the manifest was there */
            bool dry_run;
        } completed;
        struct {
            const struct plm_error *error;
            const char *hint; /**< or NULL */
        } failed;
    };
};

/** A listener. emit() must not call back into the engine except plm_engine_stop(). */
struct plm_sink {
    void (*emit)(void *ctx, const struct plm_event *event);
    void *ctx;
};

/** "pull_start", "progress", …: the `event` member of the JSON form. Never NULL. */
PLM_API const char *plm_event_name(enum plm_event_kind kind);

/** "pull", "list", …: never NULL. */
PLM_API const char *plm_verb_name(enum plm_verb verb);

/**
 * The one JSON encoding: one object, no newline, all strings valid UTF-8. The text is owned by the caller (free()).
 * docs/formats/events.md specifies it.
 */
PLM_API PLM_MUST bool plm_event_to_json(const struct plm_event *event, char **out,
                                        struct plm_error *err);
