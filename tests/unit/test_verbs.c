#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/args.h"

static void every_verb_is_found_by_each_of_its_names(void **state)
{
    (void)state;
    const struct plm_verb_row *row;
    size_t count = 0;
    for (; (row = plm_verb_at(count)); count++) {
        assert_ptr_equal(plm_verb_find(row->name), row);
        assert_ptr_equal(plm_verb_row(row->verb), row);
        if (row->alias)
            assert_ptr_equal(plm_verb_find(row->alias), row);
        assert_true(strlen(row->summary) > 0);
        assert_true(row->min_operands <= row->max_operands);
        assert_true((strlen(row->operands) > 0) == (row->max_operands > 0));
        assert_int_equal(row->options & PLM_OPTIONS_COMMON, 0);
        assert_false(plm_verb_is_reserved(row->name));
    }
    assert_int_equal(count, PLM_VERBS);
    assert_null(plm_verb_find("LIST"));
    assert_null(plm_verb_find(""));
}

static void commands_of_later_versions_are_reserved(void **state)
{
    (void)state;
    const char *const later[] = {"get", "serve"};
    for (size_t i = 0; i < PLM_COUNT(later); i++) {
        assert_true(plm_verb_is_reserved(later[i]));
        assert_null(plm_verb_find(later[i]));
    }
    assert_false(plm_verb_is_reserved("llama3.2"));
}

static void verbs_of_two_words_are_found_by_both(void **state)
{
    (void)state;
    char words[80];
    assert_true(plm_verb_is_group("queue"));
    assert_false(plm_verb_is_group("que") || plm_verb_is_group("queue add") ||
                 plm_verb_is_group("list") || plm_verb_is_group(""));
    assert_ptr_equal(plm_verb_find_in("queue", "add"), plm_verb_row(PLM_VERB_QUEUE_ADD));
    assert_ptr_equal(plm_verb_find_in("queue", "ls"), plm_verb_row(PLM_VERB_QUEUE_LIST));
    assert_null(plm_verb_find_in("queue", "ad"));
    assert_null(plm_verb_find_in("list", "add"));
    assert_string_equal(plm_verb_group_words("queue", words, sizeof(words)),
                        "add, list, start, rm, retry, clear");
}

static void every_option_belongs_to_a_verb(void **state)
{
    (void)state;
    uint64_t taken = PLM_OPTIONS_COMMON;
    const struct plm_verb_row *row;
    for (size_t n = 0; (row = plm_verb_at(n)); n++)
        taken |= row->options;
    assert_true(taken == PLM_OPT_BIT(PLM_OPTIONS) - 1);
}

static void the_nearest_verb_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(plm_verb_nearest("shwo")->name, "show");
    assert_string_equal(plm_verb_nearest("clea")->name, "clean");
    assert_string_equal(plm_verb_nearest("puul")->name, "pull");
    assert_null(plm_verb_nearest("mistral"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_is_found_by_each_of_its_names),
        cmocka_unit_test(commands_of_later_versions_are_reserved),
        cmocka_unit_test(verbs_of_two_words_are_found_by_both),
        cmocka_unit_test(every_option_belongs_to_a_verb),
        cmocka_unit_test(the_nearest_verb_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
