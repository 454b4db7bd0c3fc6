#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/rate.h"

#define PIECE 16384u

/* Bytes that pass in @p ms when a transfer always wants more and wakes as told. */
static uint64_t pass_for(struct plm_rate *rate, int64_t start_ms, int64_t ms)
{
    uint64_t passed = 0;
    for (int64_t now = start_ms; now < start_ms + ms;) {
        while (plm_rate_may_pass(rate, now)) {
            plm_rate_take(rate, PIECE);
            passed += PIECE;
        }
        int64_t wait = plm_rate_wait_ms(rate, now);
        assert_true(wait > 0);
        now += wait;
    }
    return passed;
}

static void rate_is_met_within_two_percent(void **state)
{
    (void)state;
    static const uint64_t rates[] = {100000, 1000000, 12345678, 1000000000, 10000000000};
    for (size_t i = 0; i < PLM_COUNT(rates); i++) {
        struct plm_rate rate = {0};
        plm_rate_set(&rate, rates[i], 1000);
        (void)pass_for(&rate, 1000, 1000); /* the first burst */
        double passed = (double)pass_for(&rate, 2000, 10000);
        double wanted = (double)rates[i] * 10;
        assert_true(passed > wanted * 0.98 && passed < wanted * 1.02);
    }
}

static void burst_is_a_tenth_of_a_second_however_long_nothing_came(void **state)
{
    (void)state;
    struct plm_rate rate = {0};
    plm_rate_set(&rate, 10000000, 0);
    uint64_t passed = 0;
    while (plm_rate_may_pass(&rate, 3600000)) {
        plm_rate_take(&rate, PIECE);
        passed += PIECE;
    }
    assert_true(passed >= 1000000 && passed <= 1000000 + PIECE);
}

static void slow_rate_still_lets_one_piece_pass(void **state)
{
    (void)state;
    struct plm_rate rate = {0};
    plm_rate_set(&rate, 1000, 0);
    assert_true(plm_rate_may_pass(&rate, 0));
    plm_rate_take(&rate, PIECE);
    plm_rate_take(&rate, PIECE);
    assert_false(plm_rate_may_pass(&rate, 0));
    int64_t wait = plm_rate_wait_ms(&rate, 0);
    assert_true(wait > 16000 && wait < 17000);
    assert_true(plm_rate_may_pass(&rate, wait));
}

static void no_limit_never_waits(void **state)
{
    (void)state;
    struct plm_rate rate = {0};
    for (int i = 0; i < 1000; i++) {
        assert_true(plm_rate_may_pass(&rate, 0));
        plm_rate_take(&rate, UINT64_MAX);
    }
    assert_int_equal(plm_rate_wait_ms(&rate, 0), 0);
}

static void lifting_and_changing_the_limit_takes_effect(void **state)
{
    (void)state;
    struct plm_rate rate = {0};
    plm_rate_set(&rate, 1000, 0);
    plm_rate_take(&rate, 1000000);
    assert_false(plm_rate_may_pass(&rate, 0));
    plm_rate_set(&rate, 0, 0);
    assert_true(plm_rate_may_pass(&rate, 0));
    plm_rate_set(&rate, 5000000, 0);
    assert_true(plm_rate_may_pass(&rate, 0));
    plm_rate_set(&rate, 1000, 0);
    plm_rate_take(&rate, PIECE);
    assert_false(plm_rate_may_pass(&rate, 0)); /* the great burst was not kept */
}

static void absurd_numbers_do_not_overflow(void **state)
{
    (void)state;
    struct plm_rate rate = {0};
    plm_rate_set(&rate, UINT64_MAX, 0);
    for (int i = 0; i < 1000; i++)
        plm_rate_take(&rate, PIECE);
    assert_true(plm_rate_may_pass(&rate, INT64_MAX));
    assert_true(plm_rate_share(&rate, 1) >= PIECE);
    assert_int_equal(plm_rate_share(&rate, SIZE_MAX), PIECE);
    plm_rate_take(&rate, UINT64_MAX);
    assert_true(plm_rate_wait_ms(&rate, INT64_MAX) > 0);
}

static void clock_that_stands_still_gives_no_credit(void **state)
{
    (void)state;
    struct plm_rate rate = {0};
    plm_rate_set(&rate, 1000, 500);
    plm_rate_take(&rate, 2 * PIECE);
    assert_false(plm_rate_may_pass(&rate, 500));
    assert_false(plm_rate_may_pass(&rate, 400));
}

/* Several transfers that take turns, as the client lets them. */
static uint64_t share_for(struct plm_rate *rate, size_t sharers, int64_t start_ms, int64_t ms)
{
    uint64_t passed = 0;
    for (int64_t now = start_ms; now < start_ms + ms; now += plm_rate_wait_ms(rate, now) + 1)
        for (size_t i = 0; i < sharers && plm_rate_may_pass(rate, now); i++)
            for (uint64_t turn = plm_rate_share(rate, sharers); turn > 0;) {
                uint64_t piece = turn < PIECE ? turn : PIECE;
                if (!plm_rate_may_pass(rate, now))
                    break;
                plm_rate_take(rate, piece);
                passed += piece;
                turn -= piece;
            }
    return passed;
}

static void a_minute_of_many_transfers_is_met_within_five_percent(void **state)
{
    (void)state;
    static const uint64_t rates[] = {100000, 1000000, 12345678, 1000000000};
    for (size_t i = 0; i < PLM_COUNT(rates); i++)
        for (size_t sharers = 1; sharers <= 32; sharers += 31) {
            struct plm_rate rate = {0};
            plm_rate_set(&rate, rates[i], 0);
            double passed = (double)share_for(&rate, sharers, 0, 60000);
            assert_true(passed > 0.95 * 60 * (double)rates[i]);
            assert_true(passed < 1.05 * 60 * (double)rates[i]);
            plm_rate_set(&rate, rates[i] * 3, 60000); /* in the middle of it */
            passed = (double)share_for(&rate, sharers, 60000, 60000);
            assert_true(passed > 0.95 * 180 * (double)rates[i]);
            assert_true(passed < 1.05 * 180 * (double)rates[i]);
        }
}

static void what_waits_in_the_system_is_less_than_a_second(void **state)
{
    (void)state;
    struct plm_rate rate = {0};
    assert_int_equal(plm_rate_ahead(&rate, 4), 0);
    plm_rate_set(&rate, 10000000, 0);
    for (unsigned connections = 1; connections <= 32; connections++)
        assert_in_range((uint64_t)plm_rate_ahead(&rate, connections) * connections, 4000000,
                        9000000);
    plm_rate_set(&rate, 1, 0);
    assert_int_equal(plm_rate_ahead(&rate, 32), PIECE);
    plm_rate_set(&rate, UINT64_MAX, 0);
    assert_in_range(plm_rate_ahead(&rate, 0), PIECE, 16 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_is_met_within_two_percent),
        cmocka_unit_test(burst_is_a_tenth_of_a_second_however_long_nothing_came),
        cmocka_unit_test(slow_rate_still_lets_one_piece_pass),
        cmocka_unit_test(no_limit_never_waits),
        cmocka_unit_test(lifting_and_changing_the_limit_takes_effect),
        cmocka_unit_test(absurd_numbers_do_not_overflow),
        cmocka_unit_test(a_minute_of_many_transfers_is_met_within_five_percent),
        cmocka_unit_test(what_waits_in_the_system_is_less_than_a_second),
        cmocka_unit_test(clock_that_stands_still_gives_no_credit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
