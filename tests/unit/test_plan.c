#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/plan.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

static void chunks_are_small_enough_for_every_connection(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0,        1,       64 * KIB, MIB,      5 * MIB,
                                     32 * MIB, GIB / 3, 4 * GIB,  40 * GIB, UINT64_C(1) << 61};
    static const uint64_t limits[] = {64 * KIB, MIB, 64 * MIB, GIB};
    static const uint64_t rates[] = {0, 1, 100 * KIB, 30 * MIB, UINT64_C(1) << 60};
    static const int64_t answers[] = {0, 1, 100, INT64_C(1) << 40};
    for (size_t i = 0; i < PLM_COUNT(sizes) * PLM_COUNT(limits) * PLM_COUNT(rates) * 4; i++)
        for (unsigned connections = 1; connections <= 32; connections++) {
            const struct plm_plan_pace pace = {connections, rates[i / 4 % 5], answers[i % 4]};
            uint64_t size = sizes[i / 80], limit = limits[i / 20 % 4];
            uint64_t length = plm_plan_chunk_length(size, size, limit, &pace);
            assert_true(length > 0);
            assert_true(length <= limit);
            /* Every connection gets a piece of what is worth one. */
            if (size <= MIB)
                assert_true(length >= size || length == limit); /* not worth two requests */
            if (size >= 2 * MIB * connections)
                assert_true(length * connections <= size + MIB * connections);
        }
}

static void a_piece_lasts_long_against_the_wait_for_the_next(void **state)
{
    (void)state;
    const struct plm_plan_pace unknown = {4, 0, 0}, slow = {4, 100 * KIB, 50},
                               usual = {4, 5 * MIB, 50}, far = {4, 5 * MIB, 300},
                               fast = {4, GIB, 1};
    assert_int_equal(plm_plan_chunk_length(4 * GIB, 4 * GIB, 64 * MIB, &unknown), 2 * MIB);
    assert_int_equal(plm_plan_chunk_length(4 * GIB, 4 * GIB, 64 * MIB, &slow), 4 * MIB);
    assert_int_equal(plm_plan_chunk_length(4 * GIB, 4 * GIB, 64 * MIB, &usual), 10 * MIB);
    assert_int_equal(plm_plan_chunk_length(4 * GIB, 4 * GIB, 64 * MIB, &far), 30 * MIB);
    assert_int_equal(plm_plan_chunk_length(4 * GIB, 4 * GIB, 64 * MIB, &fast), 64 * MIB);
}

static void pieces_shrink_towards_the_end(void **state)
{
    (void)state;
    const struct plm_plan_pace pace = {4, 100 * MIB, 10}, many = {32, 0, 0};
    uint64_t before = 64 * MIB;
    for (uint64_t left = 2 * GIB; left > 0; left -= 8 * MIB) {
        uint64_t length = plm_plan_chunk_length(2 * GIB, left, 64 * MIB, &pace);
        assert_true(length >= 4 * MIB && length <= before);
        before = length;
    }
    assert_int_equal(plm_plan_chunk_length(2 * GIB, 2 * GIB, 64 * MIB, &pace), 64 * MIB);
    assert_int_equal(plm_plan_chunk_length(2 * GIB, 256 * MIB, 64 * MIB, &pace), 16 * MIB);
    assert_int_equal(plm_plan_chunk_length(2 * GIB, 1, 64 * MIB, &many), 2 * MIB);
    assert_int_equal(plm_plan_chunk_length(GIB, 1, 64 * KIB, &many),
                     64 * KIB); /* as the user said */
    assert_int_equal(plm_plan_chunk_length(16 * MIB, 16 * MIB, 64 * MIB, &many), MIB / 2);
    const struct plm_plan_pace slow = {16, MIB, 50};
    assert_int_equal(plm_plan_chunk_length(GIB, 8 * MIB, 64 * MIB, &slow), MIB / 2);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

#define BYTES 400
#define ASKED_MAX 8

struct world {
    struct plm_spans written;
    struct plm_span asked[ASKED_MAX];
    size_t count;
    bool here[BYTES]; /* written or asked for */
};

static void mark(struct world *w, struct plm_span span)
{
    memset(w->here + span.start, true, plm_span_length(span));
}

static struct world random_world(uint32_t *seed)
{
    struct world w = {.count = next_random(seed) % ASKED_MAX};
    for (unsigned i = next_random(seed) % 6; i > 0; i--) {
        uint64_t start = next_random(seed) % BYTES;
        struct plm_span span = {start, start + next_random(seed) % (BYTES - start + 1)};
        span.end = span.end > start + 60 ? start + 60 : span.end;
        assert_true(plm_spans_add(&w.written, span, NULL));
        mark(&w, span);
    }
    for (size_t i = 0; i < w.count; i++) { /* may overlap one another and what is written */
        uint64_t start = next_random(seed) % BYTES;
        uint64_t length = next_random(seed) % 50;
        w.asked[i] = (struct plm_span){start, start + length > BYTES ? BYTES : start + length};
        mark(&w, w.asked[i]);
    }
    return w;
}

static void asking_until_the_end_covers_every_missing_byte_once(void **state)
{
    (void)state;
    uint32_t seed = 20240601;
    for (int round = 0; round < 2000; round++) {
        struct world w = random_world(&seed);
        uint64_t limit = round % 3 ? BYTES : next_random(&seed) % BYTES;
        uint64_t chunk = 1 + next_random(&seed) % 70, last = 0;
        struct plm_span next;
        while (plm_plan_next(&w.written, w.asked, w.count, limit, chunk, &next)) {
            assert_true(next.start < next.end && next.end <= limit);
            assert_true(next.start >= last); /* lowest first */
            last = next.end;
            assert_true(plm_span_length(next) <= chunk);
            for (uint64_t at = next.start; at < next.end; at++)
                assert_false(w.here[at]);
            mark(&w, next);
            assert_true(plm_spans_add(&w.written, next, NULL));
        }
        for (uint64_t at = 0; at < limit; at++)
            assert_true(w.here[at]);
        plm_spans_done(&w.written);
    }
}

static void pieces_end_on_the_grid_when_they_reach_it(void **state)
{
    (void)state;
    const struct plm_spans none = {0};
    struct plm_span next, taken = {0, MIB / 8};
    assert_true(plm_plan_next(&none, NULL, 0, GIB, 8 * MIB, &next));
    assert_int_equal(next.end, 8 * MIB);
    assert_true(plm_plan_next(&none, &taken, 1, GIB, 8 * MIB, &next));
    assert_int_equal(next.start, MIB / 8);
    assert_int_equal(next.end, 8 * MIB);
    assert_true(plm_plan_next(&none, &taken, 1, GIB, 64 * KIB, &next));
    assert_int_equal(next.end, MIB / 8 + 64 * KIB);
}

static void nothing_is_left_to_ask_of_a_full_or_empty_blob(void **state)
{
    (void)state;
    struct plm_spans written = {0};
    struct plm_span next = {7, 8};
    assert_false(plm_plan_next(&written, NULL, 0, 0, MIB, &next));
    assert_true(plm_spans_add(&written, (struct plm_span){0, 10}, NULL));
    assert_false(plm_plan_next(&written, NULL, 0, 10, MIB, &next));
    assert_int_equal(next.start, 7);
    struct plm_span asked = {10, 20};
    assert_false(plm_plan_next(&written, &asked, 1, 20, MIB, &next));
    assert_true(plm_plan_next(&written, &asked, 1, 21, MIB, &next));
    assert_int_equal(next.start, 20);
    plm_spans_done(&written);
}

static void a_split_leaves_both_something_worth_a_request(void **state)
{
    (void)state;
    uint32_t seed = 42;
    for (int round = 0; round < 20000; round++) {
        uint64_t left = (uint64_t)next_random(&seed) << (next_random(&seed) % 30);
        uint64_t slow = next_random(&seed) >> (next_random(&seed) % 32);
        uint64_t fast = next_random(&seed) >> (next_random(&seed) % 32);
        uint64_t keep = plm_plan_split(left, slow, fast, 3000);
        if (keep == 0)
            continue;
        assert_true(keep >= PLM_PLAN_MIN_CHUNK);
        assert_true(keep < left && left - keep >= PLM_PLAN_MIN_CHUNK);
    }
}

static void a_split_is_in_proportion_to_the_rates(void **state)
{
    (void)state;
    assert_int_equal(plm_plan_split(100 * MIB, MIB, 3 * MIB, 3000), 25 * MIB);
    assert_int_equal(plm_plan_split(100 * MIB, MIB, MIB, 3000), 50 * MIB);
    assert_int_equal(plm_plan_split(100 * MIB, 0, 0, 3000), 50 * MIB);
    assert_int_equal(plm_plan_split(100 * MIB, 0, MIB, 3000), PLM_PLAN_MIN_CHUNK);
}

static void a_split_that_does_not_pay_is_not_made(void **state)
{
    (void)state;
    assert_int_equal(plm_plan_split(0, 0, MIB, 3000), 0);
    assert_int_equal(plm_plan_split(2 * PLM_PLAN_MIN_CHUNK - 1, 1, MIB, 3000), 0);
    assert_int_equal(plm_plan_split(10 * MIB, 20 * MIB, 20 * MIB, 3000), 0); /* done soon */
    assert_int_equal(plm_plan_split(100 * MIB, 90 * MIB, 1, 3000), 0); /* the helper is too slow */
    /* A stream that crawls is split, however much is left of it. */
    assert_true(plm_plan_split(UINT64_C(18446744073709552), 1, MIB, 3000) > 0);
    assert_true(plm_plan_split((UINT64_C(1) << 62) - 1, 1, MIB, 3000) > 0);
    assert_int_equal(plm_plan_split((UINT64_C(1) << 62) - 1, MIB, 0, 3000), 0);
}

static void help_comes_the_sooner_the_nearer_the_server(void **state)
{
    (void)state;
    int64_t before = 0;
    for (int64_t answer_ms = 0; answer_ms < 5000; answer_ms += 7) {
        int64_t ms = plm_plan_split_ms(MIB, answer_ms);
        assert_true(ms >= before && ms >= 500 && ms <= 3000);
        before = ms;
    }
    assert_int_equal(plm_plan_split_ms(MIB, 20), 500);
    assert_int_equal(plm_plan_split_ms(MIB, 150), 750);
    assert_int_equal(plm_plan_split_ms(MIB, INT64_MAX), 3000);
    assert_int_equal(plm_plan_split_ms(20 * MIB, 20), 3000); /* much is on its way: a cut is dear */
    assert_int_equal(plm_plan_split(10 * MIB, 20 * MIB, 20 * MIB, 501), 0);
    assert_true(plm_plan_split(10 * MIB, 20 * MIB, 20 * MIB, 500) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_small_enough_for_every_connection),
        cmocka_unit_test(a_piece_lasts_long_against_the_wait_for_the_next),
        cmocka_unit_test(pieces_shrink_towards_the_end),
        cmocka_unit_test(asking_until_the_end_covers_every_missing_byte_once),
        cmocka_unit_test(pieces_end_on_the_grid_when_they_reach_it),
        cmocka_unit_test(nothing_is_left_to_ask_of_a_full_or_empty_blob),
        cmocka_unit_test(a_split_leaves_both_something_worth_a_request),
        cmocka_unit_test(a_split_is_in_proportion_to_the_rates),
        cmocka_unit_test(a_split_that_does_not_pay_is_not_made),
        cmocka_unit_test(help_comes_the_sooner_the_nearer_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
