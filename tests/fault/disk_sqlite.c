/* A VFS that notes what SQLite does to its files, and passes it on to the one for Unix. */
#include "disk_sqlite.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "disk_log.h"
#include "fault.h"

struct noted_file {
    sqlite3_file base;
    uint64_t inode, directory;        /* 0: of no name, not noted */
    bool is_new;                      /* the first sync is of the directory, too */
    _Alignas(8) unsigned char real[]; /* SQLite gives no more */
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)(void *)((struct noted_file *)file)->real;
}

static uint64_t inode_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static uint64_t directory_of(const char *path)
{
    char folder[PATH_MAX];
    const char *name = strrchr(path, '/');
    if (!name || (size_t)(name - path) >= sizeof(folder))
        abort(); /* SQLite makes all paths absolute */
    memcpy(folder, path, (size_t)(name - path));
    folder[name - path] = '\0';
    return inode_of(folder);
}

static void note(enum disk_kind kind, const struct noted_file *file, sqlite3_int64 first,
                 const void *payload, size_t length)
{
    disk_log_lock();
    if (file->inode)
        disk_log_add(fault_log(), kind, file->inode, (uint64_t)first, payload, length);
    disk_log_unlock();
}

/* ---- files ---- */

static int close_file(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int read_file(sqlite3_file *file, void *out, int length, sqlite3_int64 at)
{
    return real_of(file)->pMethods->xRead(real_of(file), out, length, at);
}

static int write_file(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 at)
{
    int result = real_of(file)->pMethods->xWrite(real_of(file), bytes, length, at);
    if (result == SQLITE_OK)
        note(DISK_WRITE, (struct noted_file *)file, at, bytes, (size_t)length);
    return result;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    int result = real_of(file)->pMethods->xTruncate(real_of(file), size);
    if (result == SQLITE_OK)
        note(DISK_SIZE, (struct noted_file *)file, size, NULL, 0);
    return result;
}

/* As in SQLite's own: a log or a journal that was made has its name synced with its first bytes. */
static int sync_file(sqlite3_file *file, int flags)
{
    struct noted_file *noted = (struct noted_file *)file;
    size_t covers = disk_log_count(fault_log());
    (void)flags;
    note(DISK_SYNC, noted, (sqlite3_int64)covers, NULL, 0);
    disk_log_lock();
    if (noted->is_new)
        disk_log_add(fault_log(), DISK_SYNC, noted->directory, covers, NULL, 0);
    disk_log_unlock();
    noted->is_new = false;
    return SQLITE_OK;
}

static int size_file(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int lock_file(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int unlock_file(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int look_for_lock(sqlite3_file *file, int *is_reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), is_reserved);
}

static int control_file(sqlite3_file *file, int what, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

static int sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int map_shared(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, out);
}

static int lock_shared(sqlite3_file *file, int first, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), first, count, flags);
}

static void order_shared(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int unmap_shared(sqlite3_file *file, int removes)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), removes);
}

/* Version 2: files are not mapped into memory, where writes could not be seen. */
static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = close_file,
                                           .xRead = read_file,
                                           .xWrite = write_file,
                                           .xTruncate = truncate_file,
                                           .xSync = sync_file,
                                           .xFileSize = size_file,
                                           .xLock = lock_file,
                                           .xUnlock = unlock_file,
                                           .xCheckReservedLock = look_for_lock,
                                           .xFileControl = control_file,
                                           .xSectorSize = sector_size,
                                           .xDeviceCharacteristics = characteristics,
                                           .xShmMap = map_shared,
                                           .xShmLock = lock_shared,
                                           .xShmBarrier = order_shared,
                                           .xShmUnmap = unmap_shared};

/* ---- names ---- */

static const char *name_in(const char *path)
{
    return strrchr(path, '/') + 1;
}

static int open_file(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags,
                     int *out_flags)
{
    static const int with_name =
        SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    struct noted_file *noted = (struct noted_file *)file;
    sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");
    (void)vfs;
    disk_log_lock();
    bool is_missing = path && inode_of(path) == 0;
    int result = unix_vfs->xOpen(unix_vfs, path, real_of(file), flags, out_flags);
    *noted = (struct noted_file){.base.pMethods = real_of(file)->pMethods ? &methods : NULL};
    if (result == SQLITE_OK && path) {
        noted->inode = inode_of(path);
        noted->directory = directory_of(path);
        noted->is_new = (flags & SQLITE_OPEN_CREATE) && (flags & with_name) &&
                        !sqlite3_compileoption_used("DISABLE_DIRSYNC");
    }
    if (noted->inode && is_missing)
        disk_log_add(fault_log(), DISK_CREATE, noted->directory, noted->inode, name_in(path),
                     strlen(name_in(path)) + 1);
    disk_log_unlock();
    return result;
}

static int delete_file(sqlite3_vfs *vfs, const char *path, int syncs_directory)
{
    sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");
    struct disk_log *log = fault_log();
    (void)vfs;
    disk_log_lock();
    int result = unix_vfs->xDelete(unix_vfs, path, 0);
    if (result == SQLITE_OK)
        disk_log_add(log, DISK_REMOVE, directory_of(path), 0, name_in(path),
                     strlen(name_in(path)) + 1);
    if (result == SQLITE_OK && syncs_directory && log &&
        !sqlite3_compileoption_used("DISABLE_DIRSYNC"))
        disk_log_add(log, DISK_SYNC, directory_of(path), log->count, NULL, 0);
    disk_log_unlock();
    return result;
}

void disk_sqlite_register(void)
{
    static sqlite3_vfs vfs;
    const sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");
    if (!unix_vfs)
        abort();
    vfs = *unix_vfs;
    vfs.zName = "noted";
    vfs.szOsFile += (int)sizeof(struct noted_file);
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}
