/* Queue run: pulls what is queued, entry by entry, until there is nothing left or it is to end. */
#include <stdlib.h>
#include <string.h>

#include "engine/database.h"
#include "engine/mirrors.h"
#include "os/os.h"
#include "queue/queue.h"

/* How soon an entry is seen that was added while others are pulled. */
#define LOOK_MS 300
/* Who only looks whether there is a runner holds its lock for a moment. */
#define LOCK_TRIES 25
#define LOCK_RETRY_MS 20

enum run_state {
    RUN_LOCKING,
    RUN_PULLING,
    RUN_PAUSING, /* nothing more is begun */
    RUN_ENDING,  /* stopped, or failed: what was begun is being stopped, or finished */
    RUN_STATES
};

struct queue_run {
    struct plm_job *job;
    struct plm_database *db;
    struct plm_lock lock;
    enum run_state state;
    struct plm_timer timer;
    unsigned tries;
    uint32_t begun, completed, failed, active;
    enum plm_code first_code; /* of the entry that failed first */
    struct plm_error error;   /* why the run itself cannot go on */
};

static void step(struct queue_run *run);

static void on_timer(void *ctx)
{
    struct queue_run *run = ctx;
    if (!run->job->ended)
        step(run);
}

static void wake_in(struct queue_run *run, int ms)
{
    struct plm_loop *loop = run->job->engine->loop;
    plm_timer_stop(loop, &run->timer);
    plm_timer_start(loop, &run->timer, ms);
}

/* ---- events ---- */

static void tell_queue(struct queue_run *run, enum plm_event_kind kind)
{
    struct plm_error ignored = {0};
    struct plm_event event = {
        .kind = kind,
        .queue = {.changed = run->completed,
                  .skipped = run->failed,
                  .jobs = run->job->jobs,
                  .paused = kind == PLM_EV_QUEUE_PAUSING || run->state == RUN_PAUSING}};
    if (run->db)
        (void)!plm_queue_count(run->db, &event.queue.count, &ignored);
    plm_job_emit(run->job, &event);
}

static void tell_entry(struct queue_run *run, enum plm_event_kind kind,
                       const struct plm_queue_entry *entry, const struct plm_ref *ref,
                       uint32_t index)
{
    struct plm_error ignored = {0};
    struct plm_queue_count count = {0};
    (void)!plm_queue_count(run->db, &count, &ignored);
    uint32_t total = run->begun + (uint32_t)count.queued;
    struct plm_event event = {
        .kind = kind,
        .queued = {
            .entry = entry, .ref = ref, .index = index, .total = total, .failed = run->failed}};
    plm_job_emit(run->job, &event);
}

/* ---- the end ---- */

static void end(struct queue_run *run)
{
    struct plm_job *job = run->job;
    struct plm_error err = run->error;
    tell_queue(run, PLM_EV_QUEUE_DONE);
    plm_timer_stop(job->engine->loop, &run->timer);
    plm_database_close(run->db);
    run->db = NULL;
    plm_lock_release(&run->lock, true);
    if (err.code == PLM_OK && run->failed > 0)
        (void)plm_fail(&err, run->first_code, "%u of %u model%s could not be pulled", run->failed,
                       run->failed + run->completed, run->failed + run->completed == 1 ? "" : "s");
    if (err.code == PLM_OK)
        plm_job_complete(job);
    else
        plm_job_end(job, NULL, &err);
}

static void fail(struct queue_run *run, const struct plm_error *err)
{
    if (run->error.code == PLM_OK)
        run->error = *err;
    run->state = RUN_ENDING;
}

/* ---- entries ---- */

/* What is no reference never becomes one: the entry fails, and the next has its turn. */
static bool claim(struct queue_run *run, struct plm_queue_found *out, struct plm_error *err)
{
    if (!plm_database_begin(run->db, err))
        return false;
    return plm_database_end(run->db, plm_queue_claim(run->db, plm_os_unix_ms(), out, err), err);
}

static bool settle(struct queue_run *run, int64_t id, enum plm_queue_status status,
                   const struct plm_error *why, struct plm_error *err)
{
    if (!plm_database_begin(run->db, err))
        return false;
    return plm_database_end(run->db,
                            plm_queue_settle(run->db, id, status, plm_os_unix_ms(),
                                             why ? plm_code_name(why->code) : NULL,
                                             why ? why->msg : NULL, err),
                            err);
}

/* Records what came of an entry. That it cannot be recorded ends the run; the next one pulls the
 * entry again, and finds it here. */
static void take_outcome(struct queue_run *run, const char *reference, int64_t id,
                         const struct plm_ref *ref, const struct plm_error *why)
{
    struct plm_error err = {0};
    bool stopped = why && why->code == PLM_E_INTERRUPTED;
    enum plm_queue_status status = !why      ? PLM_QUEUE_COMPLETED
                                   : stopped ? PLM_QUEUE_QUEUED
                                             : PLM_QUEUE_FAILED;
    run->completed += !why;
    run->failed += why && !stopped;
    if (why && !stopped && run->first_code == PLM_OK) {
        run->first_code = why->code;
        plm_job_note_failure(run->job, why->code); /* no pull was begun for what is no reference */
    }
    const struct plm_error *told = stopped ? NULL : why;
    if (!settle(run, id, status, told, &err))
        fail(run, &err);
    const struct plm_queue_entry entry = {.id = id,
                                          .reference = reference,
                                          .status = status,
                                          .finished_ms = stopped ? 0 : plm_os_unix_ms(),
                                          .code = told ? plm_code_name(told->code) : "",
                                          .error = told ? told->msg : ""};
    tell_entry(run, PLM_EV_QUEUE_SETTLED, &entry, ref, run->completed + run->failed);
}

static void begin_entry(struct queue_run *run, const struct plm_queue_found *found)
{
    struct plm_error err = {0};
    struct plm_ref ref;
    bool is_ref = plm_ref_parse(found->reference, &ref, &err);
    run->begun++;
    tell_entry(run, PLM_EV_QUEUE_NEXT, &found->entry, is_ref ? &ref : NULL, run->begun);
    const struct plm_job_spec spec = {.verb = PLM_VERB_PULL, .model = found->reference};
    if (is_ref && plm_job_spawn(run->job, &spec, found->entry.id, &err))
        run->active++;
    else
        take_outcome(run, found->reference, found->entry.id, is_ref ? &ref : NULL, &err);
}

static void child_over(struct plm_job *job, struct plm_job *child, const struct plm_error *err)
{
    struct queue_run *run = job->state;
    run->active--;
    take_outcome(run, child->model, child->entry, child->has_ref ? &child->ref : NULL, err);
    wake_in(run, 0);
}

/* ---- the run ---- */

static unsigned most_at_a_time(const struct plm_job *job)
{
    unsigned fixed = job->engine->options.connections, jobs = job->jobs > 0 ? job->jobs : 1;
    return fixed > 0 && fixed < jobs ? fixed : jobs;
}

static bool open_queue(struct queue_run *run, struct plm_error *err)
{
    struct plm_job *job = run->job;
    return plm_job_open_queue(job, &run->db, err) && plm_job_begin_queue(job, run->db, err) &&
           plm_database_end(run->db, true, err);
}

static void step_locking(struct queue_run *run)
{
    struct plm_error err = {0};
    int state_fd = run->job->engine->store.state_fd;
    if (!plm_lock_try(state_fd, PLM_QUEUE_LOCK, &run->lock, &err)) {
        if (err.code == PLM_E_BUSY && ++run->tries < LOCK_TRIES) {
            wake_in(run, LOCK_RETRY_MS);
            return;
        }
        struct plm_error told = {0};
        if (err.code == PLM_E_BUSY)
            (void)plm_fail(&told, err.code, "process %ld is pulling this queue already",
                           plm_lock_holder(state_fd, PLM_QUEUE_LOCK));
        plm_job_end(run->job, NULL, told.code ? &told : &err);
        return;
    }
    if (!open_queue(run, &err)) {
        plm_lock_release(&run->lock, true);
        plm_job_end(run->job, NULL, &err);
        return;
    }
    run->state = run->job->engine->pausing ? RUN_PAUSING : RUN_PULLING;
    tell_queue(run, PLM_EV_QUEUE_START);
    wake_in(run, 0);
}

static void step_pulling(struct queue_run *run)
{
    struct plm_error err = {0};
    struct plm_queue_found next = {0};
    unsigned most = most_at_a_time(run->job);
    bool is_empty = false;
    while (run->active < most && run->state == RUN_PULLING && !is_empty) {
        if (!claim(run, &next, &err))
            fail(run, &err);
        else if (next.entry.id == 0)
            is_empty = true;
        else
            begin_entry(run, &next);
        if (plm_engine_is_ending(run->job->engine))
            break;
    }
    if (run->active == 0 && !plm_engine_is_ending(run->job->engine))
        end(run);
    else if (run->active < most)
        wake_in(run, LOOK_MS);
}

static void step_draining(struct queue_run *run)
{
    if (run->active == 0)
        end(run);
}

typedef void (*step_fn)(struct queue_run *run);

static const step_fn steps[RUN_STATES] = {
    [RUN_LOCKING] = step_locking,
    [RUN_PULLING] = step_pulling,
    [RUN_PAUSING] = step_draining,
    [RUN_ENDING] = step_draining,
};

static void step(struct queue_run *run)
{
    steps[run->state](run);
}

static bool start(struct plm_job *job, struct plm_error *err)
{
    struct queue_run *run = calloc(1, sizeof(*run));
    if (!run)
        return plm_fail(err, PLM_E_NOMEM, "no memory for the queue");
    if (job->jobs > PLM_QUEUE_JOBS_MAX) {
        free(run);
        return plm_fail(err, PLM_E_USAGE, "at most %d models at a time", PLM_QUEUE_JOBS_MAX);
    }
    run->job = job;
    run->lock = PLM_LOCK_INIT;
    run->timer = (struct plm_timer){.fire = on_timer, .ctx = run};
    job->state = run;
    wake_in(run, 0);
    return true;
}

static void hold(struct plm_job *job)
{
    struct queue_run *run = job->state;
    if (run->state != RUN_PULLING)
        return;
    run->state = RUN_PAUSING;
    tell_queue(run, PLM_EV_QUEUE_PAUSING);
    wake_in(run, 0);
}

/* The engine stops the pulls itself; each puts its entry back as it ends. */
static void stop(struct plm_job *job)
{
    struct queue_run *run = job->state;
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request");
    if (!run->db) {
        plm_job_end(job, NULL, &err);
        return;
    }
    fail(run, &err);
    wake_in(run, 0);
}

static void release(struct plm_job *job)
{
    struct queue_run *run = job->state;
    if (!run)
        return;
    plm_timer_stop(job->engine->loop, &run->timer);
    plm_database_close(run->db);
    plm_lock_release(&run->lock, true);
    free(run);
}

/* ---- before the process is confined ---- */

struct search {
    struct plm_engine *engine;
    struct plm_error *err;
    bool ok;
};

static bool find_credential(void *ctx, const struct plm_queue_entry *entry)
{
    struct search *s = ctx;
    struct plm_ref ref;
    if (entry->status == PLM_QUEUE_QUEUED || entry->status == PLM_QUEUE_ACTIVE)
        s->ok = !plm_ref_parse(entry->reference, &ref, NULL) ||
                plm_engine_find_credential(s->engine, &ref, s->err);
    return s->ok;
}

/* Those of registries that come later are looked for then, as far as the process still may. What is
 * wrong with the queue, the run will say. */
static bool prepare(struct plm_job *job, struct plm_error *err)
{
    plm_auto(plm_database_freep) struct plm_database *db = NULL;
    struct plm_error ignored = {0};
    struct search s = {.engine = job->engine, .err = err, .ok = true};
    if (!plm_mirrors_find_credentials(job->engine, err))
        return false;
    if (!plm_engine_open_database(job->engine, PLM_DATABASE_READ, PLM_QUEUE_WAIT_MS, &db,
                                  &ignored) ||
        !db)
        return true;
    (void)!plm_queue_each(db, find_credential, &s, &ignored);
    return s.ok;
}

static const char *hint(const struct plm_error *err)
{
    switch (err->code) {
    case PLM_E_CORRUPT:
    case PLM_E_BUSY:
    case PLM_E_NOSPACE:
    case PLM_E_ACCESS:
    case PLM_E_UNSUPPORTED:
        return NULL;
    default:
        return "pullama queue list says why; pullama queue retry puts them into the queue again";
    }
}

const struct plm_job_kind plm_queue_start_kind = {.verb = PLM_VERB_QUEUE_START,
                                                  .makes_store = true,
                                                  .needs_network = true,
                                                  .uses_database = true,
                                                  .prepare = prepare,
                                                  .hint = hint,
                                                  .start = start,
                                                  .stop = stop,
                                                  .pause = hold,
                                                  .child_over = child_over,
                                                  .free = release};
