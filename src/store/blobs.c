/* Blobs: the finished files under blobs/ and how far they can be trusted. */
#include "store/blobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/atomic.h"

#define NOTE_NAME "verified"
#define NOTE_TEXT 80

static void note_of(const struct plm_file_status *status, char out[NOTE_TEXT])
{
    (void)snprintf(out, NOTE_TEXT, "1 %" PRIu64 " %" PRId64 " %" PRIu64, status->size,
                   status->modified_ns, status->inode);
}

static bool is_proven(int fd, const struct plm_file_status *status)
{
    char is[NOTE_TEXT], noted[NOTE_TEXT];
    size_t length = 0;
    if (!plm_os_note_get(fd, NOTE_NAME, noted, sizeof(noted) - 1, &length))
        return false;
    noted[length] = '\0';
    note_of(status, is);
    return strcmp(is, noted) == 0;
}

bool plm_blob_look(const struct plm_store *store, const struct plm_descriptor *want,
                   enum plm_blob_state *out, struct plm_error *err)
{
    char name[PLM_DIGEST_TEXT];
    struct plm_file_status status = {.type = PLM_FILE_NONE};
    (void)plm_digest_file_name(&want->digest, name);
    if (store->blobs_fd >= 0 && !plm_os_status(store->blobs_fd, name, &status, err))
        return plm_prefix(err, "blobs");
    if (status.type == PLM_FILE_NONE) {
        *out = PLM_BLOB_ABSENT;
        return true;
    }
    if (status.type != PLM_FILE_REGULAR || status.size != want->size) {
        *out = PLM_BLOB_WRONG_SIZE;
        return true;
    }
    int fd = -1;
    struct plm_error why = {0};
    /* One that another user keeps to himself is there, and can be removed. */
    if (!plm_blob_open(store, &want->digest, &fd, &why) && why.code != PLM_E_ACCESS) {
        *out = PLM_BLOB_ABSENT;
        if (why.code != PLM_E_NOT_FOUND && err) /* else it was removed since it was looked at */
            *err = why;
        return why.code == PLM_E_NOT_FOUND;
    }
    *out = fd >= 0 && is_proven(fd, &status) ? PLM_BLOB_PROVEN : PLM_BLOB_UNPROVEN;
    plm_os_close(fd);
    return true;
}

bool plm_blob_open(const struct plm_store *store, const struct plm_digest *digest, int *fd,
                   struct plm_error *err)
{
    char name[PLM_DIGEST_TEXT];
    if (store->blobs_fd < 0)
        return plm_fail(err, PLM_E_NOT_FOUND, "there is no store at %s", store->root);
    if (!plm_os_open(store->blobs_fd, plm_digest_file_name(digest, name), PLM_OPEN_READ, fd, err))
        return plm_prefix(err, "blobs");
    return true;
}

void plm_blob_note_proven(int fd)
{
    struct plm_file_status status;
    char note[NOTE_TEXT];
    if (!plm_os_fd_status(fd, &status, NULL))
        return;
    note_of(&status, note);
    (void)plm_os_note_set(fd, NOTE_NAME, note, strlen(note));
}

void plm_blob_renew(const struct plm_store *store, const struct plm_digest *digest)
{
    int fd = -1;
    struct plm_file_status status;
    if (!plm_blob_open(store, digest, &fd, NULL))
        return;
    if (plm_os_fd_status(fd, &status, NULL)) {
        bool proven = is_proven(fd, &status);
        if (plm_os_touch(fd, NULL) && proven)
            plm_blob_note_proven(fd);
    }
    plm_os_close(fd);
}

bool plm_blob_remove(const struct plm_store *store, const struct plm_digest *digest,
                     uint64_t *freed, struct plm_error *err)
{
    char name[PLM_DIGEST_TEXT];
    struct plm_file_status status = {.type = PLM_FILE_NONE};
    bool removed = false;
    (void)plm_digest_file_name(digest, name);
    if (store->blobs_fd >= 0 &&
        (!plm_os_status(store->blobs_fd, name, &status, err) ||
         (status.type != PLM_FILE_NONE && !plm_os_unlink(store->blobs_fd, name, &removed, err))))
        return plm_prefix(err, "blobs");
    *freed = removed && status.links == 1 ? status.disk_bytes : 0;
    return true;
}

struct migration {
    const struct plm_store *store;
    struct plm_error *err;
    bool ok, moved;
};

static bool migrate_entry(void *ctx, const char *name)
{
    struct migration *m = ctx;
    struct plm_digest digest;
    struct plm_file_status status;
    char target[PLM_DIGEST_TEXT];
    if (!plm_digest_parse(name, strlen(name), &digest, NULL))
        return true;
    m->ok =
        plm_os_status(m->store->blobs_fd, plm_digest_file_name(&digest, target), &status, m->err);
    if (!m->ok || status.type != PLM_FILE_NONE)
        return m->ok;
    m->ok = plm_atomic_move(m->store->blobs_fd, name, m->store->blobs_fd, target, m->err);
    m->moved = true;
    return m->ok;
}

bool plm_blobs_migrate(const struct plm_store *store, struct plm_error *err)
{
    struct migration m = {.store = store, .err = err, .ok = true};
    if (store->blobs_fd < 0)
        return true;
    if (!plm_os_each_entry(store->blobs_fd, migrate_entry, &m, err) || !m.ok)
        return plm_prefix(err, "blobs");
    return m.moved ? plm_os_sync_dir(store->blobs_fd, err) : true;
}
