/* Disks in memory: loaded from a directory, saved to one. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_private.h"

void *grown(void *old, size_t count, size_t size)
{
    void *now = realloc(old, (count ? count : 1) * size);
    if (!now)
        abort();
    return now;
}

struct entry *find_entry(const struct disk *disk, size_t directory, const char *name)
{
    for (size_t i = 0; i < disk->entry_count; i++)
        if (disk->entries[i].directory == directory && strcmp(disk->entries[i].name, name) == 0)
            return &disk->entries[i];
    return NULL;
}

void add_entry(struct disk *disk, size_t directory, const char *name, size_t object)
{
    disk->entries = grown(disk->entries, disk->entry_count + 1, sizeof(*disk->entries));
    struct entry *entry = &disk->entries[disk->entry_count++];
    entry->directory = directory;
    entry->object = object;
    (void)snprintf(entry->name, sizeof(entry->name), "%s", name);
}

void remove_entry(struct disk *disk, struct entry *entry)
{
    *entry = disk->entries[--disk->entry_count];
}

static size_t add_object(struct disk *disk, const struct stat *st)
{
    disk->objects = grown(disk->objects, disk->object_count + 1, sizeof(*disk->objects));
    disk->objects[disk->object_count] =
        (struct object){.inode = (uint64_t)st->st_ino, .is_directory = S_ISDIR(st->st_mode)};
    return disk->object_count++;
}

static void load_bytes(struct object *object, int fd, size_t size)
{
    object->bytes = grown(NULL, size, 1);
    object->size = size;
    if (pread(fd, object->bytes, size, 0) != (ssize_t)size)
        abort();
}

/* Takes over the descriptor. */
static size_t load(struct disk *disk, int fd)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        abort();
    size_t self = add_object(disk, &st);
    if (!S_ISDIR(st.st_mode)) {
        load_bytes(&disk->objects[self], fd, (size_t)st.st_size);
        (void)close(fd);
        return self;
    }
    DIR *stream = fdopendir(fd);
    for (struct dirent *e; stream && (e = readdir(stream));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            add_entry(disk, self, e->d_name,
                      load(disk, openat(fd, e->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)));
    if (!stream || closedir(stream) != 0)
        abort();
    return self;
}

struct disk *disk_load(const char *path)
{
    struct disk *disk = grown(NULL, 1, sizeof(*disk));
    *disk = (struct disk){0};
    (void)load(disk, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return disk;
}

static bool save_file(int dir, const char *name, const struct object *object)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool ok = fd >= 0 && ftruncate(fd, (off_t)object->size) == 0;
    static const unsigned char zeros[4096];
    for (size_t at = 0, part; ok && at < object->size; at += part) {
        part = object->size - at < sizeof(zeros) ? object->size - at : sizeof(zeros);
        /* What was never written stays a hole. */
        ok = memcmp(object->bytes + at, zeros, part) == 0 ||
             pwrite(fd, object->bytes + at, part, (off_t)at) == (ssize_t)part;
    }
    return fd >= 0 && close(fd) == 0 && ok;
}

static bool save(const struct disk *disk, size_t directory, int at, const char *name)
{
    if (mkdirat(at, name, 0755) != 0)
        return false;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0;
    for (size_t i = 0; ok && i < disk->entry_count; i++) {
        const struct entry *entry = &disk->entries[i];
        const struct object *object = &disk->objects[entry->object];
        if (entry->directory == directory)
            ok = object->is_directory ? save(disk, entry->object, fd, entry->name)
                                      : save_file(fd, entry->name, object);
    }
    return fd >= 0 && close(fd) == 0 && ok;
}

bool disk_save(const struct disk *disk, const char *path)
{
    return save(disk, 0, AT_FDCWD, path);
}

void disk_free(struct disk *disk)
{
    if (!disk)
        return;
    for (size_t i = 0; i < disk->object_count; i++)
        free(disk->objects[i].bytes);
    free(disk->objects);
    free(disk->entries);
    free(disk);
}
