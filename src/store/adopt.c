/* Adoption: finds what Pullama and Ollama left of a blob, and takes it over. */
#include "store/adopt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "pullama/text.h"
#include "store/atomic.h"
#include "store/lock.h"

#define QUIET_MS 60000
#define STATE_MAX 4096

/* A regular file, no larger than the blob, that nobody is writing. */
static bool is_takeable(const struct plm_store *store, const char *name,
                        const struct plm_descriptor *want)
{
    struct plm_file_status status;
    if (!plm_os_status(store->blobs_fd, name, &status, NULL))
        return false;
    return status.type == PLM_FILE_REGULAR && status.links == 1 && status.size > 0 &&
           status.size <= want->size;
}

static bool is_quiet(const struct plm_store *store, const char *name)
{
    struct plm_file_status status;
    return plm_os_status(store->blobs_fd, name, &status, NULL) &&
           status.modified_ns / 1000000 + QUIET_MS < plm_os_unix_ms();
}

static bool take(const struct plm_store *store, const struct plm_descriptor *want, const char *name,
                 struct plm_error *err)
{
    char ours[PLM_STATE_NAME];
    (void)plm_store_state_name(&want->digest, PLM_STATE_PARTIAL, ours);
    return plm_atomic_move(store->blobs_fd, name, store->state_fd, ours, err) &&
           plm_os_sync_dir(store->state_fd, err) && plm_os_sync_dir(store->blobs_fd, err);
}

/* Pullama's data and lock, by name; false when there is no data that it could have left for good.
 */
static bool find_pullama(const struct plm_store *store, const struct plm_descriptor *want,
                         char name[PLM_STATE_NAME], char lock_name[PLM_STATE_NAME])
{
    char base[PLM_DIGEST_TEXT];
    struct plm_file_status lock;
    (void)plm_digest_file_name(&want->digest, base);
    (void)snprintf(name, PLM_STATE_NAME, "%s.partial", base);
    (void)snprintf(lock_name, PLM_STATE_NAME, "%s.lock", base);
    return is_takeable(store, name, want) &&
           plm_os_status(store->blobs_fd, lock_name, &lock, NULL) &&
           (lock.type == PLM_FILE_NONE || is_quiet(store, name));
}

static bool adopt_pullama(const struct plm_store *store, const struct plm_descriptor *want,
                          const struct plm_spans *claims, struct plm_adopted *out,
                          struct plm_error *err)
{
    char name[PLM_STATE_NAME], lock_name[PLM_STATE_NAME];
    if (!find_pullama(store, want, name, lock_name))
        return true;
    struct plm_lock lock = PLM_LOCK_INIT;
    if (!plm_lock_try(store->blobs_fd, lock_name, &lock, NULL))
        return true; /* Pullama is at it */
    bool ok = plm_spans_copy(claims, &out->claims, err) && take(store, want, name, err);
    plm_lock_release(&lock, true);
    if (ok)
        out->program = "Pullama";
    return ok;
}

struct scan {
    const struct plm_store *store;
    const struct plm_descriptor *want;
    char prefix[PLM_STATE_NAME];
    struct plm_spans claims;
    bool remove, ok;
    struct plm_error *err;
};

bool plm_adopt_parse_part(const char *text, size_t size, uint64_t blob_size, struct plm_span *out)
{
    uint64_t offset, length, done;
    plm_auto(plm_json_freep) struct plm_json *root = NULL;
    if (!plm_json_parse(text, size, 4, &root, NULL) ||
        !plm_json_u64(plm_json_get(root, "Offset"), &offset) ||
        !plm_json_u64(plm_json_get(root, "Size"), &length) ||
        !plm_json_u64(plm_json_get(root, "Completed"), &done) || done > length ||
        offset > blob_size || done > blob_size - offset)
        return false;
    *out = (struct plm_span){offset, offset + done};
    return true;
}

static bool read_part(struct scan *scan, const char *name)
{
    char *text = NULL;
    size_t size = 0;
    struct plm_span claim;
    if (!plm_os_read_file(scan->store->blobs_fd, name, STATE_MAX, &text, &size, NULL))
        return true; /* unreadable state claims nothing */
    bool ok = !plm_adopt_parse_part(text, size, scan->want->size, &claim) ||
              plm_spans_add(&scan->claims, claim, scan->err);
    free(text);
    return ok;
}

static bool each_part(void *ctx, const char *name)
{
    struct scan *scan = ctx;
    size_t length = strlen(scan->prefix);
    uint64_t number;
    if (strncmp(name, scan->prefix, length) != 0 ||
        !plm_text_u64(name + length, strlen(name + length), &number))
        return true;
    scan->ok = scan->remove ? plm_os_unlink(scan->store->blobs_fd, name, NULL, scan->err)
                            : read_part(scan, name);
    return scan->ok;
}

static bool scan_parts(struct scan *scan, bool remove)
{
    scan->remove = remove;
    scan->ok = true;
    return plm_os_each_entry(scan->store->blobs_fd, each_part, scan, scan->err) && scan->ok;
}

/* Ollama's data, by name, and the scan for its parts; false when there is nothing to take. */
static bool find_ollama(const struct plm_store *store, const struct plm_descriptor *want,
                        char name[PLM_STATE_NAME], struct scan *scan, struct plm_error *err)
{
    char base[PLM_DIGEST_TEXT];
    *scan = (struct scan){.store = store, .want = want, .err = err};
    (void)snprintf(name, PLM_STATE_NAME, "%s-partial", plm_digest_file_name(&want->digest, base));
    (void)snprintf(scan->prefix, sizeof(scan->prefix), "%s-partial-", base);
    return is_takeable(store, name, want) && is_quiet(store, name);
}

static bool adopt_ollama(const struct plm_store *store, const struct plm_descriptor *want,
                         struct plm_adopted *out, struct plm_error *err)
{
    char name[PLM_STATE_NAME];
    struct scan scan;
    if (!find_ollama(store, want, name, &scan, err))
        return true;
    if (!scan_parts(&scan, false) || !take(store, want, name, err) || !scan_parts(&scan, true)) {
        plm_spans_done(&scan.claims);
        return false;
    }
    out->program = "Ollama";
    out->claims = scan.claims;
    return true;
}

bool plm_adopt(const struct plm_store *store, const struct plm_descriptor *want,
               const struct plm_spans *pullama_claims, struct plm_adopted *out,
               struct plm_error *err)
{
    *out = (struct plm_adopted){0};
    if (!adopt_pullama(store, want, pullama_claims, out, err))
        return false;
    return out->program ? true : adopt_ollama(store, want, out, err);
}

bool plm_adopt_peek(const struct plm_store *store, const struct plm_descriptor *want,
                    const struct plm_spans *pullama_claims, struct plm_spans *out,
                    struct plm_error *err)
{
    char name[PLM_STATE_NAME], lock_name[PLM_STATE_NAME];
    struct scan scan;
    if (store->blobs_fd < 0)
        return true;
    if (find_pullama(store, want, name, lock_name))
        return plm_spans_copy(pullama_claims, out, err);
    if (!find_ollama(store, want, name, &scan, err))
        return true;
    if (!scan_parts(&scan, false)) {
        plm_spans_done(&scan.claims);
        return false;
    }
    plm_spans_done(out);
    *out = scan.claims;
    return true;
}
