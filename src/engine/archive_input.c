/* Import's input: one file, parts that are read as one, or a stream. */
#include "engine/archive_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/export_file.h"
#include "os/os.h"
#include "os/stream.h"

#define NAME_SIZE 300
#define ENDING 4 /* ".001" */
#define DRAIN ((size_t)64 << 10)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The number of a part by its name, or 0. */
static unsigned part_of(const char *name)
{
    size_t length = strlen(name);
    const char *end = name + length - ENDING;
    if (length <= ENDING || end[0] != '.' || !is_digit(end[1]) || !is_digit(end[2]) ||
        !is_digit(end[3]))
        return 0;
    return (unsigned)((end[1] - '0') * 100 + (end[2] - '0') * 10 + (end[3] - '0'));
}

static const char *name_part(const struct plm_archive_input *in, unsigned part, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "%s.%03u", in->base, part);
    return out;
}

static bool look(const struct plm_archive_input *in, unsigned part, struct plm_file_status *out,
                 struct plm_error *err)
{
    char name[NAME_SIZE];
    return plm_os_status(in->dir, name_part(in, part, name), out, err);
}

/* One that is missing in between is named; whether the last are there, only the archive's end can
 * tell. */
static bool check_gap(const struct plm_archive_input *in, struct plm_error *err)
{
    char name[NAME_SIZE];
    struct plm_file_status status;
    for (unsigned part = in->parts + 2; part <= in->parts + 3 && part <= PLM_EXPORT_PARTS_MAX;
         part++)
        if (look(in, part, &status, NULL) && status.type != PLM_FILE_NONE)
            return plm_fail(err, PLM_E_CORRUPT, "%s is missing; all parts must lie in one folder",
                            name_part(in, in->parts + 1, name));
    return true;
}

static bool find_parts(struct plm_archive_input *in, struct plm_error *err)
{
    char name[NAME_SIZE];
    struct plm_file_status status;
    uint64_t last = 0;
    for (unsigned part = 1; part <= PLM_EXPORT_PARTS_MAX; part++) {
        if (!look(in, part, &status, err))
            return false;
        if (status.type == PLM_FILE_NONE)
            break;
        if (part == 1)
            in->part_size = status.size;
        else if (last != in->part_size || status.size > in->part_size || status.size == 0)
            return plm_fail(err, PLM_E_CORRUPT,
                            "%s has not the size of the first part: it is of another archive, or "
                            "was cut short",
                            name_part(in, last != in->part_size ? part - 1 : part, name));
        last = status.size;
        in->size += status.size;
        in->parts = part;
    }
    return check_gap(in, err);
}

static bool open_part(struct plm_archive_input *in, unsigned part, struct plm_error *err)
{
    char name[NAME_SIZE];
    if (in->fd >= 0 && in->at_part == part)
        return true;
    plm_os_close(in->fd);
    in->fd = -1;
    in->at_part = part;
    if (!plm_os_open(in->dir, name_part(in, part, name), PLM_OPEN_READ, &in->fd, err))
        return false;
    plm_os_read_ahead(in->fd);
    return true;
}

static bool open_whole(struct plm_archive_input *in, const char *path, struct plm_error *err)
{
    struct plm_file_status status;
    if (!plm_os_status(in->dir, in->base, &status, err))
        return plm_prefix(err, "%s", path);
    if (status.type == PLM_FILE_DIRECTORY)
        return plm_fail(err, PLM_E_USAGE, "%s is a folder; name a file in it", path);
    if (!plm_os_open(in->dir, in->base, PLM_OPEN_READ, &in->fd, err) ||
        !plm_os_fd_status(in->fd, &status, err))
        return plm_prefix(err, "%s", path);
    in->size = status.size;
    plm_os_read_ahead(in->fd);
    return true;
}

/* Says what could have been meant. */
static bool fail_missing(const char *path, struct plm_error *why, struct plm_error *err)
{
    char *first = NULL, *real = NULL;
    if (asprintf(&first, "%s.001", path) < 0)
        first = NULL;
    bool has_parts = first && plm_os_absolute_path(first, &real, NULL);
    free(real);
    if (has_parts)
        (void)plm_fail(err, PLM_E_USAGE, "%s is not there, but %s is: name that one", path, first);
    free(first);
    if (has_parts)
        return false;
    if (why->code == PLM_E_NOT_FOUND)
        return plm_fail(err, PLM_E_USAGE, "there is no file %s", path);
    return plm_fail(err, why->code, "%s: %s", path, why->msg);
}

bool plm_archive_input_open(struct plm_archive_input *in, const char *path, struct plm_error *err)
{
    char *real = NULL;
    struct plm_error why = {0};
    if (!plm_os_absolute_path(path, &real, &why))
        return fail_missing(path, &why, err);
    const char *slash = strrchr(real, '/');
    in->folder = plm_export_folder(real);
    in->base = strdup(slash ? slash + 1 : real);
    free(real);
    if (!in->folder || !in->base)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a path");
    if (strlen(in->base) + ENDING >= NAME_SIZE)
        return plm_fail(err, PLM_E_IO, "%s: the name is too long", path);
    unsigned part = part_of(in->base);
    if (!plm_os_open_dir(plm_os_cwd(), in->folder, true, &in->dir, err))
        return false;
    if (part == 0)
        return open_whole(in, path, err);
    in->base[strlen(in->base) - ENDING] = '\0';
    char first[NAME_SIZE];
    if (part > 1)
        return plm_fail(err, PLM_E_USAGE, "%s is a part; name the first one, %s", path,
                        name_part(in, 1, first));
    return find_parts(in, err) && open_part(in, 1, err);
}

void plm_archive_input_stream(struct plm_archive_input *in, int fd)
{
    in->fd = fd;
    in->is_stream = true;
}

void plm_archive_input_close(struct plm_archive_input *in)
{
    if (!in->is_stream)
        plm_os_close(in->fd);
    plm_os_close(in->dir);
    free(in->folder);
    free(in->base);
    *in = PLM_ARCHIVE_INPUT_INIT;
}

static bool read_at(void *ctx, uint64_t offset, void *bytes, size_t length, struct plm_error *err)
{
    struct plm_archive_input *in = ctx;
    char *out = bytes;
    while (length > 0) {
        uint64_t in_part = in->parts ? offset % in->part_size : offset;
        uint64_t room = in->parts ? in->part_size - in_part : length;
        size_t piece = length < room ? length : (size_t)room, got = 0;
        if (atomic_load(&in->cancelled))
            return plm_fail(err, PLM_E_INTERRUPTED, "stopped on request");
        if ((in->parts && !open_part(in, (unsigned)(offset / in->part_size) + 1, err)) ||
            !plm_os_read_at(in->fd, out, piece, in_part, &got, err))
            return false;
        if (got < piece)
            return plm_fail(err, PLM_E_CORRUPT, "it is cut short");
        out += piece;
        offset += piece;
        length -= piece;
    }
    return true;
}

struct plm_content_source plm_archive_input_source(struct plm_archive_input *in)
{
    return (struct plm_content_source){.read = read_at, .ctx = in, .size = in->size};
}

bool plm_archive_input_next(struct plm_archive_input *in, void *bytes, size_t length,
                            struct plm_error *err)
{
    size_t got = 0;
    if (!plm_os_stream_read(in->fd, bytes, length, &in->cancelled, &got, err))
        return false;
    in->streamed += got;
    return got == length || plm_fail(err, PLM_E_CORRUPT, "it is cut short");
}

bool plm_archive_input_drain(struct plm_archive_input *in)
{
    char *block = malloc(DRAIN);
    size_t got = DRAIN;
    bool ok = block != NULL;
    while (ok && got == DRAIN)
        ok = plm_os_stream_read(in->fd, block, DRAIN, &in->cancelled, &got, NULL);
    free(block);
    return ok;
}
