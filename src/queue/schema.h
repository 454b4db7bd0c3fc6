/**
 * The database of queue and history, `.pullm/pullama.db`: opened, made, migrated.
 *
 *     plm_database_open → plm_database_begin → queue.h, history.h … → plm_database_end
 *                       → plm_database_close
 *
 * docs/formats/database.md specifies it. SQLite waits for other processes by itself, as long as
 * the options say. One thread; the file must not be opened by other means in the same process,
 * which would drop SQLite's locks.
 */
#pragma once

#include "pullama/error.h"

#define PLM_DATABASE_NAME "pullama.db"

enum plm_database_use {
    PLM_DATABASE_READ,  /**< what is there is read; nothing is made */
    PLM_DATABASE_WRITE, /**< made when missing; what was written is on the disk when it returns */
    PLM_DATABASE_NOTE,  /**< made when missing; nothing waits for the disk, so a power cut may take
                           the last writes, but leaves the database valid */
};

struct plm_database_options {
    int folder_fd;      /**< `.pullm` */
    const char *folder; /**< its absolute path, without symbolic links in it; borrowed */
    enum plm_database_use use;
    int64_t wait_ms; /**< for other processes' locks; then PLM_E_BUSY */
    /** Ends the waiting early when it gives true; borrowed with @p ctx as long as the database is
     * open. NULL: nothing does. */
    bool (*is_ending)(void *ctx);
    void *ctx;
};

struct plm_database;

/**
 * Opens the database. *out becomes NULL when there is none and @p options say READ.
 *
 * @retval false  PLM_E_CORRUPT: it is damaged, or something else stands there; PLM_E_UNSUPPORTED: a
 *                newer program made it; PLM_E_NOSPACE, PLM_E_ACCESS, PLM_E_BUSY, PLM_E_IO.
 */
PLM_MUST bool plm_database_open(const struct plm_database_options *options,
                                struct plm_database **out, struct plm_error *err);
void plm_database_close(struct plm_database *database);

static inline void plm_database_freep(struct plm_database **database)
{
    plm_database_close(*database);
}

/** Begins a change: from here on no other process writes. */
PLM_MUST bool plm_database_begin(struct plm_database *database, struct plm_error *err);
/** Ends it: keeps it when @p ok, else undoes it and gives false. */
PLM_MUST bool plm_database_end(struct plm_database *database, bool ok, struct plm_error *err);

/** Gives the damaged database, and its `-wal` and `-shm`, names of its own beside it: the
 * first is written to @p name. The caller makes sure that no other process does the same. */
PLM_MUST bool plm_database_set_aside(int folder_fd, char name[64], struct plm_error *err);

/** Renames @p name to `<name><ending>`, or `<name><ending>-2`, …: to the first that is free. */
PLM_MUST bool plm_database_rename_away(int folder_fd, const char *name, const char *ending,
                                       char to[64], struct plm_error *err);
