/* Export: the job that writes an archive, entry by entry, and judges each blob on the way. */
#include "engine/export.h"

#include <stdlib.h>
#include <string.h>

#include "archive/entry_name.h"
#include "archive/unpack.h"
#include "os/os.h"
#include "store/blobs.h"

#define TICK_MS 100
#define PIECE ((size_t)256 << 10)

static bool is_stream(const struct plm_job *job)
{
    return job->target && strcmp(job->target, "-") == 0;
}

static void kick(struct plm_export *x)
{
    if (!x->kick.armed)
        plm_timer_start(x->job->engine->loop, &x->kick, 0);
}

static void fail(struct plm_export *x, const struct plm_error *err)
{
    if (x->error.code == PLM_OK)
        x->error = *err;
    atomic_store(&x->file.cancelled, true);
    if (x->is_relaying)
        plm_relay_cancel(&x->relay);
    kick(x);
}

/* ---- what is said ---- */

static void tell(struct plm_export *x, enum plm_event_kind kind)
{
    struct plm_event event = {.kind = kind,
                              .archive = {.path = x->job->target,
                                          .models = (uint32_t)x->model_count,
                                          .blobs = (uint32_t)x->blob_count,
                                          .parts = x->file.parts,
                                          .total_size = x->total,
                                          .archive_size = x->size,
                                          .dry_run = x->job->dry_run}};
    plm_job_emit(x->job, &event);
}

/* A stream's blobs are read twice, and both count. */
static uint64_t all_bytes(const struct plm_export *x)
{
    return is_stream(x->job) ? 2 * x->total : x->total;
}

static void show_progress(struct plm_export *x)
{
    const struct plm_export_item *item = &x->items[x->at];
    uint64_t passed = atomic_load(&x->relay.passed), all = all_bytes(x);
    uint64_t overall = (is_stream(x->job) && !x->is_looking ? x->total : 0) + x->before + passed;
    plm_meter_add(&x->meter, plm_loop_now(x->job->engine->loop), overall);
    if (!x->is_relaying || overall <= x->shown)
        return;
    x->shown = overall;
    struct plm_event event = {.kind = PLM_EV_PROGRESS,
                              .blob = {.want = item->blob,
                                       .index = (uint32_t)(x->at - x->first_blob) + 1,
                                       .total = (uint32_t)x->blob_count},
                              .progress = {.blob_done = passed,
                                           .blob_total = item->blob->size,
                                           .overall_done = overall,
                                           .overall_total = all,
                                           .bytes_per_second = plm_meter_rate(&x->meter),
                                           .eta_ms = plm_meter_eta_ms(&x->meter, all - overall)}};
    plm_job_emit(x->job, &event);
}

static void end_well(struct plm_export *x)
{
    int64_t elapsed = plm_os_monotonic_ms() - x->job->started_ms;
    struct plm_event event = {
        .completed = {.total_size = x->total,
                      .blob_count = (uint32_t)x->blob_count,
                      .elapsed_ms = elapsed,
                      .bytes_per_second = elapsed > 0 ? x->total * 1000 / (uint64_t)elapsed : 0,
                      .dry_run = x->job->dry_run}};
    plm_job_end(x->job, &event, NULL);
}

/* ---- on a worker ---- */

static bool write_header(struct plm_export *x, const struct plm_export_item *item,
                         struct plm_error *err)
{
    char name[PLM_ENTRY_NAME];
    struct plm_buf bytes = PLM_BUF_INIT(2 * PLM_ENTRY_NAME);
    struct plm_zip_new header = plm_export_header(item, name);
    bool ok = plm_zip_put_local(&bytes, &header, err) &&
              plm_export_file_write(&x->file, item->offset, bytes.bytes, bytes.size, err);
    plm_buf_done(&bytes);
    return ok;
}

/* A file's header waits for the checksum, which its last block completes. */
static bool put(void *ctx, uint64_t at, const void *bytes, size_t length, struct plm_error *err)
{
    struct plm_export *x = ctx;
    struct plm_export_item *item = &x->items[x->at];
    bool is_last = at + length == item->blob->size, streams = x->file.stream >= 0;
    if (streams && at == 0 && !write_header(x, item, err))
        return false;
    if (!plm_export_file_write(&x->file, item->data + at, bytes, length, err))
        return false;
    if (streams || !is_last)
        return true;
    item->crc = x->relay.crc;
    return write_header(x, item, err);
}

static void write_front(struct plm_work *work)
{
    struct plm_export *x =
        (struct plm_export *)(void *)((char *)work - offsetof(struct plm_export, task));
    for (size_t i = 0; i < x->first_blob; i++) {
        struct plm_export_item *item = &x->items[i];
        const struct plm_manifest *m = item->manifest;
        item->crc = m ? plm_unpack_crc(0, m->raw, m->raw_size) : 0;
        if (!write_header(x, item, &x->task_err) ||
            (m && !plm_export_file_write(&x->file, item->data, m->raw, m->raw_size, &x->task_err)))
            return;
    }
}

static bool flush(struct plm_export *x, struct plm_buf *bytes, uint64_t *at)
{
    bool ok = plm_export_file_write(&x->file, *at, bytes->bytes, bytes->size, &x->task_err);
    *at += bytes->size;
    plm_buf_clear(bytes);
    return ok;
}

static void write_back(struct plm_work *work)
{
    struct plm_export *x =
        (struct plm_export *)(void *)((char *)work - offsetof(struct plm_export, task));
    struct plm_buf bytes = PLM_BUF_INIT(PIECE + 2 * PLM_ENTRY_NAME);
    uint64_t at = x->directory;
    bool ok = true;
    for (size_t i = 0; ok && i < x->item_count; i++) {
        char name[PLM_ENTRY_NAME];
        struct plm_zip_new header = plm_export_header(&x->items[i], name);
        ok = plm_zip_put_central(&bytes, &header, &x->task_err) &&
             (bytes.size < PIECE || flush(x, &bytes, &at));
    }
    ok = ok &&
         plm_zip_put_end(&bytes, x->item_count, x->directory_size, x->directory, &x->task_err) &&
         flush(x, &bytes, &at) && plm_export_file_finish(&x->file, &x->task_err);
    (void)ok; /* task_err tells */
    plm_buf_done(&bytes);
}

/* ---- on the loop ---- */

static void front_done(struct plm_work *work)
{
    struct plm_export *x =
        (struct plm_export *)(void *)((char *)work - offsetof(struct plm_export, task));
    x->is_task_busy = false;
    if (x->task_err.code)
        fail(x, &x->task_err);
    x->at = x->first_blob;
    kick(x);
}

static void back_done(struct plm_work *work)
{
    struct plm_export *x =
        (struct plm_export *)(void *)((char *)work - offsetof(struct plm_export, task));
    x->is_task_busy = false;
    if (x->task_err.code) {
        fail(x, &x->task_err);
        return;
    }
    tell(x, PLM_EV_EXPORTED);
    end_well(x);
}

static void start_task(struct plm_export *x, void (*run)(struct plm_work *work),
                       void (*done)(struct plm_work *work))
{
    x->is_task_busy = true;
    x->task = (struct plm_work){.run = run, .done = done};
    plm_workers_submit(x->job->engine->workers, &x->task);
}

/* The blob's bytes have passed. */
static void relayed(void *ctx)
{
    struct plm_export *x = ctx;
    struct plm_export_item *item = &x->items[x->at];
    struct plm_error err = x->relay.err;
    char name[PLM_DIGEST_TEXT];
    show_progress(x);
    x->is_relaying = false;
    plm_os_close(x->fd);
    x->fd = -1;
    (void)plm_digest_file_name(&item->blob->digest, name);
    if (!err.code && !plm_digest_equal(&x->relay.digest, &item->blob->digest))
        (void)plm_fail(&err, PLM_E_INTEGRITY, "%s is damaged: its bytes have another digest", name);
    else if (err.code == PLM_E_INTEGRITY)
        (void)plm_prefix(&err, "%s is damaged", name);
    if (err.code) {
        fail(x, &err);
        return;
    }
    item->crc = x->relay.crc;
    x->before += item->blob->size;
    x->at++;
    kick(x);
}

static void relay_blob(struct plm_export *x)
{
    const struct plm_descriptor *want = x->items[x->at].blob;
    struct plm_error err = {0};
    struct plm_file_status status = {0};
    bool ok = plm_blob_open(&x->job->engine->store, &want->digest, &x->fd, &err) &&
              plm_os_fd_status(x->fd, &status, &err);
    if (ok && status.size != want->size)
        ok = plm_fail(&err, PLM_E_INTEGRITY, "a blob is damaged: it has the wrong size");
    if (!ok && err.code == PLM_E_NOT_FOUND)
        err.code = PLM_E_INTEGRITY;
    if (!ok) {
        fail(x, &err);
        return;
    }
    x->is_relaying = true;
    plm_relay_start(&x->relay, x->fd, want->size, x->is_looking ? NULL : put, x);
}

static void on_kick(void *ctx)
{
    struct plm_export *x = ctx;
    if (x->job->ended || x->is_relaying || x->is_task_busy)
        return; /* what is under way comes back */
    if (x->error.code)
        plm_job_end(x->job, NULL, &x->error);
    else if (x->at < x->first_blob)
        start_task(x, write_front, front_done);
    else if (x->at < x->item_count)
        relay_blob(x);
    else if (x->is_looking) {
        x->is_looking = false;
        x->before = 0;
        x->at = 0;
        kick(x);
    } else
        start_task(x, write_back, back_done);
}

static void on_tick(void *ctx)
{
    struct plm_export *x = ctx;
    plm_timer_start(x->job->engine->loop, &x->tick, TICK_MS);
    if (x->is_relaying)
        show_progress(x);
}

/* ---- begin and end ---- */

static bool open_target(struct plm_export *x, struct plm_error *err)
{
    const struct plm_job *job = x->job;
    if (!is_stream(job))
        return plm_export_file_open(&x->file, job->target, x->size, job->split, job->force,
                                    job->dry_run, err);
    if (job->split)
        return plm_fail(err, PLM_E_USAGE, "a stream has no parts: --split needs a file");
    plm_export_file_stream(&x->file, job->stream_fd, x->size);
    x->is_looking = true;
    x->at = x->first_blob;
    return true;
}

static bool start(struct plm_job *job, struct plm_error *err)
{
    struct plm_export *x = calloc(1, sizeof(*x));
    if (!x)
        return plm_fail(err, PLM_E_NOMEM, "no memory to export");
    job->state = x;
    x->job = job;
    x->fd = -1;
    x->file = PLM_EXPORT_FILE_INIT;
    x->kick = (struct plm_timer){.fire = on_kick, .ctx = x};
    x->tick = (struct plm_timer){.fire = on_tick, .ctx = x};
    if (!job->target || !*job->target)
        return plm_fail(err, PLM_E_USAGE, "an export needs a file: -o FILE.zip, or -o -");
    if (!plm_export_list(x, err) || !open_target(x, err))
        return false;
    if (x->model_count == 1) {
        job->ref = x->models[0].ref;
        job->has_ref = true;
    }
    tell(x, PLM_EV_EXPORT_START);
    if (job->dry_run) {
        end_well(x);
        return true;
    }
    if (!plm_engine_workers(job->engine, err) ||
        !plm_relay_init(&x->relay, job->engine->workers, relayed, x, err))
        return false;
    plm_timer_start(job->engine->loop, &x->tick, TICK_MS);
    kick(x);
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
    struct plm_export *x = job->state;
    if (!x)
        return;
    plm_timer_stop(job->engine->loop, &x->kick);
    plm_timer_stop(job->engine->loop, &x->tick);
    plm_relay_done(&x->relay);
    plm_os_close(x->fd);
    plm_export_file_close(&x->file);
    plm_export_list_done(x);
    free(x);
}

static bool prepare(struct plm_job *job, struct plm_error *err)
{
    if (!job->target || is_stream(job) || job->folder)
        return true;
    job->folder = plm_export_folder(job->target);
    return job->folder || plm_fail(err, PLM_E_NOMEM, "no memory for a path");
}

static const char *changes(const struct plm_job *job)
{
    return job->folder;
}

static const char *hint(const struct plm_error *err)
{
    if (err->code == PLM_E_ACCESS)
        return "name another place with -o, or check who may write there";
    if (err->code == PLM_E_NOSPACE)
        return "name a place with more room; what was there under that name is as it was";
    return err->code == PLM_E_INTEGRITY ? "fetch again what is damaged: pullama verify --repair"
                                        : NULL;
}

const struct plm_job_kind plm_export_kind = {
    .is_recorded = true,
    .verb = PLM_VERB_EXPORT,
    .prepare = prepare,
    .changes = changes,
    .hint = hint,
    .start = start,
    .stop = stop,
    .free = release,
};
