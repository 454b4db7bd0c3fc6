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
    const char *const later[] = {"outdated", "update", "export", "import", "get", "serve"};
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

static void each_operand_of_pull_and_rm_is_one_job(void **state)
{
    (void)state;
    const char *models[] = {"a", "b"};
    struct plm_args args = {.operands = models, .operand_count = 2};
    args.values[PLM_OPT_DRY_RUN].given = true;
    const enum plm_verb verbs[] = {PLM_VERB_PULL, PLM_VERB_RM};
    for (size_t i = 0; i < PLM_COUNT(verbs); i++) {
        struct plm_job_spec spec = {0};
        args.verb = plm_verb_row(verbs[i]);
        for (size_t n = 0; n < 2; n++) {
            assert_true(args.verb->job(&args, n, &spec));
            assert_int_equal(spec.verb, verbs[i]);
            assert_string_equal(spec.model, models[n]);
            assert_true(spec.dry_run);
        }
        assert_false(args.verb->job(&args, 2, &spec));
    }
}

static void other_verbs_are_one_job(void **state)
{
    (void)state;
    const char *names[] = {"a", "b"};
    struct plm_args args = {.operands = names};
    struct plm_job_spec spec = {0};

    args.verb = plm_verb_row(PLM_VERB_CP);
    args.operand_count = 2;
    assert_true(args.verb->job(&args, 0, &spec));
    assert_string_equal(spec.model, "a");
    assert_string_equal(spec.target, "b");
    assert_false(spec.dry_run);
    assert_false(args.verb->job(&args, 1, &spec));

    args.verb = plm_verb_row(PLM_VERB_LIST);
    args.operand_count = 0;
    assert_true(args.verb->job(&args, 0, &spec));
    assert_int_equal(spec.verb, PLM_VERB_LIST);
    assert_null(spec.model);
    assert_null(spec.target);

    args.verb = plm_verb_row(PLM_VERB_VERIFY);
    args.operand_count = 2;
    args.values[PLM_OPT_FAST].given = true;
    assert_true(args.verb->job(&args, 0, &spec));
    assert_int_equal(spec.model_count, 2);
    assert_string_equal(spec.models[1], "b");
    assert_true(spec.fast);
    assert_false(args.verb->job(&args, 1, &spec));

    assert_null(plm_verb_row(PLM_VERB_VERSION)->job);
    assert_null(plm_verb_row(PLM_VERB_NONE)->job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_is_found_by_each_of_its_names),
        cmocka_unit_test(commands_of_later_versions_are_reserved),
        cmocka_unit_test(verbs_of_two_words_are_found_by_both),
        cmocka_unit_test(every_option_belongs_to_a_verb),
        cmocka_unit_test(the_nearest_verb_is_suggested),
        cmocka_unit_test(each_operand_of_pull_and_rm_is_one_job),
        cmocka_unit_test(other_verbs_are_one_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
