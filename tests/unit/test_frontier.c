#include "work_world.h"

#include "engine/frontier.h"

#define MIB (UINT64_C(1) << 20)
#define SIZE (20 * MIB + 12345)

static bool moved_flag;
static int moves;

static void moved(void *ctx)
{
    (void)ctx;
    moved_flag = true;
    moves++;
}

static void begin(struct plm_frontier *f, int fd, bool write_behind)
{
    assert_true(plm_frontier_init(f, workers, fd, write_behind, moved, NULL, NULL));
    moves = 0;
}

static void finish_piece(struct plm_frontier *f)
{
    moved_flag = false;
    if (f->busy)
        step_until(&moved_flag);
    assert_false(f->busy);
}

/* Pushes until all up to `prefix` is hashed or nothing more is taken. */
static void hash_up_to(struct plm_frontier *f, uint64_t prefix, bool all)
{
    uint64_t before;
    do {
        before = f->hashed;
        plm_frontier_push(f, prefix, all);
        finish_piece(f);
    } while (f->hashed != before);
}

static void a_growing_file_gets_its_digest(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SIZE, 3);
    struct plm_descriptor want = want_of(bytes, SIZE);
    for (int write_behind = 0; write_behind < 2; write_behind++) {
        int fd = opened_file("blob", bytes, 0);
        struct plm_frontier f;
        begin(&f, fd, write_behind);
        uint64_t there = 0, step = 777777;
        while (there < SIZE) {
            uint64_t length = SIZE - there < step ? SIZE - there : step;
            assert_true(plm_os_write_at(fd, bytes + there, length, there, NULL));
            there += length;
            hash_up_to(&f, there, false);
            assert_true(f.hashed <= there);
            assert_true(there - f.hashed < MIB); /* stays close behind */
            step = step * 3 % (5 * MIB) + 1;
        }
        hash_up_to(&f, SIZE, true);
        assert_int_equal(f.hashed, SIZE);
        assert_false(f.failed);
        struct plm_digest is;
        assert_true(plm_frontier_digest(&f, &is, NULL));
        assert_true(plm_digest_equal(&is, &want.digest));
        assert_int_equal(f.hashed, 0);
        plm_frontier_done(&f);
        plm_os_close(fd);
    }
    free(bytes);
}

static void after_a_digest_it_begins_anew(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(3 * MIB, 3);
    int fd = opened_file("blob", bytes, 3 * MIB);
    struct plm_frontier f;
    begin(&f, fd, false);
    for (unsigned round = 0; round < 2; round++) {
        struct plm_descriptor want = want_of(bytes, 3 * MIB);
        struct plm_digest is;
        hash_up_to(&f, 3 * MIB, true);
        assert_true(plm_frontier_digest(&f, &is, NULL));
        assert_true(plm_digest_equal(&is, &want.digest));
        bytes[MIB] ^= 0x55; /* a bad byte comes again, and is right this time */
        assert_true(plm_os_write_at(fd, bytes + MIB, 1, MIB, NULL));
    }
    plm_frontier_done(&f);
    plm_os_close(fd);
    free(bytes);
}

static void an_empty_file_has_the_digest_of_nothing(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of("", 0);
    int fd = opened_file("blob", "", 0);
    struct plm_frontier f;
    struct plm_digest is;
    begin(&f, fd, true);
    plm_frontier_push(&f, 0, true);
    assert_false(f.busy);
    assert_true(plm_frontier_digest(&f, &is, NULL));
    assert_true(plm_digest_equal(&is, &want.digest));
    plm_frontier_done(&f);
    plm_os_close(fd);
}

static void small_pieces_wait_unless_all_is_wanted(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(MIB, 3);
    int fd = opened_file("blob", bytes, MIB);
    struct plm_frontier f;
    begin(&f, fd, false);
    plm_frontier_push(&f, MIB - 1, false);
    assert_false(f.busy);
    plm_frontier_push(&f, MIB, false);
    assert_true(f.busy);
    plm_frontier_push(&f, MIB, true); /* while it runs: nothing */
    finish_piece(&f);
    assert_int_equal(moves, 1);
    plm_frontier_push(&f, MIB, true);
    assert_false(f.busy);
    assert_int_equal(f.hashed, MIB);
    plm_frontier_done(&f);
    plm_os_close(fd);
    free(bytes);
}

static void a_file_that_becomes_shorter_fails_the_hash_for_good(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(2 * MIB, 3);
    int fd = opened_file("blob", bytes, 2 * MIB);
    struct plm_frontier f;
    begin(&f, fd, false);
    hash_up_to(&f, MIB, true);
    assert_int_equal(ftruncate(fd, (off_t)MIB + 5), 0);
    plm_frontier_push(&f, 2 * MIB, true);
    assert_true(f.busy);
    /* What the worker finds is not seen before it is handed over. */
    for (int i = 0; i < 100000; i++)
        assert_false(f.failed);
    finish_piece(&f);
    assert_true(f.failed);
    assert_int_equal(f.err.code, PLM_E_IO);
    assert_int_equal(f.hashed, MIB);
    plm_frontier_push(&f, 2 * MIB, true);
    assert_false(f.busy);
    plm_frontier_done(&f);
    plm_os_close(fd);
    free(bytes);
}

static void a_file_that_cannot_be_read_fails_with_the_systems_word(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct plm_frontier f;
    begin(&f, ends[0], true);
    plm_frontier_push(&f, MIB, true);
    finish_piece(&f);
    assert_true(f.failed);
    assert_int_not_equal(f.err.sys_errno, 0);
    plm_frontier_done(&f);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORKERS(a_growing_file_gets_its_digest),
        WITH_WORKERS(after_a_digest_it_begins_anew),
        WITH_WORKERS(an_empty_file_has_the_digest_of_nothing),
        WITH_WORKERS(small_pieces_wait_unless_all_is_wanted),
        WITH_WORKERS(a_file_that_becomes_shorter_fails_the_hash_for_good),
        WITH_WORKERS(a_file_that_cannot_be_read_fails_with_the_systems_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
