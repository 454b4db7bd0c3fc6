#include "view_world.h"

static void emit_check(struct view_world *w, enum plm_check_result result, const char *seen,
                       const char *advice)
{
    struct plm_event event = sample_event(&w->samples, PLM_EV_DOCTOR_CHECK);
    event.check.result = result;
    event.check.seen = seen;
    event.check.advice = advice;
    world_event(w, &event);
}

static void rows_say_what_was_seen_what_it_means_and_what_to_do(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    world_emit(&w, PLM_EV_DOCTOR_START);
    emit_check(&w, PLM_CHECK_OK, "192.0.2.1", NULL);
    emit_check(&w, PLM_CHECK_WARN, "no answer", "-4 leaves it out");
    world_emit(&w, PLM_EV_DOCTOR_DONE);
    world_end(&w);
    assert_string_equal(w.out, "looking at https://registry.example.org:5000\n"
                               "CHECK          RESULT   SEEN\n"
                               "address        ok       192.0.2.1\n"
                               "                        another address is used\n"
                               "address        warning  no answer\n"
                               "                        another address is used\n"
                               "                        > -4 leaves it out\n"
                               "https://registry.example.org:5000: 1 of 9 checks failed, "
                               "2 warnings\n");
    world_close(&w);
}

static void what_a_server_said_has_no_control_characters_left(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_check(&w, PLM_CHECK_OK, "a\x1b[31mb\nc", "d\re");
    world_end(&w);
    assert_null(strpbrk(w.out, "\x1b\r"));
    assert_non_null(strstr(w.out, "a\\x1b[31mb\\x0ac"));
    world_close(&w);
}

static void quiet_leaves_the_summary(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.quiet = true;
    world_pipe(&w, PLM_VIEW_TABLE);
    for (int kind = PLM_EV_DOCTOR_START; kind <= PLM_EV_DOCTOR_CHECK; kind++)
        world_emit(&w, kind);
    struct plm_event event = sample_event(&w.samples, PLM_EV_DOCTOR_DONE);
    event.doctor.failures = event.doctor.warnings = 0;
    world_event(&w, &event);
    world_end(&w);
    assert_string_equal(w.out, "https://registry.example.org:5000: nothing stands in the way\n");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_say_what_was_seen_what_it_means_and_what_to_do),
        cmocka_unit_test(what_a_server_said_has_no_control_characters_left),
        cmocka_unit_test(quiet_leaves_the_summary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
