/* Verify: hashes the blobs that models name, on all cores, and says which models are whole. */
#include "engine/verify.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/blobs.h"

#define TICK_MS 100
/* Blobs that need no worker are begun at once, but not so many that a signal would wait. */
#define BEGIN_MAX 64
#define NAMES_MAX 3

void plm_verify_kick(struct plm_verify *v)
{
    if (!v->kick.armed)
        plm_timer_start(v->job->engine->loop, &v->kick, 0);
}

/* ---- what is said ---- */

static void emit_numbers(struct plm_verify *v, enum plm_event_kind kind)
{
    int64_t elapsed = plm_loop_now(v->job->engine->loop) - v->job->started_ms;
    struct plm_event event = {.kind = kind};
    struct plm_event_verify *n = &event.verify;
    *n = (struct plm_event_verify){.only = v->model_count == 1 ? &v->models[0].ref : NULL,
                                   .fast = v->job->fast,
                                   .repair = v->job->repair,
                                   .models = (uint32_t)v->model_count,
                                   .blobs = (uint32_t)v->blob_count,
                                   .blobs_bad = v->bad,
                                   .blobs_trusted = v->trusted,
                                   .blobs_repaired = v->repaired,
                                   .fetched = v->fetched,
                                   .total_size = v->total,
                                   .hashed = v->hashed,
                                   .elapsed_ms = elapsed,
                                   .bytes_per_second =
                                       elapsed > 0 ? v->hashed * 1000 / (uint64_t)elapsed : 0};
    for (size_t i = 0; i < v->model_count; i++)
        n->models_bad += v->models[i].code != PLM_OK;
    plm_job_emit(v->job, &event);
}

static void tell_model(struct plm_verify *v, struct plm_verify_model *m)
{
    if (m->code == PLM_OK && m->changed)
        m->verdict = PLM_MODEL_CHANGED;
    else if (m->code == PLM_OK && m->trusted > 0)
        m->verdict = PLM_MODEL_TRUSTED;
    struct plm_event event = {.kind = PLM_EV_MODEL_CHECKED,
                              .model_checked = {.ref = &m->ref,
                                                .verdict = m->verdict,
                                                .size = m->size,
                                                .blobs = m->blobs,
                                                .blobs_bad = m->bad,
                                                .blobs_trusted = m->trusted,
                                                .blobs_repaired = m->repaired,
                                                .checked_s = m->checked_s,
                                                .message = m->message}};
    plm_job_emit(v->job, &event);
}

static struct plm_event_blob event_blob(const struct plm_verify *v, const struct plm_verify_blob *b)
{
    return (struct plm_event_blob){
        .want = &b->want, .index = (uint32_t)(b - v->blobs) + 1, .total = (uint32_t)v->blob_count};
}

static void show_progress(struct plm_verify *v, const struct plm_check *c)
{
    uint64_t overall = v->finished;
    for (size_t i = 0; i < v->check_count; i++)
        overall += v->checks[i].blob ? v->checks[i].shown : 0;
    if (overall > v->shown)
        v->shown = overall;
    struct plm_event event = {
        .kind = PLM_EV_PROGRESS,
        .blob = event_blob(v, c->blob),
        .progress = {.blob_done = c->shown,
                     .blob_total = c->blob->want.size,
                     .overall_done = v->shown,
                     .overall_total = v->total,
                     .bytes_per_second = plm_meter_rate(&v->meter),
                     .eta_ms = plm_meter_eta_ms(&v->meter, v->total - v->shown)}};
    plm_job_emit(v->job, &event);
}

void plm_verify_tell(struct plm_verify *v, const struct plm_verify_blob *b, struct plm_event *event)
{
    const struct plm_ref **models = calloc(b->user_count, sizeof(*models));
    struct plm_error err = {0};
    if (!models) {
        (void)plm_fail(&err, PLM_E_NOMEM, "no memory for %u names", b->user_count);
        plm_verify_fail(v, &err);
        return;
    }
    for (uint32_t i = 0; i < b->user_count; i++)
        models[i] = &v->models[v->users[b->first_user + i]].ref;
    event->blob = event_blob(v, b);
    event->users = (struct plm_event_models){.items = models, .count = b->user_count};
    plm_job_emit(v->job, event);
    free(models);
}

static void tell_blob(struct plm_check *c, const struct plm_found *found)
{
    bool is_wrong = found->verdict == PLM_BLOB_WRONG_DIGEST;
    struct plm_event event = {.kind = PLM_EV_BLOB_CHECKED,
                              .blob_checked = {.verdict = found->verdict,
                                               .is_sized = c->fd >= 0,
                                               .found_size = c->status.size,
                                               .is = is_wrong ? &found->is : NULL,
                                               .checked_s = found->checked_s,
                                               .message = found->why.code ? found->why.msg : NULL}};
    plm_verify_tell(c->verify, c->blob, &event);
}

/* ---- the end ---- */

/* "a, b, c and 4 more" of the models with that verdict; returns how many there are. */
static uint32_t name_models(const struct plm_verify *v, enum plm_model_verdict verdict, char *out,
                            size_t size)
{
    uint32_t count = 0;
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < v->model_count; i++) {
        char name[PLM_REF_TEXT];
        if (v->models[i].verdict != verdict || ++count > NAMES_MAX || used >= size)
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s", count > 1 ? ", " : "",
                                 plm_ref_format(&v->models[i].ref, name));
    }
    if (count > NAMES_MAX && used < size)
        (void)snprintf(out + used, size - used, " and %u more", count - NAMES_MAX);
    return count;
}

/* The failure of the model that decides about the exit status. */
static const struct plm_verify_model *first_failure(const struct plm_verify *v)
{
    const struct plm_verify_model *first = NULL;
    bool is_ordered = v->job->model_count > 0; /* else wrong bytes count most */
    for (size_t i = 0; i < v->model_count; i++) {
        const struct plm_verify_model *m = &v->models[i];
        if (m->code && (!first || (!is_ordered && first->code != PLM_E_INTEGRITY &&
                                   m->code == PLM_E_INTEGRITY)))
            first = m;
    }
    return first;
}

static void end_badly(struct plm_verify *v, const struct plm_verify_model *first)
{
    static const struct {
        enum plm_model_verdict verdict;
        const char *words;
    } parts[] = {{PLM_MODEL_DAMAGED, "damaged"},
                 {PLM_MODEL_UNREADABLE, "unreadable"},
                 {PLM_MODEL_BAD_MANIFEST, "without a usable manifest"},
                 {PLM_MODEL_NOT_FOUND, "not here"}};
    struct plm_error err = {0};
    char text[PLM_ERROR_TEXT] = "", names[PLM_ERROR_TEXT];
    size_t used = 0;
    for (size_t i = 0; i < PLM_COUNT(parts); i++) {
        if (name_models(v, parts[i].verdict, names, sizeof(names)) > 0 && used < sizeof(text))
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s: %s", used ? "; " : "",
                                     parts[i].words, names);
    }
    if (v->model_count == 1 && first->message)
        (void)plm_fail(&err, first->code, "%s", first->message);
    else
        (void)plm_fail(&err, first->code, "%s", text);
    plm_job_end(v->job, NULL, &err);
}

static void end(struct plm_verify *v)
{
    const struct plm_verify_model *first = first_failure(v);
    for (size_t i = 0; v->job->repair && i < v->model_count; i++)
        if (v->models[i].bad + v->models[i].repaired > 0)
            tell_model(v, &v->models[i]);
    emit_numbers(v, PLM_EV_VERIFY_DONE);
    if (first) {
        end_badly(v, first);
        return;
    }
    struct plm_event event = {
        .completed = {.total_size = v->total,
                      .fetched = v->fetched,
                      .blob_count = (uint32_t)v->blob_count,
                      .elapsed_ms = plm_loop_now(v->job->engine->loop) - v->job->started_ms}};
    plm_job_end(v->job, &event, NULL);
}

void plm_verify_fail(struct plm_verify *v, const struct plm_error *err)
{
    if (v->error.code == PLM_OK)
        v->error = *err;
    for (size_t i = 0; i < v->check_count; i++)
        plm_check_cancel(&v->checks[i]);
    plm_repair_cancel(v, err);
    plm_verify_kick(v);
}

static void end_early(struct plm_verify *v)
{
    for (size_t i = 0; i < v->check_count; i++)
        if (v->checks[i].is_hashing && v->checks[i].frontier.busy)
            return; /* its end kicks us */
    if (!plm_repair_is_idle(v))
        return; /* likewise */
    plm_job_end(v->job, NULL, &v->error);
}

/* ---- on the way ---- */

static void count_for_model(struct plm_verify_model *m, const struct plm_found *found)
{
    bool failed = found->verdict >= PLM_BLOB_WRONG_DIGEST;
    bool refused = found->verdict == PLM_BLOB_UNREADABLE;
    m->pending--;
    if (found->verdict == PLM_BLOB_TRUSTED && m->trusted++ == 0)
        m->checked_s = found->checked_s;
    else if (found->verdict == PLM_BLOB_TRUSTED && found->checked_s < m->checked_s)
        m->checked_s = found->checked_s;
    if (!failed || (m->changed && found->verdict == PLM_BLOB_MISSING))
        return;
    m->bad++;
    if (!refused || m->code == PLM_OK) {
        m->verdict = refused ? PLM_MODEL_UNREADABLE : PLM_MODEL_DAMAGED;
        m->code = refused ? found->why.code : PLM_E_INTEGRITY;
    }
}

/* What is not known yet is whether it will be damaged. */
static bool waits_for_repair(const struct plm_verify *v, const struct plm_verify_model *m)
{
    return v->job->repair && m->bad > 0;
}

void plm_verify_found(struct plm_check *c, const struct plm_found *found)
{
    struct plm_verify *v = c->verify;
    const struct plm_verify_blob *b = c->blob;
    struct plm_error err = {0};
    if (c->is_hashing) {
        c->shown = b->want.size;
        show_progress(v, c);
    }
    tell_blob(c, found);
    if (!plm_repair_plan(v, c, found, &err))
        plm_verify_fail(v, &err);
    v->trusted += found->verdict == PLM_BLOB_TRUSTED;
    v->bad += found->verdict >= PLM_BLOB_WRONG_DIGEST;
    if (found->verdict == PLM_BLOB_OK || found->verdict == PLM_BLOB_WRONG_DIGEST)
        v->hashed += b->want.size;
    v->finished += b->want.size;
    plm_check_close(c);
    v->active--;
    for (uint32_t i = 0; i < b->user_count; i++) {
        struct plm_verify_model *m = &v->models[v->users[b->first_user + i]];
        count_for_model(m, found);
        if (m->pending == 0 && !waits_for_repair(v, m))
            tell_model(v, m);
    }
    plm_verify_kick(v);
}

static struct plm_check *free_place(struct plm_verify *v)
{
    for (size_t i = 0; i < v->check_count; i++)
        if (!v->checks[i].blob)
            return &v->checks[i];
    return NULL;
}

static void on_kick(void *ctx)
{
    struct plm_verify *v = ctx;
    struct plm_check *place;
    for (int begun = 0; begun < BEGIN_MAX && v->next < v->blob_count && !v->error.code; begun++) {
        place = free_place(v);
        if (!place)
            return;
        v->active++;
        plm_check_begin(place, &v->blobs[v->next++]);
    }
    if (v->job->ended)
        return;
    if (v->error.code)
        end_early(v);
    else if (v->next < v->blob_count)
        plm_verify_kick(v);
    else if (v->active == 0 && !plm_repair_step(v) && !v->error.code)
        end(v);
}

static void on_tick(void *ctx)
{
    struct plm_verify *v = ctx;
    uint64_t read = v->hashed;
    plm_timer_start(v->job->engine->loop, &v->tick, TICK_MS);
    for (size_t i = 0; i < v->check_count; i++)
        read += plm_check_hashed(&v->checks[i]);
    plm_meter_add(&v->meter, plm_loop_now(v->job->engine->loop), read);
    for (size_t i = 0; i < v->check_count; i++) {
        struct plm_check *c = &v->checks[i];
        uint64_t hashed = plm_check_hashed(c);
        if (!c->blob || hashed <= c->shown)
            continue;
        c->shown = hashed;
        show_progress(v, c);
    }
}

/* ---- the beginning ---- */

static bool make_checks(struct plm_verify *v, struct plm_error *err)
{
    size_t count = plm_workers_count(v->job->engine->workers);
    v->checks = calloc(count, sizeof(*v->checks));
    if (!v->checks)
        return plm_fail(err, PLM_E_NOMEM, "no memory to verify");
    v->check_count = count;
    for (size_t i = 0; i < count; i++) {
        v->checks[i].verify = v;
        v->checks[i].fd = -1;
    }
    return true;
}

static bool start(struct plm_job *job, struct plm_error *err)
{
    struct plm_verify *v = calloc(1, sizeof(*v));
    if (!v)
        return plm_fail(err, PLM_E_NOMEM, "no memory to verify");
    job->state = v;
    v->job = job;
    v->kick = (struct plm_timer){.fire = on_kick, .ctx = v};
    v->tick = (struct plm_timer){.fire = on_tick, .ctx = v};
    if ((job->repair && !plm_blobs_migrate(&job->engine->store, err)) || !plm_verify_list(v, err) ||
        !plm_engine_workers(job->engine, err) || !make_checks(v, err))
        return false;
    emit_numbers(v, PLM_EV_VERIFY_START);
    for (size_t i = 0; i < v->model_count; i++)
        if (v->models[i].pending == 0)
            tell_model(v, &v->models[i]);
    plm_timer_start(job->engine->loop, &v->tick, TICK_MS);
    plm_verify_kick(v);
    return true;
}

static void stop(struct plm_job *job)
{
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request");
    plm_verify_fail(job->state, &err);
}

static void release(struct plm_job *job)
{
    struct plm_verify *v = job->state;
    if (!v)
        return;
    plm_timer_stop(job->engine->loop, &v->kick);
    plm_timer_stop(job->engine->loop, &v->tick);
    for (size_t i = 0; i < v->check_count; i++)
        plm_check_close(&v->checks[i]);
    free(v->checks);
    plm_repair_done(v);
    plm_verify_list_done(v);
    free(v);
}

static const char *hint(const struct plm_error *err)
{
    return err->code == PLM_E_INTEGRITY ? "fetch again what is damaged: pullama verify --repair"
                                        : NULL;
}

static const char *repair_hint(const struct plm_error *err)
{
    return err->code == PLM_E_INTEGRITY
               ? "above stands what could not be repaired, and why; mend that (a registry without "
                 "TLS: --insecure) and run it again, or remove the model"
               : NULL;
}

const struct plm_job_kind plm_verify_kind = {
    .is_recorded = true,
    .verb = PLM_VERB_VERIFY,
    .hint = hint,
    .start = start,
    .stop = stop,
    .free = release,
};

const struct plm_job_kind plm_repair_kind = {
    .is_recorded = true,
    .verb = PLM_VERB_VERIFY,
    .changes_store = true,
    .needs_network = true,
    .prepare = plm_repair_prepare,
    .hint = repair_hint,
    .start = start,
    .stop = stop,
    .free = release,
};
