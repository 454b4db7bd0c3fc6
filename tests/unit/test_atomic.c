#include "store/atomic.h"
#include "store_world.h"

static bool replace(const char *bytes, struct plm_error *err)
{
    return plm_atomic_write(store.state_fd, "x.tmp", store.blobs_fd, "x", bytes, strlen(bytes),
                            err);
}

static void a_file_is_made_and_then_replaced(void **state)
{
    (void)state;
    struct plm_error err = {0};
    assert_true(replace("first", &err));
    assert_file(store.blobs_fd, "x", "first", 5);
    assert_true(replace("", &err));
    assert_file(store.blobs_fd, "x", "", 0);
    assert_true(replace("the second is longer", &err));
    assert_file(store.blobs_fd, "x", "the second is longer", 20);
    assert_int_equal(count_files(store.state_fd), 0);
    assert_int_equal(count_files(store.blobs_fd), 1);
}

static void a_reader_keeps_the_whole_old_file(void **state)
{
    (void)state;
    char old[8] = {0};
    assert_true(replace("old", NULL));
    int fd = openat(store.blobs_fd, "x", O_RDONLY | O_CLOEXEC);
    assert_true(replace("newer", NULL));
    assert_int_equal(read(fd, old, sizeof(old)), 3);
    assert_string_equal(old, "old");
    (void)close(fd);
}

static void debris_of_a_crash_is_no_obstacle(void **state)
{
    (void)state;
    put_text(store.state_fd, "x.tmp", "half a fi");
    assert_true(replace("whole", NULL));
    assert_file(store.blobs_fd, "x", "whole", 5);
    assert_int_equal(count_files(store.state_fd), 0);
}

static void a_link_under_the_temporary_name_is_not_written_through(void **state)
{
    (void)state;
    put_text(store.root_fd, "precious", "precious");
    assert_int_equal(symlinkat("../precious", store.state_fd, "x.tmp"), 0);
    assert_int_equal(symlinkat("../precious", store.blobs_fd, "x"), 0);
    assert_true(replace("whole", NULL));
    assert_file(store.root_fd, "precious", "precious", 8);
    assert_file(store.blobs_fd, "x", "whole", 5);
}

static void a_failure_leaves_the_old_file_and_no_temporary_one(void **state)
{
    (void)state;
    struct plm_error err = {0};
    assert_int_equal(mkdirat(store.blobs_fd, "x", 0755), 0);
    assert_false(replace("new", &err));
    assert_int_equal(err.code, PLM_E_IO);
    assert_non_null(strstr(err.msg, "write x"));
    assert_int_equal(count_files(store.state_fd), 0);

    err = (struct plm_error){0};
    assert_int_equal(mkdirat(store.state_fd, "x.tmp", 0755), 0);
    assert_int_equal(unlinkat(store.blobs_fd, "x", AT_REMOVEDIR), 0);
    put_text(store.blobs_fd, "x", "old");
    assert_false(replace("new", &err));
    assert_file(store.blobs_fd, "x", "old", 3);
}

static void moving_takes_the_file_itself(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_file_status before, after;
    put_text(store.state_fd, "a", "bytes");
    assert_true(plm_os_status(store.state_fd, "a", &before, NULL));
    assert_true(plm_atomic_move(store.state_fd, "a", store.blobs_fd, "b", &err));
    assert_true(plm_os_status(store.blobs_fd, "b", &after, NULL));
    assert_int_equal(before.inode, after.inode);
    assert_false(has_file(store.state_fd, "a"));
    assert_false(plm_atomic_move(store.state_fd, "a", store.blobs_fd, "b", &err));
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    assert_file(store.blobs_fd, "b", "bytes", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_file_is_made_and_then_replaced),
        WITH_STORE(a_reader_keeps_the_whole_old_file),
        WITH_STORE(debris_of_a_crash_is_no_obstacle),
        WITH_STORE(a_link_under_the_temporary_name_is_not_written_through),
        WITH_STORE(a_failure_leaves_the_old_file_and_no_temporary_one),
        WITH_STORE(moving_takes_the_file_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
