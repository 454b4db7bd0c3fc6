#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "pullama/error.h"

static void first_error_wins(void **state)
{
    (void)state;
    struct plm_error err = {0};
    assert_false(plm_fail(&err, PLM_E_AUTH, "first %d", 1));
    assert_false(plm_fail(&err, PLM_E_IO, "second"));
    assert_int_equal(err.code, PLM_E_AUTH);
    assert_string_equal(err.msg, "first 1");
}

static void context_is_put_before(void **state)
{
    (void)state;
    struct plm_error err = {0};
    (void)plm_fail_sys(&err, ENOSPC, "write %s", "x");
    (void)plm_prefix(&err, "blob %s", "abc");
    assert_int_equal(err.code, PLM_E_NOSPACE);
    assert_int_equal(err.sys_errno, ENOSPC);
    assert_string_equal(err.msg, "blob abc: write x: No space left on device");
}

/* A path may be longer than a message. */
static void the_reason_is_never_cut_off(void **state)
{
    (void)state;
    char path[4096];
    for (size_t i = 0; i + 3 < sizeof(path); i += 3)
        memcpy(path + i, "/\xc3\xa9", 4); /* a letter of two bytes, which must not be cut in two */
    for (int shift = 0; shift < 3; shift++) {
        struct plm_error err = {0};
        (void)plm_fail_sys(&err, ENOSPC, "write %.*s%s", shift, "..", path);
        (void)plm_prefix(&err, "manifest %.*s%s", shift, "..", path);
        const char *end = ": No space left on device";
        assert_true(strlen(err.msg) < sizeof(err.msg));
        assert_string_equal(err.msg + strlen(err.msg) - strlen(end), end);
        assert_memory_equal(err.msg, "manifest ", 9);
        assert_non_null(strstr(err.msg, "..."));
        uint32_t code;
        for (const char *at = err.msg; *at;) {
            size_t length = plm_utf8_decode(at, strlen(at), &code);
            assert_true(length > 0);
            at += length;
        }
    }
}

static void every_code_has_a_name_and_a_status(void **state)
{
    (void)state;
    for (int code = 0; code < PLM_CODES; code++) {
        assert_true(strlen(plm_code_name(code)) > 0);
        int status = plm_code_exit_status(code);
        assert_true((status >= 0 && status <= 6) || status == 64);
    }
    assert_int_equal(plm_code_exit_status(PLM_E_NOSPACE), 2);
    assert_int_equal(plm_code_exit_status(PLM_E_AUTH), 3);
    assert_int_equal(plm_code_exit_status(PLM_E_NOT_FOUND), 4);
    assert_int_equal(plm_code_exit_status(PLM_E_INTEGRITY), 5);
    assert_int_equal(plm_code_exit_status(PLM_E_NETWORK), 6);
    assert_int_equal(plm_code_exit_status(PLM_E_USAGE), 64);
    assert_int_equal(plm_code_exit_status(PLM_E_INTERRUPTED), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_error_wins),
        cmocka_unit_test(context_is_put_before),
        cmocka_unit_test(the_reason_is_never_cut_off),
        cmocka_unit_test(every_code_has_a_name_and_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
