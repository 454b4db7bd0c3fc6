#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/push_pace.h"

static void it_begins_with_all_that_it_may_have(void **state)
{
    (void)state;
    struct plm_push_pace pace;
    plm_push_pace_init(&pace, 7);
    assert_int_equal(pace.allowed, 7);
    plm_push_pace_passed(&pace);
    assert_int_equal(pace.allowed, 7);
}

static void requests_that_stall_together_count_once(void **state)
{
    (void)state;
    struct plm_push_pace pace;
    plm_push_pace_init(&pace, 8);
    plm_push_pace_stalled(&pace, 10, 100);
    plm_push_pace_stalled(&pace, 10, 101);
    plm_push_pace_stalled(&pace, 99, 102);
    assert_int_equal(pace.allowed, 4);
    plm_push_pace_stalled(&pace, 100, 200);
    assert_int_equal(pace.allowed, 2);
}

static void one_is_always_allowed(void **state)
{
    (void)state;
    struct plm_push_pace pace;
    plm_push_pace_init(&pace, 4);
    for (int64_t ms = 0; ms < 10; ms++)
        plm_push_pace_stalled(&pace, ms, ms);
    assert_int_equal(pace.allowed, 1);
}

static void each_round_that_passes_allows_one_more_up_to_the_first_number(void **state)
{
    (void)state;
    struct plm_push_pace pace;
    plm_push_pace_init(&pace, 4);
    plm_push_pace_stalled(&pace, 0, 0);
    plm_push_pace_stalled(&pace, 1, 1);
    static const unsigned expected[] = {2, 2, 3, 3, 3, 4, 4, 4, 4};
    for (size_t i = 0; i < PLM_COUNT(expected); i++) {
        plm_push_pace_passed(&pace);
        assert_int_equal(pace.allowed, expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_all_that_it_may_have),
        cmocka_unit_test(requests_that_stall_together_count_once),
        cmocka_unit_test(one_is_always_allowed),
        cmocka_unit_test(each_round_that_passes_allows_one_more_up_to_the_first_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
