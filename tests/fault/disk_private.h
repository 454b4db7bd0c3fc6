/** What disk.c and disk_cut.c share: objects, their names, and changes of both. */
#pragma once

#include "disk.h"

struct object { /* a file or a directory */
    uint64_t inode;
    bool is_directory;
    unsigned char *bytes;
    size_t size;
};
struct entry { /* object 0 is the root */
    size_t directory, object;
    char name[256];
};
struct disk {
    struct object *objects;
    struct entry *entries;
    size_t object_count, entry_count;
};

struct change {
    enum disk_kind kind;
    size_t object;             /* file, or directory */
    size_t other;              /* new object, or the directory that a rename leads to */
    uint64_t first;            /* offset, size, or what a sync covers */
    const unsigned char *data; /* in the log */
    size_t length;
    const char *name, *to; /* in the log */
};
struct disk_history {
    const struct disk *base;
    struct change *changes;
    size_t count;
    size_t object_count; /* with all that were made */
    bool *is_directory;
};

#define NOWHERE SIZE_MAX

void *grown(void *old, size_t count, size_t size);
struct entry *find_entry(const struct disk *disk, size_t directory, const char *name);
void add_entry(struct disk *disk, size_t directory, const char *name, size_t object);
void remove_entry(struct disk *disk, struct entry *entry);
