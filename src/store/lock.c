/* Locks: takes, names and gives back the store's advisory locks. */
#include "store/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDER_TEXT 24
#define HOLDER_NOTE "holder"

/* The lock counts only if the name still leads to the file that was locked. What has another name
 * too is somebody's file: the holder's id must not be written into it. */
static bool is_current(int dir, const char *name, int fd, bool *current, struct plm_error *err)
{
    struct plm_file_status named, held;
    if (!plm_os_status(dir, name, &named, err) || !plm_os_fd_status(fd, &held, err))
        return false;
    *current = named.type == PLM_FILE_REGULAR && named.inode == held.inode;
    if (*current && held.links > 1)
        return plm_fail(err, PLM_E_CORRUPT, "the file has a second name; move it away");
    return true;
}

/* In an attribute, so that the file has no bytes: to give the block of one back costs milliseconds
 * on some file systems, for each of a thousand blobs. Else in the file, over what stood there. The
 * id only informs: a full disk may keep it out. */
static void name_holder(int fd)
{
    char pid[HOLDER_TEXT];
    struct plm_error unimportant = {0};
    int length = snprintf(pid, sizeof(pid), "%-20ld\n", plm_os_pid());
    if (!plm_os_note_set(fd, HOLDER_NOTE, pid, (size_t)length))
        (void)!plm_os_write_at(fd, pid, (size_t)length, 0, &unimportant);
}

bool plm_lock_try(int dir, const char *name, struct plm_lock *out, struct plm_error *err)
{
    for (int tries = 0; tries < 100; tries++) {
        int fd = -1;
        if (!plm_os_open(dir, name, PLM_OPEN_WRITE | PLM_OPEN_CREATE, &fd, err))
            return false;
        bool current = false;
        if (!plm_os_lock(fd, err) || !is_current(dir, name, fd, &current, err)) {
            plm_os_close(fd);
            return plm_prefix(err, "%s", name);
        }
        if (!current) {
            plm_os_close(fd);
            continue;
        }
        name_holder(fd);
        *out = (struct plm_lock){.dir = dir, .fd = fd};
        (void)snprintf(out->name, sizeof(out->name), "%s", name);
        return true;
    }
    return plm_fail(err, PLM_E_BUSY, "%s changes hands all the time", name);
}

void plm_lock_release(struct plm_lock *lock, bool remove)
{
    if (lock->fd < 0)
        return;
    if (remove)
        (void)!plm_os_unlink(lock->dir, lock->name, NULL,
                             NULL); /* a lock file left over does no harm */
    plm_os_close(lock->fd);
    lock->fd = -1;
}

long plm_lock_holder(int dir, const char *name)
{
    char text[HOLDER_TEXT + 1] = "";
    size_t length = 0;
    int fd = -1;
    struct plm_error quiet = {0};
    if (!plm_os_open(dir, name, PLM_OPEN_READ, &fd, &quiet))
        return 0;
    if (!plm_os_note_get(fd, HOLDER_NOTE, text, HOLDER_TEXT, &length) &&
        !plm_os_read_at(fd, text, HOLDER_TEXT, 0, &length, &quiet))
        length = 0;
    plm_os_close(fd);
    text[length] = '\0';
    long pid = strtol(text, NULL, 10);
    return pid > 0 ? pid : 0;
}

bool plm_lock_is_held(int dir, const char *name)
{
    struct plm_error why = {0};
    int fd = -1;
    if (!plm_os_open(dir, name, PLM_OPEN_READ, &fd, NULL))
        return false; /* what is no regular file, nobody can lock */
    bool held = !plm_os_lock(fd, &why) && why.code == PLM_E_BUSY;
    plm_os_close(fd);
    return held;
}

bool plm_lock_is_used(int dir, const char *name)
{
    if (plm_lock_is_held(dir, name))
        return true;
    long pid = plm_lock_holder(dir, name);
    return pid != plm_os_pid() && plm_os_is_running(pid);
}
