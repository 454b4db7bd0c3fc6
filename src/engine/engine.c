/* Engine: owns loop, store, network, workers, and the list of jobs. */
#include "engine/engine_private.h"
#include "engine/mirrors.h"
#include "engine/lanes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "pullama/text.h"

#define RETRIES_DEFAULT 6
#define CHUNK_DEFAULT (UINT64_C(64) << 20)
#define CHUNK_LEAST (UINT64_C(64) << 10)
#define TIMEOUT_DEFAULT_MS (30 * 60 * 1000)
#define STALL_DEFAULT_MS 30000

static const struct plm_job_kind *const kinds[PLM_VERBS] = {
    [PLM_VERB_PULL] = &plm_pull_kind,
    [PLM_VERB_LIST] = &plm_list_kind,
    [PLM_VERB_SHOW] = &plm_show_kind,
    [PLM_VERB_RM] = &plm_remove_kind,
    [PLM_VERB_CP] = &plm_copy_kind,
    [PLM_VERB_CLEAN] = &plm_clean_kind,
    [PLM_VERB_KEYGEN] = &plm_keygen_kind,
    [PLM_VERB_VERIFY] = &plm_verify_kind,
    [PLM_VERB_PUSH] = &plm_push_kind,
    [PLM_VERB_LOGIN] = &plm_login_kind,
    [PLM_VERB_LOGOUT] = &plm_logout_kind,
    [PLM_VERB_QUEUE_ADD] = &plm_queue_add_kind,
    [PLM_VERB_QUEUE_LIST] = &plm_queue_list_kind,
    [PLM_VERB_QUEUE_RM] = &plm_queue_remove_kind,
    [PLM_VERB_QUEUE_START] = &plm_queue_start_kind,
    [PLM_VERB_QUEUE_RETRY] = &plm_queue_retry_kind,
    [PLM_VERB_QUEUE_CLEAR] = &plm_queue_clear_kind,
    [PLM_VERB_HISTORY] = &plm_history_kind,
    [PLM_VERB_STATS] = &plm_stats_kind,
    [PLM_VERB_PRUNE] = &plm_prune_kind,
    [PLM_VERB_DOCTOR] = &plm_doctor_kind,
    [PLM_VERB_OUTDATED] = &plm_outdated_kind,
    [PLM_VERB_UPDATE] = &plm_update_kind,
    [PLM_VERB_ADOPT] = &plm_adoption_kind,
    [PLM_VERB_EXPORT] = &plm_export_kind,
    [PLM_VERB_IMPORT] = &plm_import_kind,
    [PLM_VERB_FREEZE] = &plm_freeze_kind,
    [PLM_VERB_SYNC] = &plm_sync_kind,
};

static bool make_user_agent(struct plm_engine *engine, struct plm_error *err)
{
    /* The registry reads the version and turns old clients away: name the protocol's version first.
     */
    if (engine->options.user_agent)
        engine->user_agent = strdup(engine->options.user_agent);
    else if (asprintf(&engine->user_agent, "ollama/0.32.15 (%s %s) pullama/%s", plm_os_arch(),
                      plm_os_name(), plm_version()) < 0)
        engine->user_agent = NULL;
    return engine->user_agent ? true : plm_fail(err, PLM_E_NOMEM, "no memory for a name");
}

static bool make_key_path(struct plm_engine *engine, struct plm_error *err)
{
    const char *home = getenv("HOME");
    if (engine->options.key_path)
        engine->key_path = strdup(engine->options.key_path);
    else if (!home || !*home)
        engine->key_path =
            strdup(""); /* nobody's key: keygen refuses, the registry is asked without one */
    else if (asprintf(&engine->key_path, "%s/.ollama/id_ed25519", home) < 0)
        engine->key_path = NULL;
    return engine->key_path ? true : plm_fail(err, PLM_E_NOMEM, "no memory for a path");
}

static bool check_options(struct plm_engine_options *o, struct plm_error *err)
{
    char shown[64];
    if (!o->models_dir || !o->models_dir[0])
        return plm_fail(err, PLM_E_USAGE, "no models directory");
    if (o->mirror_count > PLM_MIRRORS_MAX)
        return plm_fail(err, PLM_E_USAGE, "at most %d mirrors", PLM_MIRRORS_MAX);
    for (size_t i = 0; i < o->mirror_count; i++) {
        if (!plm_mirror_check(o->mirrors[i], err))
            return false;
    }
    if (o->connections > PLM_CONNECTIONS_MAX)
        return plm_fail(err, PLM_E_USAGE, "at most %d connections", PLM_CONNECTIONS_MAX);
    if (o->chunk_size != 0 && o->chunk_size < CHUNK_LEAST)
        return plm_fail(err, PLM_E_USAGE, "a chunk has at least 64 KiB");
    if (o->platform && !plm_platform_is_valid(o->platform))
        return plm_fail(err, PLM_E_USAGE, "platform '%s' is not of the form os/arch",
                        plm_text_printable(o->platform, shown, sizeof(shown)));
    if (o->max_retries < 0)
        o->max_retries = RETRIES_DEFAULT;
    if (o->chunk_size == 0)
        o->chunk_size = CHUNK_DEFAULT;
    if (o->timeout_ms <= 0)
        o->timeout_ms = TIMEOUT_DEFAULT_MS;
    if (o->stall_ms <= 0)
        o->stall_ms = STALL_DEFAULT_MS;
    return true;
}

static void retry_lock(void *ctx)
{
    (void)ctx; /* the step that follows tries again */
}

bool plm_engine_new(const struct plm_engine_options *options, struct plm_sink sink,
                    struct plm_engine **out, struct plm_error *err)
{
    struct plm_engine *engine = calloc(1, sizeof(*engine));
    if (!engine)
        return plm_fail(err, PLM_E_NOMEM, "no memory for the engine");
    engine->options = *options;
    atomic_init(&engine->limit_rate, options->limit_rate);
    engine->last = &engine->first;
    engine->store_lock = PLM_LOCK_INIT;
    engine->store =
        (struct plm_store){.root_fd = -1, .blobs_fd = -1, .manifests_fd = -1, .state_fd = -1};
    engine->lock_timer = (struct plm_timer){.fire = retry_lock, .ctx = engine};
    if (!check_options(&engine->options, err) || !make_user_agent(engine, err) ||
        !make_key_path(engine, err) || !plm_loop_new(&engine->loop, err) ||
        !plm_hub_add(&engine->hub, sink)) {
        plm_engine_free(engine);
        return false;
    }
    *out = engine;
    return true;
}

void plm_job_free(struct plm_job *job)
{
    if (job->kind->free)
        job->kind->free(job);
    for (size_t i = 0; i < job->model_count; i++)
        free(job->models[i]);
    free(job->models);
    plm_job_drop_credential(job);
    if (job->secret)
        explicit_bzero(job->secret, strlen(job->secret));
    free(job->secret);
    free(job->user);
    free(job->folder);
    free(job->model);
    free(job->target);
    free(job->manifest);
    free(job->since);
    free(job->keep);
    free(job);
}

void plm_engine_free(struct plm_engine *engine)
{
    if (!engine)
        return;
    plm_workers_free(engine->workers); /* first: after it nobody touches what jobs own */
    while (engine->first) {
        struct plm_job *job = engine->first;
        engine->first = job->next;
        plm_job_free(job);
    }
    plm_engine_drop_credentials(engine);
    plm_record_close(engine);
    plm_engine_unlock_store(engine);
    plm_http_client_free(engine->http);
    if (engine->loop)
        plm_timer_stop(engine->loop, &engine->lock_timer);
    plm_loop_free(engine->loop);
    plm_store_close(&engine->store);
    free(engine->user_agent);
    free(engine->key_path);
    free(engine->would_go);
    free(engine);
}

bool plm_engine_network(struct plm_engine *engine, struct plm_error *err)
{
    if (engine->http)
        return true;
    struct plm_http_options options = {.user_agent = engine->user_agent,
                                       .ca_file = engine->options.ca_file,
                                       .proxy = engine->options.proxy,
                                       .ip_version = engine->options.ip_version,
                                       .resolves = engine->options.resolves,
                                       .resolve_count = engine->options.resolve_count,
                                       .stall_ms = engine->options.stall_ms,
                                       .limit_rate = atomic_load(&engine->limit_rate),
                                       .max_connections = engine->options.connections
                                                              ? engine->options.connections
                                                              : PLM_LANES_MOST};
    return plm_http_client_new(engine->loop, &options, &engine->http, err);
}

bool plm_engine_workers(struct plm_engine *engine, struct plm_error *err)
{
    unsigned cores = plm_os_cores();
    return engine->workers ||
           plm_workers_new(engine->loop, cores < 2 ? 2 : cores, &engine->workers, err);
}

bool plm_engine_lock_store(struct plm_engine *engine, struct plm_error *err)
{
    return plm_lock_try(engine->store.state_fd, PLM_STORE_LOCK, &engine->store_lock, err) ||
           plm_prefix(err, "%s/.pullm", engine->store.root);
}

void plm_engine_unlock_store(struct plm_engine *engine)
{
    plm_lock_release(&engine->store_lock, false);
}

static bool copy_text(const char *text, char **out)
{
    *out = text ? strdup(text) : NULL;
    return !text || *out;
}

static bool copy_spec(struct plm_job *job, const struct plm_job_spec *spec)
{
    job->dry_run = spec->dry_run;
    job->fast = spec->fast;
    job->repair = spec->repair;
    job->finished = spec->finished;
    job->jobs = spec->jobs;
    job->with_push = spec->with_push;
    job->link = spec->link;
    job->prune = spec->prune;
    job->has_age = spec->has_age;
    job->older_than_ms = spec->older_than_ms;
    job->split = spec->split;
    job->force = spec->force;
    job->after_success = spec->after_success;
    job->stream_fd = spec->stream_fd;
    job->models = calloc(spec->model_count ? spec->model_count : 1, sizeof(*job->models));
    while (job->models && job->model_count < spec->model_count) {
        if (!copy_text(spec->models[job->model_count], &job->models[job->model_count]))
            return false;
        job->model_count++;
    }
    return job->models && copy_text(spec->model, &job->model) &&
           copy_text(spec->target, &job->target) && copy_text(spec->user, &job->user) &&
           copy_text(spec->secret, &job->secret) && copy_text(spec->since, &job->since) &&
           copy_text(spec->keep, &job->keep);
}

/* Makes the job and puts it at the end of the list. */
static bool add_job(struct plm_engine *engine, const struct plm_job_spec *spec,
                    struct plm_job **out, struct plm_error *err)
{
    if ((unsigned)spec->verb >= PLM_VERBS || !kinds[spec->verb])
        return plm_fail(err, PLM_E_USAGE, "no such kind of job");
    struct plm_job *job = calloc(1, sizeof(*job));
    if (!job)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a job");
    job->engine = engine;
    job->kind =
        spec->verb == PLM_VERB_VERIFY && spec->repair ? &plm_repair_kind : kinds[spec->verb];
    if (!copy_spec(job, spec)) {
        plm_job_free(job);
        return plm_fail(err, PLM_E_NOMEM, "no memory for a job");
    }
    job->id = ++engine->last_id;
    *engine->last = job;
    engine->last = &job->next;
    *out = job;
    return true;
}

bool plm_engine_submit(struct plm_engine *engine, const struct plm_job_spec *spec, uint32_t *job_id,
                       struct plm_error *err)
{
    struct plm_job *job;
    if (!add_job(engine, spec, &job, err))
        return false;
    *job_id = job->id;
    return true;
}

bool plm_job_spawn(struct plm_job *parent, const struct plm_job_spec *spec, int64_t entry,
                   struct plm_error *err)
{
    struct plm_job *job;
    if (!add_job(parent->engine, spec, &job, err))
        return false;
    job->parent = parent;
    job->is_beside = true;
    job->entry = entry;
    parent->engine->beside++;
    return true;
}

unsigned plm_engine_share(const struct plm_engine *engine)
{
    unsigned fixed = engine->options.connections, all = fixed ? fixed : PLM_LANES_MOST;
    unsigned share = engine->beside > 1 ? all / engine->beside : all;
    return share > 0 ? share : 1;
}

void plm_engine_limit_rate(struct plm_engine *engine, uint64_t bytes_per_second)
{
    atomic_store(&engine->limit_rate, bytes_per_second);
    atomic_store(&engine->is_limit_new, true);
    plm_loop_wake(engine->loop);
}

enum plm_code plm_engine_result(const struct plm_engine *engine)
{
    return engine->result;
}

void plm_engine_pause(struct plm_engine *engine)
{
    engine->pausing = true;
}

void plm_engine_stop(struct plm_engine *engine)
{
    engine->stopping = true;
}

bool plm_engine_is_ending(struct plm_engine *engine)
{
    if (!engine->stopping)
        plm_loop_look(engine->loop);
    return engine->stopping;
}

static bool is_ending(void *ctx)
{
    return plm_engine_is_ending(ctx);
}

struct plm_end_request plm_engine_end_request(struct plm_engine *engine)
{
    return (struct plm_end_request){.is_made = is_ending, .ctx = engine};
}

void plm_engine_wake(struct plm_engine *engine)
{
    plm_loop_wake(engine->loop);
}

bool plm_engine_watch(struct plm_engine *engine, int fd, void (*ready)(void *ctx), void *ctx,
                      struct plm_error *err)
{
    return plm_loop_watch(engine->loop, fd, ready, ctx, err);
}
