#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

static void every_option_is_complete_and_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLM_OPTIONS; i++) {
        const struct plm_option_row *row = plm_option_row((enum plm_option_id)i);
        enum plm_option_id found = PLM_OPTIONS;
        assert_non_null(row->name);
        assert_true(strlen(row->help) > 0);
        assert_true(plm_option_find(row->name, strlen(row->name), &found));
        assert_int_equal(found, i);
        if (row->letter) {
            assert_true(plm_option_find_letter(row->letter, &found));
            assert_int_equal(found, i);
        }
        if (row->type == PLM_VALUE_FLAG) {
            assert_null(row->value);
        } else {
            assert_true(strlen(row->value) > 0);
            assert_true(row->default_text || row->type == PLM_VALUE_TEXTS);
        }
        assert_true(row->min <= row->max);
    }
}

static void names_are_found_only_whole(void **state)
{
    (void)state;
    enum plm_option_id id = PLM_OPTIONS;
    assert_false(plm_option_find("quie", 4, &id));
    assert_false(plm_option_find("quietly", 7, &id));
    assert_false(plm_option_find("", 0, &id));
    assert_false(plm_option_find_letter('q', &id));
    assert_false(plm_option_find_letter('\0', &id));
    assert_int_equal(id, PLM_OPTIONS);
    assert_true(plm_option_find("quiet=x", 5, &id));
    assert_int_equal(id, PLM_OPT_QUIET);
}

static void the_nearest_option_is_one_of_the_set(void **state)
{
    (void)state;
    enum plm_option_id id = PLM_OPTIONS;
    assert_false(plm_option_nearest("zzzzzz", UINT32_MAX, &id));
    assert_true(plm_option_nearest("no-colour", UINT32_MAX, &id));
    assert_int_equal(id, PLM_OPT_NO_COLOR);
    assert_true(plm_option_nearest("stal-timeout", UINT32_MAX, &id));
    assert_int_equal(id, PLM_OPT_STALL_TIMEOUT);
    assert_true(plm_option_nearest("timeot", UINT32_MAX, &id));
    assert_int_equal(id, PLM_OPT_TIMEOUT);
    assert_false(plm_option_nearest("timeot", PLM_OPT_BIT(PLM_OPT_QUIET), &id));
}

struct reading {
    enum plm_option_id id;
    const char *text;
    uint64_t number;
};

static void values_are_read_in_their_units_up_to_their_bounds(void **state)
{
    (void)state;
    static const struct reading good[] = {
        {PLM_OPT_CONNECTIONS, "1", 1},
        {PLM_OPT_CONNECTIONS, "32", 32},
        {PLM_OPT_MAX_RETRIES, "0", 0},
        {PLM_OPT_CHUNK_SIZE, "64KiB", 65536},
        {PLM_OPT_CHUNK_SIZE, "64MiB", 67108864},
        {PLM_OPT_CHUNK_SIZE, "1TiB", UINT64_C(1) << 40},
        {PLM_OPT_LIMIT_RATE, "1.5M", 1572864},
        {PLM_OPT_MIN_FREE, "0", 0},
        {PLM_OPT_TIMEOUT, "30m", 1800000},
        {PLM_OPT_STALL_TIMEOUT, "100ms", 100},
        {PLM_OPT_STALL_TIMEOUT, "24h", 86400000},
        {PLM_OPT_OUTPUT, "table", 0},
        {PLM_OPT_OUTPUT, "compact", 1},
        {PLM_OPT_OUTPUT, "json", 2},
        {PLM_OPT_OUTPUT, "debug", 3},
        {PLM_OPT_PROXY, "http://localhost:3128", 0},
    };
    for (size_t i = 0; i < PLM_COUNT(good); i++) {
        struct plm_error err = {0};
        uint64_t number = 77;
        assert_true(plm_option_read(plm_option_row(good[i].id), good[i].text, &number, &err));
        assert_int_equal(number, good[i].number);
    }
}

static void bad_values_are_refused_with_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        enum plm_option_id id;
        const char *text, *message;
    } bad[] = {
        {PLM_OPT_CONNECTIONS, "0", "--connections: '0' is not allowed; it may be 1 to 32"},
        {PLM_OPT_CONNECTIONS, "33", "1 to 32"},
        {PLM_OPT_CONNECTIONS, "4x", "1 to 32"},
        {PLM_OPT_CONNECTIONS, "-4", "1 to 32"},
        {PLM_OPT_CONNECTIONS, "99999999999999999999", "1 to 32"},
        {PLM_OPT_MAX_RETRIES, "-1", "0 to 1000"},
        {PLM_OPT_CHUNK_SIZE, "65535", "64KiB to 1TiB"},
        {PLM_OPT_CHUNK_SIZE, "2TiB", "64KiB to 1TiB"},
        {PLM_OPT_CHUNK_SIZE, "12 parsecs", "--chunk-size: '12 parsecs' is not a size"},
        {PLM_OPT_MIN_FREE, "-1", "is not a size"},
        {PLM_OPT_TIMEOUT, "30", "is not a duration"},
        {PLM_OPT_TIMEOUT, "0", "100ms to 7d"},
        {PLM_OPT_STALL_TIMEOUT, "25h", "100ms to 1d"},
        {PLM_OPT_OUTPUT, "xml", "'xml' is not allowed; it may be table, compact, json, debug or csv"},
        {PLM_OPT_OUTPUT, "tab", "table, compact, json, debug or csv"},
        {PLM_OPT_OUTPUT, "table|compact", "table, compact, json, debug or csv"},
        {PLM_OPT_OUTPUT, "a\033[31m", "'a\\x1b[31m' is not allowed"},
        {PLM_OPT_MODELS_DIR, "", "--models-dir needs a value: DIR"},
        {PLM_OPT_OUTPUT, "", "--output needs a value: table|compact|json|debug"},
    };
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        struct plm_error err = {0};
        uint64_t number = 77;
        assert_false(plm_option_read(plm_option_row(bad[i].id), bad[i].text, &number, &err));
        assert_int_equal(err.code, PLM_E_USAGE);
        assert_int_equal(number, 77);
        if (!strstr(err.msg, bad[i].message))
            fail_msg("%s: %s", bad[i].text, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_complete_and_has_a_name_of_its_own),
        cmocka_unit_test(names_are_found_only_whole),
        cmocka_unit_test(the_nearest_option_is_one_of_the_set),
        cmocka_unit_test(values_are_read_in_their_units_up_to_their_bounds),
        cmocka_unit_test(bad_values_are_refused_with_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
