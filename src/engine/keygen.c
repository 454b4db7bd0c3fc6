/* Keygen: makes the key that registries know this machine by, and never replaces one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_private.h"
#include "net/sshkey.h"
#include "store/atomic.h"

#define KEY_TEXT_MAX 4096
#define NAME_ROOM 300

struct place {
    char *folder;     /* owned */
    const char *name; /* of the private file in it; borrowed */
    int dir;
};

static bool take_apart(const char *path, struct place *out, struct plm_error *err)
{
    const char *slash = strrchr(path, '/');
    if (!*path)
        return plm_fail(err, PLM_E_USAGE, "HOME is not set, so there is no place for a key");
    out->name = slash ? slash + 1 : path;
    if (!*out->name || strlen(out->name) + 16 > NAME_ROOM)
        return plm_fail(err, PLM_E_USAGE, "%s is no name for a key file", path);
    size_t length = slash ? (size_t)(slash - path) : 0;
    out->folder = !slash ? strdup(".") : length == 0 ? strdup("/") : strndup(path, length);
    return out->folder ? true : plm_fail(err, PLM_E_NOMEM, "no memory for a path");
}

static const char *sibling(const struct place *place, const char *ending, char out[NAME_ROOM])
{
    (void)snprintf(out, NAME_ROOM, "%s%s", place->name, ending);
    return out;
}

/* Only the last folder is made: a missing one above it is more likely a mistake. */
static bool enter(struct place *place, struct plm_error *err)
{
    bool made = false;
    int parent = -1;
    struct plm_error why = {0};
    if (!plm_os_make_dir(plm_os_cwd(), place->folder, &made, &why) ||
        !plm_os_open_dir(plm_os_cwd(), place->folder, true, &place->dir, &why)) {
        bool is_gone = why.code == PLM_E_NOT_FOUND;
        return plm_fail(err, is_gone ? PLM_E_IO : why.code, "%s%s", why.msg,
                        is_gone ? " (the directory above it must be there)" : "");
    }
    if (!made) /* NOLINT(clang-analyzer-unix.Malloc): the caller frees the folder */
        return true;
    bool ok = plm_os_open_dir(place->dir, "..", true, &parent, err) && plm_os_sync_dir(parent, err);
    plm_os_close(parent);
    return ok;
}

static bool has_file(const struct place *place, const char *name, bool *has, struct plm_error *err)
{
    struct plm_file_status status;
    if (!plm_os_status(place->dir, name, &status, err))
        return plm_prefix(err, "%s", place->folder);
    *has = status.type != PLM_FILE_NONE;
    return true;
}

static bool write_private(const struct place *place, const struct plm_buf *text,
                          struct plm_error *err)
{
    char temp[NAME_ROOM];
    return plm_atomic_write_private(place->dir, sibling(place, ".tmp", temp), place->dir,
                                    place->name, text->bytes, text->size, err) ||
           plm_prefix(err, "%s", place->folder);
}

static bool write_public(const struct place *place, const char *line, struct plm_error *err)
{
    char name[NAME_ROOM], temp[NAME_ROOM];
    struct plm_buf text = PLM_BUF_INIT(KEY_TEXT_MAX);
    bool ok = plm_buf_printf(&text, err, "%s\n", line) &&
              plm_atomic_write(place->dir, sibling(place, ".pub.tmp", temp), place->dir,
                               sibling(place, ".pub", name), text.bytes, text.size, err);
    plm_buf_done(&text);
    return ok;
}

static bool make_key(const struct place *place, struct plm_error *err)
{
    struct plm_sshkey key;
    struct plm_buf text = PLM_BUF_INIT(KEY_TEXT_MAX);
    if (!plm_sshkey_generate(&key, err))
        return false;
    bool ok = plm_sshkey_private_text(&key, &text, err) && write_private(place, &text, err);
    plm_sshkey_wipe(&key);
    plm_buf_wipe(&text);
    return ok;
}

/* Under a lock, so that of two that start together only one makes a key. */
static bool make_missing(const struct place *place, bool *created, struct plm_error *err)
{
    char name[NAME_ROOM];
    struct plm_lock lock = PLM_LOCK_INIT;
    bool has = false;
    if (!has_file(place, place->name, &has, err))
        return false;
    if (has)
        return true;
    if (!plm_lock_try(place->dir, sibling(place, ".lock", name), &lock, err))
        return plm_prefix(err, "%s", place->folder);
    bool ok = has_file(place, place->name, &has, err) && (has || make_key(place, err));
    plm_lock_release(&lock, true);
    *created = ok && !has;
    return ok;
}

/* A run that was stopped between the two files left the public one out. */
static bool complete_pair(struct plm_job *job, const struct place *place, const char *line,
                          bool created, struct plm_error *err)
{
    char name[NAME_ROOM];
    struct plm_error why = {0};
    bool has = false;
    if (!has_file(place, sibling(place, ".pub", name), &has, err))
        return false;
    if ((has && !created) || write_public(place, line, &why))
        return true;
    if (created)
        *err = why;
    else
        plm_job_warn(job, "the public key is not written to a file: %s", why.msg);
    return !created;
}

static bool tell(struct plm_job *job, const struct place *place, bool created,
                 struct plm_error *err)
{
    struct plm_sshkey key;
    struct plm_buf line = PLM_BUF_INIT(KEY_TEXT_MAX);
    if (!plm_sshkey_load(job->engine->key_path, &key, err))
        return false;
    bool ok = plm_sshkey_public_line(&key, &line, err) &&
              complete_pair(job, place, line.bytes, created, err);
    plm_sshkey_wipe(&key);
    if (ok) {
        struct plm_event event = {
            .kind = PLM_EV_KEY,
            .key = {.path = job->engine->key_path, .public_line = line.bytes, .created = created}};
        plm_job_emit(job, &event);
        plm_job_complete(job);
    }
    plm_buf_done(&line);
    return ok;
}

/* A missing folder is made and synced while the folder above it can still be opened. */
static bool prepare(struct plm_job *job, struct plm_error *err)
{
    struct place place = {.dir = -1};
    bool ok =
        job->dry_run || (take_apart(job->engine->key_path, &place, err) && enter(&place, err));
    plm_os_close(place.dir);
    free(job->state);
    job->state = place.folder;
    return ok;
}

static bool run(struct plm_job *job, struct plm_error *err)
{
    struct place place = {.dir = -1};
    bool created = false;
    if (job->dry_run)
        return plm_fail(err, PLM_E_USAGE, "making a key has no dry run");
    bool ok = take_apart(job->engine->key_path, &place, err) && enter(&place, err) &&
              make_missing(&place, &created, err) && tell(job, &place, created, err);
    plm_os_close(place.dir);
    free(place.folder);
    return ok;
}

static const char *changes(const struct plm_job *job)
{
    return job->state;
}

static void release(struct plm_job *job)
{
    free(job->state);
}

const struct plm_job_kind plm_keygen_kind = {.verb = PLM_VERB_KEYGEN,
                                             .no_store = true,
                                             .changes = changes,
                                             .prepare = prepare,
                                             .run = run,
                                             .free = release};
