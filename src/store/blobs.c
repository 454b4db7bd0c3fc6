/* Blobs: the finished files under blobs/ and how far they can be trusted. */
#include "store/blobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pullama/text.h"
#include "store/atomic.h"

#define NOTE_NAME "verified"
#define NOTE_TEXT 80

/* What follows the note's version: by it the file is recognised. Returns its length. */
static size_t identity_of(const struct plm_file_status *status, char out[NOTE_TEXT])
{
    int length = snprintf(out, NOTE_TEXT, " %" PRIu64 " %" PRId64 " %" PRIu64, status->size,
                          status->modified_ns, status->inode);
    return length > 0 ? (size_t)length : 0;
}

static void set_note(int fd, const struct plm_file_status *status, int64_t checked_s)
{
    char identity[NOTE_TEXT], note[2 * NOTE_TEXT];
    (void)identity_of(status, identity);
    int length = snprintf(note, sizeof(note), "2%s %" PRId64, identity, checked_s);
    (void)plm_os_note_set(fd, NOTE_NAME, note, (size_t)length);
}

bool plm_blob_is_proven(int fd, const struct plm_file_status *status, int64_t *checked_s)
{
    char identity[NOTE_TEXT], note[2 * NOTE_TEXT];
    size_t length = 0, same = identity_of(status, identity);
    uint64_t seconds = 0;
    if (!plm_os_note_get(fd, NOTE_NAME, note, sizeof(note) - 1, &length))
        return false;
    note[length] = '\0';
    if (length < 1 + same || memcmp(note + 1, identity, same) != 0)
        return false;
    const char *rest = note + 1 + same; /* version 1 does not say when */
    if (!(note[0] == '1' && *rest == '\0') &&
        !(note[0] == '2' && *rest == ' ' && plm_text_u64(rest + 1, strlen(rest + 1), &seconds)))
        return false;
    if (checked_s)
        *checked_s = seconds <= INT64_MAX ? (int64_t)seconds : 0;
    return true;
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
    *out = fd >= 0 && plm_blob_is_proven(fd, &status, NULL) ? PLM_BLOB_PROVEN : PLM_BLOB_UNPROVEN;
    plm_os_close(fd);
    return true;
}

bool plm_blob_open(const struct plm_store *store, const struct plm_digest *digest, int *fd,
                   struct plm_error *err)
{
    char name[PLM_DIGEST_TEXT];
    struct plm_error why = {0};
    if (store->blobs_fd < 0)
        return plm_fail(err, PLM_E_NOT_FOUND, "there is no store at %s", store->root);
    if (plm_os_open(store->blobs_fd, plm_digest_file_name(digest, name), PLM_OPEN_READ, fd, &why))
        return true;
    if (why.code == PLM_E_NOT_FOUND &&
        plm_os_open(store->blobs_fd, plm_digest_format(digest, name), PLM_OPEN_READ, fd, NULL))
        return true; /* Ollama's old naming */
    if (err && err->code == PLM_OK)
        *err = why;
    return plm_prefix(err, "blobs");
}

void plm_blob_note_proven(int fd)
{
    struct plm_file_status status;
    if (plm_os_fd_status(fd, &status, NULL))
        set_note(fd, &status, plm_os_unix_ms() / 1000);
}

void plm_blob_note_doubted(int fd)
{
    (void)plm_os_note_set(fd, NOTE_NAME, "", 0);
}

void plm_blob_renew(const struct plm_store *store, const struct plm_digest *digest)
{
    int fd = -1;
    struct plm_file_status status;
    if (!plm_blob_open(store, digest, &fd, NULL))
        return;
    if (plm_os_fd_status(fd, &status, NULL)) {
        int64_t checked_s = 0;
        bool proven = plm_blob_is_proven(fd, &status, &checked_s);
        if (plm_os_touch(fd, NULL) && proven && plm_os_fd_status(fd, &status, NULL))
            set_note(fd, &status, checked_s);
    }
    plm_os_close(fd);
}

/* Asked before the name goes. */
static uint64_t reclaimable(const struct plm_store *store, const char *name,
                            const struct plm_file_status *status)
{
    int fd = -1;
    if (status->type != PLM_FILE_REGULAR || status->links != 1)
        return 0;
    if (!plm_os_open(store->blobs_fd, name, PLM_OPEN_READ, &fd, NULL))
        return status->disk_bytes;
    uint64_t shared = plm_os_shared_bytes(fd);
    plm_os_close(fd);
    return shared < status->disk_bytes ? status->disk_bytes - shared : 0;
}

bool plm_blob_reclaimable(const struct plm_store *store, const struct plm_digest *digest,
                          uint64_t *bytes, struct plm_error *err)
{
    char name[PLM_DIGEST_TEXT];
    struct plm_file_status status = {.type = PLM_FILE_NONE};
    (void)plm_digest_file_name(digest, name);
    if (store->blobs_fd >= 0 && !plm_os_status(store->blobs_fd, name, &status, err))
        return plm_prefix(err, "blobs");
    *bytes = reclaimable(store, name, &status);
    return true;
}

bool plm_blob_remove(const struct plm_store *store, const struct plm_digest *digest,
                     uint64_t *freed, struct plm_error *err)
{
    char name[PLM_DIGEST_TEXT];
    uint64_t bytes = 0;
    bool removed = false;
    if (store->blobs_fd >= 0 &&
        (!plm_blob_reclaimable(store, digest, &bytes, err) ||
         !plm_os_unlink(store->blobs_fd, plm_digest_file_name(digest, name), &removed, err)))
        return plm_prefix(err, "blobs");
    *freed = removed ? bytes : 0;
    return true;
}

struct blob_walk {
    bool (*each)(void *ctx, const struct plm_digest *digest);
    void *ctx;
};

static bool see_name(void *ctx, const char *name)
{
    const struct blob_walk *walk = ctx;
    struct plm_digest digest;
    char text[PLM_DIGEST_TEXT];
    size_t length = strlen(name);
    if (length >= sizeof(text))
        return true;
    memcpy(text, name, length + 1);
    if (strncmp(text, "sha256-", 7) == 0)
        text[6] = ':';
    return !plm_digest_parse(text, length, &digest, NULL) || walk->each(walk->ctx, &digest);
}

bool plm_blobs_each(const struct plm_store *store,
                    bool (*each)(void *ctx, const struct plm_digest *digest), void *ctx,
                    struct plm_error *err)
{
    struct blob_walk walk = {.each = each, .ctx = ctx};
    return store->blobs_fd < 0 || plm_os_each_entry(store->blobs_fd, see_name, &walk, err) ||
           plm_prefix(err, "blobs");
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
