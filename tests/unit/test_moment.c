#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pullama/text.h"

/* 2026-11-21T00:00:00Z */
#define DAY_MS INT64_C(1795219200000)

static void dates_and_times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_ms;
    } rows[] = {
        {"1970-01-01", 0},
        {"2026-11-21", DAY_MS},
        {"2026-11-21T18:27:37Z", DAY_MS + 66457000},
        {"2026-11-21 18:27:37.123456789z", DAY_MS + 66457123},
        {"2026-11-21T18:27:37.5+02:30", DAY_MS + 57457500},
        {"2026-11-20T23:00:00-01:00", DAY_MS},
        {"2024-02-29", INT64_C(1709164800000)},
        {"2000-02-29", INT64_C(951782400000)},
        {"1969-12-31T23:59:59Z", -1000},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        int64_t unix_ms = 1;
        struct plm_error err = {0};
        assert_true(plm_text_parse_moment(rows[i].text, DAY_MS, &unix_ms, &err));
        assert_true(unix_ms == rows[i].unix_ms);
    }
}

static void a_duration_is_so_long_ago(void **state)
{
    (void)state;
    int64_t unix_ms = 1;
    struct plm_error err = {0};
    assert_true(plm_text_parse_moment("1d", DAY_MS, &unix_ms, &err));
    assert_true(unix_ms == DAY_MS - 86400000);
    assert_true(plm_text_parse_moment("100000d", DAY_MS, &unix_ms, &err));
    assert_true(unix_ms == 0);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "yesterday",
        "2026-13-01",
        "2026-00-01",
        "2026-02-30",
        "2025-02-29",
        "1900-02-29",
        "2026-11-2",
        "26-11-21",
        "2026-11-21T",
        "2026-11-21T18:27Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21x",
        "2026-11-21T18:27:37",
        "2026-11-21T18:27:37.Z",
        "2026-11-21T18:27:37+1:00",
        "-1d",
        "7",
    };
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        int64_t unix_ms = 1;
        struct plm_error err = {0};
        assert_false(plm_text_parse_moment(texts[i], DAY_MS, &unix_ms, &err));
        assert_int_equal(err.code, PLM_E_USAGE);
        assert_non_null(strstr(err.msg, "is no time"));
        assert_true(unix_ms == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_and_times_are_read),
        cmocka_unit_test(a_duration_is_so_long_ago),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
