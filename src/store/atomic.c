/* Atomic replacement of files: the only place that renames. */
#include "store/atomic.h"

static bool replace(int temp_dir, const char *temp_name, int dir, const char *name,
                    const void *bytes, size_t size, unsigned more_flags, struct plm_error *err)
{
    if (!plm_os_unlink(temp_dir, temp_name, NULL, err))
        return plm_prefix(err, "make room for %s", name);
    int fd = -1;
    if (!plm_os_open(temp_dir, temp_name,
                     PLM_OPEN_WRITE | PLM_OPEN_CREATE | PLM_OPEN_EXCLUSIVE | more_flags, &fd, err))
        return false;
    bool ok = plm_os_write_at(fd, bytes, size, 0, err) && plm_os_sync_file(fd, err);
    plm_os_close(fd);
    ok = ok && plm_os_rename(temp_dir, temp_name, dir, name, err);
    if (!ok) {
        (void)!plm_os_unlink(temp_dir, temp_name, NULL,
                             NULL); /* the first error is the one to tell */
        return plm_prefix(err, "write %s", name);
    }
    return plm_os_sync_dir(dir, err);
}

bool plm_atomic_write(int temp_dir, const char *temp_name, int dir, const char *name,
                      const void *bytes, size_t size, struct plm_error *err)
{
    return replace(temp_dir, temp_name, dir, name, bytes, size, 0, err);
}

bool plm_atomic_write_private(int temp_dir, const char *temp_name, int dir, const char *name,
                              const void *bytes, size_t size, struct plm_error *err)
{
    return replace(temp_dir, temp_name, dir, name, bytes, size, PLM_OPEN_PRIVATE, err);
}

bool plm_atomic_move(int from_dir, const char *from, int to_dir, const char *to,
                     struct plm_error *err)
{
    return plm_os_rename(from_dir, from, to_dir, to, err);
}
