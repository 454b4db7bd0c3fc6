/* Needs: the files in which running pulls say which blobs they count on. */
#include "store/needs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "store/atomic.h"

#define PREFIX "need-"
#define PREFIX_LENGTH 5
#define HEX_LENGTH 16
#define ENDING ".manifest"
#define ENDING_NEW ".tmp"
#define ATTEMPTS 8

static bool has_ending(const char *name, const char *ending)
{
    uint8_t id[HEX_LENGTH / 2];
    char hex[HEX_LENGTH + 1];
    if (strncmp(name, PREFIX, PREFIX_LENGTH) != 0 ||
        strlen(name) != PREFIX_LENGTH + HEX_LENGTH + strlen(ending) ||
        strcmp(name + PREFIX_LENGTH + HEX_LENGTH, ending) != 0)
        return false;
    memcpy(hex, name + PREFIX_LENGTH, HEX_LENGTH);
    hex[HEX_LENGTH] = '\0';
    return plm_hex_decode(hex, id, sizeof(id));
}

bool plm_need_is_name(const char *name)
{
    return has_ending(name, ENDING) || has_ending(name, ENDING_NEW);
}

/* ---- one's own ---- */

/* Only whoever made the file locks it for long: when the lock is to be had, its maker is dead. */
static bool sweep_entry(void *ctx, const char *name)
{
    int dir = *(const int *)ctx, fd = -1;
    if (!plm_need_is_name(name) || !plm_os_open(dir, name, PLM_OPEN_READ, &fd, NULL))
        return true;
    if (plm_os_lock(fd, NULL))
        (void)!plm_os_unlink(dir, name, NULL, NULL);
    plm_os_close(fd);
    return true;
}

/* Locked and filled before it has its name: who sees the name sees all of it. */
static bool write_file(int dir, const char *fresh, const char *name, const char *bytes, size_t size,
                       int *out)
{
    int fd = -1;
    if (!plm_os_open(dir, fresh, PLM_OPEN_WRITE | PLM_OPEN_CREATE | PLM_OPEN_EXCLUSIVE, &fd, NULL))
        return false;
    if (plm_os_lock(fd, NULL) && plm_os_write_at(fd, bytes, size, 0, NULL) &&
        plm_atomic_move(dir, fresh, dir, name, NULL)) {
        *out = fd;
        return true;
    }
    (void)!plm_os_unlink(dir, fresh, NULL, NULL);
    plm_os_close(fd);
    return false;
}

static bool declare_once(int dir, const char *bytes, size_t size, struct plm_need *out)
{
    uint8_t id[HEX_LENGTH / 2];
    char hex[HEX_LENGTH + 1], fresh[PLM_NEED_NAME];
    struct plm_need need = {.dir = dir, .fd = -1};
    if (!plm_os_random(id, sizeof(id), NULL))
        return false;
    plm_hex_encode(id, sizeof(id), hex);
    (void)snprintf(need.name, sizeof(need.name), PREFIX "%s" ENDING, hex);
    (void)snprintf(fresh, sizeof(fresh), PREFIX "%s" ENDING_NEW, hex);
    if (!write_file(dir, fresh, need.name, bytes, size, &need.fd))
        return false;
    *out = need;
    return true;
}

/* Another process that sweeps may lock the new file before its maker does, and take it for one of
 * the dead: hence more than one attempt. */
void plm_need_declare(const struct plm_store *store, const char *bytes, size_t size,
                      struct plm_need *out)
{
    int dir = store->state_fd;
    (void)!plm_os_each_entry(dir, sweep_entry, &dir, NULL);
    for (int left = ATTEMPTS; left > 0; left--)
        if (declare_once(dir, bytes, size, out))
            return;
}

void plm_need_drop(struct plm_need *need)
{
    if (need->fd < 0)
        return;
    (void)!plm_os_unlink(need->dir, need->name, NULL, NULL);
    plm_os_close(need->fd);
    need->fd = -1;
}

/* ---- those of others ---- */

struct collection {
    int dir;
    bool (*each)(void *ctx, const struct plm_manifest *manifest);
    void *ctx;
    struct plm_error *err;
    bool ok;
};

/* False when it was dropped since it was seen, or its maker is dead. What cannot be looked at, as
 * that of another user, counts as held: it is read next, and that error is told. */
static bool is_held(int dir, const char *name)
{
    int fd = -1;
    struct plm_error why = {0};
    if (!plm_os_open(dir, name, PLM_OPEN_READ, &fd, &why))
        return why.code != PLM_E_NOT_FOUND;
    bool held = !plm_os_lock(fd, &why);
    plm_os_close(fd);
    return held;
}

static bool see(void *ctx, const char *name)
{
    struct collection *c = ctx;
    char *bytes = NULL;
    size_t size = 0;
    struct plm_error why = {0};
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    if (!has_ending(name, ENDING) || !is_held(c->dir, name))
        return true;
    bool read = plm_os_read_file(c->dir, name, PLM_MANIFEST_MAX_BYTES, &bytes, &size, &why);
    bool parsed = read && plm_manifest_parse(bytes, size, &manifest, &why);
    free(bytes);
    if (parsed)
        return c->each(c->ctx, manifest);
    if (!read && why.code == PLM_E_NOT_FOUND)
        return true;
    c->ok = plm_fail(c->err, why.code == PLM_E_NOMEM ? PLM_E_NOMEM : PLM_E_BUSY,
                     "nothing is deleted while nobody knows what a running pullama needs: "
                     ".pullm/%s (%s)",
                     name, why.msg);
    return false;
}

bool plm_needs_each(const struct plm_store *store,
                    bool (*each)(void *ctx, const struct plm_manifest *manifest), void *ctx,
                    struct plm_error *err)
{
    struct collection c = {
        .dir = store->state_fd, .each = each, .ctx = ctx, .err = err, .ok = true};
    return c.dir < 0 || (plm_os_each_entry(c.dir, see, &c, err) && c.ok);
}
