#include "work_world.h"

#include "engine/sift.h"

#define SIZE 1000003

static bool finished_flag;

static void finished(void *ctx)
{
    *(bool *)ctx = true;
}

/* Cuts the bytes into uneven chunks with their digests; returns how many. */
static size_t sums_of(const unsigned char *bytes, struct plm_chunksum *out, size_t max)
{
    size_t count = 0;
    for (uint64_t at = 0, length = 1; at < SIZE && count < max; length = length * 7 % 399989 + 1) {
        uint64_t end = at + length < SIZE ? at + length : SIZE;
        out[count].span = (struct plm_span){at, end};
        assert_true(plm_digest_of(bytes + at, end - at, &out[count].digest, NULL));
        at = end;
        count++;
    }
    assert_true(count < max);
    return count;
}

static struct plm_sift *sifted(int fd, const struct plm_chunksum *sums, size_t count)
{
    struct plm_sift *sift = NULL;
    finished_flag = false;
    assert_true(plm_sift_new(fd, sums, count, finished, &finished_flag, &sift, NULL));
    plm_sift_start(sift, workers);
    assert_true(sift->busy);
    step_until(&finished_flag);
    assert_false(sift->busy);
    return sift;
}

static void exactly_the_bad_chunks_are_found(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SIZE, 5);
    struct plm_chunksum sums[64];
    size_t count = sums_of(bytes, sums, PLM_COUNT(sums));
    int fd = opened_file("blob", bytes, SIZE);
    struct plm_sift *sift = sifted(fd, sums, count);
    assert_true(sift->ok);
    for (size_t i = 0; i < count; i++)
        assert_false(sift->bad[i]);
    plm_sift_free(sift);
    /* The first and the last byte of chunks decide as any other does. */
    const size_t spoilt[] = {0, 2, count - 1};
    for (size_t i = 0; i < PLM_COUNT(spoilt); i++) {
        uint64_t at = i % 2 ? sums[spoilt[i]].span.start : sums[spoilt[i]].span.end - 1;
        unsigned char other = (unsigned char)(bytes[at] ^ 1);
        assert_true(plm_os_write_at(fd, &other, 1, at, NULL));
    }
    sift = sifted(fd, sums, count);
    assert_true(sift->ok);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(sift->bad[i], i == 0 || i == 2 || i == count - 1);
    plm_sift_free(sift);
    plm_os_close(fd);
    free(bytes);
}

static void a_file_that_is_too_short_is_an_error_and_no_verdict(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SIZE, 5);
    struct plm_chunksum sums[64];
    size_t count = sums_of(bytes, sums, PLM_COUNT(sums));
    int fd = opened_file("blob", bytes, SIZE - 1);
    struct plm_sift *sift = sifted(fd, sums, count);
    assert_false(sift->ok);
    assert_int_equal(sift->err.code, PLM_E_IO);
    for (size_t i = 0; i < count; i++)
        assert_false(sift->bad[i]);
    plm_sift_free(sift);
    plm_os_close(fd);
    free(bytes);
}

static void the_callers_sums_may_go_before_it_starts(void **state)
{
    (void)state;
    struct plm_chunksum *sums = calloc(1, sizeof(*sums));
    assert_non_null(sums);
    struct plm_sift *sift = NULL;
    int fd = opened_file("blob", "hello", 5);
    sums->span = (struct plm_span){0, 5};
    assert_true(plm_digest_of("hello", 5, &sums->digest, NULL));
    finished_flag = false;
    assert_true(plm_sift_new(fd, sums, 1, finished, &finished_flag, &sift, NULL));
    free(sums);
    plm_sift_start(sift, workers);
    step_until(&finished_flag);
    assert_true(sift->ok);
    assert_false(sift->bad[0]);
    plm_sift_free(sift);
    plm_sift_free(NULL);
    plm_os_close(fd);
}

static void one_that_is_cancelled_ends_soon_and_blames_nothing(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SIZE, 5);
    struct plm_chunksum sums[64];
    size_t count = sums_of(bytes, sums, PLM_COUNT(sums));
    int fd = opened_file("blob", bytes, SIZE);
    struct plm_sift *sift = NULL;
    finished_flag = false;
    memset(&sums[0].digest, 0, sizeof(sums[0].digest));
    assert_true(plm_sift_new(fd, sums, count, finished, &finished_flag, &sift, NULL));
    plm_sift_cancel(sift);
    plm_sift_start(sift, workers);
    step_until(&finished_flag);
    assert_false(sift->ok);
    assert_int_equal(sift->err.code, PLM_E_INTERRUPTED);
    for (size_t i = 0; i < count; i++)
        assert_false(sift->bad[i]);
    plm_sift_free(sift);
    plm_os_close(fd);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORKERS(exactly_the_bad_chunks_are_found),
        WITH_WORKERS(a_file_that_is_too_short_is_an_error_and_no_verdict),
        WITH_WORKERS(one_that_is_cancelled_ends_soon_and_blames_nothing),
        WITH_WORKERS(the_callers_sums_may_go_before_it_starts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
