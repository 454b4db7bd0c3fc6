/* A folder with a database of queue and history in it. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "queue/schema.h"
#include "scratch.h"

static int folder_fd;
static char folder_path[4096]; /* what realpath() may need */
static bool is_ending_now;

static inline bool is_ending(void *ctx)
{
    (void)ctx;
    return is_ending_now;
}

static inline int database_make(void **state)
{
    is_ending_now = false;
    if (scratch_make(state) != 0 || !realpath(scratch_path, folder_path))
        return -1;
    folder_fd = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder_fd < 0 ? -1 : 0;
}

static inline int database_drop(void **state)
{
    close(folder_fd);
    return scratch_drop(state);
}

#define WITH_DATABASE(f) cmocka_unit_test_setup_teardown(f, database_make, database_drop)

static inline bool try_open(enum plm_database_use use, struct plm_database **out,
                            struct plm_error *err)
{
    const struct plm_database_options options = {.folder_fd = folder_fd,
                                                 .folder = folder_path,
                                                 .use = use,
                                                 .wait_ms = 2000,
                                                 .is_ending = is_ending};
    *err = (struct plm_error){0};
    return plm_database_open(&options, out, err);
}

static inline struct plm_database *open_database(enum plm_database_use use)
{
    struct plm_database *db = NULL;
    struct plm_error err;
    if (!try_open(use, &db, &err))
        fail_msg("%s", err.msg);
    return db;
}

static inline void put_file(const char *name, const char *bytes, size_t size)
{
    FILE *file = fopen(scratch_file(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline bool is_there(const char *name)
{
    struct stat status;
    return lstat(scratch_file(name), &status) == 0;
}
