#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static struct plm_json *parse(const char *text)
{
    struct plm_json *root = NULL;
    struct plm_error err = {0};
    if (!plm_json_parse(text, strlen(text), 8, &root, &err))
        print_message("# %s\n", err.msg);
    assert_non_null(root);
    return root;
}

static enum plm_code refuse(const char *text, size_t length)
{
    struct plm_json *root = NULL;
    struct plm_error err = {0};
    assert_false(plm_json_parse(text, length, 8, &root, &err));
    assert_null(root);
    return err.code;
}

static void values_are_read_by_type(void **state)
{
    (void)state;
    plm_auto(plm_json_freep) struct plm_json *root =
        parse("{\"s\":\"text\",\"n\":42,\"big\":9223372036854775807,\"neg\":-1,\"real\":1.5,"
              "\"one\":1.0,\"t\":true,\"f\":false,\"z\":null,\"a\":[1,null,\"x\"]}");
    uint64_t n = 0;
    double d = 0;
    assert_true(plm_json_is_object(root));
    assert_string_equal(plm_json_text(plm_json_get(root, "s")), "text");
    assert_true(plm_json_u64(plm_json_get(root, "n"), &n));
    assert_int_equal(n, 42);
    assert_true(plm_json_u64(plm_json_get(root, "big"), &n));
    assert_true(n == INT64_MAX);
    assert_false(plm_json_u64(plm_json_get(root, "neg"), &n));
    assert_false(plm_json_u64(plm_json_get(root, "one"), &n));
    assert_false(plm_json_u64(plm_json_get(root, "s"), &n));
    assert_true(n == INT64_MAX);
    assert_true(plm_json_double(plm_json_get(root, "real"), &d));
    assert_true(d > 1.4 && d < 1.6);
    assert_true(plm_json_double(plm_json_get(root, "n"), &d));
    assert_true(plm_json_true(plm_json_get(root, "t")));
    assert_false(plm_json_true(plm_json_get(root, "f")));
    assert_true(plm_json_is_bool(plm_json_get(root, "f")));
    assert_null(plm_json_get(root, "z"));
    assert_null(plm_json_get(root, "absent"));
    const struct plm_json *a = plm_json_get(root, "a");
    assert_true(plm_json_is_array(a));
    assert_int_equal(plm_json_array_size(a), 3);
    assert_true(plm_json_is_number(plm_json_at(a, 0)));
    assert_null(plm_json_at(a, 1));
    assert_true(plm_json_is_string(plm_json_at(a, 2)));
    assert_null(plm_json_at(a, 3));
}

static void getters_take_null_and_wrong_types(void **state)
{
    (void)state;
    plm_auto(plm_json_freep) struct plm_json *root = parse("[1]");
    uint64_t n;
    double d;
    assert_null(plm_json_get(NULL, "x"));
    assert_null(plm_json_get(root, "x"));
    assert_null(plm_json_text(NULL));
    assert_null(plm_json_text(root));
    assert_int_equal(plm_json_array_size(NULL), 0);
    assert_null(plm_json_at(NULL, 0));
    assert_false(plm_json_u64(NULL, &n));
    assert_false(plm_json_double(NULL, &d));
    assert_false(plm_json_true(NULL));
    assert_false(plm_json_is_object(NULL));
    plm_json_free(NULL);
}

static void hostile_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "{",        "{\"a\":1,\"a\":2}",     "{} x", "[1,]",     "{\"a\"}",
        "'a'",     "\"\x01\"", "\"\\u0000\"",           "nul",  "\"\xff\"", "\"\\ud800\"",
        "[1e999]", "[01]",     "[9223372036854775808]", "[+1]", "\"abc",    "\"abc\\",
    };
    for (size_t i = 0; i < PLM_COUNT(bad); i++)
        assert_int_equal(refuse(bad[i], strlen(bad[i])), PLM_E_PROTOCOL);
    assert_int_equal(refuse("{}\0", 3), PLM_E_PROTOCOL);
}

/* The library skips one behind a number or a word. */
static void nul_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    static const char text[] = {'[', '1', '\0', ',', 't', 'r', 'u', 'e', '\0', ']'};
    assert_int_equal(refuse(text, sizeof(text)), PLM_E_PROTOCOL);
    assert_int_equal(refuse("1\0", 2), PLM_E_PROTOCOL);
    assert_int_equal(refuse("\0001", 2), PLM_E_PROTOCOL);
}

static void depth_counts_brackets_outside_strings_only(void **state)
{
    (void)state;
    assert_int_equal(refuse("[[[[[[[[[]]]]]]]]]", 18), PLM_E_LIMIT);
    plm_json_free(parse("[[[[[[[[]]]]]]]]"));
    plm_json_free(parse("\"[[[[[[[[[[[[\""));
    plm_json_free(parse("[\"\\\"[[[[[[[[[[[[\", \"\\\\\", [], [], [], [], [], [], [], [], []]"));
}

static void memory_is_bounded_before_the_tree_is_built(void **state)
{
    (void)state;
    size_t size = 4u << 20;
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i + 2 < size; i += 3)
        memcpy(text + i, "[],", 3);
    text[0] = '[';
    text[1] = '0';
    text[size - 1] = ']';
    assert_int_equal(refuse(text, size), PLM_E_LIMIT);
    memset(text, 'a', size);
    text[0] = text[size - 1] = '"';
    assert_int_equal(refuse(text, size), PLM_E_LIMIT);
    text[size / 2] = '"';
    text[size / 2 + 1] = '\0';
    plm_json_free(parse(text));
    free(text);
}

static void errors_say_where_and_are_printable(void **state)
{
    (void)state;
    struct plm_json *root = NULL;
    struct plm_error err = {0};
    const char text[] = "{\n \"a\": \x1b[31m }";
    assert_false(plm_json_parse(text, sizeof(text) - 1, 8, &root, &err));
    assert_non_null(strstr(err.msg, "line 2"));
    assert_null(strchr(err.msg, '\x1b'));
}

static bool append_key(void *ctx, const char *key, const struct plm_json *member)
{
    (void)member;
    assert_true(plm_buf_append(ctx, key, strlen(key), NULL));
    return strcmp(key, "c") != 0;
}

static void members_come_in_the_order_of_the_text(void **state)
{
    (void)state;
    plm_auto(plm_json_freep) struct plm_json *root =
        parse("{\"z\":1,\"a\":null,\"m\":{},\"c\":2,\"b\":3}");
    struct plm_buf keys = PLM_BUF_INIT(16);
    plm_json_each(root, append_key, &keys);
    assert_string_equal(keys.bytes, "zamc");
    plm_json_each(NULL, append_key, &keys);
    plm_json_each(plm_json_get(root, "z"), append_key, &keys);
    assert_string_equal(keys.bytes, "zamc");
    plm_buf_done(&keys);
}

static void dump_is_compact_and_keeps_order(void **state)
{
    (void)state;
    plm_auto(plm_json_freep) struct plm_json *root =
        parse("{ \"b\" : [ 1 , true ] , \"a\" : \"x\" }");
    struct plm_error err = {0};
    char *text = NULL;
    assert_true(plm_json_dump(root, &text, &err));
    assert_string_equal(text, "{\"b\":[1,true],\"a\":\"x\"}");
    free(text);
}

static void a_document_is_changed_in_place(void **state)
{
    (void)state;
    static const char *const path[] = {"a", "b", "c"}, *const through[] = {"z", "x"};
    struct plm_json *root = parse("{\"z\":1,\"a\":{\"y\":2,\"b\":null}}");
    struct plm_error err = {0};
    char *text = NULL;
    assert_true(plm_json_set(root, path, 3, "t", &err));
    assert_true(plm_json_dump(root, &text, &err));
    assert_string_equal(text, "{\"z\":1,\"a\":{\"y\":2,\"b\":{\"c\":\"t\"}}}");
    free(text);
    assert_false(plm_json_set(root, through, 2, "t", &err)); /* a number on the way */
    assert_int_equal(err.code, PLM_E_PROTOCOL);
    assert_true(plm_json_remove(root, path, 3));
    assert_false(plm_json_remove(root, path, 3));
    assert_false(plm_json_remove(root, through, 2));
    err = (struct plm_error){0};
    assert_true(plm_json_set(root, path, 2, NULL, &err));
    assert_true(plm_json_dump_readable(root, &text, &err));
    assert_string_equal(text, "{\n  \"z\": 1,\n  \"a\": {\n    \"y\": 2,\n    \"b\": {}\n  }\n}\n");
    free(text);
    plm_json_wipe(root);
    plm_json_wipe(NULL);
    assert_true(plm_json_new_object(&root, &err));
    assert_true(plm_json_is_object(root));
    plm_json_wipe(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_by_type),
        cmocka_unit_test(getters_take_null_and_wrong_types),
        cmocka_unit_test(hostile_text_is_refused),
        cmocka_unit_test(nul_is_refused_wherever_it_stands),
        cmocka_unit_test(depth_counts_brackets_outside_strings_only),
        cmocka_unit_test(memory_is_bounded_before_the_tree_is_built),
        cmocka_unit_test(errors_say_where_and_are_printable),
        cmocka_unit_test(members_come_in_the_order_of_the_text),
        cmocka_unit_test(dump_is_compact_and_keeps_order),
        cmocka_unit_test(a_document_is_changed_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
