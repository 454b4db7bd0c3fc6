/**
 * Advisory locks: one for each blob, one for the store. The kernel drops them when the holder dies.
 *
 * The file is removed only by its holder, as the last act; whoever takes a lock checks that the
 * name still leads to what it locked, so two owners cannot be. Loop thread only.
 */
#pragma once

#include "os/os.h"

struct plm_lock {
    int dir; /**< borrowed */
    int fd;  /**< -1: not held */
    char name[96];
};

#define PLM_LOCK_INIT ((struct plm_lock){.dir = -1, .fd = -1})

/** Takes the lock, or fails with PLM_E_BUSY at once. Leaves our process id at the file, for
 * others to tell. */
PLM_MUST bool plm_lock_try(int dir, const char *name, struct plm_lock *out, struct plm_error *err);
/** Gives it back; with @p remove its file goes too. Not held: nothing. */
void plm_lock_release(struct plm_lock *lock, bool remove);
/**
 * Whether another living process holds the lock, or was the last to hold it and so may still count
 * on what it guards: a blob that waits for its model to be published is not locked. Leaves no
 * trace. An id that was given to a new process makes it true once too often, never once too rarely.
 */
bool plm_lock_is_used(int dir, const char *name);
/** Whether a process holds it now. Takes it for a moment to see: who wants it tries more than once. */
bool plm_lock_is_held(int dir, const char *name);
/** Process id that the holder wrote, or 0. */
long plm_lock_holder(int dir, const char *name);
