/** The engine's inside, shared by the job kinds. Loop thread only. */
#pragma once

#include <stdatomic.h>

#include "engine/job_credential.h"
#include "engine/job_record.h"
#include "engine/workers.h"
#include "event/hub.h"
#include "net/registry.h"
#include "pullama/engine.h"
#include "store/layout.h"
#include "store/lock.h"

struct plm_job;

/** What a kind of job can do: either run() at once, or start() and go on by callbacks. */
struct plm_job_kind {
    enum plm_verb verb;
    bool makes_store;   /**< the models directory is made when it is missing */
    bool needs_ref;     /**< spec.model must be a reference */
    bool needs_lock;    /**< runs under the store lock, and waits for it; a dry run goes without */
    bool changes_store; /**< changes files in a store that is there, and needs all its folders */
    bool no_store;      /**< the models directory is not looked at */
    bool needs_network;
    /** What can be done about a failure, as a text that lives on; NULL, or it gives NULL: what
     * helps with its code in general. */
    const char *(*hint)(const struct plm_error *err);
    bool keeps_state; /**< `.pullm` is made in a store that is there, if it can be */
    /** The folder beside the store in which it changes files. NULL, or it gives NULL: none. */
    const char *(*changes)(const struct plm_job *job);
    /** Likewise, in which it reads files. */
    const char *(*reads)(const struct plm_job *job);
    /** Whether it starts other programs once it runs: then nothing is given up. NULL: it does not.
     */
    bool (*starts_programs)(const struct plm_job *job);
    /** Makes what lies outside of what the kind may change once the process is confined. May be
     * called more than once. NULL: nothing. */
    bool (*prepare)(struct plm_job *job, struct plm_error *err);
    bool is_recorded;   /**< its end goes into the history; a dry run's does not */
    bool uses_database; /**< works with the database of queue and history */
    /** No more is to be begun. NULL: it does not matter to the kind. */
    void (*pause)(struct plm_job *job);
    /** A job that runs beside it (plm_job_spawn()) has ended: well when @p err is NULL. The child
     * is freed later. */
    void (*child_over)(struct plm_job *job, struct plm_job *child, const struct plm_error *err);
    /** Does the whole job, or fails. NULL for kinds that take time. */
    bool (*run)(struct plm_job *job, struct plm_error *err);
    /** Starts it; the job ends by plm_job_end(). */
    bool (*start)(struct plm_job *job, struct plm_error *err);
    /** A job that was submitted for this one (plm_job_submit_child()) has come to its end. */
    void (*child_ended)(struct plm_job *job, const struct plm_job *child);
    /** Asked to end early; it answers with plm_job_end() as soon as it can. */
    void (*stop)(struct plm_job *job);
    void (*free)(struct plm_job *job);
};
extern const struct plm_job_kind plm_pull_kind, plm_push_kind, plm_list_kind, plm_show_kind,
    plm_remove_kind, plm_copy_kind, plm_clean_kind, plm_keygen_kind, plm_verify_kind,
    plm_repair_kind, plm_prune_kind, plm_outdated_kind, plm_update_kind, plm_adoption_kind,
    plm_login_kind, plm_logout_kind, plm_doctor_kind, plm_export_kind, plm_import_kind,
    plm_queue_add_kind, plm_queue_list_kind, plm_queue_remove_kind, plm_queue_start_kind,
    plm_queue_retry_kind, plm_queue_clear_kind, plm_history_kind, plm_stats_kind, plm_freeze_kind,
    plm_sync_kind;

struct plm_job {
    struct plm_engine *engine;
    const struct plm_job_kind *kind;
    struct plm_job *next;
    uint32_t id;
    char *model, *target; /**< owned; as given, or NULL */
    char **models;        /**< owned, likewise each of them */
    size_t model_count;
    char *user, *secret; /**< owned; the secret is wiped */
    struct plm_held_credential *credential;
    char *folder; /**< owned; outside of the store, that it reads or writes; or NULL */
    uint64_t split;
    int stream_fd;
    char *since, *keep; /**< owned, or NULL */
    unsigned jobs;
    bool dry_run, fast, repair, finished, with_push, has_age, link, prune, force, after_success;
    int64_t older_than_ms;
    struct plm_job *parent; /**< that started it; NULL: submitted by the user of the library */
    bool is_beside;         /**< it runs beside the parent; else the parent waits for it */
    int64_t entry;          /**< of the queue, when it runs beside a parent */
    struct plm_record record;
    struct plm_ref ref;
    bool has_ref;
    bool started, ended, stopping;
    enum plm_code code; /**< how it ended */
    char *manifest;     /**< owned; pull: what the registry answered already, or NULL */
    size_t manifest_size;
    int64_t started_ms;
    void *state; /**< the kind's own */
};

struct plm_engine {
    struct plm_engine_options options; /**< defaults filled in */
    char *user_agent, *key_path;       /**< owned */
    struct plm_loop *loop;
    struct plm_http_client *http; /**< made when a job needs it */
    struct plm_workers *workers;  /**< likewise */
    struct plm_hub hub;
    struct plm_store store;
    bool store_is_open, store_is_made;
    struct plm_held_credential *credentials; /**< of all jobs */
    struct plm_job *first, **last;
    uint32_t last_id;
    enum plm_code result;
    bool stopping;
    struct plm_timer lock_timer;
    struct plm_lock store_lock;
    struct plm_ref *would_go; /**< owned; models that dry runs of `rm` have told of */
    size_t would_go_count;
    struct plm_database *history; /**< open while recorded jobs run, if it could be opened */
    unsigned beside;              /**< children that have not ended */
    bool pausing, told_of_pause;
    bool told_of_lock;
    _Atomic uint64_t limit_rate; /**< other threads may change these two; the steps look */
    atomic_bool is_limit_new;
};

/** Emits an event of this job; id, verb, reference, time and number are filled in. Nothing after
 * its end. */
void plm_job_emit(struct plm_job *job, struct plm_event *event);
/** Emits an event that carries nothing but its kind. */
void plm_job_emit_kind(struct plm_job *job, enum plm_event_kind kind);
void plm_job_warn(struct plm_job *job, const char *format, ...) PLM_FORMAT(2, 3);
/** Makes @p code the engine's result, unless a failure came before. plm_job_end() does that by
 * itself; it is for failures of something that no job was begun for. */
void plm_job_note_failure(struct plm_job *job, enum plm_code code);
/** Ends the job: emits COMPLETED (@p completed, err NULL) or FAILED, once. The job is freed in a
 * later step. */
void plm_job_end(struct plm_job *job, const struct plm_event *completed,
                 const struct plm_error *err);

/**
 * Lets a job of @p kind run for @p parent, which goes on when it has ended (child_ended()): about
 * @p ref, or about nothing (NULL). @p manifest (taken over; NULL: none) is what the registry said.
 */
PLM_MUST bool plm_job_submit_child(struct plm_job *parent, const struct plm_job_kind *kind,
                                   const struct plm_ref *ref, char *manifest, size_t manifest_size,
                                   struct plm_error *err);

/** Ends a job that did all it had to, with nothing to add but its time. */
void plm_job_complete(struct plm_job *job);

/** Reads the reference, and opens or makes what the kind says; nothing more when called again. */
PLM_MUST bool plm_job_prepare(struct plm_job *job, struct plm_error *err);

/** Frees a job that is in no list. */
void plm_job_free(struct plm_job *job);
/** Starts a job beside @p parent; its kind's child_over() tells of the end. */
PLM_MUST bool plm_job_spawn(struct plm_job *parent, const struct plm_job_spec *spec, int64_t entry,
                            struct plm_error *err);
/** How many connections to a host each of the jobs that run beside each other may use. */
unsigned plm_engine_share(const struct plm_engine *engine);

/** Whether an end was asked for, also by what the loop had no time to see. */
bool plm_engine_is_ending(struct plm_engine *engine);
/** The same, for those who wait for other programs. */
struct plm_end_request plm_engine_end_request(struct plm_engine *engine);

/** HTTP client and workers, made at the first call. */
PLM_MUST bool plm_engine_network(struct plm_engine *engine, struct plm_error *err);
PLM_MUST bool plm_engine_workers(struct plm_engine *engine, struct plm_error *err);

/** Takes the store lock at once or fails with PLM_E_BUSY. */
PLM_MUST bool plm_engine_lock_store(struct plm_engine *engine, struct plm_error *err);
void plm_engine_unlock_store(struct plm_engine *engine);
