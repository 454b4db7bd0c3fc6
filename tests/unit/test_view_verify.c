#include "view_world.h"

static struct plm_event verify_event(const struct view_world *w, enum plm_event_kind kind)
{
    struct plm_event event = sample_event(&w->samples, kind);
    event.verb = PLM_VERB_VERIFY;
    event.ref = NULL;
    return event;
}

static void emit(struct view_world *w, enum plm_event_kind kind)
{
    struct plm_event event = verify_event(w, kind);
    world_event(w, &event);
}

static void emit_blob(struct view_world *w, enum plm_blob_verdict verdict)
{
    struct plm_event event = verify_event(w, PLM_EV_BLOB_CHECKED);
    event.blob_checked.verdict = verdict;
    event.blob_checked.found_size = 1000;
    event.blob_checked.message = verdict == PLM_BLOB_UNREADABLE ? "blobs: no right" : NULL;
    event.blob_checked.checked_s = verdict == PLM_BLOB_TRUSTED ? 1700000000 : 0;
    world_event(w, &event);
}

static void emit_model(struct view_world *w, enum plm_model_verdict verdict, uint32_t bad)
{
    struct plm_event event = verify_event(w, PLM_EV_MODEL_CHECKED);
    event.model_checked.verdict = verdict;
    event.model_checked.blobs_bad = bad;
    event.model_checked.blobs_repaired = verdict == PLM_MODEL_REPAIRED;
    event.model_checked.message = verdict == PLM_MODEL_BAD_MANIFEST ? "manifests/x: no JSON" : NULL;
    if (verdict >= PLM_MODEL_BAD_MANIFEST)
        event.model_checked.blobs = 0;
    world_event(w, &event);
}

static void emit_all(struct view_world *w)
{
    emit(w, PLM_EV_VERIFY_START);
    for (int verdict = 0; verdict < PLM_BLOB_VERDICTS; verdict++)
        emit_blob(w, verdict);
    for (int verdict = 0; verdict < PLM_MODEL_VERDICTS; verdict++)
        emit_model(w, verdict, verdict == PLM_MODEL_DAMAGED ? 2 : 0);
    emit(w, PLM_EV_VERIFY_DONE);
    w->samples.error.code = PLM_E_INTEGRITY;
    strcpy(w->samples.error.msg, "damaged: llama3.2:3b");
    emit(w, PLM_EV_FAILED);
    world_end(w);
}

#define NEEDED ", needed by llama3.2:3b, hf.co/someone/llama3.2:3b"
static const char damages[] =
    "damaged: blob bdbdbdbdbdbd has wrong bytes" NEEDED "\n"
    "damaged: blob bdbdbdbdbdbd is truncated (1 KB/2.0 GB)" NEEDED "\n"
    "damaged: blob bdbdbdbdbdbd is too large (1 KB/2.0 GB)" NEEDED "\n"
    "damaged: blob bdbdbdbdbdbd is missing" NEEDED "\n"
    "damaged: blob bdbdbdbdbdbd is no regular file" NEEDED "\n"
    "damaged: blob bdbdbdbdbdbd cannot be read" NEEDED ": blobs: no right\n"
    "damaged: manifests/x: no JSON\n"
    "error: damaged: llama3.2:3b\n";

static void models_are_results_and_damage_is_told_as_errors(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_all(&w);
    assert_string_equal(w.out,
                        "verifying 3 models: 7 blobs, 3 GB\n"
                        "  ok       llama3.2:3b 2.0 GB\n"
                        "  trusted  llama3.2:3b 2.0 GB checked on 2023-11-14 and unchanged since\n"
                        "  repaired llama3.2:3b 2.0 GB 1 blob\n"
                        "  changed  llama3.2:3b 2.0 GB removed or replaced meanwhile\n"
                        "  damaged  llama3.2:3b 2.0 GB 2 of 6 blobs\n"
                        "  unread   llama3.2:3b 2.0 GB\n"
                        "  damaged  llama3.2:3b\n"
                        "  missing  llama3.2:3b\n"
                        "checked 3 models  7 blobs (4 trusted), 3 GB in 1.6s: 1 model failed\n");
    assert_memory_equal(w.err, damages, strlen(damages));
    world_close(&w);
}

static void quiet_leaves_the_summary_and_all_errors(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.quiet = true;
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_all(&w);
    assert_string_equal(w.out,
                        "checked 3 models  7 blobs (4 trusted), 3 GB in 1.6s: 1 model failed\n");
    assert_memory_equal(w.err, damages, strlen(damages));
    world_close(&w);
}

static void compact_is_a_line_at_each_end(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_COMPACT);
    emit_all(&w);
    assert_string_equal(w.out,
                        "verifying 3 models\n"
                        "checked 3 models  7 blobs (4 trusted), 3 GB in 1.6s: 1 model failed\n");
    world_close(&w);
}

static void verbose_names_each_blob_and_what_its_trust_rests_on(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.verbose = true;
    world_pipe(&w, PLM_VIEW_TABLE);
    emit(&w, PLM_EV_VERIFY_START);
    emit_blob(&w, PLM_BLOB_OK);
    emit_blob(&w, PLM_BLOB_TRUSTED);
    emit_blob(&w, PLM_BLOB_WRONG_DIGEST);
    world_end(&w);
    assert_string_equal(w.out, "verifying 3 models: 7 blobs, 3 GB\n"
                               "  ok       bdbdbdbdbdbd 2.0 GB [2/3]\n"
                               "  trusted  bdbdbdbdbdbd 2.0 GB [2/3] checked on 2023-11-14 and "
                               "unchanged since\n");
    world_close(&w);
}

static void repairs_are_told_with_what_they_cost(void **state)
{
    (void)state;
    for (int quiet = 0; quiet < 2; quiet++) {
        struct view_world w = {0};
        w.options.quiet = quiet;
        world_pipe(&w, PLM_VIEW_TABLE);
        emit(&w, PLM_EV_REPAIR_START);
        emit(&w, PLM_EV_BLOB_VERIFIED);
        emit(&w, PLM_EV_BLOB_REPAIRED);
        struct plm_error why = {.code = PLM_E_HTTP, .msg = "blob bdbdbdbdbdbd: answered 404"};
        struct plm_event event = verify_event(&w, PLM_EV_BLOB_REPAIRED);
        event.blob_repaired.error = &why;
        world_event(&w, &event);
        event = verify_event(&w, PLM_EV_VERIFY_DONE);
        event.verify.blobs_repaired = 1;
        event.verify.blobs_trusted = 0;
        world_event(&w, &event);
        world_end(&w);
        const char *summary =
            "checked 3 models  7 blobs, 3 GB in 1.6s, 1 repaired: 1 model failed\n";
        const char *told = strstr(w.out, summary);
        assert_non_null(told);
        if (quiet)
            assert_ptr_equal(told, w.out);
        else
            assert_string_equal(w.out, "  repairing 2 blobs 2.0 GB\n"
                                       "  repaired bdbdbdbdbdbd 2.0 GB (67 MB fetched)\n"
                                       "checked 3 models  7 blobs, 3 GB in 1.6s, 1 repaired: "
                                       "1 model failed\n");
        assert_string_equal(w.err, "damaged: blob bdbdbdbdbdbd could not be repaired" NEEDED
                                   ": answered 404\n");
        world_close(&w);
    }
}

static void one_model_is_called_by_its_name(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    const enum plm_event_kind kinds[] = {PLM_EV_VERIFY_START, PLM_EV_VERIFY_DONE};
    for (size_t i = 0; i < PLM_COUNT(kinds); i++) {
        struct plm_event event = verify_event(&w, kinds[i]);
        event.verify.only = &w.samples.ref;
        event.verify.models_bad = event.verify.blobs_bad = event.verify.blobs_trusted = 0;
        world_event(&w, &event);
    }
    world_end(&w);
    assert_string_equal(w.out, "verifying llama3.2:3b: 7 blobs, 3 GB\n"
                               "verified llama3.2:3b  7 blobs, 3 GB in 1.6s\n");
    world_close(&w);
}

static void no_models_are_one_sentence(void **state)
{
    (void)state;
    for (unsigned terminal = 0; terminal < 2; terminal++) {
        struct view_world w = {0};
        if (terminal)
            world_terminal(&w, PLM_VIEW_TABLE, 80);
        else
            world_pipe(&w, PLM_VIEW_TABLE);
        struct plm_event event = {.kind = PLM_EV_VERIFY_START, .verb = PLM_VERB_VERIFY, .job = 1};
        world_event(&w, &event);
        event.kind = PLM_EV_VERIFY_DONE;
        world_event(&w, &event);
        world_end(&w);
        assert_non_null(strstr(w.out, "nothing to verify: there are no models here\n"));
        assert_null(strstr(w.out, "0 blobs"));
        assert_null(strstr(w.out, "─"));
        world_close(&w);
    }
}

/* What is said between the frame's ends stands behind its border. */
static void check_frame(const struct terminal *t)
{
    char line[TERMINAL_CELLS * 4];
    bool is_inside = false;
    unsigned inside = 0;
    for (unsigned row = 0; row < t->rows; row++) {
        (void)terminal_row(t, row, line, sizeof(line));
        if (strncmp(line, "╰", 3) == 0)
            is_inside = false;
        else if (strncmp(line, "╭", 3) == 0)
            is_inside = true;
        else if (is_inside && ++inside)
            assert_memory_equal(line, "│", 3);
    }
    assert_true(inside >= PLM_MODEL_VERDICTS);
}

static void on_a_terminal_nothing_is_wider_and_the_cursor_comes_back(void **state)
{
    (void)state;
    static const unsigned widths[] = {20, 24, 39, 40, 47, 60, 80, 120};
    for (size_t i = 0; i < PLM_COUNT(widths); i++) {
        struct view_world w = {0};
        w.options.verbose = true;
        world_terminal(&w, PLM_VIEW_TABLE, widths[i]);
        strcpy(w.samples.ref.model, "a-model-with-quite-a-long-name-that-needs-room");
        emit(&w, PLM_EV_VERIFY_START);
        emit(&w, PLM_EV_PROGRESS);
        emit_all(&w);
        struct terminal *t = calloc(1, sizeof(*t));
        assert_non_null(t);
        t->width = widths[i];
        terminal_feed(t, w.out, w.out_size);
        terminal_feed(t, w.err, w.err_size);
        char line[TERMINAL_CELLS * 4];
        for (unsigned row = 0; row < t->rows; row++)
            assert_in_range(terminal_row(t, row, line, sizeof(line)), 0, widths[i]);
        check_frame(t);
        assert_false(t->cursor_hidden);
        assert_int_equal(terminal_count(t, " 2.0 GB"), 9); /* of six models, and of three blobs */
        assert_true(terminal_count(t, "m:3b") >= PLM_MODEL_VERDICTS); /* the end of each name */
        assert_int_equal(terminal_count(t, "2 of 6 blobs"), 1);
        if (widths[i] >= 60)
            assert_int_equal(terminal_count(t, "3, 1 failed"), 1);
        free(t);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_are_results_and_damage_is_told_as_errors),
        cmocka_unit_test(quiet_leaves_the_summary_and_all_errors),
        cmocka_unit_test(compact_is_a_line_at_each_end),
        cmocka_unit_test(verbose_names_each_blob_and_what_its_trust_rests_on),
        cmocka_unit_test(repairs_are_told_with_what_they_cost),
        cmocka_unit_test(one_model_is_called_by_its_name),
        cmocka_unit_test(no_models_are_one_sentence),
        cmocka_unit_test(on_a_terminal_nothing_is_wider_and_the_cursor_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
