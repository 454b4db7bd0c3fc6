#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "os/os.h"
#include "scratch.h"

static void write_then_read_gives_the_same_bytes(void **state)
{
    (void)state;
    struct plm_error err = {0};
    int fd = -1;
    assert_true(
        plm_os_open(plm_os_cwd(), scratch_file("a"), PLM_OPEN_WRITE | PLM_OPEN_CREATE, &fd, &err));
    assert_true(plm_os_write_at(fd, "hello", 5, 3, &err));
    char back[16];
    size_t got = 0;
    assert_true(plm_os_read_at(fd, back, sizeof(back), 3, &got, &err));
    assert_int_equal(got, 5);
    assert_memory_equal(back, "hello", 5);
    plm_os_close(fd);
    char *text = NULL;
    size_t size = 0;
    assert_true(plm_os_read_file(plm_os_cwd(), scratch_file("a"), 8, &text, &size, &err));
    assert_int_equal(size, 8);
    free(text);
    assert_false(plm_os_read_file(plm_os_cwd(), scratch_file("a"), 7, &text, &size, &err));
    assert_int_equal(err.code, PLM_E_LIMIT);
}

static void links_fifos_and_directories_are_refused(void **state)
{
    (void)state;
    assert_int_equal(symlink("/etc/passwd", scratch_file("link")), 0);
    assert_int_equal(mkfifo(scratch_file("fifo"), 0600), 0);
    assert_int_equal(mkdir(scratch_file("dir"), 0700), 0);
    const char *names[] = {"link", "fifo", "dir"};
    for (size_t i = 0; i < 3; i++) {
        struct plm_error err = {0};
        int fd = -7;
        assert_false(plm_os_open(plm_os_cwd(), scratch_file(names[i]),
                                 PLM_OPEN_WRITE | PLM_OPEN_CREATE, &fd, &err));
        assert_int_equal(err.code, PLM_E_CORRUPT);
        assert_int_equal(fd, -7);
    }
}

static void absent_is_a_value(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_file_status status;
    assert_true(plm_os_status(plm_os_cwd(), scratch_file("none"), &status, &err));
    assert_int_equal(status.type, PLM_FILE_NONE);
    bool removed = true;
    assert_true(plm_os_unlink(plm_os_cwd(), scratch_file("none"), &removed, &err));
    assert_false(removed);
    int fd = -1;
    assert_false(plm_os_open(plm_os_cwd(), scratch_file("none"), PLM_OPEN_READ, &fd, &err));
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
}

static bool count_entry(void *ctx, const char *name)
{
    (void)name;
    ++*(int *)ctx;
    return true;
}

static void entries_are_each_seen_once(void **state)
{
    (void)state;
    struct plm_error err = {0};
    int dir = -1;
    assert_int_equal(mkdir(scratch_file("d"), 0700), 0);
    assert_true(plm_os_open_dir(plm_os_cwd(), scratch_file("d"), false, &dir, &err));
    for (int i = 0; i < 3; i++) {
        char name[8];
        int fd = -1;
        (void)snprintf(name, sizeof(name), "f%d", i);
        assert_true(plm_os_open(dir, name, PLM_OPEN_WRITE | PLM_OPEN_CREATE | PLM_OPEN_EXCLUSIVE,
                                &fd, &err));
        plm_os_close(fd);
    }
    for (int round = 0; round < 2; round++) {
        int count = 0;
        assert_true(plm_os_each_entry(dir, count_entry, &count, &err));
        assert_int_equal(count, 3);
    }
    plm_os_close(dir);
}

static void a_path_is_made_absolute_with_its_links_resolved(void **state)
{
    (void)state;
    char *direct = NULL, *linked = NULL, *none = NULL;
    struct plm_error err = {0};
    assert_int_equal(mkdir(scratch_file("d"), 0700), 0);
    assert_int_equal(symlink("d", scratch_file("l")), 0);
    assert_true(plm_os_absolute_path(scratch_file("./d/../d"), &direct, &err));
    assert_true(plm_os_absolute_path(scratch_file("l"), &linked, &err));
    assert_int_equal(direct[0], '/');
    assert_string_equal(direct, linked);
    assert_false(plm_os_absolute_path(scratch_file("absent"), &none, &err));
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    assert_null(none);
    free(direct);
    free(linked);
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(write_then_read_gives_the_same_bytes),
        WITH_SCRATCH(links_fifos_and_directories_are_refused),
        WITH_SCRATCH(absent_is_a_value),
        WITH_SCRATCH(entries_are_each_seen_once),
        WITH_SCRATCH(a_path_is_made_absolute_with_its_links_resolved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
