/* A scratch directory for one test: made before, removed with all that is in it after. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_path[256];

static inline int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int scratch_make(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    (void)snprintf(scratch_path, sizeof(scratch_path), "%s/pullama-test-XXXXXX",
                   base ? base : "/tmp");
    return mkdtemp(scratch_path) ? 0 : -1;
}

static inline int scratch_drop(void **state)
{
    (void)state;
    return nftw(scratch_path, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of a file in the scratch directory; the text lives until the next call but three. */
static inline const char *scratch_file(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", scratch_path, name);
    return path;
}
