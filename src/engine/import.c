/* Import: models out of an archive, one after the other, each by a pull that the archive feeds. */
#include <stdlib.h>
#include <string.h>

#include "engine/feed.h"
#include "engine/pull.h"
#include "engine/tally.h"
#include "store/blobs.h"

struct import {
    struct plm_job *job;
    struct plm_feed feed;
    struct plm_work task; /* scanning at the beginning, reading on at the end */
    struct plm_error task_err;
    bool is_task_busy, is_scanned, is_read;
    size_t at;              /* model that is imported */
    struct plm_pull *pull;  /* owned; NULL between two */
    bool is_told;           /* the pull has told of its end */
    struct plm_tally tally; /* of all models */
    uint64_t before, read;  /* bytes of it that are here; that were taken from the archive */
    uint32_t blobs_before;  /* of it, that the models before this one name */
    bool is_new;            /* something had to be done */
    struct plm_timer kick;
    struct plm_error error; /* why it ends early */
};

static bool is_stream(const struct plm_job *job)
{
    return strcmp(job->target, "-") == 0;
}

static struct import *of_task(struct plm_work *work)
{
    return (struct import *)(void *)((char *)work - offsetof(struct import, task));
}

static void kick(struct import *i)
{
    if (!i->kick.armed)
        plm_timer_start(i->job->engine->loop, &i->kick, 0);
}

static void fail(struct import *i, const struct plm_error *err)
{
    if (i->error.code == PLM_OK)
        i->error = *err;
    plm_feed_cancel(&i->feed);
    if (i->pull && !i->pull->is_over)
        plm_pull_fail(i->pull, &i->error);
    kick(i);
}

/* ---- the end ---- */

static void end(struct import *i)
{
    int64_t elapsed = plm_os_monotonic_ms() - i->job->started_ms;
    struct plm_event event = {
        .completed = {.total_size = i->tally.size,
                      .blob_count = i->tally.count,
                      .elapsed_ms = elapsed,
                      .bytes_per_second = elapsed > 0 ? i->read * 1000 / (uint64_t)elapsed : 0,
                      .up_to_date = !i->is_new && !i->job->dry_run,
                      .dry_run = i->job->dry_run}};
    plm_job_end(i->job, &event, NULL);
}

static void end_early(struct import *i)
{
    /* What the store refused names the store. */
    if (i->error.code != PLM_E_INTERRUPTED && i->error.sys_errno == 0)
        (void)plm_prefix(&i->error, "%s", is_stream(i->job) ? "standard input" : i->job->target);
    plm_job_end(i->job, NULL, &i->error);
}

/* ---- on a worker ---- */

static void run_scan(struct plm_work *work)
{
    struct import *i = of_task(work);
    (void)!plm_feed_scan(&i->feed, &i->task_err);
}

static void run_end(struct plm_work *work)
{
    struct import *i = of_task(work);
    i->is_read = plm_feed_end(&i->feed, &i->task_err);
}

static void task_done(struct plm_work *work)
{
    struct import *i = of_task(work);
    i->is_task_busy = false;
    if (i->task_err.code)
        fail(i, &i->task_err);
    else if (i->pull)
        plm_pull_kick(i->pull);
    kick(i);
}

static void start_task(struct import *i, void (*run)(struct plm_work *work))
{
    i->is_task_busy = true;
    i->task = (struct plm_work){.run = run, .done = task_done};
    plm_workers_submit(i->job->engine->workers, &i->task);
}

/* ---- one model ---- */

static void over(void *ctx, const struct plm_error *err)
{
    struct import *i = ctx;
    i->is_told = true;
    if (err && i->error.code == PLM_OK)
        i->error = *err;
    kick(i);
}

static void take_in(struct import *i)
{
    struct plm_pull *pull = i->pull;
    bool is_new = pull->received > 0 || pull->wrote_manifest;
    if (i->error.code == PLM_OK && !i->job->dry_run) {
        struct plm_event event = {.kind = PLM_EV_IMPORTED,
                                  .imported = {.blobs = (uint32_t)pull->count,
                                               .total_size = pull->total,
                                               .read = pull->received,
                                               .up_to_date = !is_new}};
        plm_job_emit(i->job, &event);
    }
    i->is_new = i->is_new || is_new;
    i->before = pull->part.bytes_before + pull->total;
    for (size_t k = 0; k < pull->count; k++) {
        uint32_t number = plm_tally_number(&i->tally, &pull->downloads[k].want.digest);
        i->blobs_before = number > i->blobs_before ? number : i->blobs_before;
    }
    i->read += pull->received;
    i->at++;
    plm_pull_free(pull);
    i->pull = NULL;
    i->is_told = false;
}

/* What may not be in a stream can come last: nothing is published that may have to be refused. */
static bool may_publish(void *ctx)
{
    struct import *i = ctx;
    if (!is_stream(i->job) || i->at + 1 < i->feed.content.model_count || i->is_read)
        return true;
    if (!i->is_task_busy)
        start_task(i, run_end);
    return false;
}

static uint32_t number_of(void *ctx, const struct plm_digest *digest)
{
    const struct import *i = ctx;
    return plm_tally_number(&i->tally, digest);
}

/* Bytes of blobs that a model before this one names, too: they were counted with that one. */
static bool count_shared(const struct import *i, const struct plm_content_model *model,
                         uint64_t *out, struct plm_error *err)
{
    struct plm_descriptor *blobs = NULL;
    size_t many = 0;
    if (!plm_manifest_blobs(model->manifest, &blobs, &many, err))
        return false;
    *out = 0;
    for (size_t k = 0; k < many; k++) {
        if (plm_tally_number(&i->tally, &blobs[k].digest) <= i->blobs_before)
            *out += blobs[k].size;
    }
    free(blobs);
    return true;
}

static void start_model(struct import *i)
{
    struct plm_content_model *model = &i->feed.content.models[i->at];
    struct plm_error err = {0};
    uint64_t shared = 0;
    if (!count_shared(i, model, &shared, &err)) {
        fail(i, &err);
        return;
    }
    const struct plm_pull_part part = {.number_of = number_of,
                                       .blob_count = i->tally.count,
                                       .bytes_before = i->before - shared,
                                       .bytes_shown = shared,
                                       .bytes_all = i->tally.size,
                                       .is_model = true,
                                       .over = over,
                                       .may_publish = may_publish,
                                       .ctx = i};
    i->job->ref = model->ref;
    i->job->has_ref = true;
    i->feed.hint = 0;
    if (!plm_pull_start_fed(i->job, &i->feed, &model->manifest, &part, &i->pull, &err))
        fail(i, &err);
}

/* ---- the archive ---- */

static bool is_here(void *ctx, const struct plm_descriptor *want)
{
    const struct import *i = ctx;
    enum plm_blob_state state;
    return plm_blob_look(&i->job->engine->store, want, &state, NULL) &&
           (state == PLM_BLOB_PROVEN || state == PLM_BLOB_UNPROVEN);
}

static void tell_start(struct import *i)
{
    const struct plm_content *c = &i->feed.content;
    struct plm_event event = {.kind = PLM_EV_IMPORT_START,
                              .archive = {.path = i->job->target,
                                          .models = (uint32_t)c->model_count,
                                          .blobs = i->tally.count,
                                          .parts = i->feed.input.parts ? i->feed.input.parts : 1,
                                          .total_size = i->tally.size,
                                          .archive_size = i->feed.input.size,
                                          .dry_run = i->job->dry_run}};
    if (c->model_count == 1) {
        i->job->ref = c->models[0].ref;
        i->job->has_ref = true;
    }
    plm_job_emit(i->job, &event);
}

/* Blobs that models share are counted once. */
static bool count(struct import *i, struct plm_error *err)
{
    for (size_t n = 0; n < i->feed.content.model_count; n++) {
        struct plm_descriptor *blobs = NULL;
        size_t many = 0;
        if (!plm_manifest_blobs(i->feed.content.models[n].manifest, &blobs, &many, err))
            return false;
        bool ok = plm_tally_add(&i->tally, blobs, many, err);
        free(blobs);
        if (!ok)
            return false;
    }
    return true;
}

static void begin(struct import *i)
{
    struct plm_error err = {0};
    i->is_scanned = true;
    if (!plm_feed_check(&i->feed, is_here, i, &err) || !count(i, &err)) {
        fail(i, &err);
        return;
    }
    tell_start(i);
    kick(i);
}

static void on_kick(void *ctx)
{
    struct import *i = ctx;
    if (i->job->ended || i->is_task_busy || (i->pull && !i->is_told))
        return; /* what is under way comes back */
    if (i->pull)
        take_in(i);
    if (i->error.code)
        end_early(i);
    else if (!i->is_scanned)
        begin(i);
    else if (i->at < i->feed.content.model_count)
        start_model(i);
    else
        end(i);
}

/* ---- begin and end ---- */

static bool prepare(struct plm_job *job, struct plm_error *err)
{
    struct plm_archive_input input = PLM_ARCHIVE_INPUT_INIT;
    if (!job->target || !*job->target)
        return plm_fail(err, PLM_E_USAGE, "an import needs a file");
    if (is_stream(job) || job->folder)
        return true;
    bool ok = plm_archive_input_open(&input, job->target, err);
    if (ok)
        job->folder = plm_steal(&input.folder);
    plm_archive_input_close(&input);
    return ok;
}

static const char *reads(const struct plm_job *job)
{
    return job->folder;
}

static bool start(struct plm_job *job, struct plm_error *err)
{
    const struct plm_store *store = &job->engine->store;
    struct import *i = calloc(1, sizeof(*i));
    if (!i)
        return plm_fail(err, PLM_E_NOMEM, "no memory to import");
    job->state = i;
    i->job = job;
    i->feed.input = PLM_ARCHIVE_INPUT_INIT;
    i->kick = (struct plm_timer){.fire = on_kick, .ctx = i};
    if (is_stream(job))
        plm_archive_input_stream(&i->feed.input, job->stream_fd);
    else if (!plm_archive_input_open(&i->feed.input, job->target, err))
        return false;
    if ((store->blobs_fd >= 0 && !job->dry_run && !plm_blobs_migrate(store, err)) ||
        !plm_engine_workers(job->engine, err))
        return false;
    start_task(i, run_scan);
    return true;
}

static void stop(struct plm_job *job)
{
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request");
    fail(job->state, &err);
}

static void release(struct plm_job *job)
{
    struct import *i = job->state;
    if (!i)
        return;
    plm_timer_stop(job->engine->loop, &i->kick);
    plm_pull_free(i->pull);
    plm_feed_done(&i->feed);
    plm_tally_done(&i->tally);
    free(i);
}

static const char *hint(const struct plm_error *err)
{
    bool is_damaged =
        err->sys_errno == 0 && (err->code == PLM_E_CORRUPT || err->code == PLM_E_LIMIT);
    return is_damaged || err->code == PLM_E_INTEGRITY
               ? "copy the archive again, or export it anew; of a damaged model nothing is "
                 "installed"
               : NULL;
}

const struct plm_job_kind plm_import_kind = {
    .is_recorded = true,
    .verb = PLM_VERB_IMPORT,
    .makes_store = true,
    .prepare = prepare,
    .reads = reads,
    .hint = hint,
    .start = start,
    .stop = stop,
    .free = release,
};
