#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/environment.h"

static void booleans_are_read_as_ollama_reads_them(void **state)
{
    (void)state;
    const char *const yes[] = {"1",     "t",   "T",   "true", "True", "TRUE", " true ",
                               "\"1\"", "'t'", "yes", "no",   "off",  "tRUE", "00"};
    const char *const no[] = {"0", "f", "F", "false", "False", "FALSE", "", "  ", "\"\"", " '0' "};
    for (size_t i = 0; i < PLM_COUNT(yes); i++)
        assert_true(plm_environment_true(yes[i]));
    for (size_t i = 0; i < PLM_COUNT(no); i++)
        assert_false(plm_environment_true(no[i]));
    assert_false(plm_environment_true(NULL));
}

static void counts_are_positive_and_clamped(void **state)
{
    (void)state;
    assert_int_equal(plm_environment_count("1", 32), 1);
    assert_int_equal(plm_environment_count(" \"8\" ", 32), 8);
    assert_int_equal(plm_environment_count("32", 32), 32);
    assert_int_equal(plm_environment_count("33", 32), 32);
    assert_int_equal(plm_environment_count("18446744073709551615", 32), 32);
    const char *const none[] = {"0", "-1", "", " ", "four", "4x", "1.5", "99999999999999999999"};
    for (size_t i = 0; i < PLM_COUNT(none); i++)
        assert_int_equal(plm_environment_count(none[i], 32), 0);
    assert_int_equal(plm_environment_count(NULL, 32), 0);
}

static void lists_have_spaces_or_commas_between_their_words(void **state)
{
    (void)state;
    char *copy = NULL;
    const char *words[3];
    assert_int_equal(plm_environment_words(" a, b\t", &copy, words, 3), 2);
    assert_string_equal(words[0], "a");
    assert_string_equal(words[1], "b");
    free(copy);
    assert_int_equal(plm_environment_words("a b c d", &copy, words, 3), 3);
    free(copy);
    assert_int_equal(plm_environment_words(" ,", &copy, words, 3), 0);
    free(copy);
    assert_int_equal(plm_environment_words(NULL, &copy, words, 3), 0);
    assert_null(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(booleans_are_read_as_ollama_reads_them),
        cmocka_unit_test(counts_are_positive_and_clamped),
        cmocka_unit_test(lists_have_spaces_or_commas_between_their_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
