/* Stands in for the system's calls about files: each can fail, and what it does is noted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "disk_log.h"
#include "fault.h"

#define CAN_EIO FAULT_CAN(FAULT_EIO)
#define CAN_ENOSPC FAULT_CAN(FAULT_ENOSPC)
#define CAN_EINTR FAULT_CAN(FAULT_EINTR)
#define CAN_SHORT FAULT_CAN(FAULT_SHORT)
#define CAN_MEMORY FAULT_CAN(FAULT_MEMORY)

/* The system's own functions, which none of the plan's numbers are spent on. */
int __real_fstat64(int fd, struct stat *st);
int __real_fstatfs64(int fd, struct statfs *fs);
void *__real_calloc(size_t count, size_t size);
int __real_fstatat64(int dir, const char *name, struct stat *st, int flags);

static uint64_t inode_of(int fd)
{
    struct stat st = {0};
    int failed = fd == AT_FDCWD ? __real_fstatat64(fd, ".", &st, 0) : __real_fstat64(fd, &st);
    return failed ? 0 : (uint64_t)st.st_ino;
}

static void note(enum disk_kind kind, int fd, uint64_t first, const void *payload, size_t length)
{
    if (!fault_log())
        return;
    int kept = errno;
    disk_log_lock();
    disk_log_add(fault_log(), kind, inode_of(fd), first, payload, length);
    disk_log_unlock();
    errno = kept;
}

/* ---- reading and looking ---- */

FAULT_WRAP(ssize_t, pread64, (int fd, void *bytes, size_t length, off_t offset))
{
    if (fault_fails(CAN_EIO | CAN_EINTR, "pread"))
        return -1;
    if (length > 1 && fault_fails(CAN_SHORT, "pread"))
        length /= 2;
    ssize_t got = __real_pread64(fd, bytes, length, offset);
    if (got > 0 && fault_armed())
        atomic_fetch_add(&fault_armed()->got, (uint64_t)got);
    return got;
}

/* A file system that cannot: a disk's history is told in writes. */
FAULT_WRAP(ssize_t, copy_file_range,
           (int from, off_t *in, int to, off_t *out, size_t length, unsigned flags))
{
    if (!fault_log() && !fault_fails(CAN_EIO | CAN_EINTR, "copy_file_range"))
        return __real_copy_file_range(from, in, to, out, length, flags);
    if (fault_log())
        errno = EOPNOTSUPP;
    return -1;
}

FAULT_WRAP(int, fstat64, (int fd, struct stat *st))
{
    return fault_fails(CAN_EIO, "fstat") ? -1 : __real_fstat64(fd, st);
}

FAULT_WRAP(int, fstatat64, (int dir, const char *name, struct stat *st, int flags))
{
    return fault_fails(CAN_EIO, "fstatat") ? -1 : __real_fstatat64(dir, name, st, flags);
}

FAULT_WRAP(int, fstatvfs64, (int fd, struct statvfs *fs))
{
    return fault_fails(CAN_EIO, "fstatvfs") ? -1 : __real_fstatvfs64(fd, fs);
}

FAULT_WRAP(int, statvfs64, (const char *path, struct statvfs *fs))
{
    return fault_fails(CAN_EIO, "statvfs") ? -1 : __real_statvfs64(path, fs);
}

FAULT_WRAP(char *, realpath, (const char *path, char *resolved))
{
    return fault_fails(CAN_EIO | CAN_MEMORY, "realpath") ? NULL : __real_realpath(path, resolved);
}

FAULT_WRAP(DIR *, fdopendir, (int fd))
{
    return fault_fails(CAN_EIO | CAN_MEMORY, "fdopendir") ? NULL : __real_fdopendir(fd);
}

FAULT_WRAP(struct dirent *, readdir64, (DIR * stream))
{
    return fault_fails(CAN_EIO, "readdir") ? NULL : __real_readdir64(stream);
}

FAULT_WRAP(off_t, lseek64, (int fd, off_t offset, int whence))
{
    return fault_fails(CAN_EIO, "lseek") ? -1 : __real_lseek64(fd, offset, whence);
}

FAULT_WRAP(ssize_t, fgetxattr, (int fd, const char *name, void *value, size_t size))
{
    return fault_fails(CAN_EIO, "fgetxattr") ? -1 : __real_fgetxattr(fd, name, value, size);
}

FAULT_WRAP(void *, mmap64, (void *at, size_t length, int prot, int flags, int fd, off_t offset))
{
    if (fault_fails(CAN_EIO | CAN_MEMORY, "mmap"))
        return (void *)-1; /* MAP_FAILED */
    return __real_mmap64(at, length, prot, flags, fd, offset);
}

/* Called only for the identity of this boot. */
FAULT_WRAP(int, open64, (const char *path, int flags, ...))
{
    return fault_fails(CAN_EIO, "open") ? -1 : __real_open64(path, flags);
}

/* Likewise, and for streams. */
FAULT_WRAP(ssize_t, read, (int fd, void *bytes, size_t length))
{
    struct fault_plan *plan = fault_armed();
    struct statfs fs;
    bool is_boot =
        plan && plan->boot[0] && __real_fstatfs64(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
    if (!is_boot)
        return __real_read(fd, bytes, length);
    size_t size = strlen(plan->boot) < length ? strlen(plan->boot) : length;
    memcpy(bytes, plan->boot, size);
    return (ssize_t)size;
}

FAULT_WRAP(int, getentropy, (void *bytes, size_t length))
{
    return fault_fails(CAN_EIO, "getentropy") ? -1 : __real_getentropy(bytes, length);
}

FAULT_WRAP(int, flock, (int fd, int how))
{
    return fault_fails(CAN_EIO | CAN_EINTR, "flock") ? -1 : __real_flock(fd, how);
}

FAULT_WRAP(int, pthread_create,
           (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *ctx))
{
    return fault_fails(CAN_MEMORY, "pthread_create")
               ? EAGAIN
               : __real_pthread_create(thread, attributes, run, ctx);
}

/* ---- contents ---- */

FAULT_WRAP(ssize_t, pwrite64, (int fd, const void *bytes, size_t length, off_t offset))
{
    if (fault_fails(CAN_EIO | CAN_ENOSPC | CAN_EINTR, "pwrite"))
        return -1;
    if (length > 1 && fault_fails(CAN_SHORT, "pwrite"))
        length /= 2;
    ssize_t put = __real_pwrite64(fd, bytes, length, offset);
    if (put > 0)
        note(DISK_WRITE, fd, (uint64_t)offset, bytes, (size_t)put);
    if (put > 0 && fault_armed())
        atomic_fetch_add(&fault_armed()->put, (uint64_t)put);
    return put;
}

FAULT_WRAP(int, ftruncate64, (int fd, off_t size))
{
    if (fault_fails(CAN_EIO | CAN_ENOSPC | CAN_EINTR, "ftruncate"))
        return -1;
    int failed = __real_ftruncate64(fd, size);
    if (!failed)
        note(DISK_SIZE, fd, (uint64_t)size, NULL, 0);
    return failed;
}

FAULT_WRAP(int, fallocate64, (int fd, int mode, off_t offset, off_t length))
{
    if (fault_fails(CAN_EIO | CAN_ENOSPC | CAN_EINTR, "fallocate"))
        return -1;
    return __real_fallocate64(fd, mode, offset, length); /* ftruncate() tells of the size */
}

FAULT_WRAP(int, futimens, (int fd, const struct timespec times[2]))
{
    return fault_fails(CAN_EIO, "futimens") ? -1 : __real_futimens(fd, times);
}

FAULT_WRAP(int, fsetxattr, (int fd, const char *name, const void *value, size_t size, int flags))
{
    return fault_fails(CAN_EIO | CAN_ENOSPC, "fsetxattr")
               ? -1
               : __real_fsetxattr(fd, name, value, size, flags);
}

/* ---- syncs ---- */

/* A failed write-back: what no earlier sync covered is not what was written. */
static void lose_unsynced(int fd)
{
    struct disk_log *log = fault_log();
    static const unsigned char garbage[4096] = {0xde, 0xad};
    uint64_t inode = inode_of(fd), covered = 0, at = 0;
    disk_log_lock();
    for (const struct disk_note *n = NULL; log && (n = disk_log_next(log, n));)
        if (n->kind == DISK_SYNC && n->inode == inode && n->first > covered)
            covered = n->first;
        else if (n->kind == DISK_CREATE && n->first == inode)
            covered = 0;
    for (const struct disk_note *n = NULL; log && (n = disk_log_next(log, n)); at++)
        for (size_t done = 0;
             n->kind == DISK_WRITE && n->inode == inode && at >= covered && done < n->length;
             done += sizeof(garbage)) {
            size_t part = n->length - done < sizeof(garbage) ? n->length - done : sizeof(garbage);
            (void)!__real_pwrite64(fd, garbage, part, (off_t)(n->first + done));
        }
    disk_log_add(log, DISK_LOST, inode, 0, NULL, 0);
    disk_log_unlock();
}

/* What a power cut leaves is played from the log, so under a plan nothing has to reach the disk. */
static int sync_noted(int fd, const char *name, int (*real)(int fd))
{
    struct fault_plan *plan = fault_armed();
    if (!plan)
        return real(fd);
    size_t covers = disk_log_count(fault_log());
    atomic_fetch_add(&plan->syncs, 1);
    if (fault_fails(CAN_EIO | CAN_ENOSPC | CAN_EINTR, name)) {
        int number = errno;
        if (number != EINTR)
            lose_unsynced(fd);
        errno = number;
        return -1;
    }
    note(DISK_SYNC, fd, covers, NULL, 0);
    return 0;
}

FAULT_WRAP(int, fsync, (int fd))
{
    return sync_noted(fd, "fsync", __real_fsync);
}

FAULT_WRAP(int, fdatasync, (int fd))
{
    return sync_noted(fd, "fdatasync", __real_fdatasync);
}

static bool is_change(const struct disk_note *note)
{
    return note->kind != DISK_SYNC && note->kind != DISK_LOST && note->kind != DISK_DONE;
}

/* All that was changed before: each file and each directory that the log has heard of. */
static void note_all_synced(struct disk_log *log, size_t covers)
{
    uint64_t *inodes = __real_calloc(2 * covers + 1, sizeof(*inodes));
    size_t count = 0, at = 0;
    if (!inodes)
        abort();
    disk_log_lock();
    for (const struct disk_note *n = NULL; at < covers && (n = disk_log_next(log, n)); at++) {
        if (is_change(n))
            inodes[count++] = n->inode;
        if (n->kind == DISK_RENAME)
            inodes[count++] = n->first;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < i && !is_known; k++)
            is_known = inodes[k] == inodes[i];
        if (!is_known)
            disk_log_add(log, DISK_SYNC, inodes[i], covers, NULL, 0);
    }
    disk_log_unlock();
    free(inodes);
}

/* That it fails may be for another program's file: ours must be synced one by one, then. */
FAULT_WRAP(int, syncfs, (int fd))
{
    struct fault_plan *plan = fault_armed();
    if (!plan)
        return __real_syncfs(fd);
    size_t covers = disk_log_count(fault_log());
    atomic_fetch_add(&plan->syncs, 1);
    if (fault_fails(CAN_EIO | CAN_ENOSPC | CAN_EINTR, "syncfs"))
        return -1;
    if (fault_log())
        note_all_synced(fault_log(), covers);
    return 0;
}

FAULT_WRAP(int, fstatfs64, (int fd, struct statfs *fs))
{
    if (fault_fails(CAN_EIO, "fstatfs") || __real_fstatfs64(fd, fs) != 0)
        return -1;
    if (fault_armed() && fault_armed()->disk_type)
        fs->f_type = fault_armed()->disk_type;
    return 0;
}

/* A hint, unless it asks for what became of the bytes. */
FAULT_WRAP(int, sync_file_range, (int fd, off_t from, off_t length, unsigned flags))
{
    if ((flags & SYNC_FILE_RANGE_WAIT_BEFORE) &&
        fault_fails(CAN_EIO | CAN_ENOSPC, "sync_file_range")) {
        int number = errno;
        lose_unsynced(fd);
        errno = number;
        return -1;
    }
    return __real_sync_file_range(fd, from, length, flags);
}

/* ---- names ---- */

static void note_new(enum disk_kind kind, int dir, const char *name, uint64_t inode)
{
    disk_log_add(fault_log(), kind, inode_of(dir), inode, name, strlen(name) + 1);
}

FAULT_WRAP(int, openat64, (int dir, const char *name, int flags, ...))
{
    if (!(flags & O_CREAT))
        return fault_fails(CAN_EIO | CAN_EINTR, "openat") ? -1 : __real_openat64(dir, name, flags);
    va_list args;
    va_start(args, flags);
    mode_t mode = va_arg(args, mode_t);
    va_end(args);
    disk_log_lock();
    bool is_new = faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
    int fd = -1;
    if (!fault_fails(CAN_EIO | CAN_EINTR | (is_new ? CAN_ENOSPC : 0), "openat"))
        fd = __real_openat64(dir, name, flags, mode);
    if (fd >= 0 && is_new)
        note_new(DISK_CREATE, dir, name, inode_of(fd));
    disk_log_unlock();
    return fd;
}

/* The checked form, for flags that the compiler cannot see. It never makes a file. */
FAULT_WRAP(int, __openat64_2, (int dir, const char *name, int flags))
{
    return fault_fails(CAN_EIO | CAN_EINTR, "openat") ? -1 : __real___openat64_2(dir, name, flags);
}

FAULT_WRAP(int, mkdirat, (int dir, const char *name, mode_t mode))
{
    struct stat st = {0};
    disk_log_lock();
    int failed =
        fault_fails(CAN_EIO | CAN_ENOSPC, "mkdirat") ? -1 : __real_mkdirat(dir, name, mode);
    if (!failed && __real_fstatat64(dir, name, &st, 0) == 0)
        note_new(DISK_MKDIR, dir, name, (uint64_t)st.st_ino);
    disk_log_unlock();
    return failed;
}

FAULT_WRAP(int, unlinkat, (int dir, const char *name, int flags))
{
    disk_log_lock();
    int failed = fault_fails(CAN_EIO, "unlinkat") ? -1 : __real_unlinkat(dir, name, flags);
    if (!failed)
        note_new(DISK_REMOVE, dir, name, 0);
    disk_log_unlock();
    return failed;
}

FAULT_WRAP(int, renameat, (int from_dir, const char *from, int to_dir, const char *to))
{
    char names[512];
    size_t first = strlen(from) + 1, second = strlen(to) + 1;
    disk_log_lock();
    int failed = fault_fails(CAN_EIO | CAN_ENOSPC, "renameat")
                     ? -1
                     : __real_renameat(from_dir, from, to_dir, to);
    if (!failed && first + second <= sizeof(names)) {
        memcpy(names, from, first);
        memcpy(names + first, to, second);
        disk_log_add(fault_log(), DISK_RENAME, inode_of(from_dir), inode_of(to_dir), names,
                     first + second);
    }
    disk_log_unlock();
    return failed;
}
