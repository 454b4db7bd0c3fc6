/**
 * Where an export goes: a file, parts of one, or a stream.
 *
 * A file is written beside its place under a name of its own (`FILE.pullama.tmp`), synced, and only
 * then called FILE; who is killed meanwhile leaves the old FILE as it was, and the next run clears
 * up. With parts, `FILE.001` comes last: where it stands, the others do. Opening and closing on the
 * loop thread; writing and finishing on a worker.
 */
#pragma once

#include <stdatomic.h>

#include "pullama/error.h"

#define PLM_EXPORT_PARTS_MAX 999

struct plm_export_file {
    int dir;               /**< where it goes; -1: to the stream */
    char *base;            /**< owned; name of the whole, without a part's ending */
    char *shown;           /**< owned; path for messages */
    uint64_t total, split; /**< bytes of the whole, and of a part; 0: no parts */
    unsigned parts;
    bool replace;
    int lock; /**< the first temporary file: two must not write to the same name */
    int fd;   /**< of the part that is written to */
    unsigned part;
    uint64_t flushed; /**< bytes of it whose writing was begun */
    bool is_final;    /**< it has its name */
    int stream;
    uint64_t streamed;
    atomic_bool cancelled;
};
#define PLM_EXPORT_FILE_INIT                                                                       \
    ((struct plm_export_file){.dir = -1, .lock = -1, .fd = -1, .stream = -1})

/**
 * Looks whether @p path can be written to. PLM_E_USAGE: something of that name is there, and it is
 * not to be replaced; or there would be too many parts. PLM_E_NOSPACE: it does not fit.
 * PLM_E_BUSY: another process writes it.
 */
PLM_MUST bool plm_export_file_open(struct plm_export_file *file, const char *path, uint64_t total,
                                   uint64_t split, bool replace, bool dry_run,
                                   struct plm_error *err);
/** Takes bytes in their order. */
void plm_export_file_stream(struct plm_export_file *file, int fd, uint64_t total);
/** A stream wants all in order; a file takes bytes anywhere. */
PLM_MUST bool plm_export_file_write(struct plm_export_file *file, uint64_t at, const void *bytes,
                                    size_t length, struct plm_error *err);
/** Makes it last, and gives it its name. */
PLM_MUST bool plm_export_file_finish(struct plm_export_file *file, struct plm_error *err);
/** Removes what did not get its name. */
void plm_export_file_close(struct plm_export_file *file);

/** The directory part of a path, "." when there is none. Owned by the caller; NULL without memory.
 */
char *plm_export_folder(const char *path);
