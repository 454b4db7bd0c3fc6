/* Clean: removes disposable state that no live process uses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clean_scan.h"
#include "engine/engine_private.h"
#include "store/manifests.h"

/* What Ollama writes now is younger: it reports progress to these files all the time. */
#define OLLAMA_QUIET_MS (60 * 60 * 1000)

struct cleaning {
    struct plm_job *job;
    const struct plm_store *store;
    uint32_t files;
    uint64_t bytes;
    uint32_t busy; /* blobs */
    struct plm_error *err;
};

static void tell(struct cleaning *c, const char *folder, const char *name, const char *type,
                 const struct plm_file_status *status)
{
    char path[PLM_REF_TEXT + 16];
    uint64_t bytes = status->links == 1 ? status->disk_bytes : 0;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    struct plm_event event = {
        .kind = PLM_EV_CLEAN_FILE,
        .file = {.path = path, .type = type, .bytes = bytes, .dry_run = c->job->dry_run}};
    plm_job_emit(c->job, &event);
    c->files++;
    c->bytes += bytes;
}

static int dir_of(const struct cleaning *c, const struct plm_debris *d)
{
    return d->in_blobs ? c->store->blobs_fd : c->store->state_fd;
}

/* Removes the name itself: what a link points to is none of ours, and a directory stays. */
static bool drop(struct cleaning *c, const struct plm_debris *d)
{
    struct plm_file_status status;
    int dir = dir_of(c, d);
    if (!plm_os_status(dir, d->name, &status, c->err))
        return false;
    if (status.type == PLM_FILE_NONE || status.type == PLM_FILE_DIRECTORY)
        return true;
    /* A lock goes when it is given back: after this name is gone, it may be another's. */
    bool is_lock = d->kind == PLM_DEBRIS_LOCK && status.type == PLM_FILE_REGULAR;
    if (!is_lock && !c->job->dry_run && !plm_os_unlink(dir, d->name, NULL, c->err))
        return plm_prefix(c->err, "%s", d->in_blobs ? "blobs" : ".pullm");
    tell(c, d->in_blobs ? "blobs" : ".pullm", d->name, plm_debris_type(d->kind), &status);
    return true;
}

/* ---- locks ---- */

/* *taken stays false when another process works on the blob. */
static bool take(struct cleaning *c, int dir, const char *name, struct plm_lock *lock, bool *taken)
{
    struct plm_error why = {0};
    *taken = !plm_lock_is_used(dir, name);
    if (*taken && c->job->dry_run)
        return true;
    *taken = *taken && plm_lock_try(dir, name, lock, &why);
    c->busy += !*taken && why.code != PLM_E_CORRUPT;
    if (*taken || why.code == PLM_OK || why.code == PLM_E_BUSY)
        return true;
    if (why.code == PLM_E_CORRUPT)
        plm_job_warn(c->job, "left alone: %s", why.msg);
    else
        *c->err = why;
    return why.code == PLM_E_CORRUPT;
}

/* A link where a lock should be holds nobody off, and would keep the lock from being taken. */
static bool drop_false_locks(struct cleaning *c, const struct plm_debris *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct plm_file_status status;
        if (items[i].kind != PLM_DEBRIS_LOCK)
            continue;
        if (!plm_os_status(dir_of(c, &items[i]), items[i].name, &status, c->err) ||
            (status.type == PLM_FILE_OTHER && !drop(c, &items[i])))
            return false;
    }
    return true;
}

/* Ours always; Pullama's when there is one, since it makes it before anything else. */
static bool take_locks(struct cleaning *c, const struct plm_debris *items, size_t count,
                       struct plm_lock locks[2], bool *taken)
{
    char name[PLM_STATE_NAME];
    *taken = true;
    (void)plm_store_state_name(&items[0].digest, PLM_STATE_LOCK, name);
    if (c->store->state_fd >= 0 && !take(c, c->store->state_fd, name, &locks[0], taken))
        return false;
    for (size_t i = 0; *taken && i < count; i++) {
        struct plm_file_status status;
        if (items[i].kind != PLM_DEBRIS_LOCK || !items[i].in_blobs)
            continue;
        if (!plm_os_status(c->store->blobs_fd, items[i].name, &status, c->err) ||
            (status.type == PLM_FILE_REGULAR &&
             !take(c, c->store->blobs_fd, items[i].name, &locks[1], taken)))
            return false;
    }
    return true;
}

/* ---- one blob's files ---- */

static bool ollama_is_at_it(struct cleaning *c, const struct plm_debris *items, size_t count,
                            bool *out)
{
    int64_t newest_ms = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        struct plm_file_status status;
        if (!items[i].is_ollama)
            continue;
        if (!plm_os_status(c->store->blobs_fd, items[i].name, &status, c->err))
            return false;
        if (status.type == PLM_FILE_REGULAR && status.modified_ns / 1000000 > newest_ms)
            newest_ms = status.modified_ns / 1000000;
    }
    *out = newest_ms > plm_os_unix_ms() - OLLAMA_QUIET_MS;
    return true;
}

static bool drop_all(struct cleaning *c, const struct plm_debris *items, size_t count)
{
    bool is_busy = false;
    if (!ollama_is_at_it(c, items, count, &is_busy))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!(items[i].is_ollama && is_busy) && !drop(c, &items[i]))
            return false;
    return true;
}

static bool clean_blob(struct cleaning *c, const struct plm_debris *items, size_t count)
{
    struct plm_lock locks[2] = {PLM_LOCK_INIT, PLM_LOCK_INIT};
    bool taken = false;
    bool ok = drop_false_locks(c, items, count) && take_locks(c, items, count, locks, &taken) &&
              (!taken || drop_all(c, items, count));
    for (size_t i = 0; i < PLM_COUNT(locks); i++)
        plm_lock_release(&locks[i], true);
    return ok;
}

/* Files of a push: each alone, under the push's own lock. */
static bool clean_push(struct cleaning *c, const struct plm_debris *d)
{
    struct plm_lock lock = PLM_LOCK_INIT;
    bool taken = false;
    bool ok = drop_false_locks(c, d, 1) && take(c, c->store->state_fd, d->guard, &lock, &taken) &&
              (!taken || drop(c, d));
    plm_lock_release(&lock, d->kind == PLM_DEBRIS_LOCK);
    return ok;
}

static bool clean_files(struct cleaning *c)
{
    struct plm_debris_list list = {0};
    if (!plm_debris_scan(c->store, &list, c->err))
        return false;
    bool ok = true;
    size_t next;
    for (size_t i = 0; ok && i < list.count; i = next) {
        next = i + 1;
        while (list.items[i].has_digest && next < list.count &&
               plm_digest_equal(&list.items[i].digest, &list.items[next].digest))
            next++;
        ok = list.items[i].has_digest ? clean_blob(c, &list.items[i], next - i)
             : list.items[i].guard[0] ? clean_push(c, &list.items[i])
                                      : drop(c, &list.items[i]);
    }
    plm_debris_list_done(&list);
    return ok;
}

/* ---- manifests/ ---- */

struct torn {
    struct plm_ref *refs; /* owned */
    size_t count, capacity;
    struct plm_error *err;
    bool ok;
};

/* Pullama writes `<tag>.tmp` beside the manifest. A whole manifest of that name may be a model. */
static bool collect_torn(void *ctx, const struct plm_manifest_file *file)
{
    struct torn *torn = ctx;
    size_t length = strlen(file->ref.tag);
    if (!file->is_named || file->manifest || length <= 4 ||
        strcmp(file->ref.tag + length - 4, ".tmp") != 0)
        return true;
    if (torn->count == torn->capacity) {
        size_t capacity = torn->capacity ? torn->capacity * 2 : 8;
        struct plm_ref *refs = realloc(torn->refs, capacity * sizeof(*refs));
        if (!refs) {
            torn->ok = plm_fail(torn->err, PLM_E_NOMEM, "no memory for %zu names", capacity);
            return false;
        }
        torn->refs = refs;
        torn->capacity = capacity;
    }
    torn->refs[torn->count++] = file->ref;
    return true;
}

static bool drop_torn(struct cleaning *c, const struct plm_ref *ref)
{
    struct plm_file_status status;
    char name[PLM_REF_TEXT];
    int dir = -1;
    if (!plm_store_manifest_dir(c->store, ref, false, &dir, c->err))
        return false;
    bool ok = plm_os_status(dir, ref->tag, &status, c->err);
    plm_os_close(dir);
    if (!ok || status.type != PLM_FILE_REGULAR)
        return ok;
    if (!c->job->dry_run && !plm_manifest_remove(c->store, ref, c->err))
        return false;
    (void)snprintf(name, sizeof(name), "%s/%s/%s/%s", ref->host, ref->ns, ref->model, ref->tag);
    tell(c, "manifests", name, plm_debris_type(PLM_DEBRIS_TEMPORARY), &status);
    return true;
}

static bool clean_manifests(struct cleaning *c)
{
    struct torn torn = {.err = c->err, .ok = true};
    bool ok = plm_manifests_each(c->store, collect_torn, &torn, c->err) && torn.ok;
    for (size_t i = 0; ok && i < torn.count; i++)
        ok = drop_torn(c, &torn.refs[i]);
    free(torn.refs);
    return ok;
}

static bool run(struct plm_job *job, struct plm_error *err)
{
    struct cleaning c = {.job = job, .store = &job->engine->store, .err = err};
    plm_job_emit_kind(job, PLM_EV_CLEAN_START);
    if (!clean_files(&c) || !clean_manifests(&c))
        return false;
    if (c.busy)
        plm_job_warn(job, "left alone, another process is at it: the state of %u blob%s", c.busy,
                     c.busy == 1 ? "" : "s");
    struct plm_event event = {
        .kind = PLM_EV_CLEAN_DONE,
        .removed = {.files = c.files, .bytes = c.bytes, .dry_run = job->dry_run}};
    plm_job_emit(job, &event);
    plm_job_complete(job);
    return true;
}

const struct plm_job_kind plm_clean_kind = {
    .is_recorded = true, .verb = PLM_VERB_CLEAN, .needs_lock = true, .run = run};
