#include "work_world.h"

#include "engine/seed.h"

#define SIZE (70u << 20) /* more than a turn */

static bool finished_flag;

static void finished(void *ctx)
{
    *(bool *)ctx = true;
}

static int made_file(const char *name)
{
    int fd = open(scratch_file(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    return fd;
}

static struct plm_seed *seeded(int from, int to, uint64_t size)
{
    struct plm_seed *seed = NULL;
    finished_flag = false;
    assert_true(plm_seed_new(from, to, size, finished, &finished_flag, &seed, NULL));
    plm_seed_start(seed, workers);
    assert_true(seed->busy);
    step_until(&finished_flag);
    assert_false(seed->busy);
    return seed;
}

static void assert_same(const unsigned char *bytes, int fd, size_t size)
{
    unsigned char *is = malloc(size);
    size_t got = 0;
    assert_non_null(is);
    assert_true(plm_os_read_at(fd, is, size, 0, &got, NULL));
    assert_int_equal(got, size);
    assert_memory_equal(is, bytes, size);
    free(is);
}

static void all_bytes_are_copied_and_told_of(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SIZE, 3);
    int from = opened_file("from", bytes, SIZE), to = made_file("to");
    struct plm_seed *seed = seeded(from, to, SIZE);
    assert_true(seed->ok);
    assert_int_equal(seed->copied.count, 1);
    assert_int_equal(plm_spans_prefix(&seed->copied), SIZE);
    plm_seed_free(seed);
    assert_same(bytes, to, SIZE);
    plm_os_close(to);
    free(bytes);
}

static void only_as_much_is_copied_as_is_asked_for(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(100000, 4);
    int from = opened_file("from", bytes, 100000), to = made_file("to");
    struct plm_file_status status;
    struct plm_seed *seed = seeded(from, to, 65537);
    assert_true(seed->ok);
    assert_int_equal(plm_spans_total(&seed->copied), 65537);
    plm_seed_free(seed);
    assert_true(plm_os_fd_status(to, &status, NULL));
    assert_int_equal(status.size, 65537);
    plm_os_close(to);
    free(bytes);
}

/* Where the system does not copy, as between two of its file systems, it is read and written. */
static void what_the_system_cannot_share_is_read_and_written(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(3000001, 5);
    int from = opened_file("from", bytes, 3000001), to = made_file("to");
    struct plm_seed *seed = NULL;
    finished_flag = false;
    assert_true(plm_seed_new(from, to, 3000001, finished, &finished_flag, &seed, NULL));
    seed->cannot_share = true;
    plm_seed_start(seed, workers);
    step_until(&finished_flag);
    assert_true(seed->ok);
    assert_int_equal(plm_spans_prefix(&seed->copied), 3000001);
    plm_seed_free(seed);
    assert_same(bytes, to, 3000001);
    plm_os_close(to);
    free(bytes);
}

/* A file that became shorter reads like one whose rest the disk refuses. */
static void what_cannot_be_read_is_left_out(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(1000000, 6);
    int from = opened_file("from", bytes, 1000000), to = made_file("to");
    struct plm_seed *seed = seeded(from, to, 5000000);
    assert_true(seed->ok);
    assert_int_equal(plm_spans_total(&seed->copied), 1000000);
    plm_seed_free(seed);
    assert_same(bytes, to, 1000000);
    plm_os_close(to);
    free(bytes);
}

static void what_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    int from = opened_file("from", "hello", 5);
    put_file(plm_os_cwd(), scratch_file("to"), "", 0);
    int to = open(scratch_file("to"), O_RDONLY | O_CLOEXEC);
    struct plm_seed *seed = seeded(from, to, 5);
    assert_false(seed->ok);
    assert_int_equal(seed->err.code, PLM_E_IO);
    plm_seed_free(seed);
    plm_seed_free(NULL);
    plm_os_close(to);
}

static void one_that_is_cancelled_ends_soon(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SIZE, 7);
    int from = opened_file("from", bytes, SIZE), to = made_file("to");
    struct plm_seed *seed = NULL;
    finished_flag = false;
    assert_true(plm_seed_new(from, to, SIZE, finished, &finished_flag, &seed, NULL));
    plm_seed_cancel(seed);
    plm_seed_start(seed, workers);
    step_until(&finished_flag);
    assert_false(seed->ok);
    assert_int_equal(seed->err.code, PLM_E_INTERRUPTED);
    assert_true(plm_spans_total(&seed->copied) < SIZE);
    plm_seed_free(seed);
    plm_os_close(to);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORKERS(all_bytes_are_copied_and_told_of),
        WITH_WORKERS(only_as_much_is_copied_as_is_asked_for),
        WITH_WORKERS(what_the_system_cannot_share_is_read_and_written),
        WITH_WORKERS(what_cannot_be_read_is_left_out),
        WITH_WORKERS(what_cannot_be_written_is_a_failure),
        WITH_WORKERS(one_that_is_cancelled_ends_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
