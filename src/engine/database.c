/* Database: where it lies, whom it waits for, what is done when it is damaged, and what Pullama
 * left. */
#include "engine/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "queue/legacy.h"
#include "queue/queue.h"

#define REPAIR_LOCK "database.lock"
#define WARNINGS_MAX 5

static bool is_ending(void *ctx)
{
    return plm_engine_is_ending(ctx);
}

bool plm_engine_open_database(struct plm_engine *engine, enum plm_database_use use, int64_t wait_ms,
                              struct plm_database **out, struct plm_error *err)
{
    char *root = NULL, *folder = NULL;
    struct plm_database *db = NULL;
    if (engine->store.state_fd < 0) {
        *out = NULL;
        return use == PLM_DATABASE_READ ||
               plm_fail(err, PLM_E_NOT_FOUND, "there is no store at %s", engine->store.root);
    }
    if (!plm_os_absolute_path(engine->store.root, &root, err))
        return false;
    if (asprintf(&folder, "%s/.pullm", root) < 0) {
        free(root);
        return plm_fail(err, PLM_E_NOMEM, "no memory for a path");
    }
    const struct plm_database_options options = {.folder_fd = engine->store.state_fd,
                                                 .folder = folder,
                                                 .use = use,
                                                 .wait_ms = wait_ms,
                                                 .is_ending = is_ending,
                                                 .ctx = engine};
    bool ok = plm_database_open(&options, &db, err);
    free(folder);
    free(root);
    if (ok)
        *out = db;
    return ok;
}

/* Under a lock, and only if it is damaged still: another process may have done the same just now.
 */
static bool replace_damaged(struct plm_job *job, struct plm_database **out, struct plm_error *err)
{
    struct plm_engine *engine = job->engine;
    struct plm_lock lock = PLM_LOCK_INIT;
    struct plm_error why = {0};
    char name[64];
    if (!plm_lock_try(engine->store.state_fd, REPAIR_LOCK, &lock, err))
        return false;
    bool ok = plm_engine_open_database(engine, PLM_DATABASE_WRITE, PLM_QUEUE_WAIT_MS, out, &why);
    if (!ok && why.code == PLM_E_CORRUPT) {
        ok = plm_database_set_aside(engine->store.state_fd, name, err);
        if (ok)
            plm_job_warn(job,
                         "%s; it was set aside as %s, and the queue and the history begin anew",
                         why.msg, name);
        ok =
            ok && plm_engine_open_database(engine, PLM_DATABASE_WRITE, PLM_QUEUE_WAIT_MS, out, err);
    } else if (!ok) {
        *err = why;
    }
    plm_lock_release(&lock, true);
    return ok;
}

bool plm_job_open_queue(struct plm_job *job, struct plm_database **out, struct plm_error *err)
{
    struct plm_error why = {0};
    if (plm_engine_open_database(job->engine, PLM_DATABASE_WRITE, PLM_QUEUE_WAIT_MS, out, &why))
        return true;
    if (why.code == PLM_E_CORRUPT)
        return replace_damaged(job, out, err);
    if (why.code == PLM_E_BUSY && plm_engine_is_ending(job->engine))
        return plm_fail(err, PLM_E_INTERRUPTED, "stopped on request");
    *err = why;
    return false;
}

bool plm_engine_has_runner(const struct plm_engine *engine)
{
    return engine->store.state_fd >= 0 && plm_lock_is_held(engine->store.state_fd, PLM_QUEUE_LOCK);
}

void plm_job_emit_entry(struct plm_job *job, enum plm_event_kind kind,
                        const struct plm_queue_entry *entry)
{
    struct plm_ref ref;
    bool is_ref = plm_ref_parse(entry->reference, &ref, NULL);
    struct plm_event event = {.kind = kind,
                              .queued = {.entry = entry, .ref = is_ref ? &ref : NULL}};
    plm_job_emit(job, &event);
}

/* ---- Pullama's queue ---- */

struct takeover {
    struct plm_job *job;
    struct plm_database *db;
    struct plm_error *err;
    unsigned taken, refused;
    bool ok;
};

/* What ended there has ended here too; what was active there, nobody is at any more. */
static bool keep_outcome(struct takeover *t, int64_t id, const struct plm_legacy_entry *entry)
{
    bool completed = strcmp(entry->status, "completed") == 0;
    if (!completed && strcmp(entry->status, "failed") != 0)
        return true;
    return plm_queue_settle(t->db, id, completed ? PLM_QUEUE_COMPLETED : PLM_QUEUE_FAILED,
                            plm_os_unix_ms(), completed ? NULL : "unknown",
                            completed ? NULL : entry->error, t->err);
}

static bool take_entry(void *ctx, const struct plm_legacy_entry *entry)
{
    struct takeover *t = ctx;
    char typed[2 * PLM_REF_TEXT], whole[PLM_REF_TEXT];
    struct plm_error why = {0};
    struct plm_queue_found old;
    struct plm_queue_entry added;
    struct plm_ref ref;
    bool is_new;
    int length = snprintf(typed, sizeof(typed), "%s:%s", entry->model, entry->tag);
    if (length < 0 || (size_t)length >= sizeof(typed) || !plm_ref_parse(typed, &ref, &why)) {
        if (t->refused++ < WARNINGS_MAX)
            plm_job_warn(t->job, "not taken over from Pullama's queue: %s",
                         why.msg[0] ? why.msg : "a name that is too long");
        return true;
    }
    (void)plm_ref_format_whole(&ref, whole);
    t->ok = plm_queue_find(t->db, whole, &old, t->err);
    if (!t->ok || old.entry.id != 0)
        return t->ok;
    t->ok = plm_queue_add(t->db, whole, plm_os_unix_ms(), &is_new, &added, t->err) &&
            keep_outcome(t, added.id, entry);
    t->taken += t->ok;
    return t->ok;
}

/* *refused: why it is no queue; "" when it is one. */
static bool take_entries(struct plm_job *job, struct plm_database *db, struct takeover *t,
                         char refused[PLM_ERROR_TEXT], struct plm_error *err)
{
    struct plm_error why = {0};
    char *text = NULL;
    size_t size = 0;
    *t = (struct takeover){.job = job, .db = db, .err = err, .ok = true};
    bool ok = plm_os_read_file(job->engine->store.state_fd, PLM_LEGACY_NAME, PLM_LEGACY_MAX, &text,
                               &size, &why) &&
              plm_legacy_decode(text, size, take_entry, t, &why);
    free(text);
    if (!t->ok)
        return false;
    bool is_refused = why.code == PLM_E_CORRUPT || why.code == PLM_E_LIMIT;
    (void)snprintf(refused, PLM_ERROR_TEXT, "%s", is_refused ? why.msg : "");
    return ok || is_refused || plm_fail(err, why.code, ".pullm/%s: %s", PLM_LEGACY_NAME, why.msg);
}

/* A change of its own, and then the file goes to another name. Should the power be cut in between,
 * it is taken over again, which adds nothing that is here. */
static bool take_over(struct plm_job *job, struct plm_database *db, struct plm_error *err)
{
    int state_fd = job->engine->store.state_fd;
    struct plm_error why = {0};
    struct takeover t;
    char refused[PLM_ERROR_TEXT], name[64];
    if (!plm_database_begin(db, err))
        return false;
    bool ok = take_entries(job, db, &t, refused, err);
    if (refused[0] && ok) {
        (void)!plm_database_end(db, false, &why);
        why = (struct plm_error){0};
    } else if (!plm_database_end(db, ok, err)) {
        return false;
    }
    if (!plm_database_rename_away(state_fd, PLM_LEGACY_NAME,
                                  refused[0] ? ".refused" : ".taken-over", name, &why))
        return why.code == PLM_E_NOT_FOUND || plm_fail(err, why.code, "%s", why.msg);
    if (refused[0])
        plm_job_warn(job, ".pullm/%s was not taken over: %s; it is called %s now", PLM_LEGACY_NAME,
                     refused, name);
    else
        plm_job_warn(job, "took over %u model%s from Pullama's queue, whose file is called %s now",
                     t.taken, t.taken == 1 ? "" : "s", name);
    return true;
}

/* Not while Pullama is at it. */
static bool look_for_legacy(struct plm_job *job, struct plm_database *db, bool has_runner,
                            struct plm_error *err)
{
    struct plm_file_status status;
    if (!plm_os_status(job->engine->store.state_fd, PLM_LEGACY_NAME, &status, err))
        return false;
    return status.type == PLM_FILE_NONE || has_runner || take_over(job, db, err);
}

bool plm_job_begin_queue(struct plm_job *job, struct plm_database *db, struct plm_error *err)
{
    uint64_t count;
    bool is_mine = job->kind == &plm_queue_start_kind;
    if (!look_for_legacy(job, db, !is_mine && plm_engine_has_runner(job->engine), err) ||
        !plm_database_begin(db, err))
        return false;
    /* A runner takes its lock before it changes anything, and nobody else changes anything now: so
     * what is active without that lock being held belongs to nobody. */
    bool ok =
        (!is_mine && plm_engine_has_runner(job->engine)) || plm_queue_put_back(db, &count, err);
    return ok || plm_database_end(db, false, err);
}
