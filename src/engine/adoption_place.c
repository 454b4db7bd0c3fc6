/* Where the bytes of an adoption lie until they have a blob's name, and how they get there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "engine/adoption.h"
#include "pullama/text.h"

#define PREFIX "adopt-"
#define PREFIX_LENGTH 6
#define HEX_LENGTH 16
#define ENDING ".partial"
#define ENDING_LOCK ".lock"
/* As for a pull. */
#define RESERVE (UINT64_C(64) << 20)

bool plm_adoption_is_name(const char *name, bool *is_lock, char lock[PLM_ADOPTION_NAME])
{
    uint8_t id[HEX_LENGTH / 2];
    char hex[HEX_LENGTH + 1];
    const char *ending = name + PREFIX_LENGTH + HEX_LENGTH;
    if (strncmp(name, PREFIX, PREFIX_LENGTH) != 0 || strlen(name) < PREFIX_LENGTH + HEX_LENGTH)
        return false;
    memcpy(hex, name + PREFIX_LENGTH, HEX_LENGTH);
    hex[HEX_LENGTH] = '\0';
    *is_lock = strcmp(ending, ENDING_LOCK) == 0;
    if (!plm_hex_decode(hex, id, sizeof(id)) || (!*is_lock && strcmp(ending, ENDING) != 0))
        return false;
    (void)snprintf(lock, PLM_ADOPTION_NAME, PREFIX "%s" ENDING_LOCK, hex);
    return true;
}

/* The bytes are dear: what a killed adoption left goes with the next one. */
static bool sweep_entry(void *ctx, const char *name)
{
    int dir = *(const int *)ctx;
    bool is_lock;
    char guard[PLM_ADOPTION_NAME];
    struct plm_lock lock = PLM_LOCK_INIT;
    if (!plm_adoption_is_name(name, &is_lock, guard) || is_lock || plm_lock_is_used(dir, guard) ||
        !plm_lock_try(dir, guard, &lock, NULL))
        return true;
    (void)!plm_os_unlink(dir, name, NULL, NULL);
    plm_lock_release(&lock, true);
    return true;
}

bool plm_adoption_reserve(struct plm_adoption *a, struct plm_error *err)
{
    int dir = a->job->engine->store.state_fd;
    uint8_t id[HEX_LENGTH / 2];
    char hex[HEX_LENGTH + 1], lock[PLM_ADOPTION_NAME];
    if (!plm_os_each_entry(dir, sweep_entry, &dir, err) || !plm_os_random(id, sizeof(id), err))
        return plm_prefix(err, ".pullm");
    plm_hex_encode(id, sizeof(id), hex);
    (void)snprintf(lock, sizeof(lock), PREFIX "%s" ENDING_LOCK, hex);
    if (!plm_lock_try(dir, lock, &a->lock, err))
        return plm_prefix(err, ".pullm");
    (void)snprintf(a->name, sizeof(a->name), PREFIX "%s" ENDING, hex);
    return true;
}

bool plm_adoption_link(struct plm_adoption *a, struct plm_error *err)
{
    int dir = a->job->engine->store.state_fd;
    if (!plm_os_link(plm_os_cwd(), a->path, dir, a->name, err))
        return plm_prefix(err, "a hard link needs the file and the store on the same file system, "
                               "and your right to both; without --link it is copied");
    a->placement = PLM_PLACED_LINK;
    return plm_os_open(dir, a->name, PLM_OPEN_READ, &a->fd, err) || plm_prefix(err, ".pullm");
}

static bool check_room(const struct plm_adoption *a, uint64_t size, struct plm_error *err)
{
    const struct plm_engine *engine = a->job->engine;
    char needs[PLM_TEXT_SHORT], has[PLM_TEXT_SHORT];
    uint64_t bytes, needed = size + RESERVE + engine->options.min_free;
    if (!plm_store_free_space(&engine->store, &bytes, err))
        return false;
    if (bytes >= needed)
        return true;
    return plm_fail(
        err, PLM_E_NOSPACE,
        "a copy needs %s (%" PRIu64 " bytes) free in %s, and there are %s; --link needs "
        "none",
        plm_text_size(needed, needs), needed, engine->store.root, plm_text_size(bytes, has));
}

bool plm_adoption_make(struct plm_adoption *a, bool *is_whole, struct plm_error *err)
{
    int dir = a->job->engine->store.state_fd;
    struct plm_file_status status;
    if (!plm_os_fd_status(a->source, &status, err) ||
        !plm_os_open(dir, a->name, PLM_OPEN_WRITE | PLM_OPEN_CREATE | PLM_OPEN_EXCLUSIVE, &a->fd,
                     err))
        return plm_prefix(err, ".pullm");
    *is_whole = plm_os_clone(a->source, a->fd);
    a->placement = *is_whole ? PLM_PLACED_REFLINK : PLM_PLACED_COPY;
    return *is_whole || (check_room(a, status.size, err) &&
                         (plm_os_allocate(a->fd, status.size, err) || plm_prefix(err, ".pullm")));
}

void plm_adoption_drop(struct plm_adoption *a)
{
    plm_os_close(a->fd);
    a->fd = -1;
    if (a->name[0])
        (void)!plm_os_unlink(a->job->engine->store.state_fd, a->name, NULL, NULL);
    a->name[0] = '\0';
    plm_lock_release(&a->lock, true);
}
