#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void bytes_are_kept_in_order_and_end_with_nul(void **state)
{
    (void)state;
    struct plm_buf buf = PLM_BUF_INIT(1 << 20);
    struct plm_error err = {0};
    char expected[4096];
    for (size_t i = 0; i < sizeof(expected); i++) {
        expected[i] = (char)(i % 251);
        assert_true(plm_buf_append(&buf, &expected[i], 1, &err));
    }
    assert_int_equal(buf.size, sizeof(expected));
    assert_memory_equal(buf.bytes, expected, sizeof(expected));
    assert_int_equal(buf.bytes[buf.size], 0);
    plm_buf_done(&buf);
    assert_null(buf.bytes);
    plm_buf_done(&buf);
}

static void the_maximum_is_exact_and_a_refusal_changes_nothing(void **state)
{
    (void)state;
    struct plm_buf buf = PLM_BUF_INIT(5);
    struct plm_error err = {0};
    assert_true(plm_buf_append(&buf, "abc", 3, &err));
    assert_false(plm_buf_append(&buf, "def", 3, &err));
    assert_int_equal(err.code, PLM_E_LIMIT);
    assert_string_equal(buf.bytes, "abc");
    assert_true(plm_buf_append(&buf, "de", 2, &err));
    assert_string_equal(buf.bytes, "abcde");
    err = (struct plm_error){0};
    assert_false(plm_buf_append(&buf, "", SIZE_MAX, &err));
    assert_int_equal(err.code, PLM_E_LIMIT);
    plm_buf_done(&buf);
}

static void printf_appends_and_obeys_the_maximum(void **state)
{
    (void)state;
    struct plm_buf buf = PLM_BUF_INIT(12);
    struct plm_error err = {0};
    assert_true(plm_buf_printf(&buf, &err, "%s-%d", "pull", 42));
    assert_true(plm_buf_printf(&buf, &err, "%s", "!"));
    assert_string_equal(buf.bytes, "pull-42!");
    assert_false(plm_buf_printf(&buf, &err, "%s", "12345"));
    assert_int_equal(err.code, PLM_E_LIMIT);
    assert_string_equal(buf.bytes, "pull-42!");
    plm_buf_done(&buf);
}

static void take_hands_over_and_empties(void **state)
{
    (void)state;
    struct plm_buf buf = PLM_BUF_INIT(100);
    struct plm_error err = {0};
    char *text = plm_buf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    assert_true(plm_buf_append(&buf, "one", 3, &err));
    plm_buf_clear(&buf);
    assert_int_equal(buf.size, 0);
    assert_true(plm_buf_append(&buf, "two", 3, &err));
    text = plm_buf_take(&buf);
    assert_string_equal(text, "two");
    assert_int_equal(buf.size, 0);
    assert_null(buf.bytes);
    assert_true(plm_buf_append(&buf, "x", 1, &err));
    assert_string_equal(text, "two");
    free(text);
    plm_buf_done(&buf);
}

static void a_reserved_buffer_does_not_move_and_can_be_wiped(void **state)
{
    (void)state;
    struct plm_buf buf = PLM_BUF_INIT(1000);
    struct plm_error err = {0};
    assert_true(plm_buf_reserve(&buf, 900, &err));
    const char *place = buf.bytes;
    for (size_t i = 0; i < 900; i++)
        assert_true(plm_buf_append(&buf, "x", 1, &err));
    assert_ptr_equal(buf.bytes, place);
    assert_false(plm_buf_reserve(&buf, 101, &err));
    assert_int_equal(err.code, PLM_E_LIMIT);
    plm_buf_wipe(&buf);
    assert_null(buf.bytes);
    assert_int_equal(buf.max, 1000);
    plm_buf_wipe(&buf); /* nothing is wiped too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_kept_in_order_and_end_with_nul),
        cmocka_unit_test(the_maximum_is_exact_and_a_refusal_changes_nothing),
        cmocka_unit_test(printf_appends_and_obeys_the_maximum),
        cmocka_unit_test(take_hands_over_and_empties),
        cmocka_unit_test(a_reserved_buffer_does_not_move_and_can_be_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
