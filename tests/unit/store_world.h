/* A store in a scratch directory, and what tests put into it and look for there. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "scratch.h"
#include "store/layout.h"

static struct plm_store store;

static inline int store_make(void **state)
{
    struct plm_error err = {0};
    return scratch_make(state) == 0 && plm_store_open(scratch_path, true, &store, &err) ? 0 : -1;
}

static inline int store_drop(void **state)
{
    plm_store_close(&store);
    return scratch_drop(state);
}

#define WITH_STORE(f) cmocka_unit_test_setup_teardown(f, store_make, store_drop)
#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)

/* Bytes without a zero among them and without a short period. Free them. */
static inline unsigned char *made_bytes(size_t size, unsigned seed)
{
    unsigned char *bytes = malloc(size ? size : 1);
    uint32_t x = seed * 2654435761u + 1;
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(x >> 24 | 1);
    }
    return bytes;
}

static inline struct plm_descriptor want_of(const void *bytes, size_t size)
{
    struct plm_descriptor want = {.size = size};
    assert_true(plm_digest_of(bytes, size, &want.digest, NULL));
    return want;
}

static inline struct plm_descriptor want_of_size(uint64_t size)
{
    struct plm_descriptor want = {.size = size};
    memset(want.digest.sha256, 0xab, sizeof(want.digest.sha256));
    return want;
}

static inline void put_file(int dir, const char *name, const void *bytes, size_t size)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    assert_int_equal(close(fd), 0);
}

static inline void put_text(int dir, const char *name, const char *text)
{
    put_file(dir, name, text, strlen(text));
}

static inline bool has_file(int dir, const char *name)
{
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline void assert_file(int dir, const char *name, const void *bytes, size_t size)
{
    char *is = NULL;
    size_t is_size = 0;
    struct plm_error err = {0};
    if (!plm_os_read_file(dir, name, size + 1, &is, &is_size, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(is_size, size);
    assert_memory_equal(is, bytes, size);
    free(is);
}

/* Sets a file's time an hour back. */
static inline void make_old(int dir, const char *name)
{
    struct timespec then;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &then), 0);
    then.tv_sec -= 3600;
    struct timespec times[2] = {then, then};
    assert_int_equal(utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static inline bool count_entry(void *ctx, const char *name)
{
    (void)name;
    ++*(int *)ctx;
    return true;
}

static inline int count_files(int dir)
{
    int count = 0;
    assert_true(plm_os_each_entry(dir, count_entry, &count, NULL));
    return count;
}
