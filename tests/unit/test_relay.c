#include "work_world.h"

#include "archive/unpack.h"
#include "engine/relay.h"

static bool over;

static void finished(void *ctx)
{
    (void)ctx;
    over = true;
}

struct copy {
    char *bytes;
    uint64_t size, fail_at;
};

static bool put_copy(void *ctx, uint64_t at, const void *bytes, size_t length,
                     struct plm_error *err)
{
    struct copy *copy = ctx;
    if (at + length > copy->fail_at)
        return plm_fail(err, PLM_E_NOSPACE, "full");
    assert_true(at == copy->size);
    memcpy(copy->bytes + at, bytes, length);
    copy->size += length;
    return true;
}

static void run(struct plm_relay *r, int fd, uint64_t size, struct copy *copy)
{
    over = false;
    plm_relay_start(r, fd, size, copy ? put_copy : NULL, copy);
    assert_false(over);
    step_until(&over);
    assert_int_equal(r->busy, 0);
}

static void what_passes_is_what_is_hashed(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, 1, PLM_RELAY_BLOCK, PLM_RELAY_BLOCK + 1, 3 * PLM_RELAY_BLOCK - 7};
    struct plm_relay r;
    assert_true(plm_relay_init(&r, workers, finished, NULL, NULL));
    for (size_t i = 0; i < PLM_COUNT(sizes); i++) {
        unsigned char *bytes = made_bytes(sizes[i] + 1, (unsigned)i);
        struct plm_descriptor want = want_of(bytes, sizes[i]);
        struct copy copy = {.bytes = malloc(sizes[i] + 1), .fail_at = UINT64_MAX};
        int fd = opened_file("blob", bytes, sizes[i]);
        run(&r, fd, sizes[i], &copy);
        assert_int_equal(r.err.code, PLM_OK);
        assert_true(plm_digest_equal(&r.digest, &want.digest));
        assert_int_equal(r.crc, plm_unpack_crc(0, bytes, sizes[i]));
        assert_int_equal(copy.size, sizes[i]);
        assert_memory_equal(copy.bytes, bytes, sizes[i]);
        run(&r, fd, sizes[i], NULL);
        assert_true(plm_digest_equal(&r.digest, &want.digest));
        assert_int_equal(r.passed, sizes[i]);
        plm_os_close(fd);
        free(copy.bytes);
        free(bytes);
    }
    plm_relay_done(&r);
}

static void a_failure_ends_it_and_the_next_one_is_clean(void **state)
{
    (void)state;
    uint64_t size = 3 * PLM_RELAY_BLOCK;
    unsigned char *bytes = made_bytes(size, 5);
    struct plm_descriptor want = want_of(bytes, size);
    struct copy copy = {.bytes = malloc(size), .fail_at = PLM_RELAY_BLOCK};
    struct plm_relay r;
    int fd = opened_file("blob", bytes, size);
    assert_true(plm_relay_init(&r, workers, finished, NULL, NULL));
    run(&r, fd, size, &copy);
    assert_int_equal(r.err.code, PLM_E_NOSPACE);
    run(&r, fd, size + 1, NULL);
    assert_int_equal(r.err.code, PLM_E_INTEGRITY);
    run(&r, fd, size, NULL);
    assert_int_equal(r.err.code, PLM_OK);
    assert_true(plm_digest_equal(&r.digest, &want.digest));
    plm_relay_cancel(&r);
    run(&r, fd, size, NULL);
    assert_int_equal(r.err.code, PLM_E_INTERRUPTED);
    plm_relay_done(&r);
    plm_os_close(fd);
    free(copy.bytes);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORKERS(what_passes_is_what_is_hashed),
        WITH_WORKERS(a_failure_ends_it_and_the_next_one_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
