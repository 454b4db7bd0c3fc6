#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/meter.h"

#define RATE UINT64_C(1000000)

/* Feeds a steady rate for some time, ten times a second; returns the bytes so far. */
static uint64_t feed(struct plm_meter *meter, int64_t *now_ms, uint64_t bytes, uint64_t rate,
                     int64_t ms)
{
    for (int64_t end = *now_ms + ms; *now_ms < end;) {
        *now_ms += 100;
        bytes += rate / 10;
        plm_meter_add(meter, *now_ms, bytes);
    }
    return bytes;
}

static void nothing_is_said_before_a_second_is_known(void **state)
{
    (void)state;
    struct plm_meter meter = {0};
    int64_t now = 5000;
    assert_int_equal(plm_meter_rate(&meter), 0);
    assert_int_equal(plm_meter_eta_ms(&meter, 100), -1);
    plm_meter_add(&meter, now, 700); /* what was there before counts for no rate */
    uint64_t bytes = feed(&meter, &now, 700, RATE, 900);
    assert_int_equal(plm_meter_rate(&meter), 0);
    assert_int_equal(plm_meter_eta_ms(&meter, 100), -1);
    (void)feed(&meter, &now, bytes, RATE, 200);
    assert_int_equal(plm_meter_rate(&meter), RATE);
    assert_int_equal(plm_meter_eta_ms(&meter, 10 * RATE), 10000);
    assert_int_equal(plm_meter_eta_ms(&meter, 0), 0);
}

static void a_steady_rate_is_told_exactly_and_a_new_one_after_a_while(void **state)
{
    (void)state;
    struct plm_meter meter = {0};
    int64_t now = 1;
    plm_meter_add(&meter, now, 0);
    uint64_t bytes = feed(&meter, &now, 0, RATE, 20000);
    assert_int_equal(plm_meter_rate(&meter), RATE);
    bytes = feed(&meter, &now, bytes, 3 * RATE, 1000);
    assert_in_range(plm_meter_rate(&meter), RATE + 1, 2 * RATE); /* smoothed */
    (void)feed(&meter, &now, bytes, 3 * RATE, 60000);
    assert_in_range(plm_meter_rate(&meter), 3 * RATE - RATE / 100, 3 * RATE);
}

static void a_stall_brings_the_rate_down(void **state)
{
    (void)state;
    struct plm_meter meter = {0};
    int64_t now = 1;
    plm_meter_add(&meter, now, 0);
    uint64_t bytes = feed(&meter, &now, 0, RATE, 5000);
    (void)feed(&meter, &now, bytes, 0, 120000);
    assert_in_range(plm_meter_rate(&meter), 0, RATE / 1000);
    /* A pause without any call counts as one long sample. */
    plm_meter_add(&meter, now + 100000, bytes + RATE);
    assert_in_range(plm_meter_rate(&meter), RATE / 100 - 1, RATE / 100 + 1);
}

static void time_that_stands_and_bytes_that_shrink_change_nothing(void **state)
{
    (void)state;
    struct plm_meter meter = {0};
    int64_t now = 1;
    plm_meter_add(&meter, now, 0);
    uint64_t bytes = feed(&meter, &now, 0, RATE, 5000);
    plm_meter_add(&meter, now, bytes + 999999);
    plm_meter_add(&meter, now - 3000, bytes + 999999);
    plm_meter_add(&meter, now + 3000, bytes - 1);
    assert_int_equal(plm_meter_rate(&meter), RATE);
}

static void an_eta_beyond_all_reason_is_unknown(void **state)
{
    (void)state;
    struct plm_meter meter = {0};
    int64_t now = 1;
    plm_meter_add(&meter, now, 0);
    (void)feed(&meter, &now, 0, 10, 5000);
    assert_int_equal(plm_meter_rate(&meter), 10);
    assert_int_equal(plm_meter_eta_ms(&meter, UINT64_MAX), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_before_a_second_is_known),
        cmocka_unit_test(a_steady_rate_is_told_exactly_and_a_new_one_after_a_while),
        cmocka_unit_test(a_stall_brings_the_rate_down),
        cmocka_unit_test(time_that_stands_and_bytes_that_shrink_change_nothing),
        cmocka_unit_test(an_eta_beyond_all_reason_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
