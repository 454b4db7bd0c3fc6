/* Layout: opens the store's directories and knows every path rule. */
#include "store/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes `name` in `dir` if it is missing, syncs the entry into `dir`, and opens it. */
static bool enter(int dir, const char *name, bool create, bool follow, int *fd,
                  struct plm_error *err)
{
    bool made = false;
    if (create && !plm_os_make_dir(dir, name, &made, err))
        return false;
    if (made && dir != plm_os_cwd() && !plm_os_sync_dir(dir, err))
        return false;
    struct plm_error found = {0};
    struct plm_file_status status;
    if (plm_os_open_dir(dir, name, follow, fd, &found))
        return true;
    /* It was there to mkdir, and is not there to open. */
    if (create && found.code == PLM_E_NOT_FOUND && plm_os_status(dir, name, &status, NULL) &&
        status.type == PLM_FILE_OTHER)
        return plm_fail(err, PLM_E_CORRUPT, "%s is a link that leads nowhere; move it away", name);
    if (err && err->code == PLM_OK)
        *err = found;
    return false;
}

/* Something that is no directory is the user's slip, not damage in a store. */
static bool refuse_root(const char *path, const struct plm_error *why, struct plm_error *err)
{
    if (why->code == PLM_E_CORRUPT)
        return plm_fail(err, PLM_E_USAGE, "models directory %s: it is no directory", path);
    if (err && err->code == PLM_OK)
        *err = *why;
    return plm_prefix(err, "models directory %s", path);
}

/* Opens a path of directories, making those that are missing from the left on. */
static bool enter_path(const char *path, int *fd, struct plm_error *err)
{
    struct plm_error quiet = {0};
    if (plm_os_open_dir(plm_os_cwd(), path, true, fd, &quiet))
        return true;
    if (quiet.code != PLM_E_NOT_FOUND)
        return refuse_root(path, &quiet, err);
    char *copy = strdup(path);
    if (!copy)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a path");
    int at = -1;
    quiet = (struct plm_error){0};
    bool ok = plm_os_open_dir(plm_os_cwd(), path[0] == '/' ? "/" : ".", true, &at, &quiet);
    char *rest = copy, *part;
    while (ok && (part = strsep(&rest, "/")) != NULL) {
        if (part[0] == '\0' || strcmp(part, ".") == 0)
            continue;
        int next = -1;
        ok = enter(at, part, true, true, &next, &quiet);
        plm_os_close(at);
        at = next;
    }
    free(copy);
    if (!ok) {
        plm_os_close(at);
        return refuse_root(path, &quiet, err);
    }
    *fd = at;
    return true;
}

/* A directory of the store that need not be there yet when nothing is to be made. */
static bool enter_part(struct plm_store *store, const char *name, bool create, bool follow, int *fd,
                       struct plm_error *err)
{
    struct plm_error found = {0};
    if (enter(store->root_fd, name, create, follow, fd, &found))
        return true;
    if (!create && found.code == PLM_E_NOT_FOUND)
        return true;
    if (err)
        *err = found;
    return plm_prefix(err, "%s", store->root);
}

bool plm_store_open(const char *dir, bool create, struct plm_store *out, struct plm_error *err)
{
    struct plm_store store = {
        .root_fd = -1, .blobs_fd = -1, .manifests_fd = -1, .state_fd = -1, .root = strdup(dir)};
    if (!store.root)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a path");
    bool ok;
    if (create) {
        ok = enter_path(dir, &store.root_fd, err);
    } else {
        struct plm_error found = {0};
        ok = plm_os_open_dir(plm_os_cwd(), dir, true, &store.root_fd, &found);
        if (!ok && found.code == PLM_E_NOT_FOUND) {
            *out = store;
            return true;
        }
        if (!ok)
            (void)refuse_root(dir, &found, err);
    }
    ok = ok && enter_part(&store, "blobs", create, true, &store.blobs_fd, err) &&
         enter_part(&store, "manifests", create, true, &store.manifests_fd, err) &&
         enter_part(&store, ".pullm", create, false, &store.state_fd, err);
    if (!ok) {
        plm_store_close(&store);
        return false;
    }
    *out = store;
    return true;
}

bool plm_store_make_state(struct plm_store *store, struct plm_error *err)
{
    return store->state_fd >= 0 || enter_part(store, ".pullm", true, false, &store->state_fd, err);
}

bool plm_store_free_space(const struct plm_store *store, uint64_t *bytes, struct plm_error *err)
{
    if (store->root_fd >= 0)
        return plm_os_free_space(store->root_fd, bytes, err);
    /* Not there yet: it will be on the file system of the directory that it is to be made in. */
    char *path = strdup(store->root);
    if (!path)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a path");
    char *slash;
    bool found = plm_os_path_free_space(path, bytes);
    while (!found && (slash = strrchr(path, '/')) != NULL) {
        slash[slash == path] = '\0';
        found = plm_os_path_free_space(path, bytes);
        if (slash == path)
            break;
    }
    found = found || plm_os_path_free_space(".", bytes);
    free(path);
    return found || plm_fail(err, PLM_E_IO, "cannot tell the free space for %s", store->root);
}

void plm_store_close(struct plm_store *store)
{
    plm_os_close(store->state_fd);
    plm_os_close(store->manifests_fd);
    plm_os_close(store->blobs_fd);
    plm_os_close(store->root_fd);
    free(store->root);
    *store = (struct plm_store){
        .root_fd = -1, .blobs_fd = -1, .manifests_fd = -1, .state_fd = -1, .root = NULL};
}

const char *plm_store_state_name(const struct plm_digest *digest, enum plm_state_file kind,
                                 char out[PLM_STATE_NAME])
{
    static const char *const endings[] = {
        [PLM_STATE_PARTIAL] = "partial",
        [PLM_STATE_CHECKPOINT] = "json",
        [PLM_STATE_LIVE] = "live",
        [PLM_STATE_LOCK] = "lock",
    };
    char name[PLM_DIGEST_TEXT];
    (void)snprintf(out, PLM_STATE_NAME, "%s.%s", plm_digest_file_name(digest, name), endings[kind]);
    return out;
}

bool plm_store_enter_manifests(const struct plm_store *store, bool create, int *fd,
                               struct plm_error *err)
{
    if (store->root_fd < 0)
        return plm_fail(err, PLM_E_NOT_FOUND, "there is no store at %s", store->root);
    return enter(store->root_fd, "manifests", create, true, fd, err);
}

static bool enter_model(const struct plm_store *store, const struct plm_ref *ref, bool create,
                        int *fd, struct plm_error *err)
{
    const char *parts[] = {ref->host, ref->ns, ref->model};
    int at = -1;
    if (!plm_store_enter_manifests(store, create, &at, err))
        return false;
    for (size_t i = 0; i < PLM_COUNT(parts); i++) {
        int next = -1;
        bool ok = enter(at, parts[i], create, false, &next, err);
        plm_os_close(at);
        if (!ok)
            return false;
        at = next;
    }
    *fd = at;
    return true;
}

bool plm_store_manifest_dir(const struct plm_store *store, const struct plm_ref *ref, bool create,
                            int *fd, struct plm_error *err)
{
    struct plm_error last = {0};
    for (int tries = 0; tries < (create ? 10 : 1); tries++) {
        last = (struct plm_error){0};
        if (enter_model(store, ref, create, fd, &last))
            return true;
        if (last.code != PLM_E_NOT_FOUND)
            break;
        /* A server that started took the empty directory away, just after it was made. */
    }
    if (err && err->code == PLM_OK)
        *err = last;
    return false;
}
