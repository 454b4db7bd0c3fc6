#include "view_world.h"

static void emit_model(struct view_world *w, enum plm_verb verb, enum plm_upstream_verdict verdict)
{
    struct plm_event event = sample_event(&w->samples, PLM_EV_UPSTREAM);
    event.verb = verb;
    event.upstream.verdict = verdict;
    event.upstream.message = verdict >= PLM_UPSTREAM_NOT_SERVED ? "no answer\x1b[1m" : NULL;
    world_event(w, &event);
}

static void each_model_is_a_line_that_begins_with_its_verdict(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    for (int verdict = 0; verdict < PLM_UPSTREAM_VERDICTS; verdict++)
        emit_model(&w, PLM_VERB_OUTDATED, (enum plm_upstream_verdict)verdict);
    world_emit(&w, PLM_EV_OUTDATED_DONE);
    world_emit(&w, PLM_EV_UPDATE_DONE);
    world_end(&w);
    assert_string_equal(w.out, "current     llama3.2:3b\n"
                               "outdated    llama3.2:3b  1 GB of 2.0 GB to fetch, 2 of 6 blobs\n"
                               "not served  llama3.2:3b  no answer\\x1b[1m\n"
                               "unknown     llama3.2:3b  no answer\\x1b[1m\n"
                               "not here    llama3.2:3b  no answer\\x1b[1m\n"
                               "2 of 5 models outdated, 1.5 GB to fetch; of 1 nothing is known\n"
                               "updated 2 models; 1 failed\n");
    world_close(&w);
}

static void on_a_terminal_names_give_way_to_what_is_to_be_fetched(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_TABLE, 70);
    w.screen.colour = false;
    strcpy(w.samples.ref.model, "a-model-with-quite-a-long-name-that-needs-room");
    emit_model(&w, PLM_VERB_OUTDATED, PLM_UPSTREAM_OUTDATED);
    world_end(&w);
    assert_string_equal(w.out,
                        "outdated    a-model-w…s-room:3b  1 GB of 2.0 GB to fetch, 2 of 6 blobs\n");
    world_close(&w);
}

static void an_update_names_only_what_is_not_current(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_model(&w, PLM_VERB_UPDATE, PLM_UPSTREAM_CURRENT);
    world_end(&w);
    assert_string_equal(w.out, "");
    world_close(&w);
}

static void no_models_are_not_counted(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    struct plm_event event = {.kind = PLM_EV_OUTDATED_DONE, .verb = PLM_VERB_OUTDATED, .job = 1};
    world_event(&w, &event);
    event.verb = PLM_VERB_SYNC;
    world_event(&w, &event);
    world_end(&w);
    assert_string_equal(w.out, "there are no models here\nthe lock file names no model\n");
    world_close(&w);
}

static void quiet_leaves_the_summary(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.quiet = true;
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_model(&w, PLM_VERB_OUTDATED, PLM_UPSTREAM_OUTDATED);
    struct plm_event event = sample_event(&w.samples, PLM_EV_OUTDATED_DONE);
    event.outdated = (struct plm_event_outdated){.models = 1, .current = 1};
    world_event(&w, &event);
    world_end(&w);
    assert_string_equal(w.out, "1 of 1 model up to date\n");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_model_is_a_line_that_begins_with_its_verdict),
        cmocka_unit_test(on_a_terminal_names_give_way_to_what_is_to_be_fetched),
        cmocka_unit_test(an_update_names_only_what_is_not_current),
        cmocka_unit_test(no_models_are_not_counted),
        cmocka_unit_test(quiet_leaves_the_summary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
