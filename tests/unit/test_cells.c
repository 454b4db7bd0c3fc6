#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cells.h"

static void width_counts_what_terminals_count(void **state)
{
    (void)state;
    assert_int_equal(plm_cells_width(""), 0);
    assert_int_equal(plm_cells_width("abc"), 3);
    assert_int_equal(plm_cells_width("漢字"), 4);
    assert_int_equal(plm_cells_width("e\xcc\x81"), 1);
    assert_int_equal(plm_cells_width("😀"), 2);
    assert_int_equal(plm_cells_width("│█░…"), 4);
    assert_int_equal(plm_cells_width("a\xff"
                                     "b"),
                     3);
}

static void a_cut_fits_and_shows_that_it_is_one(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(plm_cells_cut("llama3.2", 8, "…", out, sizeof(out)), 8);
    assert_string_equal(out, "llama3.2");
    assert_int_equal(plm_cells_cut("llama3.2", 5, "…", out, sizeof(out)), 5);
    assert_string_equal(out, "llam…");
    assert_int_equal(plm_cells_cut("漢字漢字", 6, "…", out, sizeof(out)), 5);
    assert_string_equal(out, "漢字…");
    assert_int_equal(plm_cells_cut("llama3.2", 6, "...", out, sizeof(out)), 6);
    assert_string_equal(out, "lla...");
    assert_int_equal(plm_cells_cut("llama", 2, "...", out, sizeof(out)), 2);
    assert_string_equal(out, "ll");
    assert_int_equal(plm_cells_cut("llama", 0, "…", out, sizeof(out)), 0);
    assert_string_equal(out, "");
}

static void a_cut_stays_within_the_memory_and_keeps_marks(void **state)
{
    (void)state;
    char out[8];
    (void)plm_cells_cut("漢字漢字漢字", 100, "…", out, sizeof(out));
    assert_string_equal(out, "漢…");
    assert_int_equal(plm_cells_cut("ae\xcc\x81"
                                   "b",
                                   2, "", out, sizeof(out)),
                     2);
    assert_string_equal(out, "ae\xcc\x81");
    assert_int_equal(plm_cells_cut("a\xff", 2, "", out, sizeof(out)), 2);
    assert_string_equal(out, "a?");
}

static void a_cut_in_the_middle_keeps_both_ends(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(plm_cells_cut_middle("llama3.2:latest", 15, "…", out, sizeof(out)), 15);
    assert_string_equal(out, "llama3.2:latest");
    assert_int_equal(plm_cells_cut_middle("llama3.2:latest", 9, "…", out, sizeof(out)), 9);
    assert_string_equal(out, "llam…test");
    assert_int_equal(plm_cells_cut_middle("llama3.2:latest", 10, "...", out, sizeof(out)), 10);
    assert_string_equal(out, "llam...est");
    assert_int_equal(plm_cells_cut_middle("漢字漢字:漢", 8, "…", out, sizeof(out)), 8);
    assert_string_equal(out, "漢字…:漢");
    assert_int_equal(plm_cells_cut_middle("llama3.2", 2, "…", out, sizeof(out)), 2);
    assert_string_equal(out, "l…");
    for (unsigned cells = 0; cells < 40; cells++)
        assert_true(plm_cells_cut_middle("e\xcc\x81漢字 and 漢字\xff x", cells, "…", out,
                                         sizeof(out)) <= cells);
}

static void a_cut_in_the_middle_stays_within_the_memory(void **state)
{
    (void)state;
    char out[8] = "";
    assert_int_equal(plm_cells_cut_middle("llama3.2:3b", 9, "…", out, sizeof(out)), 5);
    assert_string_equal(out, "llam…");
}

static void wrapping_loses_no_word_and_exceeds_no_line(void **state)
{
    (void)state;
    const char *text = "the registry does not answer averyveryverylongwordindeed 漢字漢字漢字 end";
    for (unsigned cells = 2; cells < 80; cells++) {
        char joined[256] = "", line[256];
        for (const char *rest = text; *rest;) {
            size_t skip, length = plm_cells_wrap(rest, cells, &skip);
            assert_true(length > 0 && skip >= length);
            memcpy(line, rest, length);
            line[length] = '\0';
            assert_true(plm_cells_width(line) <= cells);
            strncat(joined, rest, skip);
            rest += skip;
        }
        assert_string_equal(joined, text);
    }
}

static void ascii_replaces_each_character_once(void **state)
{
    (void)state;
    char text[] = "a漢b…c";
    plm_cells_ascii(text);
    assert_string_equal(text, "a?b?c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(width_counts_what_terminals_count),
        cmocka_unit_test(a_cut_fits_and_shows_that_it_is_one),
        cmocka_unit_test(a_cut_stays_within_the_memory_and_keeps_marks),
        cmocka_unit_test(a_cut_in_the_middle_keeps_both_ends),
        cmocka_unit_test(a_cut_in_the_middle_stays_within_the_memory),
        cmocka_unit_test(wrapping_loses_no_word_and_exceeds_no_line),
        cmocka_unit_test(ascii_replaces_each_character_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
