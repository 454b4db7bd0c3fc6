#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static void take_and_compare(struct plm_json_writer *w, const char *expected)
{
    struct plm_error err = {0};
    char *text = NULL;
    assert_true(plm_json_writer_take(w, &text, &err));
    assert_string_equal(text, expected);
    free(text);
    plm_json_writer_done(w);
}

static void documents_nest_with_the_right_commas(void **state)
{
    (void)state;
    struct plm_json_writer w;
    plm_json_writer_init(&w, 1000);
    plm_json_open_object(&w, NULL);
    plm_json_put_text(&w, "s", "x");
    plm_json_put_u64(&w, "u", UINT64_MAX);
    plm_json_put_i64(&w, "i", INT64_MIN);
    plm_json_open_array(&w, "a");
    plm_json_put_bool(&w, NULL, true);
    plm_json_open_object(&w, NULL);
    plm_json_close_object(&w);
    plm_json_put_text(&w, NULL, NULL);
    plm_json_close_array(&w);
    plm_json_put_bool(&w, "b", false);
    plm_json_close_object(&w);
    take_and_compare(&w, "{\"s\":\"x\",\"u\":18446744073709551615,\"i\":-9223372036854775808,"
                         "\"a\":[true,{},null],\"b\":false}");
}

static void any_bytes_become_safe_and_valid_json(void **state)
{
    (void)state;
    struct plm_json_writer w;
    plm_json_writer_init(&w, 1000);
    plm_json_put_text_n(&w, NULL, "q\"b\\n\n\0\x1b\x7f\xC2\x9B\xE2\x80\xAE\xC3\xA9\xFF\xC3", 18);
    take_and_compare(&w, "\"q\\\"b\\\\n\\n\\u0000\\u001b\\u007f\\u009b\\u202e\xC3\xA9"
                         "\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void what_is_written_can_be_read_again(void **state)
{
    (void)state;
    char every[256];
    for (int i = 1; i < 256; i++)
        every[i - 1] = (char)i;
    every[255] = '\0';
    struct plm_json_writer w;
    plm_json_writer_init(&w, 4096);
    plm_json_open_object(&w, NULL);
    plm_json_put_text(&w, every, "v");
    plm_json_close_object(&w);
    struct plm_error err = {0};
    char *text = NULL;
    assert_true(plm_json_writer_take(&w, &text, &err));
    struct plm_json *root = NULL;
    assert_true(plm_json_parse(text, strlen(text), 4, &root, &err));
    plm_json_free(root);
    free(text);
    plm_json_writer_done(&w);
}

static void errors_stick_until_they_are_looked_at(void **state)
{
    (void)state;
    struct plm_json_writer w;
    struct plm_error err = {0};
    char *text = NULL;
    plm_json_writer_init(&w, 8);
    plm_json_open_object(&w, NULL);
    plm_json_put_text(&w, "key", "a long value");
    plm_json_close_object(&w);
    assert_false(plm_json_writer_take(&w, &text, &err));
    assert_int_equal(err.code, PLM_E_LIMIT);
    assert_null(text);
    plm_json_writer_done(&w);
}

static void unbalanced_documents_are_refused(void **state)
{
    (void)state;
    struct plm_json_writer w;
    struct plm_error err = {0};
    char *text = NULL;
    plm_json_writer_init(&w, 100);
    plm_json_open_array(&w, NULL);
    assert_false(plm_json_writer_take(&w, &text, &err));
    assert_int_equal(err.code, PLM_E_INTERNAL);
    plm_json_writer_done(&w);
    plm_json_writer_init(&w, 100);
    plm_json_close_object(&w);
    err = (struct plm_error){0};
    assert_false(plm_json_writer_take(&w, &text, &err));
    assert_int_equal(err.code, PLM_E_INTERNAL);
    plm_json_writer_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_nest_with_the_right_commas),
        cmocka_unit_test(any_bytes_become_safe_and_valid_json),
        cmocka_unit_test(what_is_written_can_be_read_again),
        cmocka_unit_test(errors_stick_until_they_are_looked_at),
        cmocka_unit_test(unbalanced_documents_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
