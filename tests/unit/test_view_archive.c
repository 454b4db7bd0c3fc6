#include "view_world.h"

static void emit(struct view_world *w, enum plm_verb verb, enum plm_event_kind kind,
                 uint32_t models)
{
    struct plm_event event = sample_event(&w->samples, kind);
    event.verb = verb;
    if (models != 1)
        event.ref = NULL;
    if (kind == PLM_EV_EXPORT_START || kind == PLM_EV_IMPORT_START) {
        event.archive.models = models;
        event.archive.path = "/media/a.zip";
    }
    world_event(w, &event);
}

static void an_export_is_told_in_lines(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit(&w, PLM_VERB_EXPORT, PLM_EV_EXPORT_START, 1);
    emit(&w, PLM_VERB_EXPORT, PLM_EV_EXPORTED, 1);
    emit(&w, PLM_VERB_EXPORT, PLM_EV_COMPLETED, 1);
    assert_non_null(
        strstr(w.out, "exporting llama3.2:3b to /media/a.zip in 3 parts: 7 blobs, 3 GB\n"));
    assert_non_null(
        strstr(w.out, "exported llama3.2:3b to /media/a.zip in 3 parts  3 GB in 12m34s\n"));
    assert_null(strchr(w.out, '\x1b'));
    world_close(&w);
}

static void an_import_names_each_model(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit(&w, PLM_VERB_IMPORT, PLM_EV_IMPORT_START, 2);
    emit(&w, PLM_VERB_IMPORT, PLM_EV_IMPORTED, 1);
    emit(&w, PLM_VERB_IMPORT, PLM_EV_COMPLETED, 2);
    assert_non_null(strstr(w.out, "importing 2 models from /media/a.zip in 3 parts"));
    assert_non_null(strstr(w.out, "  imported llama3.2:3b  2.0 GB\n"));
    assert_non_null(strstr(w.out, "imported 2 models from /media/a.zip in 3 parts  3 GB"));
    world_close(&w);
}

static void progress_is_the_archives_however_many_models_it_has(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_COMPACT);
    emit(&w, PLM_VERB_IMPORT, PLM_EV_IMPORT_START, 60);
    size_t before = w.out_size;
    for (unsigned model = 1; model <= 60; model++) {
        struct plm_event event = sample_event(&w.samples, PLM_EV_PLAN);
        event.verb = PLM_VERB_IMPORT;
        event.plan.present = 0;
        world_event(&w, &event);
        event = sample_event(&w.samples, PLM_EV_PROGRESS);
        event.verb = PLM_VERB_IMPORT;
        event.progress.overall_total = 60;
        event.progress.overall_done = model;
        world_event(&w, &event);
    }
    unsigned lines = 0;
    for (const char *c = w.out + before; *c; c++)
        lines += *c == '\n';
    assert_in_range(lines, 10, 20); /* not a line for each model */
    world_end(&w);
    world_close(&w);
}

static void quiet_says_one_line(void **state)
{
    (void)state;
    struct view_world w = {.options.quiet = true};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit(&w, PLM_VERB_IMPORT, PLM_EV_IMPORT_START, 2);
    emit(&w, PLM_VERB_IMPORT, PLM_EV_IMPORTED, 1);
    emit(&w, PLM_VERB_IMPORT, PLM_EV_COMPLETED, 2);
    assert_string_equal(w.out, "imported 2 models from /media/a.zip in 3 parts  3 GB in 12m34s\n");
    world_close(&w);
}

static void a_hostile_path_does_not_reach_the_terminal(void **state)
{
    (void)state;
    for (int terminal = 0; terminal < 2; terminal++) {
        struct view_world w = {0};
        if (terminal)
            world_terminal(&w, PLM_VIEW_TABLE, 80);
        else
            world_pipe(&w, PLM_VIEW_TABLE);
        struct plm_event event = sample_event(&w.samples, PLM_EV_EXPORT_START);
        event.verb = PLM_VERB_EXPORT;
        world_event(&w, &event);
        assert_null(strstr(w.out, "\x1b[31m\""));
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_export_is_told_in_lines),
        cmocka_unit_test(an_import_names_each_model),
        cmocka_unit_test(progress_is_the_archives_however_many_models_it_has),
        cmocka_unit_test(quiet_says_one_line),
        cmocka_unit_test(a_hostile_path_does_not_reach_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
