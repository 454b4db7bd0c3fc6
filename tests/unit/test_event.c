#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pullama/event.h"

static void every_kind_has_its_own_name(void **state)
{
    (void)state;
    for (int a = 0; a < PLM_EVENT_KINDS; a++) {
        assert_non_null(plm_event_name(a));
        assert_int_equal(strspn(plm_event_name(a), "abcdefghijklmnopqrstuvwxyz_"),
                         strlen(plm_event_name(a)));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(plm_event_name(a), plm_event_name(b));
    }
    assert_string_equal(plm_event_name(PLM_EV_PULL_START), "pull_start");
    assert_string_equal(plm_event_name(PLM_EV_COMPLETED), "completed");
    assert_string_equal(plm_event_name(PLM_EV_FAILED), "failed");
}

static void every_verb_and_reason_has_a_name(void **state)
{
    (void)state;
    for (int verb = 0; verb < PLM_VERBS; verb++)
        assert_true(strlen(plm_verb_name(verb)) > 0);
    for (int reason = 0; reason < PLM_RETRY_REASONS; reason++)
        assert_true(strlen(plm_retry_reason_text(reason)) > 0);
    assert_string_equal(plm_verb_name(PLM_VERB_CLEAN), "clean");
}

static void values_out_of_range_have_names_too(void **state)
{
    (void)state;
    assert_string_equal(plm_event_name(PLM_EVENT_KINDS), "unknown");
    assert_string_equal(plm_verb_name(PLM_VERBS), "none");
    assert_string_equal(plm_retry_reason_text(PLM_RETRY_REASONS), "unknown reason");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_own_name),
        cmocka_unit_test(every_verb_and_reason_has_a_name),
        cmocka_unit_test(values_out_of_range_have_names_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
