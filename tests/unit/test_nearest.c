#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/nearest.h"

static void distance_counts_single_slips(void **state)
{
    (void)state;
    assert_int_equal(plm_word_distance("quiet", "quiet"), 0);
    assert_int_equal(plm_word_distance("quet", "quiet"), 1);
    assert_int_equal(plm_word_distance("quiett", "quiet"), 1);
    assert_int_equal(plm_word_distance("quoet", "quiet"), 1);
    assert_int_equal(plm_word_distance("qiuet", "quiet"), 1);
    assert_int_equal(plm_word_distance("", "quiet"), 5);
    assert_int_equal(plm_word_distance("list", "show"), 4);
}

static void long_words_are_like_nothing(void **state)
{
    (void)state;
    unsigned distance = 7;
    const char *longer = "a-flag-with-a-name-of-thirty-two";
    assert_int_equal(plm_word_distance(longer, "a"), UINT_MAX);
    assert_int_equal(plm_word_distance("a", longer), UINT_MAX);
    assert_false(plm_word_resembles(longer, "a", &distance));
    assert_int_equal(distance, 7);
}

static void slips_and_beginnings_resemble_but_other_words_do_not(void **state)
{
    (void)state;
    unsigned distance;
    assert_true(plm_word_resembles("conections", "connections", &distance));
    assert_int_equal(distance, 1);
    assert_true(plm_word_resembles("limit", "limit-rate", &distance));
    assert_int_equal(distance, 0);
    assert_true(plm_word_resembles("shwo", "show", &distance));
    assert_false(plm_word_resembles("push", "show", &distance));
    assert_false(plm_word_resembles("x", "cp", &distance));
    assert_false(plm_word_resembles("colours", "timeout", &distance));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_counts_single_slips),
        cmocka_unit_test(long_words_are_like_nothing),
        cmocka_unit_test(slips_and_beginnings_resemble_but_other_words_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
