/* The record of a push: its sessions on the disk, so that the next run goes on with them. */
#include "engine/push.h"

#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "store/atomic.h"

static const char *target_of(const struct plm_push *push)
{
    return plm_registry_address(push->registry);
}

static void warn(struct plm_push *push, const struct plm_error *why)
{
    push->record.disabled = true;
    push->record.dirty = false;
    plm_job_warn(push->job,
                 "what is sent cannot be noted, so a push that is stopped starts again: %s",
                 why->msg);
}

static void read_file(struct plm_push *push)
{
    struct plm_push_record *record = &push->record;
    struct plm_error err = {0};
    char *text = NULL;
    size_t size;
    if (!plm_os_read_file(record->state_fd, record->name, PLM_SESSIONS_MAX_BYTES, &text, &size,
                          &err)) {
        if (err.code != PLM_E_NOT_FOUND)
            plm_job_warn(push->job, "%s: %s", record->name, err.msg);
        return;
    }
    record->stands = true;
    if (!plm_sessions_decode(text, size, target_of(push), &record->sessions, &err))
        plm_job_warn(push->job, "%s is of no use: %s", record->name, err.msg);
    if (err.code == PLM_E_UNSUPPORTED)
        record->disabled = true; /* the other version goes on with it */
    free(text);
    plm_sessions_expire(&record->sessions, plm_os_unix_ms() / 1000);
}

bool plm_push_record_open(struct plm_push *push, struct plm_error *err)
{
    struct plm_push_record *record = &push->record;
    char lock[PLM_PUSH_NAME];
    struct plm_error why = {0};
    record->state_fd = push->job->engine->store.state_fd;
    if (!plm_push_name(target_of(push), PLM_PUSH_RECORD, record->name, err) ||
        !plm_push_name(target_of(push), PLM_PUSH_TEMPORARY, record->temp, err) ||
        !plm_push_name(target_of(push), PLM_PUSH_LOCK, lock, err))
        return false;
    if (push->job->dry_run) {
        if (record->state_fd >= 0)
            read_file(push);
        return true;
    }
    if (record->state_fd < 0) {
        (void)plm_fail(&why, PLM_E_ACCESS, "there is no %s/.pullm, and it cannot be made",
                       push->job->engine->store.root);
        warn(push, &why);
        return true;
    }
    if (!plm_lock_try(record->state_fd, lock, &record->lock, &why)) {
        if (why.code == PLM_E_BUSY) {
            *err = why;
            return false;
        }
        warn(push, &why);
        return true;
    }
    /* Of a push that was killed while it wrote. This one may have nothing to write. */
    (void)!plm_os_unlink(record->state_fd, record->temp, NULL, NULL);
    record->disabled = false;
    read_file(push);
    return true;
}

void plm_push_record_put(struct plm_push *push, const struct plm_session *session)
{
    struct plm_error err = {0};
    if (push->record.disabled)
        return;
    if (plm_sessions_put(&push->record.sessions, session, &err))
        push->record.dirty = true;
    else
        warn(push, &err);
}

void plm_push_record_drop(struct plm_push *push, const struct plm_digest *digest)
{
    if (plm_sessions_remove(&push->record.sessions, digest) && !push->record.disabled)
        push->record.dirty = true;
}

/* ---- writing ---- */

static void run(struct plm_work *work)
{
    struct plm_push_record *record = (struct plm_push_record *)(void *)work; /* its first member */
    record->error = (struct plm_error){0};
    record->failed =
        !plm_atomic_write_private(record->state_fd, record->temp, record->state_fd, record->name,
                                  record->text, strlen(record->text), &record->error);
}

static void written(struct plm_work *work)
{
    struct plm_push_record *record = (struct plm_push_record *)(void *)work;
    struct plm_push *push =
        (struct plm_push *)(void *)((char *)record - offsetof(struct plm_push, record));
    free(record->text);
    record->text = NULL;
    record->busy = false;
    record->stands = record->stands || !record->failed;
    if (record->failed)
        warn(push, &record->error);
    plm_push_kick(push);
}

bool plm_push_record_settle(struct plm_push *push)
{
    struct plm_push_record *record = &push->record;
    struct plm_error err = {0};
    if (record->busy || !record->dirty)
        return !record->busy;
    record->dirty = false;
    if (record->sessions.count == 0 && !record->stands)
        return true;
    if (!plm_sessions_encode(&record->sessions, target_of(push), &record->text, &err)) {
        warn(push, &err);
        return true;
    }
    record->busy = true;
    record->work = (struct plm_work){.run = run, .done = written};
    plm_workers_submit(push->job->engine->workers, &record->work);
    return false;
}

void plm_push_record_close(struct plm_push *push)
{
    struct plm_push_record *record = &push->record;
    if (record->stands && record->sessions.count == 0 && !record->disabled && record->lock.fd >= 0)
        (void)!plm_os_unlink(record->state_fd, record->name, NULL, NULL); /* it would say nothing */
    plm_lock_release(&record->lock, record->sessions.count == 0);
    plm_sessions_done(&record->sessions);
    free(record->text);
    record->text = NULL;
}
