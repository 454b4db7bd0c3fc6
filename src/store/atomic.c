/* Atomic replacement of files: the only place that renames. */
#include "store/atomic.h"

static bool write_temp(int dir, const char *name, unsigned flags, const void *bytes, size_t size,
                       struct plm_error *err)
{
    int fd = -1;
    if (!plm_os_unlink(dir, name, NULL, err))
        return false;
    if (!plm_os_open(dir, name, PLM_OPEN_WRITE | PLM_OPEN_CREATE | PLM_OPEN_EXCLUSIVE | flags, &fd,
                     err))
        return false;
    bool ok = plm_os_write_at(fd, bytes, size, 0, err) && plm_os_sync_file(fd, err);
    plm_os_close(fd);
    return ok;
}

static bool replace(int temp_dir, const char *temp_name, int dir, const char *name, unsigned flags,
                    const void *bytes, size_t size, struct plm_error *err)
{
    bool ok = write_temp(temp_dir, temp_name, flags, bytes, size, err) &&
              plm_os_rename(temp_dir, temp_name, dir, name, err);
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
    return replace(temp_dir, temp_name, dir, name, 0, bytes, size, err);
}

bool plm_atomic_write_private(int temp_dir, const char *temp_name, int dir, const char *name,
                              const void *bytes, size_t size, struct plm_error *err)
{
    return replace(temp_dir, temp_name, dir, name, PLM_OPEN_PRIVATE, bytes, size, err);
}

bool plm_atomic_move(int from_dir, const char *from, int to_dir, const char *to,
                     struct plm_error *err)
{
    return plm_os_rename(from_dir, from, to_dir, to, err);
}
