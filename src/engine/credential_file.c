/* The docker client's configuration as a file: found, read, changed and replaced as a whole. */
#include "engine/credential_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "store/atomic.h"
#include "store/lock.h"

#define TEMP_NAME ".config.json.pullama-new"
#define LOCK_NAME ".config.json.pullama-lock"

/* ---- where it is ---- */

static bool split(const char *path, struct plm_credential_file *file, struct plm_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    file->name = strdup(slash ? slash + 1 : path);
    file->folder = !slash ? strdup(".") : length == 0 ? strdup("/") : strndup(path, length);
    return (file->name && file->folder) || plm_fail(err, PLM_E_NOMEM, "no memory for a path");
}

/* A link leads to the file that is replaced; one that leads nowhere is refused. */
static bool locate(struct plm_credential_file *file, struct plm_error *err)
{
    char *real = NULL;
    struct plm_file_status status;
    struct plm_error why = {0};
    bool is_there = plm_os_absolute_path(file->path, &real, &why);
    if (!is_there && why.code != PLM_E_NOT_FOUND)
        return plm_fail(err, why.code, "%s", why.msg);
    if (!is_there && plm_os_status(plm_os_cwd(), file->path, &status, &why) &&
        status.type != PLM_FILE_NONE)
        return plm_fail(err, PLM_E_CORRUPT, "%s is a link to nothing", file->path);
    bool ok = split(is_there ? real : file->path, file, err);
    free(real);
    return ok;
}

/* ---- what it says ---- */

static bool load(const struct plm_credential_file *file, struct plm_json **out,
                 struct plm_error *err)
{
    char *text = NULL;
    size_t size = 0;
    int dir = -1;
    struct plm_error why = {0};
    bool ok = plm_os_open_dir(plm_os_cwd(), file->folder, true, &dir, &why) &&
              plm_os_read_file(dir, file->name, PLM_DOCKER_CONFIG_MAX, &text, &size, &why) &&
              plm_docker_config_parse(text, size, out, &why);
    bool is_read = text != NULL;
    plm_os_close(dir);
    if (text)
        explicit_bzero(text, size);
    free(text);
    if (ok)
        return true;
    if (why.code == PLM_E_NOT_FOUND)
        return plm_json_new_object(out, err);
    if (why.code == PLM_E_NOMEM || why.code == PLM_E_ACCESS)
        return plm_fail(err, why.code, "%s: %s", file->path, why.msg);
    return plm_fail(err, PLM_E_CORRUPT, "%s is left alone: %s", file->path,
                    is_read || why.code == PLM_E_LIMIT ? why.msg : "it cannot be read");
}

bool plm_credential_file_open(const struct plm_url *origin, bool make,
                              struct plm_credential_file *out, struct plm_error *err)
{
    struct plm_credential_file file = {.path = plm_docker_config_path(), .origin = *origin};
    struct plm_docker_entry entry = {0};
    struct plm_json *config = NULL;
    if (!file.path)
        return plm_fail(err, PLM_E_USAGE,
                        "neither DOCKER_CONFIG nor HOME is set, so there is no place for "
                        "credentials");
    struct plm_error why = {0};
    bool ok = locate(&file, err) &&
              (!make || plm_os_make_dir(plm_os_cwd(), file.folder, NULL, err)) &&
              load(&file, &config, err);
    if (ok && !plm_docker_config_find(config, origin, false, &entry, &why))
        ok = plm_fail(err, PLM_E_CORRUPT, "%s is left alone: %s", file.path, why.msg);
    if (ok)
        memcpy(file.helper, entry.helper, sizeof(file.helper));
    plm_docker_entry_wipe(&entry);
    plm_json_wipe(config);
    if (!ok) {
        plm_credential_file_close(&file);
        return false;
    }
    *out = file;
    return true;
}

void plm_credential_file_close(struct plm_credential_file *file)
{
    free(file->path);
    free(file->folder);
    free(file->name);
    *file = (struct plm_credential_file){0};
}

/* ---- changes ---- */

struct change {
    const char *user, *password; /* NULL: forget */
    bool removed;
};

static bool apply(struct plm_json *config, const struct plm_docker_entry *entry,
                  struct change *change, struct plm_error *err)
{
    if (!change->user) {
        change->removed = plm_docker_config_forget(config, entry);
        return true;
    }
    if (entry->helper[0] != '\0')
        return plm_docker_config_set_helped(config, entry, err);
    return plm_docker_config_set(config, entry, change->user, change->password, err);
}

static bool replace(const struct plm_credential_file *file, int dir, const struct plm_json *config,
                    struct plm_error *err)
{
    char *text = NULL;
    if (!plm_json_dump_readable(config, &text, err))
        return false;
    bool ok = plm_atomic_write_private(dir, TEMP_NAME, dir, file->name, text, strlen(text), err) ||
              plm_prefix(err, "%s", file->folder);
    explicit_bzero(text, strlen(text));
    free(text);
    return ok;
}

/* Read again under the lock: another login may have written since. */
static bool change_in(const struct plm_credential_file *file, int dir, struct change *change,
                      struct plm_error *err)
{
    struct plm_json *config = NULL;
    struct plm_docker_entry entry = {0};
    struct plm_error why = {0};
    bool ok = load(file, &config, err);
    if (ok && (!plm_docker_config_find(config, &file->origin, false, &entry, &why) ||
               !apply(config, &entry, change, &why)))
        ok = plm_fail(err, why.code == PLM_E_NOMEM ? why.code : PLM_E_CORRUPT,
                      "%s is left alone: %s", file->path, why.msg);
    if (ok && (change->user || change->removed))
        ok = replace(file, dir, config, err);
    plm_docker_entry_wipe(&entry);
    plm_json_wipe(config);
    return ok;
}

static bool change_file(const struct plm_credential_file *file, struct change *change,
                        struct plm_error *err)
{
    int dir = -1;
    struct plm_lock lock = PLM_LOCK_INIT;
    struct plm_error why = {0};
    if (!plm_os_open_dir(plm_os_cwd(), file->folder, true, &dir, &why))
        return (why.code == PLM_E_NOT_FOUND && !change->user) ||
               plm_fail(err, why.code, "%s", why.msg);
    bool ok = plm_lock_try(dir, LOCK_NAME, &lock, err) || plm_prefix(err, "%s", file->folder);
    ok = ok && change_in(file, dir, change, err);
    plm_lock_release(&lock, true);
    plm_os_close(dir);
    return ok;
}

bool plm_credential_file_set(const struct plm_credential_file *file, const char *user,
                             const char *password, struct plm_error *err)
{
    struct change change = {.user = user, .password = password};
    return change_file(file, &change, err);
}

bool plm_credential_file_forget(const struct plm_credential_file *file, bool *removed,
                                struct plm_error *err)
{
    struct change change = {0};
    if (!change_file(file, &change, err))
        return false;
    *removed = change.removed;
    return true;
}
