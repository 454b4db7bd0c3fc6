#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/view_parts.h"

static void join(void *ctx, const char *key, const char *value)
{
    char *text = ctx;
    strcat(strcat(strcat(strcat(text, key), "="), value), ";");
}

static bool each(const char *json, char *out)
{
    out[0] = '\0';
    return plm_params_each(json, strlen(json), join, out);
}

static void values_come_in_order_and_readable(void **state)
{
    (void)state;
    char out[256];
    assert_true(
        each("{\"stop\": [\"\\u003c|im|\\u003e\", \"a\\\"b\"],\n\"temperature\":0.7}", out));
    assert_string_equal(out, "stop=\"<|im|>\";stop=\"a\\\"b\";temperature=0.7;");
    assert_true(each(" {} ", out));
    assert_string_equal(out, "");
    assert_true(each("{\"stop\":[]}", out));
    assert_string_equal(out, "");
}

static void anything_else_is_refused_before_a_value_is_told(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "[]",         "text",       "{\"a\":1",        "{\"a\":{\"b\":1}}",
        "{\"a\"}", "{\"a\":\"x", "{\"a\":1}x", "{\"a\":[1,[2]]}", "{\"a\":\"\\",
    };
    char out[256];
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        assert_false(each(bad[i], out));
        assert_string_equal(out, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_in_order_and_readable),
        cmocka_unit_test(anything_else_is_refused_before_a_value_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
