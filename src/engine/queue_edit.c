/* Queue edit: the commands that add to the queue, list it, and change it. */
#include <stdlib.h>
#include <string.h>

#include "engine/database.h"
#include "os/os.h"
#include "pullama/text.h"
#include "queue/queue.h"

/* ---- add ---- */

/* Everything is read before anything is changed. */
static bool read_references(struct plm_job *job, struct plm_error *err)
{
    for (size_t i = 0; i < job->model_count; i++) {
        struct plm_ref ref;
        if (!plm_ref_parse(job->models[i], &ref, err))
            return false;
    }
    return true;
}

static bool add_one(struct plm_job *job, struct plm_database *db, const char *typed,
                    struct plm_event_queue *queue, struct plm_error *err)
{
    char whole[PLM_REF_TEXT];
    struct plm_ref ref;
    struct plm_queue_entry entry;
    bool added;
    if (!plm_ref_parse(typed, &ref, err))
        return false;
    if (job->engine->options.insecure && !ref.scheme_typed)
        ref.scheme = PLM_SCHEME_HTTP;
    if (!plm_queue_add(db, plm_ref_format_whole(&ref, whole), plm_os_unix_ms(), &added, &entry,
                       err))
        return false;
    struct plm_event event = {.kind = PLM_EV_QUEUE_ADDED,
                              .queued = {.entry = &entry, .ref = &ref, .duplicate = !added}};
    plm_job_emit(job, &event);
    queue->changed += added;
    queue->skipped += !added;
    return true;
}

static bool end_change(struct plm_job *job, struct plm_database *db, bool ok,
                       struct plm_event_queue *queue, struct plm_error *err)
{
    if (!plm_database_end(db, ok && plm_queue_count(db, &queue->count, err), err))
        return false;
    struct plm_event event = {.kind = PLM_EV_QUEUE_CHANGED, .queue = *queue};
    plm_job_emit(job, &event);
    plm_job_complete(job);
    return true;
}

static bool run_add(struct plm_job *job, struct plm_error *err)
{
    plm_auto(plm_database_freep) struct plm_database *db = NULL;
    struct plm_event_queue queue = {0};
    if (!read_references(job, err) || !plm_job_open_queue(job, &db, err) ||
        !plm_job_begin_queue(job, db, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < job->model_count; i++)
        ok = add_one(job, db, job->models[i], &queue, err);
    return end_change(job, db, ok, &queue, err);
}

/* ---- list ---- */

struct listing {
    struct plm_job *job;
    bool has_runner;
    struct plm_queue_count count;
};

static bool show_entry(void *ctx, const struct plm_queue_entry *entry)
{
    struct listing *l = ctx;
    struct plm_queue_entry shown = *entry;
    if (shown.status == PLM_QUEUE_ACTIVE && !l->has_runner)
        shown.status = PLM_QUEUE_QUEUED; /* who was at it died */
    uint64_t *const counts[] = {[PLM_QUEUE_QUEUED] = &l->count.queued,
                                [PLM_QUEUE_ACTIVE] = &l->count.active,
                                [PLM_QUEUE_COMPLETED] = &l->count.completed,
                                [PLM_QUEUE_FAILED] = &l->count.failed};
    ++*counts[shown.status];
    l->count.all++;
    plm_job_emit_entry(l->job, PLM_EV_QUEUE_ENTRY, &shown);
    return true;
}

static bool run_list(struct plm_job *job, struct plm_error *err)
{
    plm_auto(plm_database_freep) struct plm_database *db = NULL;
    struct listing l = {.job = job, .has_runner = plm_engine_has_runner(job->engine)};
    if (!plm_engine_open_database(job->engine, PLM_DATABASE_READ, PLM_QUEUE_WAIT_MS, &db, err) ||
        (db && !plm_queue_each(db, show_entry, &l, err)))
        return false;
    struct plm_event event = {.kind = PLM_EV_QUEUE_CHANGED, .queue = {.count = l.count}};
    plm_job_emit(job, &event);
    plm_job_complete(job);
    return true;
}

/* ---- those that name entries ---- */

/* An entry by its position, or by its model's name. */
static bool pick(struct plm_job *job, struct plm_database *db, const char *typed,
                 struct plm_queue_found *out, struct plm_error *err)
{
    uint64_t position;
    struct plm_ref ref;
    char whole[PLM_REF_TEXT], shown[PLM_REF_TEXT];
    if (plm_text_u64(typed, strlen(typed), &position))
        return plm_queue_at(db, position, out, err);
    if (!plm_ref_parse(typed, &ref, err))
        return false;
    if (job->engine->options.insecure && !ref.scheme_typed)
        ref.scheme = PLM_SCHEME_HTTP;
    if (!plm_queue_find(db, plm_ref_format_whole(&ref, whole), out, err))
        return false;
    return out->entry.id != 0 ||
           plm_fail(err, PLM_E_NOT_FOUND, "%s is not in the queue", plm_ref_format(&ref, shown));
}

static bool refuse_active(const struct plm_job *job, const struct plm_queue_entry *entry,
                          struct plm_error *err)
{
    char shown[PLM_REF_TEXT];
    return plm_fail(err, PLM_E_BUSY,
                    "entry %u, %s, is being pulled by process %ld; stop that first",
                    entry->position, plm_text_printable(entry->reference, shown, sizeof(shown)),
                    plm_lock_holder(job->engine->store.state_fd, PLM_QUEUE_LOCK));
}

/* All entries that the operands name, each once; none of them is active. Owned by the caller. */
static bool pick_all(struct plm_job *job, struct plm_database *db, struct plm_queue_found **out,
                     size_t *count, struct plm_error *err)
{
    struct plm_queue_found *found = calloc(job->model_count, sizeof(*found));
    size_t n = 0;
    if (!found)
        return plm_fail(err, PLM_E_NOMEM, "no memory for %zu entries", job->model_count);
    for (size_t i = 0; i < job->model_count; i++) {
        bool is_new = true;
        bool ok =
            pick(job, db, job->models[i], &found[n], err) &&
            (found[n].entry.status != PLM_QUEUE_ACTIVE || refuse_active(job, &found[n].entry, err));
        if (!ok) {
            free(found);
            return false;
        }
        for (size_t k = 0; k < n; k++)
            is_new = is_new && found[k].entry.id != found[n].entry.id;
        n += is_new;
    }
    *out = found;
    *count = n;
    return true;
}

static bool open_for_change(struct plm_job *job, struct plm_database **out, struct plm_error *err)
{
    struct plm_database *db = NULL;
    if (!plm_engine_open_database(job->engine, PLM_DATABASE_WRITE, PLM_QUEUE_WAIT_MS, &db, err))
        return false;
    if (!plm_job_begin_queue(job, db, err)) {
        plm_database_close(db);
        return false;
    }
    *out = db;
    return true;
}

typedef bool (*change_fn)(struct plm_database *db, int64_t id, struct plm_error *err);

static bool change_picked(struct plm_job *job, struct plm_database *db, enum plm_event_kind kind,
                          change_fn change, struct plm_event_queue *queue, struct plm_error *err)
{
    struct plm_queue_found *found = NULL;
    size_t count = 0;
    bool ok = pick_all(job, db, &found, &count, err);
    for (size_t i = 0; ok && i < count; i++) {
        bool is_waiting = kind == PLM_EV_QUEUE_RETRIED && found[i].entry.status == PLM_QUEUE_QUEUED;
        found[i].entry.reference = found[i].reference;
        queue->skipped += is_waiting;
        queue->changed += !is_waiting;
        if (is_waiting)
            continue;
        ok = change(db, found[i].entry.id, err);
        if (kind == PLM_EV_QUEUE_RETRIED)
            found[i].entry.status = PLM_QUEUE_QUEUED;
        if (ok)
            plm_job_emit_entry(job, kind, &found[i].entry);
    }
    free(found);
    return ok;
}

static bool run_remove(struct plm_job *job, struct plm_error *err)
{
    plm_auto(plm_database_freep) struct plm_database *db = NULL;
    struct plm_event_queue queue = {0};
    if (!open_for_change(job, &db, err))
        return false;
    bool ok = change_picked(job, db, PLM_EV_QUEUE_REMOVED, plm_queue_remove, &queue, err);
    return end_change(job, db, ok, &queue, err);
}

static bool show_failed(void *ctx, const struct plm_queue_entry *entry)
{
    struct plm_queue_entry queued = *entry;
    queued.status = PLM_QUEUE_QUEUED;
    if (entry->status == PLM_QUEUE_FAILED)
        plm_job_emit_entry(ctx, PLM_EV_QUEUE_RETRIED, &queued);
    return true;
}

static bool run_retry(struct plm_job *job, struct plm_error *err)
{
    plm_auto(plm_database_freep) struct plm_database *db = NULL;
    struct plm_event_queue queue = {0};
    if (!open_for_change(job, &db, err))
        return false;
    bool ok = job->model_count > 0
                  ? change_picked(job, db, PLM_EV_QUEUE_RETRIED, plm_queue_again, &queue, err)
                  : plm_queue_each(db, show_failed, job, err) &&
                        plm_queue_again_failed(db, &queue.changed, err);
    return end_change(job, db, ok, &queue, err);
}

static bool run_clear(struct plm_job *job, struct plm_error *err)
{
    plm_auto(plm_database_freep) struct plm_database *db = NULL;
    struct plm_event_queue queue = {0};
    if (!open_for_change(job, &db, err))
        return false;
    return end_change(job, db, plm_queue_clear(db, job->finished, &queue.changed, err), &queue,
                      err);
}

static const char *position_hint(const struct plm_error *err)
{
    return err->code == PLM_E_USAGE || err->code == PLM_E_NOT_FOUND
               ? "see the positions: pullama queue list"
               : NULL;
}

const struct plm_job_kind plm_queue_add_kind = {
    .verb = PLM_VERB_QUEUE_ADD, .makes_store = true, .uses_database = true, .run = run_add};
const struct plm_job_kind plm_queue_list_kind = {
    .verb = PLM_VERB_QUEUE_LIST, .uses_database = true, .run = run_list};
const struct plm_job_kind plm_queue_remove_kind = {
    .verb = PLM_VERB_QUEUE_RM,
    .makes_store = true,
    .uses_database = true,
    .hint = position_hint,
    .run = run_remove,
};
const struct plm_job_kind plm_queue_retry_kind = {
    .verb = PLM_VERB_QUEUE_RETRY,
    .makes_store = true,
    .uses_database = true,
    .hint = position_hint,
    .run = run_retry,
};
const struct plm_job_kind plm_queue_clear_kind = {
    .verb = PLM_VERB_QUEUE_CLEAR, .makes_store = true, .uses_database = true, .run = run_clear};
