#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pullama/text.h"

static void numbers_are_digits_without_overflow(void **state)
{
    (void)state;
    uint64_t n = 7;
    assert_true(plm_text_u64("18446744073709551615", 20, &n));
    assert_true(n == UINT64_MAX);
    assert_true(plm_text_u64("0123x", 4, &n));
    assert_int_equal(n, 123);
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "99999999999999999999999"};
    for (size_t i = 0; i < PLM_COUNT(bad); i++)
        assert_false(plm_text_u64(bad[i], strlen(bad[i]), &n));
    assert_int_equal(n, 123);
}

static void sizes_are_read_in_powers_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"4096", 4096},
        {"10B", 10},
        {"500K", 512000},
        {"500KB", 512000},
        {"500KiB", 512000},
        {"1.5G", 3u << 29},
        {"64MiB", 64u << 20},
        {"64mib", 64u << 20},
        {"2T", UINT64_C(2) << 40},
        {"0.1K", 102},
        {"16777215T", UINT64_C(16777215) << 40},
    };
    for (size_t i = 0; i < PLM_COUNT(good); i++) {
        uint64_t bytes = 1;
        struct plm_error err = {0};
        assert_true(plm_text_parse_size(good[i].text, &bytes, &err));
        assert_true(bytes == good[i].bytes);
    }
}

static void bad_sizes_are_usage_errors(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "M",     "-1",   "1.5",       "1.5B",
        "1.",         ".5G",   "1 MB", "1Mb ",      "1Mi",
        "1.1.1K",     "1X",    "1e3",  "16777216T", "18446744073709551616",
        "1.1234567G", "1KiBs", "KK"};
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        uint64_t bytes = 77;
        struct plm_error err = {0};
        assert_false(plm_text_parse_size(bad[i], &bytes, &err));
        assert_int_equal(err.code, PLM_E_USAGE);
        assert_int_equal(bytes, 77);
    }
    struct plm_error err = {0};
    uint64_t bytes;
    assert_false(plm_text_parse_size("\x1b[31mred", &bytes, &err));
    assert_null(strchr(err.msg, '\x1b'));
}

static void durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0", 0},          {"0s", 0},          {"500ms", 500}, {"30s", 30000},
                {"30m", 1800000},  {"1h30m", 5400000}, {"1.5s", 1500}, {"2h", 7200000},
                {"7d", 604800000}, {"1m1s1ms", 61001}};
    for (size_t i = 0; i < PLM_COUNT(good); i++) {
        int64_t ms = -1;
        struct plm_error err = {0};
        assert_true(plm_text_parse_duration(good[i].text, &ms, &err));
        assert_true(ms == good[i].ms);
    }
    static const char *const bad[] = {
        "", "5", "s", "-1s", "1h30", "1 s", "1us", "1S", "1.s", "00", "9999999999999999h"};
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        int64_t ms = 77;
        struct plm_error err = {0};
        assert_false(plm_text_parse_duration(bad[i], &ms, &err));
        assert_int_equal(err.code, PLM_E_USAGE);
        assert_int_equal(ms, 77);
    }
}

static void sizes_are_printed_as_ollama_does(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {{0, "0 B"},
                {999, "999 B"},
                {1000, "1 KB"},
                {1500, "1.5 KB"},
                {999999, "999 KB"},
                {1000000, "1 MB"},
                {UINT64_C(4661224676), "4.7 GB"},
                {UINT64_C(12999999999), "12 GB"},
                {UINT64_C(2500000000000), "2.5 TB"},
                {UINT64_MAX, "18446744 TB"}};
    char out[PLM_TEXT_SHORT];
    for (size_t i = 0; i < PLM_COUNT(rows); i++)
        assert_string_equal(plm_text_size(rows[i].bytes, out), rows[i].text);
}

static void counts_are_printed_as_ollama_does(void **state)
{
    (void)state;
    static const struct {
        uint64_t count;
        const char *text;
    } rows[] = {{0, "0"},
                {999, "999"},
                {22700, "23K"},
                {137000000, "137M"},
                {137022720, "137.02M"},
                {UINT64_C(8030261248), "8.0B"},
                {UINT64_C(8000000000), "8B"},
                {UINT64_C(70553706496), "70.6B"}};
    char out[PLM_TEXT_SHORT];
    for (size_t i = 0; i < PLM_COUNT(rows); i++)
        assert_string_equal(plm_text_count(rows[i].count, out), rows[i].text);
}

static void durations_are_printed(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{-5, "0s"},           {0, "0s"},      {1400, "1.4s"},
                {9999, "10s"},        {10999, "10s"}, {754000, "12m34s"},
                {5400000, "1h30m0s"}, {59999, "59s"}, {60000, "1m0s"}};
    char out[PLM_TEXT_SHORT];
    for (size_t i = 0; i < PLM_COUNT(rows); i++)
        assert_string_equal(plm_text_duration(rows[i].ms, out), rows[i].text);
    assert_int_equal(strlen(plm_text_duration(INT64_MAX, out)), strlen("2562047788015h12m55s"));
}

static void ages_are_printed_as_ollama_does(void **state)
{
    (void)state;
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
    static const struct {
        int64_t ago;
        const char *text;
    } rows[] = {{0, "Less than a second ago"},
                {1, "1 second ago"},
                {59, "59 seconds ago"},
                {119, "About a minute ago"},
                {5 * MINUTE, "5 minutes ago"},
                {HOUR, "About an hour ago"},
                {89 * MINUTE, "About an hour ago"},
                {90 * MINUTE, "2 hours ago"},
                {47 * HOUR, "47 hours ago"},
                {48 * HOUR, "2 days ago"},
                {13 * DAY, "13 days ago"},
                {14 * DAY, "2 weeks ago"},
                {21 * DAY, "3 weeks ago"},
                {60 * DAY, "2 months ago"},
                {729 * DAY, "24 months ago"},
                {730 * DAY, "2 years ago"},
                {-2 * DAY, "2 days from now"}};
    const int64_t now = 1700000000;
    char out[PLM_TEXT_SHORT];
    for (size_t i = 0; i < PLM_COUNT(rows); i++)
        assert_string_equal(plm_text_age(now - rows[i].ago, now, out), rows[i].text);
    assert_string_equal(plm_text_age(0, now, out), "Never");
    assert_non_null(strstr(plm_text_age(INT64_MIN, INT64_MAX, out), " years ago"));
}

static void nothing_that_steers_a_terminal_gets_through(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"plain \xC3\xA9 \xE6\xBC\xA2 \xF0\x9F\x98\x80",
         "plain \xC3\xA9 \xE6\xBC\xA2 \xF0\x9F\x98\x80"},
        {"\x1b[2J", "\\x1b[2J"},
        {"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
        {"\xC2\x9B"
         "31m",
         "\\x9b31m"},
        {"\x9B"
         "31m",
         "\\x9b31m"},
        {"\xFFx\xC3", "\\xffx\\xc3"},
        {"\xE2\x80\xAE"
         "gnp.exe",
         "\xEF\xBF\xBDgnp.exe"},
        {"\xE2\x81\xA6\xE2\x80\x8E", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xED\xA0\x80", "\\xed\\xa0\\x80"},
    };
    char out[64];
    for (size_t i = 0; i < PLM_COUNT(rows); i++)
        assert_string_equal(plm_text_printable(rows[i][0], out, sizeof(out)), rows[i][1]);
}

static void printable_text_is_never_cut_inside_a_character(void **state)
{
    (void)state;
    char out[6];
    assert_string_equal(plm_text_printable("abc\xE2\x82\xAC", out, sizeof(out)), "abc");
    assert_string_equal(plm_text_printable("ab\x1b", out, sizeof(out)), "ab");
    assert_string_equal(plm_text_printable("abcdef", out, sizeof(out)), "abcde");
    out[0] = 'z';
    (void)plm_text_printable("abc", out, 0);
    assert_int_equal(out[0], 'z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_without_overflow),
        cmocka_unit_test(sizes_are_read_in_powers_of_1024),
        cmocka_unit_test(bad_sizes_are_usage_errors),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(sizes_are_printed_as_ollama_does),
        cmocka_unit_test(counts_are_printed_as_ollama_does),
        cmocka_unit_test(durations_are_printed),
        cmocka_unit_test(ages_are_printed_as_ollama_does),
        cmocka_unit_test(nothing_that_steers_a_terminal_gets_through),
        cmocka_unit_test(printable_text_is_never_cut_inside_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
