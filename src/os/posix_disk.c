/* What makes bytes last, and hints about the page cache: sync, reserve, map, notes, locks. */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#include <sys/xattr.h>
#endif

bool plm_os_allocate(int fd, uint64_t size, struct plm_error *err)
{
#ifdef __linux__
    /* Not posix_fallocate: where the file system cannot reserve, glibc would write every block. */
    int failed;
    do {
        failed = size > 0 ? fallocate(fd, 0, 0, (off_t)size) : 0;
    } while (failed && errno == EINTR);
    if (failed && errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
        return plm_fail_sys(err, errno, "reserve space");
#endif
    return plm_os_truncate(fd, size, err);
}

#ifdef __APPLE__
static int sync_hard(int fd)
{
    return fcntl(fd, F_FULLFSYNC);
}
#define sync_data sync_hard
#define sync_all sync_hard
#else
#define sync_data fdatasync
#define sync_all fsync
#endif

/* A signal that comes in the way says nothing about the disk. */
static int sync_whole(int fd, int (*sync)(int fd))
{
    int failed;
    do {
        failed = sync(fd);
    } while (failed && errno == EINTR);
    return failed;
}

bool plm_os_sync_data(int fd, struct plm_error *err)
{
    if (sync_whole(fd, sync_data) != 0)
        return plm_fail_sys(err, errno, "sync data to the disk");
    return true;
}

bool plm_os_sync_file(int fd, struct plm_error *err)
{
    if (sync_whole(fd, sync_all) != 0)
        return plm_fail_sys(err, errno, "sync a file to the disk");
    return true;
}

bool plm_os_sync_dir(int dir, struct plm_error *err)
{
    /* Some network file systems refuse to sync a directory; their renames are synchronous. */
    if (sync_whole(dir, fsync) != 0 && errno != EINVAL && errno != ENOTSUP)
        return plm_fail_sys(err, errno, "sync a directory to the disk");
    return true;
}

#ifdef __linux__
/* File systems whose sync is known to wait for the disk. One that a program provides (FUSE) may
 * never hear of it. */
static bool syncs_as_a_whole(int fd)
{
    static const unsigned long known[] = {0xEF53 /* ext4 */, 0x58465342 /* XFS */,
                                          0x9123683E /* Btrfs */, 0xF2F52010 /* F2FS */,
                                          0x01021994 /* tmpfs */};
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return false;
    for (size_t i = 0; i < PLM_COUNT(known); i++)
        if ((unsigned long)fs.f_type == known[i])
            return true;
    return false;
}

bool plm_os_is_remote_disk(int fd)
{
    static const uint32_t remote[] = {0x6969 /* NFS */,       0xFE534D42 /* SMB */,
                                      0xFF534D42 /* CIFS */,  0x517B /* the old SMB */,
                                      0x01021997 /* 9P */,    0x65735546 /* FUSE */,
                                      0x00C36400 /* Ceph */,  0x0BD00BD0 /* Lustre */,
                                      0x01161970 /* GFS2 */,  0x7461636F /* OCFS2 */,
                                      0x5346414F /* AFS */,   0x786F4256 /* shared folder */};
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return true; /* who knows */
    for (size_t i = 0; i < PLM_COUNT(remote); i++)
        if ((uint32_t)fs.f_type == remote[i])
            return true;
    return false;
}

bool plm_os_sync_volume(int fd)
{
    return syncs_as_a_whole(fd) && sync_whole(fd, syncfs) == 0;
}

bool plm_os_sync_result(int fd, struct plm_error *err)
{
    /* Nothing is left to wait for; but before Linux 5.8 only this tells of a failure. */
    if (sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE) != 0)
        return plm_fail_sys(err, errno, "sync data to the disk");
    return true;
}
#else
bool plm_os_is_remote_disk(int fd)
{
    (void)fd;
    return true;
}

bool plm_os_sync_volume(int fd)
{
    (void)fd;
    return false;
}

bool plm_os_sync_result(int fd, struct plm_error *err)
{
    return plm_os_sync_data(fd, err);
}
#endif

void plm_os_write_behind(int fd, struct plm_span span)
{
#ifdef __linux__
    (void)sync_file_range(fd, (off_t)span.start, (off_t)plm_span_length(span),
                          SYNC_FILE_RANGE_WRITE);
#else
    (void)fd;
    (void)span;
#endif
}

void plm_os_drop_cache(int fd, struct plm_span span)
{
#ifdef POSIX_FADV_DONTNEED
    (void)posix_fadvise(fd, (off_t)span.start, (off_t)plm_span_length(span), POSIX_FADV_DONTNEED);
#else
    (void)fd;
    (void)span;
#endif
}

bool plm_os_copy_range(int from, int to, struct plm_span span, uint64_t *copied)
{
    *copied = 0;
#ifdef __linux__
    while (span.start < span.end) {
        off_t in = (off_t)span.start, out = in;
        ssize_t got = copy_file_range(from, &in, to, &out, (size_t)plm_span_length(span), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        span.start += (uint64_t)got;
        *copied += (uint64_t)got;
    }
    return true;
#else
    (void)from;
    (void)to;
    return false;
#endif
}

void plm_os_read_ahead(int fd)
{
#ifdef POSIX_FADV_SEQUENTIAL
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
#else
    (void)fd;
#endif
}

bool plm_os_next_data(int fd, uint64_t from, struct plm_span *out)
{
#ifdef SEEK_DATA
    off_t start = lseek(fd, (off_t)from, SEEK_DATA);
    if (start < 0)
        return false;
    off_t end = lseek(fd, start, SEEK_HOLE);
    if (end <= start)
        return false;
    *out = (struct plm_span){(uint64_t)start, (uint64_t)end};
    return true;
#else
    (void)fd;
    (void)from;
    (void)out;
    return false;
#endif
}

bool plm_os_map(int fd, size_t size, void **out, struct plm_error *err)
{
    void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED)
        return plm_fail_sys(err, errno, "map a file");
    *out = address;
    return true;
}

void plm_os_unmap(void *address, size_t size)
{
    if (address)
        (void)munmap(address, size);
}

bool plm_os_note_set(int fd, const char *name, const void *bytes, size_t length)
{
#ifdef __linux__
    char full[64];
    (void)snprintf(full, sizeof(full), "user.pullama.%s", name);
    return fsetxattr(fd, full, bytes, length, 0) == 0;
#else
    (void)fd;
    (void)name;
    (void)bytes;
    (void)length;
    return false;
#endif
}

bool plm_os_note_get(int fd, const char *name, void *bytes, size_t size, size_t *length)
{
#ifdef __linux__
    char full[64];
    (void)snprintf(full, sizeof(full), "user.pullama.%s", name);
    ssize_t got = fgetxattr(fd, full, bytes, size);
    if (got < 0)
        return false;
    *length = (size_t)got;
    return true;
#else
    (void)fd;
    (void)name;
    (void)bytes;
    (void)size;
    (void)length;
    return false;
#endif
}

bool plm_os_lock(int fd, struct plm_error *err)
{
    int failed;
    do {
        failed = flock(fd, LOCK_EX | LOCK_NB);
    } while (failed && errno == EINTR);
    if (failed && errno == EWOULDBLOCK)
        return plm_fail(err, PLM_E_BUSY, "another process holds the lock");
    return failed ? plm_fail_sys(err, errno, "lock a file") : true;
}

void plm_os_unlock(int fd)
{
    (void)flock(fd, LOCK_UN);
}

bool plm_os_same_disk(int fd, int other)
{
    struct stat one, two;
    return fstat(fd, &one) != 0 || fstat(other, &two) != 0 || one.st_dev == two.st_dev;
}
