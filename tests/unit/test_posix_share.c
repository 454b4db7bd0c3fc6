#include <stdio.h>
#include <unistd.h>

#include "store_world.h"

static int open_file(const char *name)
{
    int fd = -1;
    assert_true(plm_os_open(store.state_fd, name, PLM_OPEN_WRITE | PLM_OPEN_CREATE, &fd, NULL));
    return fd;
}

static void a_clone_has_the_same_bytes_where_there_are_clones(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(100000, 1);
    put_file(store.state_fd, "from", bytes, 100000);
    int from = open_file("from"), to = open_file("to");
    if (plm_os_clone(from, to)) {
        assert_file(store.state_fd, "to", bytes, 100000);
        assert_int_equal(fsync(to), 0);
        assert_true(plm_os_shared_bytes(to) > 0);
    } else {
        assert_file(store.state_fd, "to", "", 0);
    }
    plm_os_close(from);
    plm_os_close(to);
    free(bytes);
}

static void a_file_of_its_own_shares_nothing(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(300000, 2);
    put_file(store.state_fd, "own", bytes, 300000);
    free(bytes);
    int fd = open_file("own");
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(plm_os_shared_bytes(fd), 0);
    plm_os_close(fd);
    assert_int_equal(plm_os_shared_bytes(-1), 0);
}

static void a_link_is_the_same_file_and_replaces_nothing(void **state)
{
    (void)state;
    struct plm_file_status status;
    struct plm_error err = {0};
    put_text(store.state_fd, "a", "text");
    assert_true(plm_os_link(store.state_fd, "a", store.blobs_fd, "b", NULL));
    assert_true(plm_os_status(store.blobs_fd, "b", &status, NULL));
    assert_int_equal(status.links, 2);
    assert_false(plm_os_link(store.state_fd, "a", store.blobs_fd, "b", &err));
    assert_non_null(strstr(err.msg, "link a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_clone_has_the_same_bytes_where_there_are_clones),
        WITH_STORE(a_file_of_its_own_shares_nothing),
        WITH_STORE(a_link_is_the_same_file_and_replaces_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
