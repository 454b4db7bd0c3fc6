#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/mirrors.h"

static void a_mirror_is_a_scheme_and_a_host(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"mirror.example.org", true},
        {"https://mirror.example.org", true},
        {"https://mirror.example.org/", true},
        {"http://127.0.0.1:5000", true},
        {"https+insecure://[::1]:5000/", true},
        {"", false},
        {"/", false},
        {"https://", false},
        {"ftp://mirror.example.org", false},
        {"https://mirror.example.org/v2", false},
        {"mirror.example.org/library", false},
        {"https://me:word@mirror.example.org", false},
        {"mir ror", false},
        {"-x", false},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_error err = {0};
        if (plm_mirror_check(rows[i].text, &err) != rows[i].good)
            fail_msg("'%s'", rows[i].text);
        assert_int_equal(err.code, rows[i].good ? PLM_OK : PLM_E_USAGE);
    }
}

static void the_first_that_works_is_asked_and_the_registry_last(void **state)
{
    (void)state;
    struct plm_mirrors mirrors = {.count = 2};
    assert_int_equal(plm_mirrors_choose(&mirrors, 0), 0);
    assert_int_equal(plm_mirrors_choose(&mirrors, 1), 1);
    assert_int_equal(plm_mirrors_choose(&mirrors, 3), -1);
    assert_int_equal(plm_mirrors_choose(&mirrors, UINT32_MAX), -1);
    assert_int_equal(plm_mirrors_choose(&(struct plm_mirrors){0}, 0), -1);
}

static void two_failures_in_a_row_are_enough_and_bytes_forgive_one(void **state)
{
    (void)state;
    struct plm_mirrors mirrors = {.count = 2};
    plm_mirrors_blame(&mirrors, 0, false);
    plm_mirrors_praise(&mirrors, 0);
    plm_mirrors_blame(&mirrors, 0, false);
    assert_int_equal(plm_mirrors_choose(&mirrors, 0), 0);
    plm_mirrors_blame(&mirrors, 0, false);
    assert_int_equal(plm_mirrors_choose(&mirrors, 0), 1);
    plm_mirrors_praise(&mirrors, 0); /* what was still on its way changes nothing */
    assert_int_equal(plm_mirrors_choose(&mirrors, 0), 1);
}

static void wrong_bytes_are_never_forgiven(void **state)
{
    (void)state;
    struct plm_mirrors mirrors = {.count = 1};
    plm_mirrors_blame(&mirrors, 0, true);
    plm_mirrors_praise(&mirrors, 0);
    assert_int_equal(plm_mirrors_choose(&mirrors, 0), -1);
    plm_mirrors_praise(&mirrors, -1); /* the registry itself has no place among them */
    plm_mirrors_blame(&mirrors, -1, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mirror_is_a_scheme_and_a_host),
        cmocka_unit_test(the_first_that_works_is_asked_and_the_registry_last),
        cmocka_unit_test(two_failures_in_a_row_are_enough_and_bytes_forgive_one),
        cmocka_unit_test(wrong_bytes_are_never_forgiven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
