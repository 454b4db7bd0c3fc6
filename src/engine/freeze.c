/* Freeze: says in a lock file which models are here, each with the digest of its manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/lockfile.h"
#include "engine/upstream.h"
#include "store/atomic.h"

struct freezing {
    char *folder; /* owned; of the file to be written */
    char *name;   /* owned */
    int dir;
};

static bool writes_file(const struct plm_job *job)
{
    return job->target && strcmp(job->target, "-") != 0;
}

static void release(struct plm_job *job)
{
    struct freezing *f = job->state;
    if (!f)
        return;
    plm_os_close(f->dir);
    free(f->folder);
    free(f->name);
    free(f);
    job->state = NULL;
}

/* Only an older list is replaced unasked, also one that was cut: anything else may be dear to
 * somebody. */
static bool may_replace(const struct freezing *f, const char *path, struct plm_error *err)
{
    char *text = NULL;
    size_t size = 0;
    struct plm_error why = {0};
    bool is_list = plm_os_read_file(f->dir, f->name, PLM_LOCKFILE_MAX, &text, &size, &why) &&
                   plm_lockfile_is_one(text, size);
    free(text);
    return is_list || why.code == PLM_E_NOT_FOUND ||
           plm_fail(err, PLM_E_USAGE,
                    "%s is no lock file, and is not replaced; move it away, or name another file",
                    path);
}

static bool open_folder(struct freezing *f, const char *path, struct plm_error *err)
{
    const char *slash = strrchr(path, '/');
    struct plm_error why = {0};
    struct plm_file_status there;
    f->name = strdup(slash ? slash + 1 : path);
    f->folder = !slash          ? strdup(".")
                : slash == path ? strdup("/")
                                : strndup(path, (size_t)(slash - path));
    if (!f->name || !f->folder)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a path");
    if (f->name[0] == '\0')
        return plm_fail(err, PLM_E_USAGE, "%s names a folder, not a file", path);
    if (plm_os_open_dir(plm_os_cwd(), f->folder, true, &f->dir, &why) &&
        plm_os_status(f->dir, f->name, &there, &why))
        return there.type == PLM_FILE_DIRECTORY
                   ? plm_fail(err, PLM_E_USAGE, "%s is a folder; name a file in it", path)
                   : there.type == PLM_FILE_NONE || may_replace(f, path, err);
    return plm_fail(err, why.code == PLM_E_NOT_FOUND ? PLM_E_USAGE : why.code, "%s: %s", path,
                    why.msg);
}

/* The folder is opened before the process is confined to it. */
static bool prepare(struct plm_job *job, struct plm_error *err)
{
    if (job->state || !writes_file(job))
        return true;
    struct freezing *f = calloc(1, sizeof(*f));
    if (!f)
        return plm_fail(err, PLM_E_NOMEM, "no memory to freeze");
    f->dir = -1;
    job->state = f;
    if (open_folder(f, job->target, err))
        return true;
    release(job);
    return false;
}

static const char *changes(const struct plm_job *job)
{
    const struct freezing *f = job->state;
    return f ? f->folder : NULL;
}

/* A list that silently lacks a model would make `sync --prune` remove it. */
static bool write_all(const struct plm_upstream *models, struct plm_buf *text,
                      struct plm_error *err)
{
    bool ok = plm_lockfile_begin(text, err);
    for (size_t i = 0; ok && i < models->count; i++) {
        const struct plm_upstream_model *m = &models->models[i];
        ok = m->is_here ? plm_lockfile_add(text, &m->ref, &m->here, err)
                        : plm_fail(err, m->why.code, "%s", m->why.msg);
    }
    return ok && plm_lockfile_end(text, err);
}

static bool write_file(const struct plm_job *job, const struct plm_buf *text, struct plm_error *err)
{
    const struct freezing *f = job->state;
    char temp[300];
    int length = snprintf(temp, sizeof(temp), ".%s.pullama-tmp", f->name);
    if (length < 0 || (size_t)length >= sizeof(temp))
        return plm_fail(err, PLM_E_USAGE, "the name of the lock file is too long");
    if (plm_atomic_write(f->dir, temp, f->dir, f->name, text->bytes, text->size, err))
        return true;
    if (err)
        err->sys_errno = 0; /* nothing of the store */
    return plm_prefix(err, "%s", job->target);
}

static bool run(struct plm_job *job, struct plm_error *err)
{
    struct plm_upstream models = {.job = job};
    struct plm_buf text = PLM_BUF_INIT(PLM_LOCKFILE_MAX);
    bool ok = plm_upstream_add_all(&models, err) && write_all(&models, &text, err) &&
              (!writes_file(job) || write_file(job, &text, err));
    if (ok) {
        struct plm_event event = {.kind = PLM_EV_FROZEN,
                                  .frozen = {.path = writes_file(job) ? job->target : NULL,
                                             .text = text.bytes,
                                             .models = (uint32_t)models.count}};
        plm_job_emit(job, &event);
        plm_job_complete(job);
    }
    plm_buf_done(&text);
    plm_upstream_done(&models);
    return ok;
}

const struct plm_job_kind plm_freeze_kind = {
    .verb = PLM_VERB_FREEZE, .prepare = prepare, .changes = changes, .run = run, .free = release};
