#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/args.h"

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
        cmocka_unit_test(each_operand_of_pull_and_rm_is_one_job),
        cmocka_unit_test(other_verbs_are_one_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
