/**
 * The engine: takes job specifications, is stepped, and emits events. That is all there is.
 *
 *     plm_engine_new → plm_engine_submit … → while (plm_engine_step(…)) → plm_engine_free
 *
 * One thread makes all these calls (the loop thread); plm_engine_wake() and
 * plm_engine_limit_rate() alone may be called from any thread. Jobs run in the order of submission, one after the
 * other; those that a run of the queue starts run beside it.
 */
#pragma once

#include "pullama/event.h"
#include "pullama/version.h"

#define PLM_CONNECTIONS_MAX 32
#define PLM_MIRRORS_MAX 8
#define PLM_QUEUE_JOBS_MAX 16

/** Strings are borrowed for the life of the engine; NULL or 0 mean the default that is named. */
struct plm_engine_options {
    const char *models_dir; /**< must be given; see plm_models_dir_default() */
    const char *key_path;   /**< Ed25519 key; default `$HOME/.ollama/id_ed25519` */
    bool insecure;          /**< plain http to registries */
    bool no_prune;          /**< keep layers that an old manifest alone named */
    unsigned connections; /**< for each host, 1–32; default: 4, and up to 32 while that is faster */
    int max_retries;      /**< in a row without a new byte; -1: default 6 */
    uint64_t chunk_size;         /**< bytes; default 64 MiB, at least 64 KiB */
    int64_t timeout_ms;          /**< one chunk or small request; default 30 min */
    int64_t stall_ms;            /**< no byte for so long drops a connection; default 30 s */
    uint64_t limit_rate;         /**< bytes per second over all connections; 0: no limit */
    uint64_t min_free;           /**< bytes to leave free on the disk, on top of 64 MiB */
    const char *ca_file;         /**< PEM bundle; default $SSL_CERT_FILE, then the system's */
    const char *proxy;           /**< for every request; default: from the environment */
    unsigned ip_version;         /**< 4 or 6: addresses of that kind alone; 0: any */
    const char *const *resolves; /**< `HOST:PORT:ADDRESS[,ADDRESS]…`: addresses of names */
    size_t resolve_count;
    const char *const
        *mirrors;           /**< `[https://]HOST[:PORT]`: asked for blobs first, in this order */
    size_t mirror_count;    /**< at most PLM_MIRRORS_MAX */
    const char *platform;   /**< os/arch for multi-platform indexes */
    bool history;           /**< jobs are recorded in the store, as far as that is possible */
    const char *user_agent; /**< default "ollama/0.32.15 (arch os) pullama/VERSION" */
};

struct plm_job_spec {
    enum plm_verb verb;
    const char *model;  /**< reference, as typed; list: a name prefix or NULL; login, logout: a
                           registry; adopt: path of a GGUF file */
    const char *target; /**< cp: destination; push: reference to push to, NULL: model itself; adopt:
                           reference of the new model; export, import: path of the archive, "-":
                           stream_fd */
    bool link;          /**< adopt: by a hard link; else by a reflink or a copy */
    /** References, as typed. verify, outdated, update: none means all in the store; export: at
     * least one; queue_add; queue_rm and queue_retry: positions too, and none means, for
     * queue_retry, all that failed. */
    const char *const *models;
    size_t model_count;
    bool
        fast; /**< verify: trust blobs that were hashed before and are unchanged by size and time */
    bool repair;        /**< verify: fetch again what is damaged, from where the models are from */
    const char *user;   /**< login: user name */
    const char *secret; /**< login: password; the copy is overwritten when the job is freed */
    bool finished;     /**< queue_clear: only what completed or failed */
    unsigned jobs;     /**< queue_start: models at a time, 1 to PLM_QUEUE_JOBS_MAX; 0: one */
    const char *since; /**< history, stats: `2026-11-21`, a time as RFC 3339, or how long ago, `7d` */
    const char *keep;  /**< history: how much is kept from now on: a count, an age, or `all` */
    bool with_push; /**< doctor: also opens an upload session, and deletes it again */
    bool dry_run;
    bool has_age; /**< prune: older_than_ms counts; else an hour, and while Ollama pulls, nothing goes */
    int64_t older_than_ms; /**< prune: spare what was written since */
    uint64_t split;     /**< export: most bytes of a part; 0: one file */
    bool force;         /**< export: replace what has the target's name */
    bool after_success; /**< the job fails, and does nothing, when one before it has failed */
    int stream_fd;      /**< export to, import from "-": an open descriptor; borrowed */
};

struct plm_engine;

/** Opens the store (making it for a verb that writes) and the network. PLM_E_* on failure. */
PLM_API PLM_MUST bool plm_engine_new(const struct plm_engine_options *options, struct plm_sink sink,
                                     struct plm_engine **out, struct plm_error *err);
PLM_API void plm_engine_free(struct plm_engine *engine);
PLM_DEFINE_FREEP(struct plm_engine, plm_engine)

/** Copies @p spec and puts the job at the end of the queue. A bad reference fails the job, by
 * event. */
PLM_API PLM_MUST bool plm_engine_submit(struct plm_engine *engine, const struct plm_job_spec *spec,
                                        uint32_t *job_id, struct plm_error *err);

/**
 * Confines the whole process, for good, to what the submitted jobs need: afterwards it can change
 * files in the models directory alone (for a job that makes a key or keeps a password: beside
 * that), and read these, certificates, and the files of the system's libraries. Makes the store if
 * a job will, and looks for credentials, which may run a helper program of the user's.
 *
 * For a program that does nothing else. Call it before the first step and before there are other
 * threads; jobs submitted later are confined to what the earlier ones needed. False where the
 * system cannot (it takes Linux 5.19 with Landlock), when a job will fail anyway, when one has to
 * start such a program later (login, logout), or when an end is asked for: then nothing is given up.
 */
PLM_API bool plm_engine_confine(struct plm_engine *engine);

/** Waits at most @p timeout_ms for something to do, and does it. False when no job is left. */
PLM_API bool plm_engine_step(struct plm_engine *engine, int timeout_ms);

/** The code of the job that failed first; PLM_OK when none did. PLM_E_OUTDATED when nothing failed,
 * but an `outdated` found models that are. */
PLM_API enum plm_code plm_engine_result(const struct plm_engine *engine);

/**
 * Asks for a graceful end: no new requests, what was received is synced and recorded, every job
 * ends with INTERRUPTED and FAILED. Keep stepping until false comes back.
 */
PLM_API void plm_engine_stop(struct plm_engine *engine);

/**
 * Asks a run of the queue to end once what it has begun is finished; the rest stays queued. No other
 * job minds it.
 */
PLM_API void plm_engine_pause(struct plm_engine *engine);

/**
 * Changes the rate that all connections share, from now on; 0: no limit. Any thread; it takes
 * effect in the next step, which is made to come soon.
 */
PLM_API void plm_engine_limit_rate(struct plm_engine *engine, uint64_t bytes_per_second);

/** Makes a waiting plm_engine_step() return soon. Any thread. */
PLM_API void plm_engine_wake(struct plm_engine *engine);

/** Calls @p ready(ctx) on the loop thread whenever @p fd is readable (for a signal pipe), also while
 * a helper program is waited for. It may call plm_engine_stop() and plm_engine_pause(), and no other function of the
 * engine.
 * One at most. */
PLM_API PLM_MUST bool plm_engine_watch(struct plm_engine *engine, int fd, void (*ready)(void *ctx),
                                       void *ctx, struct plm_error *err);

/**
 * `$OLLAMA_MODELS` with surrounding spaces and quotes removed, else `$HOME/.ollama/models`.
 * The text is owned by the caller. PLM_E_USAGE when there is neither.
 */
PLM_API PLM_MUST bool plm_models_dir_default(char **out, struct plm_error *err);
