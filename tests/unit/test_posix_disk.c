#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/os.h"
#include "scratch.h"

static int open_new(const char *name)
{
    struct plm_error err = {0};
    int fd = -1;
    assert_true(
        plm_os_open(plm_os_cwd(), scratch_file(name), PLM_OPEN_WRITE | PLM_OPEN_CREATE, &fd, &err));
    return fd;
}

static void reserved_space_has_the_size_and_no_data(void **state)
{
    (void)state;
    struct plm_error err = {0};
    int fd = open_new("sparse");
    assert_true(plm_os_allocate(fd, 8 << 20, &err));
    struct plm_file_status status;
    assert_true(plm_os_fd_status(fd, &status, &err));
    assert_int_equal(status.size, 8 << 20);
    assert_true(plm_os_write_at(fd, "x", 1, 4 << 20, &err));
    struct plm_span data;
    assert_true(plm_os_next_data(fd, 0, &data));
    assert_true(data.start <= (4 << 20) && data.end > (4 << 20));
    assert_true(plm_os_sync_data(fd, &err));
    assert_true(plm_os_sync_file(fd, &err));
    plm_os_close(fd);
}

static void a_lock_has_one_holder(void **state)
{
    (void)state;
    struct plm_error err = {0};
    int first = open_new("lock"), second = open_new("lock");
    assert_true(plm_os_lock(first, &err));
    assert_false(plm_os_lock(second, &err));
    assert_int_equal(err.code, PLM_E_BUSY);
    plm_os_unlock(first);
    err = (struct plm_error){0};
    assert_true(plm_os_lock(second, &err));
    plm_os_close(first);
    plm_os_close(second);
}

static void a_mapping_is_the_file(void **state)
{
    (void)state;
    struct plm_error err = {0};
    int fd = open_new("map");
    assert_true(plm_os_truncate(fd, 4096, &err));
    void *address = NULL;
    assert_true(plm_os_map(fd, 4096, &address, &err));
    memcpy(address, "live", 4);
    char back[4];
    size_t got = 0;
    assert_true(plm_os_read_at(fd, back, 4, 0, &got, &err));
    assert_memory_equal(back, "live", 4);
    plm_os_unmap(address, 4096);
    plm_os_close(fd);
}

static void a_note_stays_where_notes_can_be_kept(void **state)
{
    (void)state;
    int fd = open_new("noted");
    if (plm_os_note_set(fd, "t", "abc", 3)) {
        char back[8];
        size_t length = 0;
        assert_true(plm_os_note_get(fd, "t", back, sizeof(back), &length));
        assert_int_equal(length, 3);
        assert_memory_equal(back, "abc", 3);
    } else {
        skip();
    }
    plm_os_close(fd);
}

static void a_range_is_copied_as_far_as_there_is_one(void **state)
{
    (void)state;
    int from = open_new("from"), to = open_new("to");
    char back[10] = "";
    size_t got = 0;
    uint64_t copied = 77;
    plm_os_read_ahead(from); /* a hint changes nothing */
    assert_true(plm_os_write_at(from, "0123456789", 10, 0, NULL));
    if (!plm_os_copy_range(from, to, (struct plm_span){3, 7}, &copied) && copied == 0)
        skip(); /* this file system cannot */
    assert_int_equal(copied, 4);
    assert_true(plm_os_read_at(to, back, 10, 0, &got, NULL));
    assert_int_equal(got, 7);
    assert_memory_equal(back,
                        "\0\0\0"
                        "3456",
                        7);
    assert_false(plm_os_copy_range(from, to, (struct plm_span){8, 12}, &copied));
    assert_int_equal(copied, 2);
    assert_false(plm_os_copy_range(from, -1, (struct plm_span){0, 1}, &copied));
    assert_int_equal(copied, 0);
    plm_os_close(from);
    plm_os_close(to);
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)

static void a_file_system_is_synced_in_one_go_where_that_is_known_to_work(void **state)
{
    (void)state;
    int fd = open_new("v"), ends[2];
    struct plm_error err = {0};
    if (plm_os_sync_volume(fd))
        assert_true(plm_os_sync_result(fd, &err));
    assert_int_equal(pipe(ends), 0);
    assert_false(plm_os_sync_volume(ends[0]));
    assert_false(plm_os_sync_result(ends[0], &err));
    assert_int_equal(err.code, PLM_E_IO);
    (void)close(ends[0]);
    (void)close(ends[1]);
    plm_os_close(fd);
}

static void what_cannot_be_asked_counts_as_remote(void **state)
{
    (void)state;
    assert_true(plm_os_is_remote_disk(-1));
    int proc = -1;
    if (plm_os_open_dir(plm_os_cwd(), "/proc/self", true, &proc, NULL))
        assert_false(plm_os_is_remote_disk(proc));
    plm_os_close(proc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_asked_counts_as_remote),
        WITH_SCRATCH(reserved_space_has_the_size_and_no_data),
        WITH_SCRATCH(a_lock_has_one_holder),
        WITH_SCRATCH(a_mapping_is_the_file),
        WITH_SCRATCH(a_range_is_copied_as_far_as_there_is_one),
        WITH_SCRATCH(a_note_stays_where_notes_can_be_kept),
        WITH_SCRATCH(a_file_system_is_synced_in_one_go_where_that_is_known_to_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
