#include <sys/resource.h>

#include <errno.h>
#include <signal.h>

#include "store/live.h"
#include "store_world.h"

#define NAME "x.live"
#define SIZE (UINT64_C(1) << 30)
/* docs/formats/live.md */
#define BOOT_AT 16
#define DIGEST_AT 56
#define SIZE_AT 88
#define SLOTS_AT 96
#define FILE_SIZE (SLOTS_AT + 16 * PLM_LIVE_SLOTS)

static struct plm_live *opened(const struct plm_descriptor *want, const struct plm_spans *written)
{
    static const struct plm_spans none;
    struct plm_live *live = NULL;
    struct plm_error err = {0};
    if (!plm_live_open(store.state_fd, NAME, want, written ? written : &none, &live, &err))
        fail_msg("%s", err.msg);
    if (!live)
        skip(); /* this system has no boot identity */
    return live;
}

/* What another process reads: the file as it is now, mapped or not. */
static struct plm_spans claims(const struct plm_descriptor *want)
{
    struct plm_spans out = {0};
    assert_true(plm_live_read(store.state_fd, NAME, want, &out, NULL));
    return out;
}

static void assert_claims(const struct plm_descriptor *want, uint64_t total)
{
    struct plm_spans out = claims(want);
    assert_int_equal(plm_spans_total(&out), total);
    plm_spans_done(&out);
}

static void poke(uint64_t offset, const void *bytes, size_t size)
{
    int fd = openat(store.state_fd, NAME, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
    assert_int_equal(close(fd), 0);
}

static void what_was_added_is_read_while_the_writer_is_still_there(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    struct plm_live *live = opened(&want, NULL);
    assert_claims(&want, 0);
    plm_live_add(live, (struct plm_span){100, 200});
    plm_live_add(live, (struct plm_span){200, 250});
    plm_live_add(live, (struct plm_span){SIZE - 1, SIZE});
    plm_live_add(live, (struct plm_span){9, 9});
    struct plm_spans out = claims(&want);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.items[0].start, 100);
    assert_int_equal(out.items[0].end, 250);
    assert_int_equal(out.items[1].end, SIZE);
    plm_spans_done(&out);
    plm_live_free(live);
    assert_claims(&want, 151);
}

static void __attribute__((noinline)) soil_the_stack(void)
{
    volatile char dirt[8192];
    for (size_t i = 0; i < sizeof(dirt); i++)
        dirt[i] = (char)0xa5;
}

static void reading_does_not_depend_on_what_lay_on_the_stack(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    struct plm_live *live = opened(&want, NULL);
    plm_live_add(live, (struct plm_span){0, 7});
    struct plm_spans out = {0};
    soil_the_stack();
    assert_true(plm_live_read(store.state_fd, NAME, &want, &out, NULL));
    assert_int_equal(plm_spans_total(&out), 7);
    plm_spans_done(&out);
    plm_live_free(live);
}

static void it_opens_with_the_spans_it_is_given(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    struct plm_spans written = {0};
    assert_true(plm_spans_add(&written, (struct plm_span){5, 10}, NULL));
    assert_true(plm_spans_add(&written, (struct plm_span){20, 30}, NULL));
    struct plm_live *live = opened(&want, &written);
    assert_claims(&want, 15);
    plm_live_free(live);
    plm_spans_done(&written);
    live = opened(&want, NULL); /* made anew: old claims are the caller's to carry over */
    assert_claims(&want, 0);
    plm_live_free(live);
    assert_int_equal(count_files(store.state_fd), 1);
}

static void another_boot_blob_or_format_counts_for_nothing(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    const uint64_t places[] = {0, 14, BOOT_AT, BOOT_AT + 35, DIGEST_AT, DIGEST_AT + 31, SIZE_AT};
    for (size_t i = 0; i < PLM_COUNT(places); i++) {
        struct plm_live *live = opened(&want, NULL);
        plm_live_add(live, (struct plm_span){0, 7});
        assert_claims(&want, 7);
        poke(places[i], "?", 1);
        assert_claims(&want, 0);
        plm_live_free(live);
    }
    struct plm_descriptor other = want_of_size(SIZE + 1);
    plm_live_free(opened(&want, NULL));
    assert_claims(&other, 0);
}

static void an_absent_cut_grown_or_foreign_file_counts_for_nothing(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    assert_claims(&want, 0);
    const off_t sizes[] = {0, 1, SLOTS_AT, FILE_SIZE - 1, FILE_SIZE + 1, 1 << 20};
    for (size_t i = 0; i < PLM_COUNT(sizes); i++) {
        struct plm_live *live = opened(&want, NULL);
        plm_live_add(live, (struct plm_span){0, 7});
        plm_live_free(live);
        int fd = openat(store.state_fd, NAME, O_RDWR | O_CLOEXEC);
        assert_int_equal(ftruncate(fd, sizes[i]), 0);
        (void)close(fd);
        assert_claims(&want, 0);
    }
    assert_int_equal(unlinkat(store.state_fd, NAME, 0), 0);
    assert_int_equal(mkdirat(store.state_fd, NAME, 0755), 0);
    assert_claims(&want, 0);
    assert_int_equal(unlinkat(store.state_fd, NAME, AT_REMOVEDIR), 0);
    assert_int_equal(symlinkat("/dev/zero", store.state_fd, NAME), 0);
    assert_claims(&want, 0);
}

/* Killed between the two stores of a slot, or garbled: such a slot claims nothing. */
static void a_slot_that_is_half_written_or_impossible_claims_nothing(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    const uint64_t slots[][2] = {
        {500, 0},       {0, 0},           {500, 500},           {500, 499},
        {0, SIZE + 1},  {SIZE, SIZE + 1}, {SIZE + 5, SIZE + 9}, {UINT64_MAX, 0},
        {0, UINT64_MAX}};
    struct plm_live *live = opened(&want, NULL);
    plm_live_add(live, (struct plm_span){40, 50});
    for (size_t i = 0; i < PLM_COUNT(slots); i++)
        poke(SLOTS_AT + 16 * (i + 1), slots[i], 16);
    assert_claims(&want, 10);
    poke(SLOTS_AT, (const uint64_t[2]){40, 0}, 16);
    assert_claims(&want, 0);
    plm_live_free(live);
}

static void a_link_in_its_place_is_replaced_and_its_target_untouched(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    put_text(store.root_fd, "precious", "precious");
    assert_int_equal(symlinkat("../precious", store.state_fd, NAME), 0);
    struct plm_live *live = opened(&want, NULL);
    plm_live_add(live, (struct plm_span){0, 3});
    assert_claims(&want, 3);
    plm_live_free(live);
    assert_file(store.root_fd, "precious", "precious", 8);
}

/* A kill while the next run makes its file must not cost what the last run noted. */
static void the_old_file_stands_until_the_new_one_is_complete(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    struct plm_spans written = {0};
    struct plm_live *live = opened(&want, NULL), *second = NULL;
    struct plm_error err = {0};
    plm_live_add(live, (struct plm_span){0, 70});
    plm_live_free(live);

    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    small = (struct rlimit){.rlim_cur = 1000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool made = plm_live_open(store.state_fd, NAME, &want, &written, &second, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_false(made);
    assert_int_equal(err.sys_errno, EFBIG);
    assert_claims(&want, 70);

    plm_live_free(opened(&want, NULL)); /* what is left of the failed one is no obstacle */
    assert_int_equal(count_files(store.state_fd), 1);
}

#define RUNS 1500
#define STRIDE 10

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Whatever is claimed was added; returns how much. */
static uint64_t assert_subset(const struct plm_descriptor *want, const struct plm_spans *added)
{
    struct plm_spans out = claims(want);
    for (size_t i = 0; i < out.count; i++)
        assert_true(plm_spans_contain(added, out.items[i]));
    uint64_t total = plm_spans_total(&out);
    plm_spans_done(&out);
    return total;
}

static void more_spans_than_slots_claim_less_and_never_more(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    struct plm_spans added = {0};
    struct plm_live *live = opened(&want, NULL);
    unsigned order[RUNS];
    uint32_t seed = 4711;
    for (unsigned i = 0; i < RUNS; i++)
        order[i] = i;
    for (unsigned i = RUNS - 1; i > 0; i--) {
        unsigned other = next_random(&seed) % (i + 1), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (unsigned i = 0; i < RUNS; i++) { /* disjoint: the slots run out */
        uint64_t start = (uint64_t)order[i] * STRIDE;
        struct plm_span span = {start, start + 1 + order[i] % (STRIDE - 1)};
        assert_true(plm_spans_add(&added, span, NULL));
        plm_live_add(live, span);
        if (i % 100 == 0)
            assert_true(assert_subset(&want, &added) > 0);
    }
    assert_true(assert_subset(&want, &added) < plm_spans_total(&added));
    for (unsigned i = 0; i < RUNS; i++) { /* the gaps close, in another order */
        uint64_t start = (uint64_t)order[RUNS - 1 - i] * STRIDE;
        struct plm_span span = {start + next_random(&seed) % STRIDE, start + STRIDE};
        assert_true(plm_spans_add(&added, span, NULL));
        plm_live_add(live, span);
        if (i % 100 == 0)
            (void)assert_subset(&want, &added);
    }
    uint64_t before = assert_subset(&want, &added);
    for (unsigned i = 0; i < 200; i++) { /* merging made room again */
        struct plm_span span = {SIZE / 2 + i * 2, SIZE / 2 + i * 2 + 1};
        assert_true(plm_spans_add(&added, span, NULL));
        plm_live_add(live, span);
    }
    assert_int_equal(assert_subset(&want, &added), before + 200);
    plm_live_free(live);
    plm_spans_done(&added);
}

static void spans_that_a_large_one_swallowed_give_their_slots_back(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    struct plm_live *live = opened(&want, NULL);
    for (unsigned i = 0; i < PLM_LIVE_SLOTS; i++)
        plm_live_add(live, (struct plm_span){(uint64_t)i * 10, (uint64_t)i * 10 + 1});
    plm_live_add(live, (struct plm_span){0, (uint64_t)PLM_LIVE_SLOTS * 10});
    plm_live_add(live, (struct plm_span){SIZE - 1, SIZE});
    assert_claims(&want, (uint64_t)PLM_LIVE_SLOTS * 10 + 1);
    char *file = NULL;
    size_t size = 0;
    unsigned used = 0;
    assert_true(plm_os_read_file(store.state_fd, NAME, FILE_SIZE, &file, &size, NULL));
    for (unsigned i = 0; i < PLM_LIVE_SLOTS; i++) {
        uint64_t slot[2];
        memcpy(slot, file + SLOTS_AT + 16 * i, sizeof(slot));
        used += slot[1] > slot[0];
    }
    free(file);
    assert_int_equal(used, 2);
    plm_live_free(live);
}

static void reset_replaces_all_claims(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(SIZE);
    struct plm_spans few = {0}, many = {0};
    struct plm_live *live = opened(&want, NULL);
    plm_live_add(live, (struct plm_span){0, 1000});
    assert_true(plm_spans_add(&few, (struct plm_span){300, 400}, NULL));
    plm_live_reset(live, &few);
    assert_claims(&want, 100);
    for (unsigned i = 0; i < RUNS; i++)
        assert_true(plm_spans_add(&many, (struct plm_span){i * 10, i * 10 + 1}, NULL));
    plm_live_reset(live, &many);
    assert_int_equal(assert_subset(&want, &many), PLM_LIVE_SLOTS);
    plm_live_free(live);
    plm_live_add(NULL, (struct plm_span){0, 1}); /* a blob without a record: nothing happens */
    plm_live_reset(NULL, &few);
    plm_live_free(NULL);
    plm_spans_done(&few);
    plm_spans_done(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_was_added_is_read_while_the_writer_is_still_there),
        WITH_STORE(reading_does_not_depend_on_what_lay_on_the_stack),
        WITH_STORE(it_opens_with_the_spans_it_is_given),
        WITH_STORE(another_boot_blob_or_format_counts_for_nothing),
        WITH_STORE(an_absent_cut_grown_or_foreign_file_counts_for_nothing),
        WITH_STORE(a_slot_that_is_half_written_or_impossible_claims_nothing),
        WITH_STORE(a_link_in_its_place_is_replaced_and_its_target_untouched),
        WITH_STORE(the_old_file_stands_until_the_new_one_is_complete),
        WITH_STORE(more_spans_than_slots_claim_less_and_never_more),
        WITH_STORE(spans_that_a_large_one_swallowed_give_their_slots_back),
        WITH_STORE(reset_replaces_all_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
