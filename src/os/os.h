/**
 * The only seam to the platform: files, locks, sync, clocks, terminal. No policy here.
 *
 * Functions that can fail return false and leave errno in err->sys_errno, with the file's name in
 * the message. Paths are relative to a directory descriptor; symbolic links are not followed in the
 * last part unless said so.
 */
#pragma once

#include "base/span.h"
#include "pullama/error.h"

/* ---- files ---- */

enum plm_open_flags {
    PLM_OPEN_READ = 1,
    PLM_OPEN_WRITE = 2, /**< read and write */
    PLM_OPEN_CREATE = 4,
    PLM_OPEN_EXCLUSIVE = 8, /**< with CREATE: fail when it exists */
    PLM_OPEN_PRIVATE = 16,  /**< with CREATE: mode 0600 instead of 0644 */
};
enum plm_file_type { PLM_FILE_NONE, PLM_FILE_REGULAR, PLM_FILE_DIRECTORY, PLM_FILE_OTHER };

struct plm_file_status {
    enum plm_file_type type; /**< NONE: does not exist */
    uint64_t size;
    uint64_t disk_bytes; /**< really allocated */
    uint64_t inode;
    int64_t modified_ns; /**< Unix time */
    unsigned links;
};

/** The current directory, for paths that a user gave. */
int plm_os_cwd(void);
/** Opens a regular file; anything else that stands there is PLM_E_CORRUPT. *fd is untouched on
 * failure. PLM_E_NOT_FOUND when absent without CREATE. */
PLM_MUST bool plm_os_open(int dir, const char *name, unsigned flags, int *fd,
                          struct plm_error *err);
PLM_MUST bool plm_os_open_dir(int dir, const char *name, bool follow, int *fd,
                              struct plm_error *err);
/** mkdir; a directory that exists is no error. @p made (may be NULL) tells whether it was made. */
PLM_MUST bool plm_os_make_dir(int dir, const char *name, bool *made, struct plm_error *err);
void plm_os_close(int fd); /**< -1 is nothing */
/** Status without following a link; absent is type NONE, not an error. */
PLM_MUST bool plm_os_status(int dir, const char *name, struct plm_file_status *out,
                            struct plm_error *err);
PLM_MUST bool plm_os_fd_status(int fd, struct plm_file_status *out, struct plm_error *err);
/** All bytes, or failure. */
PLM_MUST bool plm_os_write_at(int fd, const void *bytes, size_t length, uint64_t offset,
                              struct plm_error *err);
/** Up to @p length bytes; *got less only at the end of the file. */
PLM_MUST bool plm_os_read_at(int fd, void *bytes, size_t length, uint64_t offset, size_t *got,
                             struct plm_error *err);
PLM_MUST bool plm_os_truncate(int fd, uint64_t size, struct plm_error *err);
/** Reserves space and sets the size where the file system can; where it cannot, only sets the size.
 */
PLM_MUST bool plm_os_allocate(int fd, uint64_t size, struct plm_error *err);
PLM_MUST bool plm_os_sync_data(int fd, struct plm_error *err);
PLM_MUST bool plm_os_sync_file(int fd, struct plm_error *err);
PLM_MUST bool plm_os_sync_dir(int dir, struct plm_error *err);
/** Syncs the whole file system that @p fd lies on, at the cost of one file or so. False, quietly,
 * where that failed or is not known to reach the disk: then each file has to be synced. Followed by
 * plm_os_sync_result() for each file. */
PLM_MUST bool plm_os_sync_volume(int fd);
/** Whether bytes of this file could not be written back since that was last asked. */
PLM_MUST bool plm_os_sync_result(int fd, struct plm_error *err);
/** Starts writing a range back without waiting; a hint. */
void plm_os_write_behind(int fd, struct plm_span span);
/** The cached pages of a range are not needed any more; a hint. */
void plm_os_drop_cache(int fd, struct plm_span span);
/** Copies a range from one file to the same place of another inside the system, sharing blocks
 * where the file system can; *copied of its bytes, from its start on. False when it cannot, or can
 * no further: read and write. */
bool plm_os_copy_range(int from, int to, struct plm_span span, uint64_t *copied);
/** Makes @p to, an empty file, a copy of all of @p from that shares its blocks until one of them is
 * written to. False where the file system cannot. */
bool plm_os_clone(int from, int to);
/** Bytes of blocks that the file shares with others; 0 where that cannot be told. */
uint64_t plm_os_shared_bytes(int fd);
/** A second name for the same file; nothing may stand there. Links are not followed. */
PLM_MUST bool plm_os_link(int from_dir, const char *from, int to_dir, const char *to,
                          struct plm_error *err);
/** The file will be read from its beginning to its end; a hint. */
void plm_os_read_ahead(int fd);
/** The first run of data (not a hole) at or after @p from; false when there is none or it cannot be
 * told. */
bool plm_os_next_data(int fd, uint64_t from, struct plm_span *out);
PLM_MUST bool plm_os_rename(int from_dir, const char *from, int to_dir, const char *to,
                            struct plm_error *err);
/** Absent is no error; @p removed (may be NULL) tells. */
PLM_MUST bool plm_os_unlink(int dir, const char *name, bool *removed, struct plm_error *err);
/** Removes a directory if it is empty; false quietly otherwise. */
bool plm_os_remove_empty_dir(int dir, const char *name);
/** By path, links followed; false where that cannot be told. */
bool plm_os_path_free_space(const char *path, uint64_t *bytes);
PLM_MUST bool plm_os_free_space(int fd, uint64_t *bytes, struct plm_error *err);
/** False when the two lie on file systems between which nothing can be renamed; true where that
 * cannot be told. */
bool plm_os_same_disk(int fd, int other);
/** Whether the file system of @p fd is known to be another machine's, or a program's: files that
 * are mapped there are not shared with whoever else has them open. */
bool plm_os_is_remote_disk(int fd);
PLM_MUST bool plm_os_touch(int fd, struct plm_error *err);

/** The path from the root, links resolved. Owned by the caller. */
PLM_MUST bool plm_os_absolute_path(const char *path, char **out, struct plm_error *err);

/** Calls @p each for every entry but "." and ".." until it returns false. Order as the system gives
 * it. */
PLM_MUST bool plm_os_each_entry(int dir, bool (*each)(void *ctx, const char *name), void *ctx,
                                struct plm_error *err);

/** Reads a whole regular file of at most @p max bytes. Owned by the caller, NUL behind it.
 * PLM_E_LIMIT when larger. */
PLM_MUST bool plm_os_read_file(int dir, const char *name, size_t max, char **out, size_t *size,
                               struct plm_error *err);

/** Maps @p size bytes of a file, shared and writable. */
PLM_MUST bool plm_os_map(int fd, size_t size, void **out, struct plm_error *err);
void plm_os_unmap(void *address, size_t size);

/** A small named note at a file (extended attribute "user.pullama.<name>"); false where that cannot
 * be kept. */
bool plm_os_note_set(int fd, const char *name, const void *bytes, size_t length);
bool plm_os_note_get(int fd, const char *name, void *bytes, size_t size, size_t *length);

/* ---- locks: flock, one holder over all processes; the descriptor is the lock ---- */

/** PLM_E_BUSY when another holds it. */
PLM_MUST bool plm_os_lock(int fd, struct plm_error *err);
void plm_os_unlock(int fd);

/* ---- clocks, identity, environment ---- */

int64_t plm_os_monotonic_ms(void);
/** Whether reading would give something, or an end, at once. */
bool plm_os_is_readable(int fd);
/** Bytes given to a socket that the other side has not acknowledged yet; false where that cannot be
 * told. */
bool plm_os_unacknowledged(int socket, uint64_t *bytes);
/** Whether it is a connected socket with these two ports. Any number may be asked for. */
bool plm_os_has_ports(int socket, uint16_t local, uint16_t remote);
int64_t plm_os_unix_ms(void);
/** Identity of this boot, NUL-terminated; "" when the system has none (then live files are not
 * used). */
void plm_os_boot_id(char out[40]);
PLM_MUST bool plm_os_random(void *bytes, size_t length, struct plm_error *err);
long plm_os_pid(void);
/** Whether a process of that id lives; it may be another one than once had the id. */
bool plm_os_is_running(long pid);
unsigned plm_os_cores(void);
const char *plm_os_name(void); /**< "linux", "darwin" … (Go's names) */
const char *plm_os_arch(void); /**< "amd64", "arm64" … (Go's names) */
