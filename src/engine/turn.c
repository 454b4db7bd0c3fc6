/* Turns: which jobs run now, how they begin, and what each step does for them. */
#include "engine/engine_private.h"
#include "os/os.h"

#define LOCK_RETRY_MS 100

static bool reopen_store(struct plm_engine *engine, bool make, struct plm_error *err)
{
    plm_store_close(&engine->store);
    engine->store_is_open = plm_store_open(engine->options.models_dir, make, &engine->store, err);
    engine->store_is_made = engine->store_is_open && make;
    return engine->store_is_open;
}

/* The store is made for the first job that writes. Read-only jobs take it as it is, even absent. */
static bool open_store(struct plm_job *job, struct plm_error *err)
{
    struct plm_engine *engine = job->engine;
    bool make = job->kind->makes_store && !job->dry_run;
    if (job->kind->no_store)
        return true;
    if ((!engine->store_is_open || (make && !engine->store_is_made)) &&
        !reopen_store(engine, make, err))
        return false;
    struct plm_error ignored = {0};
    if (job->kind->keeps_state && !job->dry_run && engine->store.root_fd >= 0)
        (void)!plm_store_make_state(&engine->store, &ignored); /* the job says what it lacks */
    /* A store that only Ollama has used has no place for the lock yet. */
    const struct plm_store *store = &engine->store;
    bool lacks_lock = store->manifests_fd >= 0 && store->state_fd < 0;
    bool lacks_any = lacks_lock || (store->manifests_fd >= 0 && store->blobs_fd < 0);
    if (!job->dry_run &&
        ((job->kind->needs_lock && lacks_lock) || (job->kind->changes_store && lacks_any)))
        return reopen_store(engine, true, err);
    return true;
}

bool plm_job_prepare(struct plm_job *job, struct plm_error *err)
{
    const struct plm_job_kind *kind = job->kind;
    if (kind->needs_ref && !job->has_ref)
        job->has_ref = plm_ref_parse(job->model ? job->model : "", &job->ref, err);
    return (!kind->needs_ref || job->has_ref) && open_store(job, err) &&
           (!kind->needs_ref || !kind->needs_network || plm_job_find_credential(job, err)) &&
           (!kind->prepare || kind->prepare(job, err));
}

static void tell_of_lock(struct plm_job *job)
{
    struct plm_engine *engine = job->engine;
    if (!engine->told_of_lock) {
        engine->told_of_lock = true;
        struct plm_event event = {
            .kind = PLM_EV_LOCK_WAITING,
            .waiting = {.pid = plm_lock_holder(engine->store.state_fd, PLM_STORE_LOCK)}};
        plm_job_emit(job, &event);
    }
    plm_timer_start(engine->loop, &engine->lock_timer, LOCK_RETRY_MS);
}

static void run_now(struct plm_job *job)
{
    struct plm_error err = {0};
    struct plm_engine *engine = job->engine;
    bool lock = job->kind->needs_lock && !job->dry_run && engine->store.state_fd >= 0;
    if (lock && !plm_engine_lock_store(engine, &err)) {
        if (err.code == PLM_E_BUSY)
            tell_of_lock(job);
        else
            plm_job_end(job, NULL, &err);
        return;
    }
    engine->told_of_lock = false;
    bool ok = job->kind->run(job, &err);
    plm_engine_unlock_store(engine);
    if (!ok)
        plm_job_end(job, NULL, &err);
}

static void start_job(struct plm_job *job)
{
    struct plm_error err = {0};
    bool is_first_try = !job->started;
    job->started = true;
    if (is_first_try) {
        job->started_ms = plm_loop_now(job->engine->loop);
        if (job->after_success && job->engine->result != PLM_OK)
            (void)plm_fail(&err, job->engine->result, "left out, because what it needs has failed");
        if (err.code || !plm_job_prepare(job, &err)) {
            plm_job_end(job, NULL, &err);
            return;
        }
        plm_record_begin(job);
    }
    if (is_first_try)
        plm_job_tell_of_credential(job);
    if (job->kind->run)
        run_now(job);
    else if (is_first_try && !job->kind->start(job, &err))
        plm_job_end(job, NULL, &err);
}

static void stop_jobs(struct plm_engine *engine)
{
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request");
    for (struct plm_job *job = engine->first; job; job = job->next) {
        if (job->ended || job->stopping)
            continue;
        job->stopping = true;
        if (job->started && job->kind->stop)
            job->kind->stop(job);
        else
            plm_job_end(job, NULL, &err);
    }
}

static void take_over_limit(struct plm_engine *engine)
{
    if (engine->http && atomic_exchange(&engine->is_limit_new, false))
        plm_http_client_limit(engine->http, atomic_load(&engine->limit_rate));
}

static void pause_jobs(struct plm_engine *engine)
{
    if (engine->told_of_pause)
        return;
    engine->told_of_pause = true;
    for (struct plm_job *job = engine->first; job; job = job->next) {
        if (job->started && !job->ended && job->kind->pause)
            job->kind->pause(job);
    }
}

/* The first job has its turn, and those that run beside it. */
static bool has_turn(const struct plm_engine *engine, const struct plm_job *job)
{
    return job == engine->first || job->is_beside;
}

static void start_jobs(struct plm_engine *engine)
{
    for (struct plm_job *job = engine->first; job; job = job->next) {
        if (has_turn(engine, job) && !job->ended &&
            (!job->started || (job->kind->run && !engine->lock_timer.armed)))
            start_job(job);
    }
}

/* True when there were some. */
static bool drop_ended_jobs(struct plm_engine *engine)
{
    bool any = false;
    struct plm_job **link = &engine->first, *job;
    while ((job = *link) != NULL) {
        if (!job->ended || !has_turn(engine, job)) {
            link = &job->next;
            continue;
        }
        any = true;
        *link = job->next;
        if (engine->last == &job->next)
            engine->last = link;
        if (job->parent && !job->is_beside && !job->parent->ended)
            job->parent->kind->child_ended(job->parent, job);
        plm_job_free(job);
    }
    return any;
}

/* The loop itself has failed, and nobody goes on without it. Those beside the first job still tell
 * it of their end, so it is the last. */
static void end_running(struct plm_engine *engine, const struct plm_error *err)
{
    for (struct plm_job *job = engine->first; job; job = job->next)
        if (job->is_beside)
            plm_job_end(job, NULL, err);
    plm_job_end(engine->first, NULL, err);
}

bool plm_engine_step(struct plm_engine *engine, int timeout_ms)
{
    struct plm_error err = {0};
    take_over_limit(engine);
    if (engine->stopping)
        stop_jobs(engine);
    if (engine->pausing)
        pause_jobs(engine);
    start_jobs(engine);
    if (drop_ended_jobs(engine))
        return engine->first != NULL;
    struct plm_job *job = engine->first;
    if (job && !plm_loop_step(engine->loop, timeout_ms, &err))
        end_running(engine, &err);
    return job != NULL;
}
