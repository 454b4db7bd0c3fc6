/* Manifests: everything below manifests/. */
#include "store/manifests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/atomic.h"

#define DEPTH 4
#define TEMP_NAME "manifest.tmp"
#define STORE_TRIES 10

struct walk {
    const struct plm_store *store;
    bool (*each)(void *ctx, const struct plm_manifest_file *file);
    void *ctx;
    struct plm_error *err;
    char parts[DEPTH][256];
    int depth; /* of the entries that are being seen */
    int dir;   /* that holds them */
    bool ok, stopped;
};

static bool visit(void *ctx, const char *name);

/* Reads and parses one file, and shows it. What cannot be read as a manifest is shown as such. */
static void show_file(struct walk *w, const struct plm_file_status *status)
{
    char path[sizeof(w->parts) + DEPTH];
    struct plm_error why = {0};
    struct plm_manifest *manifest = NULL;
    char *bytes = NULL;
    size_t size = 0;
    (void)snprintf(path, sizeof(path), "%s/%s/%s/%s", w->parts[0], w->parts[1], w->parts[2],
                   w->parts[3]);
    struct plm_manifest_file file = {.path = path, .modified_s = status->modified_ns / 1000000000};
    file.is_named =
        plm_ref_from_parts(w->parts[0], w->parts[1], w->parts[2], w->parts[3], &file.ref, NULL);
    if (plm_os_read_file(w->dir, w->parts[3], PLM_MANIFEST_MAX_BYTES, &bytes, &size, &why))
        (void)!plm_manifest_parse(bytes, size, &manifest, &why);
    free(bytes);
    if (!manifest && why.code == PLM_E_NOT_FOUND && status->type == PLM_FILE_REGULAR)
        return; /* removed since it was seen */
    if (!manifest && why.code == PLM_E_NOMEM) {
        w->ok = false;
        *w->err = why;
        return;
    }
    file.manifest = manifest;
    file.why = why.msg;
    w->stopped = !w->each(w->ctx, &file);
    plm_manifest_free(manifest);
}

/* Ollama follows links here, and deletions must not miss what it sees; a link that leads to no
 * directory holds nothing. */
static void descend(struct walk *w, const char *name, bool is_link)
{
    int parent = w->dir, child = -1;
    struct plm_error why = {0};
    if (!plm_os_open_dir(parent, name, is_link, &child, &why)) {
        w->ok = why.code == PLM_E_NOT_FOUND ||
                (is_link && why.code == PLM_E_CORRUPT); /* gone, or none */
        if (!w->ok)
            *w->err = why;
        return;
    }
    w->dir = child;
    w->depth++;
    bool read = plm_os_each_entry(child, visit, w, w->err);
    w->ok = w->ok && read;
    w->depth--;
    w->dir = parent;
    plm_os_close(child);
}

static bool is_directory(const struct walk *w, const char *name, enum plm_file_type type)
{
    int fd = -1;
    bool is = type == PLM_FILE_DIRECTORY ||
              (type == PLM_FILE_OTHER && plm_os_open_dir(w->dir, name, true, &fd, NULL));
    plm_os_close(fd);
    return is;
}

static bool visit(void *ctx, const char *name)
{
    struct walk *w = ctx;
    struct plm_file_status status;
    if (strlen(name) >= sizeof(w->parts[0]))
        return true;
    w->ok = plm_os_status(w->dir, name, &status, w->err);
    if (!w->ok)
        return false;
    (void)snprintf(w->parts[w->depth], sizeof(w->parts[0]), "%s", name);
    bool is_last = w->depth + 1 == DEPTH;
    if (!is_last && status.type != PLM_FILE_REGULAR)
        descend(w, name, status.type == PLM_FILE_OTHER);
    else if (is_last && status.type != PLM_FILE_NONE && !is_directory(w, name, status.type))
        show_file(w, &status);
    return w->ok && !w->stopped;
}

bool plm_manifests_each(const struct plm_store *store,
                        bool (*each)(void *ctx, const struct plm_manifest_file *file), void *ctx,
                        struct plm_error *err)
{
    struct plm_error walk_err = {0};
    struct walk *w = calloc(1, sizeof(*w));
    if (!w)
        return plm_fail(err, PLM_E_NOMEM, "no memory to read the manifests");
    *w = (struct walk){
        .store = store, .each = each, .ctx = ctx, .err = &walk_err, .dir = -1, .ok = true};
    bool ok = plm_store_enter_manifests(store, false, &w->dir, &walk_err);
    if (ok) {
        int top = w->dir;
        ok = plm_os_each_entry(top, visit, w, &walk_err) && w->ok;
        plm_os_close(top);
    } else {
        ok = walk_err.code == PLM_E_NOT_FOUND; /* no directory: no manifests */
    }
    free(w);
    if (ok)
        return true;
    if (err && err->code == PLM_OK)
        *err = walk_err;
    return plm_prefix(err, "manifests");
}

static bool not_found(const struct plm_store *store, const struct plm_ref *ref,
                      struct plm_error *err)
{
    char name[PLM_REF_TEXT];
    return plm_fail(err, PLM_E_NOT_FOUND, "there is no model %s in %s", plm_ref_format(ref, name),
                    store->root);
}

bool plm_manifest_load(const struct plm_store *store, const struct plm_ref *ref,
                       struct plm_manifest **out, int64_t *modified_s, struct plm_error *err)
{
    struct plm_error why = {0};
    struct plm_file_status status;
    int dir = -1;
    bool ok = plm_store_manifest_dir(store, ref, false, &dir, &why) &&
              plm_os_status(dir, ref->tag, &status, &why);
    if ((!ok && why.code == PLM_E_NOT_FOUND) || (ok && status.type == PLM_FILE_NONE)) {
        plm_os_close(dir);
        return not_found(store, ref, err);
    }
    char *bytes = NULL;
    size_t size = 0;
    ok = ok && plm_os_read_file(dir, ref->tag, PLM_MANIFEST_MAX_BYTES, &bytes, &size, &why);
    plm_os_close(dir);
    if (ok && !plm_manifest_parse(bytes, size, out, &why)) {
        ok = false;
        if (why.code != PLM_E_NOMEM)
            why.code = PLM_E_CORRUPT;
    }
    free(bytes);
    if (ok) {
        if (modified_s)
            *modified_s = status.modified_ns / 1000000000;
        return true;
    }
    if (err && err->code == PLM_OK)
        *err = why;
    return plm_prefix(err, "%s/manifests/%s/%s/%s/%s", store->root, ref->host, ref->ns, ref->model,
                      ref->tag);
}

bool plm_manifest_store(const struct plm_store *store, const struct plm_ref *ref, const char *bytes,
                        size_t size, struct plm_error *err)
{
    struct plm_error last = {0};
    for (int tries = 0; tries < STORE_TRIES; tries++) {
        int dir = -1;
        last = (struct plm_error){0};
        bool ok = plm_store_manifest_dir(store, ref, true, &dir, &last) &&
                  plm_atomic_write(store->state_fd, TEMP_NAME, dir, ref->tag, bytes, size, &last);
        plm_os_close(dir);
        if (ok)
            return true;
        if (last.code != PLM_E_NOT_FOUND)
            break;
        /* An Ollama server that started removed the directory while it was still empty. */
    }
    if (err && err->code == PLM_OK)
        *err = last;
    return plm_prefix(err, "manifest");
}

/* Removes directories that became empty, from the model's upward. */
static void prune_dirs(const struct plm_store *store, const struct plm_ref *ref)
{
    char path[PLM_REF_HOST_MAX + 2 * PLM_REF_PART_MAX + 8];
    int manifests = -1;
    if (!plm_store_enter_manifests(store, false, &manifests, NULL))
        return;
    (void)snprintf(path, sizeof(path), "%s/%s/%s", ref->host, ref->ns, ref->model);
    while (plm_os_remove_empty_dir(manifests, path)) {
        char *slash = strrchr(path, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    plm_os_close(manifests);
}

bool plm_manifest_remove(const struct plm_store *store, const struct plm_ref *ref,
                         struct plm_error *err)
{
    int dir = -1;
    bool removed = false;
    if (!plm_store_manifest_dir(store, ref, false, &dir, err))
        return plm_prefix(err, "manifests");
    bool ok = plm_os_unlink(dir, ref->tag, &removed, err) && plm_os_sync_dir(dir, err);
    plm_os_close(dir);
    if (!ok)
        return plm_prefix(err, "manifest");
    prune_dirs(store, ref);
    return true;
}
