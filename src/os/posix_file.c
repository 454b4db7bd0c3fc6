/* Files and directories on POSIX systems: opened, read, written, moved, removed. */
#include "os/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int plm_os_cwd(void)
{
    return AT_FDCWD;
}

/* open(2) of a FIFO waits and of a device acts: O_NONBLOCK keeps both from happening. */
static int open_flags(unsigned flags)
{
    int posix = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    posix |= (flags & PLM_OPEN_WRITE) ? O_RDWR : O_RDONLY;
    if (flags & PLM_OPEN_CREATE)
        posix |= O_CREAT;
    if (flags & PLM_OPEN_EXCLUSIVE)
        posix |= O_EXCL;
    return posix;
}

bool plm_os_open(int dir, const char *name, unsigned flags, int *fd, struct plm_error *err)
{
    mode_t mode = (flags & PLM_OPEN_PRIVATE) ? 0600 : 0644;
    int opened;
    do {
        opened = openat(dir, name, open_flags(flags), mode);
    } while (opened < 0 && errno == EINTR);
    if (opened < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
        return plm_fail(err, PLM_E_CORRUPT, "%s is not a regular file; move it away", name);
    if (opened < 0)
        return plm_fail_sys(err, errno, "open %s", name);
    struct stat st;
    if (fstat(opened, &st) != 0) {
        (void)plm_fail_sys(err, errno, "look at %s", name);
        plm_os_close(opened);
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        plm_os_close(opened);
        return plm_fail(err, PLM_E_CORRUPT, "%s is not a regular file; move it away", name);
    }
    *fd = opened;
    return true;
}

bool plm_os_open_dir(int dir, const char *name, bool follow, int *fd, struct plm_error *err)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
    int opened;
    do {
        opened = openat(dir, name, flags);
    } while (opened < 0 && errno == EINTR);
    if (opened < 0 && (errno == ELOOP || errno == ENOTDIR))
        return plm_fail(err, PLM_E_CORRUPT, "%s is not a directory; move it away", name);
    if (opened < 0)
        return plm_fail_sys(err, errno, "open directory %s", name);
    *fd = opened;
    return true;
}

bool plm_os_make_dir(int dir, const char *name, bool *made, struct plm_error *err)
{
    bool is_new = mkdirat(dir, name, 0755) == 0;
    if (!is_new && errno != EEXIST)
        return plm_fail_sys(err, errno, "make directory %s", name);
    if (made)
        *made = is_new;
    return true;
}

void plm_os_close(int fd)
{
    if (fd >= 0)
        (void)close(fd); /* after EINTR the descriptor is gone on Linux: never again */
}

static void fill_status(const struct stat *st, struct plm_file_status *out)
{
    out->type = S_ISREG(st->st_mode)   ? PLM_FILE_REGULAR
                : S_ISDIR(st->st_mode) ? PLM_FILE_DIRECTORY
                                       : PLM_FILE_OTHER;
    out->size = (uint64_t)st->st_size;
    out->disk_bytes = (uint64_t)st->st_blocks * 512;
    out->inode = (uint64_t)st->st_ino;
#ifdef __APPLE__
    const struct timespec *changed = &st->st_mtimespec;
#else
    const struct timespec *changed = &st->st_mtim;
#endif
    out->modified_ns = (int64_t)changed->tv_sec * 1000000000 + changed->tv_nsec;
    out->links = (unsigned)st->st_nlink;
}

bool plm_os_status(int dir, const char *name, struct plm_file_status *out, struct plm_error *err)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        fill_status(&st, out);
        return true;
    }
    if (errno != ENOENT && errno != ENOTDIR)
        return plm_fail_sys(err, errno, "look at %s", name);
    *out = (struct plm_file_status){.type = PLM_FILE_NONE};
    return true;
}

bool plm_os_fd_status(int fd, struct plm_file_status *out, struct plm_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return plm_fail_sys(err, errno, "look at an open file");
    fill_status(&st, out);
    return true;
}

bool plm_os_write_at(int fd, const void *bytes, size_t length, uint64_t offset,
                     struct plm_error *err)
{
    const char *from = bytes;
    while (length > 0) {
        ssize_t put = pwrite(fd, from, length, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return plm_fail_sys(err, put < 0 ? errno : EIO, "write");
        from += put;
        offset += (uint64_t)put;
        length -= (size_t)put;
    }
    return true;
}

bool plm_os_read_at(int fd, void *bytes, size_t length, uint64_t offset, size_t *got,
                    struct plm_error *err)
{
    size_t total = 0;
    while (total < length) {
        ssize_t had = pread(fd, (char *)bytes + total, length - total, (off_t)(offset + total));
        if (had < 0 && errno == EINTR)
            continue;
        if (had < 0)
            return plm_fail_sys(err, errno, "read");
        if (had == 0)
            break;
        total += (size_t)had;
    }
    *got = total;
    return true;
}

bool plm_os_truncate(int fd, uint64_t size, struct plm_error *err)
{
    int failed;
    do {
        failed = ftruncate(fd, (off_t)size);
    } while (failed && errno == EINTR);
    return failed ? plm_fail_sys(err, errno, "set the size of a file") : true;
}

bool plm_os_rename(int from_dir, const char *from, int to_dir, const char *to,
                   struct plm_error *err)
{
    if (renameat(from_dir, from, to_dir, to) != 0)
        return plm_fail_sys(err, errno, "rename %s to %s", from, to);
    return true;
}

bool plm_os_unlink(int dir, const char *name, bool *removed, struct plm_error *err)
{
    bool gone = unlinkat(dir, name, 0) == 0;
    if (!gone && errno != ENOENT)
        return plm_fail_sys(err, errno, "remove %s", name);
    if (removed)
        *removed = gone;
    return true;
}

bool plm_os_remove_empty_dir(int dir, const char *name)
{
    return unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

bool plm_os_free_space(int fd, uint64_t *bytes, struct plm_error *err)
{
    struct statvfs fs;
    if (fstatvfs(fd, &fs) != 0)
        return plm_fail_sys(err, errno, "ask for the free space");
    *bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return true;
}

bool plm_os_path_free_space(const char *path, uint64_t *bytes)
{
    struct statvfs fs;
    if (statvfs(path, &fs) != 0)
        return false;
    *bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return true;
}

bool plm_os_touch(int fd, struct plm_error *err)
{
    if (futimens(fd, NULL) != 0)
        return plm_fail_sys(err, errno, "set the time of a file");
    return true;
}

bool plm_os_absolute_path(const char *path, char **out, struct plm_error *err)
{
    char *resolved = realpath(path, NULL);
    if (!resolved)
        return plm_fail_sys(err, errno, "resolve %s", path);
    *out = resolved;
    return true;
}

bool plm_os_each_entry(int dir, bool (*each)(void *ctx, const char *name), void *ctx,
                       struct plm_error *err)
{
    int own;
    if (!plm_os_open_dir(dir, ".", false, &own, err))
        return false;
    DIR *stream = fdopendir(own);
    if (!stream) {
        (void)plm_fail_sys(err, errno, "read a directory");
        plm_os_close(own);
        return false;
    }
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !each(ctx, entry->d_name)) {
            errno = 0;
            break;
        }
        errno = 0;
    }
    int failed = errno;
    (void)closedir(stream);
    return failed ? plm_fail_sys(err, failed, "read a directory") : true;
}

bool plm_os_read_file(int dir, const char *name, size_t max, char **out, size_t *size,
                      struct plm_error *err)
{
    int fd;
    if (!plm_os_open(dir, name, PLM_OPEN_READ, &fd, err))
        return false;
    struct plm_file_status status;
    char *bytes = NULL;
    size_t got = 0;
    if (!plm_os_fd_status(fd, &status, err))
        goto failed;
    if (status.size > max) {
        (void)plm_fail(err, PLM_E_LIMIT, "%s is larger than %zu bytes", name, max);
        goto failed;
    }
    bytes = malloc((size_t)status.size + 1);
    if (!bytes) {
        (void)plm_fail(err, PLM_E_NOMEM, "no memory to read %s", name);
        goto failed;
    }
    if (!plm_os_read_at(fd, bytes, (size_t)status.size, 0, &got, err))
        goto failed;
    plm_os_close(fd);
    bytes[got] = '\0';
    *out = bytes;
    *size = got;
    return true;

failed:
    (void)plm_prefix(err, "%s", name);
    free(bytes);
    plm_os_close(fd);
    return false;
}
