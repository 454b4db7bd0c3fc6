/* Partial blobs: opened with whatever progress there is, written, published. */
#include "store/partial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/adopt.h"
#include "store/atomic.h"
#include "store/blobs.h"
#include "store/checkpoint.h"

/* No file system's block, and no page, is larger. */
#define BLOCK_MAX (UINT64_C(64) << 10)

/* Reads the checkpoint; one that cannot be used counts for nothing, and says why in `corrupt`. */
static bool read_checkpoint(const struct plm_store *store, const struct plm_descriptor *want,
                            struct plm_checkpoint *out, char *corrupt, size_t corrupt_size,
                            struct plm_error *err)
{
    char name[PLM_STATE_NAME], *text = NULL;
    size_t size = 0;
    struct plm_error why = {0};
    (void)plm_store_state_name(&want->digest, PLM_STATE_CHECKPOINT, name);
    corrupt[0] = '\0';
    bool ok =
        plm_os_read_file(store->state_fd, name, PLM_CHECKPOINT_MAX_BYTES, &text, &size, &why) &&
        plm_checkpoint_decode(text, size, want, out, &why);
    free(text);
    if (ok || why.code == PLM_E_NOT_FOUND)
        return true;
    if (why.code == PLM_E_NOMEM) {
        *err = why;
        return false;
    }
    (void)snprintf(corrupt, corrupt_size, "%.*s", (int)corrupt_size - 1, why.msg);
    return true;
}

/* An empty directory in the place of a file of ours would keep every later write out. */
static void clear_place(const struct plm_store *store, const struct plm_digest *digest)
{
    for (int kind = PLM_STATE_PARTIAL; kind <= PLM_STATE_LOCK; kind++) {
        char name[PLM_STATE_NAME];
        (void)plm_store_state_name(digest, (enum plm_state_file)kind, name);
        (void)plm_os_remove_empty_dir(store->state_fd, name);
    }
}

/* Claims about bytes behind the end of the file are void. */
static bool add_within(struct plm_spans *to, const struct plm_spans *from, uint64_t size,
                       struct plm_error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        struct plm_span span = from->items[i];
        if (span.end > size)
            span.end = size;
        if (span.start < span.end && !plm_spans_add(to, span, err))
            return false;
    }
    return true;
}

/* Without any record, runs of data in the sparse file are a claim that costs nothing to check. They
 * are made of blocks: the last one of a run that ends inside the blob may be written in part. */
static bool add_data_runs(struct plm_partial *p, uint64_t size, struct plm_error *err)
{
    struct plm_span run;
    for (uint64_t at = 0, next; at < size && plm_os_next_data(p->fd, at, &run); at = next) {
        next = run.end;
        if (run.end > size)
            run.end = size;
        if (run.end < p->want->size && run.end > run.start)
            run.end = (run.end - 1) / BLOCK_MAX * BLOCK_MAX;
        if (run.start < run.end &&
            (!plm_spans_add(&p->written, run, err) || !plm_spans_add(&p->doubtful, run, err)))
            return false;
    }
    return true;
}

static bool load_progress(struct plm_partial *p, const struct plm_checkpoint *checkpoint,
                          const struct plm_spans *adopted, uint64_t old_size, struct plm_error *err)
{
    struct plm_spans live = {0};
    char name[PLM_STATE_NAME];
    (void)plm_store_state_name(&p->want->digest, PLM_STATE_LIVE, name);
    bool ok = add_within(&p->written, &checkpoint->durable, old_size, err) &&
              add_within(&p->written, adopted, old_size, err) &&
              add_within(&p->doubtful, adopted, old_size, err) &&
              plm_live_read(p->store->state_fd, name, p->want, &live, err) &&
              add_within(&p->written, &live, old_size, err);
    if (ok && checkpoint->version == PLM_CHECKPOINT_VERSION)
        ok = add_within(&p->durable, &checkpoint->durable, old_size, err);
    if (ok && p->written.count == 0)
        ok = add_data_runs(p, old_size, err);
    plm_spans_done(&live);
    return ok;
}

static void remove_state(const struct plm_store *store, const struct plm_digest *digest,
                         enum plm_state_file kind)
{
    char name[PLM_STATE_NAME], temp[PLM_STATE_NAME + 8];
    (void)plm_store_state_name(digest, kind, name);
    (void)snprintf(temp, sizeof(temp), "%s.tmp", name);
    (void)!plm_os_unlink(store->state_fd, temp, NULL, NULL);
    (void)!plm_os_unlink(store->state_fd, name, NULL, NULL);
}

static void remove_record(const struct plm_store *store, const struct plm_digest *digest)
{
    remove_state(store, digest, PLM_STATE_LIVE);
    remove_state(store, digest, PLM_STATE_CHECKPOINT);
}

/* There is no file of ours. A record of ours is about one that is gone, and must not speak for one
 * that is taken over, now or after a kill; Pullama's record comes with its file. */
static bool adopt(struct plm_partial *p, struct plm_checkpoint *checkpoint,
                  struct plm_adopted *adopted, struct plm_error *err)
{
    struct plm_spans none = {0};
    bool is_pullamas = checkpoint->version == 1;
    remove_state(p->store, &p->want->digest, PLM_STATE_LIVE);
    if (!is_pullamas)
        remove_state(p->store, &p->want->digest, PLM_STATE_CHECKPOINT);
    p->has_checkpoint = is_pullamas;
    bool ok =
        plm_adopt(p->store, p->want, is_pullamas ? &checkpoint->durable : &none, adopted, err);
    plm_spans_done(&checkpoint->durable);
    return ok;
}

/* Opens the data file, our own or one that is taken over, and gives it the blob's size. */
static bool open_data(struct plm_partial *p, struct plm_partial_found *found, struct plm_error *err)
{
    char name[PLM_STATE_NAME];
    struct plm_checkpoint checkpoint = {0};
    struct plm_adopted adopted = {0};
    struct plm_file_status status = {.type = PLM_FILE_NONE};
    (void)plm_store_state_name(&p->want->digest, PLM_STATE_PARTIAL, name);
    bool ok = read_checkpoint(p->store, p->want, &checkpoint, found->corrupt,
                              sizeof(found->corrupt), err) &&
              plm_os_status(p->store->state_fd, name, &status, err);
    p->has_checkpoint = checkpoint.version != 0 || found->corrupt[0];
    if (ok && status.type == PLM_FILE_NONE)
        ok = adopt(p, &checkpoint, &adopted, err);
    ok = ok &&
         plm_os_open(p->store->state_fd, name, PLM_OPEN_WRITE | PLM_OPEN_CREATE, &p->fd, err) &&
         plm_os_fd_status(p->fd, &status, err);
    if (ok && status.links != 1)
        ok = plm_fail(err, PLM_E_CORRUPT, "%s has a second name; move it away", name);
    uint64_t old_size = status.size < p->want->size ? status.size : p->want->size;
    ok = ok && load_progress(p, &checkpoint, &adopted.claims, old_size, err);
    p->is_loaded = ok;
    if (ok && (status.size != p->want->size || status.disk_bytes < p->want->size))
        ok = plm_os_allocate(p->fd, p->want->size, err);
    found->adopted = adopted.program;
    found->adopted_bytes = adopted.program ? plm_spans_total(&p->written) : 0;
    plm_spans_done(&adopted.claims);
    plm_checkpoint_done(&checkpoint);
    return ok ? true : plm_prefix(err, "%s", name);
}

bool plm_partial_open(const struct plm_store *store, const struct plm_descriptor *want,
                      struct plm_partial **out, struct plm_partial_found *found,
                      struct plm_error *err)
{
    struct plm_partial *p = calloc(1, sizeof(*p));
    char name[PLM_STATE_NAME];
    *found = (struct plm_partial_found){0};
    if (!p)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a partial blob");
    *p = (struct plm_partial){.store = store, .want = want, .fd = -1, .lock = PLM_LOCK_INIT};
    clear_place(store, &want->digest);
    if (!plm_lock_try(store->state_fd, plm_store_state_name(&want->digest, PLM_STATE_LOCK, name),
                      &p->lock, err) ||
        !open_data(p, found, err)) {
        plm_partial_free(p);
        return false;
    }
    (void)plm_store_state_name(&want->digest, PLM_STATE_LIVE, name);
    if (want->size >= PLM_PARTIAL_RECORD_MIN &&
        !plm_live_open(store->state_fd, name, want, &p->written, &p->live, err)) {
        plm_partial_free(p);
        return false;
    }
    *out = p;
    return true;
}

static bool write_gap(struct plm_partial *p, struct plm_span gap, const void *bytes,
                      struct plm_error *err)
{
    char name[PLM_STATE_NAME];
    if (!plm_os_write_at(p->fd, bytes, (size_t)plm_span_length(gap), gap.start, err))
        return plm_prefix(err, "%s",
                          plm_store_state_name(&p->want->digest, PLM_STATE_PARTIAL, name));
    if (!plm_spans_add(&p->written, gap, err))
        return false;
    plm_live_add(p->live, gap);
    return true;
}

bool plm_partial_write(struct plm_partial *p, uint64_t offset, const void *bytes, size_t length,
                       struct plm_error *err)
{
    struct plm_span gap;
    for (uint64_t at = offset; plm_spans_next_gap(&p->written, at, offset + length, &gap);
         at = gap.end)
        if (!write_gap(p, gap, (const char *)bytes + (gap.start - offset), err))
            return false;
    return true;
}

bool plm_partial_claim(struct plm_partial *p, struct plm_span span, struct plm_error *err)
{
    if (!plm_spans_add(&p->doubtful, span, err) || !plm_spans_add(&p->written, span, err))
        return false;
    plm_live_add(p->live, span);
    return true;
}

bool plm_partial_drop(struct plm_partial *p, struct plm_span span, struct plm_error *err)
{
    if (!plm_spans_remove(&p->written, span, err) || !plm_spans_remove(&p->durable, span, err) ||
        !plm_spans_remove(&p->doubtful, span, err))
        return false;
    plm_live_reset(p->live, &p->written);
    return true;
}

static void close_partial(struct plm_partial *p, bool remove_lock)
{
    plm_live_free(p->live);
    plm_os_close(p->fd);
    plm_spans_done(&p->written);
    plm_spans_done(&p->durable);
    plm_spans_done(&p->doubtful);
    plm_lock_release(&p->lock, remove_lock);
    free(p);
}

void plm_partial_free(struct plm_partial *p)
{
    if (!p)
        return;
    bool is_empty = p->is_loaded && p->written.count == 0 && p->want->size > 0;
    if (is_empty) {
        char name[PLM_STATE_NAME];
        (void)plm_store_state_name(&p->want->digest, PLM_STATE_PARTIAL, name);
        (void)!plm_os_unlink(p->store->state_fd, name, NULL, NULL);
        remove_record(p->store, &p->want->digest);
    }
    close_partial(p, is_empty);
}

/* The caller holds the lock of the blob. */
static bool move_staged(const struct plm_store *store, const struct plm_descriptor *want,
                        uint64_t inode, int64_t modified_ns, enum plm_publish_result *out,
                        struct plm_error *err)
{
    char from[PLM_STATE_NAME], to[PLM_DIGEST_TEXT];
    struct plm_file_status status;
    int fd = -1;
    (void)plm_store_state_name(&want->digest, PLM_STATE_PARTIAL, from);
    (void)plm_digest_file_name(&want->digest, to);
    if (!plm_os_status(store->state_fd, from, &status, err))
        return false;
    if (status.type != PLM_FILE_REGULAR || status.size != want->size || status.inode != inode ||
        status.modified_ns != modified_ns) {
        *out = PLM_PUBLISH_CHANGED;
        return true;
    }
    if (!plm_os_open(store->state_fd, from, PLM_OPEN_WRITE, &fd, err))
        return false;
    /* A young file is spared by Ollama's start-up cleaning until the manifest names it. */
    (void)!plm_os_touch(fd, NULL);
    plm_blob_note_proven(fd);
    plm_os_close(fd);
    *out = PLM_PUBLISH_DONE;
    return plm_atomic_move(store->state_fd, from, store->blobs_fd, to, err);
}

bool plm_partial_publish(const struct plm_store *store, const struct plm_descriptor *want,
                         uint64_t inode, int64_t modified_ns, enum plm_publish_result *out,
                         struct plm_error *err)
{
    struct plm_lock lock = PLM_LOCK_INIT;
    char name[PLM_STATE_NAME];
    struct plm_error why = {0};
    if (!plm_lock_try(store->state_fd, plm_store_state_name(&want->digest, PLM_STATE_LOCK, name),
                      &lock, &why)) {
        *out = PLM_PUBLISH_BUSY;
        if (why.code != PLM_E_BUSY && err)
            *err = why;
        return why.code == PLM_E_BUSY;
    }
    bool ok = move_staged(store, want, inode, modified_ns, out, err);
    bool is_done = ok && *out == PLM_PUBLISH_DONE;
    if (is_done)
        remove_record(store, &want->digest);
    plm_lock_release(&lock, is_done);
    return ok;
}

uint64_t plm_partial_disk_bytes(const struct plm_store *store, const struct plm_descriptor *want)
{
    static const char *const endings[] = {".partial", ".partial", "-partial"};
    uint64_t most = 0;
    for (size_t i = 0; i < PLM_COUNT(endings); i++) {
        char base[PLM_DIGEST_TEXT], name[PLM_STATE_NAME];
        struct plm_file_status status;
        int dir = i == 0 ? store->state_fd : store->blobs_fd;
        (void)snprintf(name, sizeof(name), "%s%s", plm_digest_file_name(&want->digest, base),
                       endings[i]);
        if (dir >= 0 && plm_os_status(dir, name, &status, NULL) && status.disk_bytes > most)
            most = status.disk_bytes;
    }
    return most;
}

void plm_partial_sweep(const struct plm_store *store, const struct plm_digest *digest)
{
    struct plm_lock lock = PLM_LOCK_INIT;
    bool any = false;
    for (int kind = PLM_STATE_PARTIAL; kind <= PLM_STATE_LOCK && store->state_fd >= 0; kind++) {
        char name[PLM_STATE_NAME];
        struct plm_file_status status;
        (void)plm_store_state_name(digest, (enum plm_state_file)kind, name);
        any = any || (plm_os_status(store->state_fd, name, &status, NULL) &&
                      status.type == PLM_FILE_REGULAR);
    }
    char name[PLM_STATE_NAME];
    if (!any || !plm_lock_try(store->state_fd, plm_store_state_name(digest, PLM_STATE_LOCK, name),
                              &lock, NULL))
        return;
    (void)plm_store_state_name(digest, PLM_STATE_PARTIAL, name);
    (void)!plm_os_unlink(store->state_fd, name, NULL, NULL);
    remove_record(store, digest);
    plm_lock_release(&lock, true);
}

bool plm_partial_peek(const struct plm_store *store, const struct plm_descriptor *want,
                      uint64_t *done, long *pid, struct plm_error *err)
{
    char name[PLM_STATE_NAME], corrupt[160];
    struct plm_checkpoint checkpoint = {0};
    struct plm_spans here = {0}, live = {0}, none = {0};
    struct plm_file_status status = {.type = PLM_FILE_NONE};
    *done = 0;
    *pid = 0;
    if (store->state_fd >= 0) {
        (void)plm_store_state_name(&want->digest, PLM_STATE_PARTIAL, name);
        if (!plm_os_status(store->state_fd, name, &status, err) ||
            !read_checkpoint(store, want, &checkpoint, corrupt, sizeof(corrupt), err))
            return false;
        (void)plm_store_state_name(&want->digest, PLM_STATE_LOCK, name);
        *pid = plm_lock_holder(store->state_fd, name);
    }
    bool ok = true;
    (void)plm_store_state_name(&want->digest, PLM_STATE_LIVE, name);
    if (status.type == PLM_FILE_REGULAR)
        ok = add_within(&here, &checkpoint.durable, status.size, err) &&
             plm_live_read(store->state_fd, name, want, &live, err) &&
             add_within(&here, &live, status.size, err);
    else if (status.type == PLM_FILE_NONE)
        ok = plm_adopt_peek(store, want, checkpoint.version == 1 ? &checkpoint.durable : &none,
                            &here, err);
    *done = ok ? plm_spans_total(&here) : 0;
    plm_spans_done(&here);
    plm_spans_done(&live);
    plm_checkpoint_done(&checkpoint);
    return ok;
}
