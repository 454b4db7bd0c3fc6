#include "view_world.h"

static void assert_no_escape(const struct view_world *w)
{
    assert_null(memchr(w->out, '\x1b', w->out_size));
    assert_null(memchr(w->out, '\r', w->out_size));
    assert_null(memchr(w->err, '\x1b', w->err_size));
    for (size_t i = 0; i < w->out_size; i++)
        assert_true((unsigned char)w->out[i] < 0x80);
}

static void a_pipe_never_gets_an_escape_byte(void **state)
{
    (void)state;
    for (int mode = PLM_VIEW_TABLE; mode <= PLM_VIEW_CSV; mode++) {
        for (int flags = 0; flags < 4; flags++) {
            struct view_world w = {0};
            w.options.quiet = flags & 1;
            w.options.verbose = flags & 2;
            world_pipe(&w, mode);
            for (int kind = 0; kind < PLM_EVENT_KINDS; kind++)
                world_emit(&w, kind);
            world_end(&w);
            if (mode != PLM_VIEW_JSON && mode != PLM_VIEW_CSV) /* these two are UTF-8 */
                assert_no_escape(&w);
            assert_null(memchr(w.out, '\x1b', w.out_size));
            world_close(&w);
        }
    }
}

static void a_pull_is_told_in_lines(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    world_emit(&w, PLM_EV_PULL_START);
    world_emit(&w, PLM_EV_MANIFEST_FETCH_START);
    world_emit(&w, PLM_EV_MANIFEST_FETCHED);
    world_emit(&w, PLM_EV_PLAN);
    world_emit(&w, PLM_EV_BLOB_CACHED);
    world_emit(&w, PLM_EV_BLOB_START);
    world_emit(&w, PLM_EV_PROGRESS);
    world_emit(&w, PLM_EV_PROGRESS);
    world_emit(&w, PLM_EV_BLOB_VERIFY_START);
    world_emit(&w, PLM_EV_BLOB_VERIFIED);
    world_emit(&w, PLM_EV_MANIFEST_WRITTEN);
    world_emit(&w, PLM_EV_COMPLETED);
    world_end(&w);
    assert_string_equal(w.out, "pulling llama3.2:3b\n"
                               "  fetching manifest\n"
                               "  manifest: 3 blobs, 3 GB\n"
                               "  here already: 1 GB/3 GB, 1 of 3 blobs\n"
                               "  blob 2/3 bdbdbdbdbdbd downloading (2.0 GB)\n"
                               "   63%  1.9 GB/3 GB  35 MB/s  eta 48s\n"
                               "  blob 2/3 bdbdbdbdbdbd verified (0.1s)\n"
                               "  manifest written\n"
                               "completed llama3.2:3b  3 GB in 12m34s\n");
    assert_int_equal(w.err_size, 0);
    world_close(&w);
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* 1,000 progress events over @p ms. */
static unsigned lines_of_progress(enum plm_view_mode mode, int64_t ms, bool moving)
{
    struct view_world w = {0};
    world_pipe(&w, mode);
    world_emit(&w, PLM_EV_PULL_START);
    unsigned before = count_lines(w.out);
    for (uint64_t i = 0; i <= 1000; i++) {
        struct plm_event event = sample_event(&w.samples, PLM_EV_PROGRESS);
        event.progress.overall_done = moving ? i * 3000000 : 0;
        world_event(&w, &event);
        world_now_ms += ms / 1000 - 40;
    }
    unsigned lines = count_lines(w.out) - before;
    world_close(&w);
    return lines;
}

static void progress_comes_every_five_percent_or_half_a_minute(void **state)
{
    (void)state;
    assert_int_equal(lines_of_progress(PLM_VIEW_TABLE, 41000, true), 20);
    assert_int_equal(lines_of_progress(PLM_VIEW_COMPACT, 41000, true), 20);
    unsigned slow = lines_of_progress(PLM_VIEW_TABLE, 600000, false);
    assert_true(slow >= 19 && slow <= 20);
}

static void a_stalled_pull_is_told_of_too(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    world_emit(&w, PLM_EV_PULL_START);
    world_emit(&w, PLM_EV_PROGRESS);
    unsigned before = count_lines(w.out);
    for (int second = 0; second < 65; second++) {
        world_now_ms += 1000;
        plm_view_tick(w.view);
    }
    fflush(w.options.out);
    assert_int_equal(count_lines(w.out) - before, 2);
    world_end(&w);
    world_close(&w);
}

static void compact_is_three_lines(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_COMPACT);
    world_pull(&w, PLM_EV_COMPLETED);
    world_end(&w);
    assert_string_equal(w.out, "pulling llama3.2:3b\n"
                               "63% 1.9/3 GB\n"
                               "completed 3 GB 12m34s\n");
    world_close(&w);
}

static void compact_overwrites_its_line_on_a_terminal(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_COMPACT, 80);
    world_emit(&w, PLM_EV_PULL_START);
    world_emit(&w, PLM_EV_PLAN);
    for (int i = 0; i < 50; i++)
        world_emit(&w, PLM_EV_PROGRESS);
    world_emit(&w, PLM_EV_COMPLETED);
    world_end(&w);
    struct terminal *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    t->width = 80;
    terminal_feed(t, w.out, w.out_size);
    assert_int_equal(t->rows, 3);
    assert_int_equal(terminal_count(t, "%"), 0);
    assert_int_equal(terminal_count(t, "completed 3 GB 12m34s"), 1);
    assert_false(t->cursor_hidden);
    free(t);
    world_close(&w);
}

static void quiet_is_one_line_and_errors(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.quiet = true;
    world_pipe(&w, PLM_VIEW_TABLE);
    world_pull(&w, PLM_EV_COMPLETED);
    assert_string_equal(w.out, "pulled llama3.2:3b  3 GB in 12m34s\n");
    assert_int_equal(w.err_size, 0);
    struct plm_event event = sample_event(&w.samples, PLM_EV_COMPLETED);
    event.completed.up_to_date = true;
    world_event(&w, &event);
    assert_non_null(strstr(w.out, "\nllama3.2:3b is up to date\n"));
    world_emit(&w, PLM_EV_FAILED);
    assert_memory_equal(w.err, "error: llama3.2:3b: a\\x1b[31m", 28);
    assert_non_null(strstr(w.err, "\nhint: run the same command again to resume\n"));
    world_end(&w);
    world_close(&w);
}

static void an_error_is_printed_once_in_every_mode(void **state)
{
    (void)state;
    for (int mode = PLM_VIEW_TABLE; mode <= PLM_VIEW_DEBUG; mode++) {
        struct view_world w = {0};
        world_pipe(&w, mode);
        world_emit(&w, PLM_EV_PULL_START);
        world_emit(&w, PLM_EV_FAILED);
        world_end(&w);
        assert_memory_equal(w.err, "error: ", 7);
        assert_null(strstr(w.err + 1, "error: "));
        assert_int_equal(count_lines(w.err), 2);
        world_close(&w);
    }
}

static void a_failure_without_a_job_is_shown_too(void **state)
{
    (void)state;
    struct view_world w = {0};
    struct plm_error error = {0};
    (void)plm_fail(&error, PLM_E_USAGE, "no models directory");
    world_pipe(&w, PLM_VIEW_JSON);
    plm_view_fail(w.view, PLM_VERB_PULL, &error);
    world_end(&w);
    assert_memory_equal(w.out, "{\"event\":\"failed\",\"seq\":1,", 25);
    assert_non_null(strstr(w.out, "\"ExitStatus\":64"));
    assert_non_null(strstr(w.err, "error: no models directory\n"));
    world_close(&w);
}

static void an_interruption_says_how_to_resume(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    world_pull(&w, PLM_EV_INTERRUPTED);
    world_end(&w);
    assert_non_null(strstr(w.err, "\ninterrupted - resume with: pullama llama3.2:3b\n"));
    assert_null(strstr(w.err, "error:"));
    world_close(&w);
}

static void an_interruption_of_several_models_is_said_once(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.flags = "--models-dir /m ";
    w.options.models = "a http://b/c/d";
    world_pipe(&w, PLM_VIEW_TABLE);
    world_emit(&w, PLM_EV_PULL_START);
    struct plm_event event = sample_event(&w.samples, PLM_EV_INTERRUPTED);
    event.job++;
    event.ref = NULL; /* a job that had to wait for the first one */
    world_event(&w, &event);
    world_emit(&w, PLM_EV_INTERRUPTED);
    world_end(&w);
    assert_string_equal(w.err, "interrupted - resume with: pullama pull --models-dir /m "
                               "a http://b/c/d\n");
    world_close(&w);
}

static void a_failure_says_of_which_model_it_is(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.quiet = true;
    world_pipe(&w, PLM_VIEW_TABLE);
    world_emit(&w, PLM_EV_PULL_START);
    (void)snprintf(w.samples.error.msg, sizeof(w.samples.error.msg), "manifest: r.io answered 503");
    world_emit(&w, PLM_EV_FAILED);
    assert_memory_equal(w.err, "error: llama3.2:3b: manifest: r.io answered 503\n", 48);
    (void)snprintf(w.samples.error.msg, sizeof(w.samples.error.msg), "r.io has no llama3.2:3b");
    world_emit(&w, PLM_EV_FAILED);
    assert_non_null(strstr(w.err, "\nerror: r.io has no llama3.2:3b\n"));
    world_end(&w);
    world_close(&w);
}

static void a_burst_of_equal_retries_is_one_line(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    for (int i = 0; i < 20; i++)
        world_emit(&w, PLM_EV_RETRY);
    assert_int_equal(count_lines(w.err), 1);
    assert_memory_equal(w.err, "warning: retry 2/6: blob: stalled", 33);
    world_now_ms += 5000;
    world_emit(&w, PLM_EV_RETRY);
    assert_non_null(strstr(w.err, "(+19 more)"));
    world_end(&w);
    world_close(&w);
}

static void a_dry_run_says_what_would_be(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    struct plm_event event = sample_event(&w.samples, PLM_EV_PLAN);
    event.plan.dry_run = true;
    world_event(&w, &event);
    event = sample_event(&w.samples, PLM_EV_COMPLETED);
    event.completed.dry_run = true;
    world_event(&w, &event);
    world_end(&w);
    assert_string_equal(w.out, "would fetch 2 GB of 3 GB for llama3.2:3b\n"
                               "  here: 1 of 3 blobs\n"
                               "  disk: needs 2.1 GB, has 90 GB free: fits\n");
    world_close(&w);
}

static void output_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    struct view_world w = {0};
    struct plm_error err = {0};
    w.screen = (struct plm_screen){.out_fd = -1, .width = 80, .height = 24};
    world_open(&w, PLM_VIEW_TABLE);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    plm_view_free(w.view);
    w.view = NULL;
    struct plm_view_options options = w.options;
    options.out = full;
    assert_true(plm_view_new(&options, &w.view, &err));
    world_emit(&w, PLM_EV_VERSION);
    assert_false(plm_view_end(w.view, &err));
    assert_int_equal(err.code, PLM_E_NOSPACE);
    fclose(full);
    world_close(&w);
}

static void the_last_line_of_progress_is_that_of_the_last_byte(void **state)
{
    (void)state;
    static const unsigned percents[] = {2, 40, 94, 96, 99, 100, 100};
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_COMPACT);
    for (size_t i = 0; i < PLM_COUNT(percents); i++) {
        struct plm_event event = sample_event(&w.samples, PLM_EV_PROGRESS);
        event.progress.overall_done = percents[i] * UINT64_C(30000000);
        world_event(&w, &event);
    }
    world_end(&w);
    assert_string_equal(w.out, "40% 1.2/3 GB\n94% 2.8/3 GB\n100% 3/3 GB\n");
    world_close(&w);
}

static void right_before_its_end_only_a_slow_pull_says_more(void **state)
{
    (void)state;
    static const struct {
        unsigned percent, seconds;
    } rows[] = {{60, 1}, {97, 31}, {98, 1}, {99, 31}, {99, 1}, {100, 1}};
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_COMPACT);
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_event event = sample_event(&w.samples, PLM_EV_PROGRESS);
        event.progress.overall_done = rows[i].percent * UINT64_C(30000000);
        world_now_ms += rows[i].seconds * 1000;
        world_event(&w, &event);
    }
    world_end(&w);
    assert_string_equal(w.out, "60% 1.8/3 GB\n97% 2.9/3 GB\n99% 3.0/3 GB\n100% 3/3 GB\n");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_never_gets_an_escape_byte),
        cmocka_unit_test(a_pull_is_told_in_lines),
        cmocka_unit_test(progress_comes_every_five_percent_or_half_a_minute),
        cmocka_unit_test(the_last_line_of_progress_is_that_of_the_last_byte),
        cmocka_unit_test(right_before_its_end_only_a_slow_pull_says_more),
        cmocka_unit_test(a_stalled_pull_is_told_of_too),
        cmocka_unit_test(compact_is_three_lines),
        cmocka_unit_test(compact_overwrites_its_line_on_a_terminal),
        cmocka_unit_test(quiet_is_one_line_and_errors),
        cmocka_unit_test(an_error_is_printed_once_in_every_mode),
        cmocka_unit_test(a_failure_without_a_job_is_shown_too),
        cmocka_unit_test(an_interruption_says_how_to_resume),
        cmocka_unit_test(an_interruption_of_several_models_is_said_once),
        cmocka_unit_test(a_failure_says_of_which_model_it_is),
        cmocka_unit_test(a_burst_of_equal_retries_is_one_line),
        cmocka_unit_test(a_dry_run_says_what_would_be),
        cmocka_unit_test(output_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
