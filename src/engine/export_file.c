/* Export's destination: temporary files that get their names when all is in them, or a stream. */
#include "engine/export_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"
#include "os/stream.h"
#include "pullama/text.h"
#include "store/atomic.h"

#define TEMPORARY ".pullama.tmp"
#define NAME_MAX_BYTES 255
/* The whole, ".001", TEMPORARY. */
#define NAME_SIZE (NAME_MAX_BYTES + 32)
#define FLUSH_BYTES (UINT64_C(32) << 20)

static const char *name_of(const struct plm_export_file *f, unsigned part, bool temporary,
                           char out[NAME_SIZE])
{
    const char *end = temporary ? TEMPORARY : "";
    if (f->split)
        (void)snprintf(out, NAME_SIZE, "%s.%03u%s", f->base, part + 1, end);
    else
        (void)snprintf(out, NAME_SIZE, "%s%s", f->base, end);
    return out;
}

char *plm_export_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* ---- what stands there ---- */

static bool check_place(const struct plm_export_file *f, unsigned part, struct plm_error *err)
{
    char name[NAME_SIZE];
    struct plm_file_status status;
    if (!plm_os_status(f->dir, name_of(f, part, false, name), &status, err))
        return false;
    if (status.type == PLM_FILE_DIRECTORY)
        return plm_fail(err, PLM_E_USAGE, "%s is a folder; name a file in it", f->shown);
    if (status.type == PLM_FILE_OTHER)
        return plm_fail(err, PLM_E_USAGE, "%s is no regular file; to write to a pipe: -o -",
                        f->shown);
    if (status.type == PLM_FILE_NONE || f->replace)
        return true;
    return plm_fail(err, PLM_E_USAGE, "%s is there already; --force replaces it",
                    f->split ? name : f->shown);
}

static bool check_room(const struct plm_export_file *f, struct plm_error *err)
{
    uint64_t room = 0;
    char needed[PLM_TEXT_SHORT], have[PLM_TEXT_SHORT];
    if (!plm_os_free_space(f->dir, &room, err))
        return false;
    return room >= f->total ||
           plm_fail(err, PLM_E_NOSPACE, "%s needs %s (%" PRIu64 " bytes), and there are %s free",
                    f->shown, plm_text_size(f->total, needed), f->total, plm_text_size(room, have));
}

static bool count_parts(struct plm_export_file *f, struct plm_error *err)
{
    uint64_t parts = f->split ? (f->total + f->split - 1) / f->split : 1;
    if (parts > PLM_EXPORT_PARTS_MAX)
        return plm_fail(err, PLM_E_USAGE,
                        "--split: that makes %" PRIu64 " parts; at most %d are "
                        "possible",
                        parts, PLM_EXPORT_PARTS_MAX);
    f->parts = (unsigned)parts;
    return true;
}

/* ---- opening ---- */

static bool open_place(struct plm_export_file *f, const char *path, struct plm_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char *folder = plm_export_folder(path);
    f->base = strdup(base);
    f->shown = strdup(path);
    bool ok = (folder && f->base && f->shown) || plm_fail(err, PLM_E_NOMEM, "no memory for a path");
    if (ok && (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0))
        ok = plm_fail(err, PLM_E_USAGE, "%s is a folder; name a file in it", path);
    if (ok && strlen(base) + strlen(".001" TEMPORARY) > NAME_MAX_BYTES)
        ok = plm_fail(err, PLM_E_USAGE, "the name of the archive is too long");
    struct plm_error why = {0};
    if (ok && !plm_os_open_dir(plm_os_cwd(), folder, true, &f->dir, &why))
        ok = why.code == PLM_E_NOT_FOUND
                 ? plm_fail(err, PLM_E_USAGE, "there is no folder %s", folder)
                 : plm_fail(err, why.code, "%s", why.msg); /* no errno: it is not the store's */
    free(folder);
    return ok;
}

/* Parts that a killed run left, and this one will not need. */
static bool clear_debris(const struct plm_export_file *f, struct plm_error *err)
{
    char name[NAME_SIZE];
    bool removed = f->split != 0;
    for (unsigned part = f->parts; removed && part < PLM_EXPORT_PARTS_MAX; part++)
        if (!plm_os_unlink(f->dir, name_of(f, part, true, name), &removed, err))
            return false;
    return true;
}

/* Whoever made a temporary file may have given it its name just now: then it is another one. */
static bool open_first(struct plm_export_file *f, struct plm_error *err)
{
    char name[NAME_SIZE];
    struct plm_file_status own, there;
    struct plm_error why = {0};
    (void)name_of(f, 0, true, name);
    if (!plm_os_open(f->dir, name, PLM_OPEN_WRITE | PLM_OPEN_CREATE, &f->lock, &why))
        return plm_fail(err, why.code, "%s: %s", f->shown, why.msg);
    bool locked = plm_os_lock(f->lock, &why) && plm_os_fd_status(f->lock, &own, &why) &&
                  plm_os_status(f->dir, name, &there, &why) && own.inode == there.inode;
    if (locked)
        return clear_debris(f, err) && plm_os_truncate(f->lock, 0, err);
    plm_os_close(f->lock);
    f->lock = -1;
    if (why.code != PLM_OK && why.code != PLM_E_BUSY) {
        *err = why;
        return false;
    }
    return plm_fail(err, PLM_E_BUSY, "another process is writing %s", f->shown);
}

bool plm_export_file_open(struct plm_export_file *f, const char *path, uint64_t total,
                          uint64_t split, bool replace, bool dry_run, struct plm_error *err)
{
    f->total = total;
    f->split = split;
    f->replace = replace;
    if (!count_parts(f, err) || !open_place(f, path, err))
        return false;
    for (unsigned part = 0; part < f->parts; part++)
        if (!check_place(f, part, err))
            return false;
    return check_room(f, err) && (dry_run || open_first(f, err));
}

void plm_export_file_stream(struct plm_export_file *f, int fd, uint64_t total)
{
    f->stream = fd;
    f->total = total;
    f->parts = 1;
}

/* ---- writing ---- */

static bool too_large(const struct plm_export_file *f, struct plm_error *err)
{
    return plm_fail(err, PLM_E_NOSPACE,
                    "%s: the file system takes no file so large; --split 2GiB makes parts",
                    f->shown);
}

static bool open_part(struct plm_export_file *f, unsigned part, struct plm_error *err)
{
    char name[NAME_SIZE];
    if (f->fd >= 0 && f->part == part)
        return true;
    plm_os_close(f->fd);
    f->fd = -1;
    f->part = part;
    f->flushed = 0;
    return plm_os_open(f->dir, name_of(f, part, true, name), PLM_OPEN_WRITE | PLM_OPEN_CREATE,
                       &f->fd, err);
}

/* Begins to write back what came in order, and lets go of what was: the page cache is not ours. */
static void flush(struct plm_export_file *f, uint64_t end)
{
    if (end < f->flushed + FLUSH_BYTES)
        return;
    plm_os_write_behind(f->fd, (struct plm_span){f->flushed, end});
    if (f->flushed >= FLUSH_BYTES)
        plm_os_drop_cache(f->fd, (struct plm_span){f->flushed - FLUSH_BYTES, f->flushed});
    f->flushed = end;
}

static bool write_file(struct plm_export_file *f, uint64_t at, const char *bytes, size_t length,
                       struct plm_error *err)
{
    while (length > 0) {
        uint64_t in_part = f->split ? at % f->split : at;
        uint64_t room = f->split ? f->split - in_part : length;
        size_t piece = length < room ? length : (size_t)room;
        struct plm_error why = {0};
        if (!open_part(f, f->split ? (unsigned)(at / f->split) : 0, err))
            return false;
        if (!plm_os_write_at(f->fd, bytes, piece, in_part, &why)) {
            if (why.sys_errno == EFBIG)
                return too_large(f, err);
            *err = why;
            return plm_prefix(err, "%s", f->shown);
        }
        flush(f, in_part + piece);
        at += piece;
        bytes += piece;
        length -= piece;
    }
    return true;
}

bool plm_export_file_write(struct plm_export_file *f, uint64_t at, const void *bytes, size_t length,
                           struct plm_error *err)
{
    if (atomic_load(&f->cancelled))
        return plm_fail(err, PLM_E_INTERRUPTED, "stopped on request");
    if (f->stream < 0)
        return write_file(f, at, bytes, length, err);
    if (at != f->streamed)
        return plm_fail(err, PLM_E_INTERNAL, "a stream was written out of order");
    f->streamed += length;
    return plm_os_stream_write(f->stream, bytes, length, &f->cancelled, err);
}

/* ---- the end ---- */

static bool sync_part(struct plm_export_file *f, unsigned part, struct plm_error *err)
{
    /* An earlier run may have left a longer one. */
    uint64_t start = f->split * part, left = f->total - start;
    uint64_t size = f->split && left > f->split ? f->split : left;
    return open_part(f, part, err) && plm_os_truncate(f->fd, size, err) &&
           plm_os_sync_file(f->fd, err);
}

/* Old parts go first, the one that they are found by before all others: a mixture of two exports
 * must not look like one. */
static bool clear_old(const struct plm_export_file *f, struct plm_error *err)
{
    char name[NAME_SIZE];
    bool removed = true;
    for (unsigned part = 0; part < PLM_EXPORT_PARTS_MAX && (removed || part < f->parts); part++)
        if (!plm_os_unlink(f->dir, name_of(f, part, false, name), &removed, err))
            return false;
    return plm_os_sync_dir(f->dir, err);
}

bool plm_export_file_finish(struct plm_export_file *f, struct plm_error *err)
{
    char from[NAME_SIZE], to[NAME_SIZE];
    if (f->stream >= 0)
        return true;
    for (unsigned part = 0; part < f->parts; part++)
        if (atomic_load(&f->cancelled) || !sync_part(f, part, err))
            return plm_fail(err, PLM_E_INTERRUPTED, "stopped on request");
    for (unsigned part = 0; part < f->parts; part++)
        if (!check_place(f, part, err)) /* it may have come meanwhile */
            return false;
    if (f->split && f->replace && !clear_old(f, err))
        return false;
    for (unsigned part = f->parts; part-- > 0;)
        if (!plm_atomic_move(f->dir, name_of(f, part, true, from), f->dir,
                             name_of(f, part, false, to), err))
            return plm_prefix(err, "%s", f->shown);
    f->is_final = true;
    return plm_os_sync_dir(f->dir, err);
}

void plm_export_file_close(struct plm_export_file *f)
{
    char name[NAME_SIZE];
    plm_os_close(f->fd);
    for (unsigned part = f->parts; f->lock >= 0 && !f->is_final && part-- > 0;)
        (void)!plm_os_unlink(f->dir, name_of(f, part, true, name), NULL, NULL);
    plm_os_close(f->lock);
    plm_os_close(f->dir);
    free(f->base);
    free(f->shown);
    *f = PLM_EXPORT_FILE_INIT;
}
