#include "view_world.h"

static const unsigned widths[] = {20, 33, 39, 40, 60, 80, 99, 120, 300};

static struct terminal *play(struct view_world *w, struct terminal *t)
{
    terminal_feed(t, w->out, w->out_size);
    terminal_feed(t, w->err, w->err_size);
    return t;
}

static struct terminal *terminal_new(unsigned width)
{
    struct terminal *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    t->width = width;
    return t;
}

static bool begins_box(const char *line)
{
    static const char *const corners[] = {"╭", "╰", "├", "╔", "╚", "╠", "║", "┏", "┗", "┣", "┃"};
    for (size_t i = 0; i < PLM_COUNT(corners); i++)
        if (strncmp(line, corners[i], strlen(corners[i])) == 0)
            return true;
    return false;
}

static void assert_boxes_line_up(const struct terminal *t, unsigned width)
{
    char line[TERMINAL_CELLS * 4];
    unsigned boxes = 0;
    for (unsigned row = 0; row < t->rows; row++) {
        unsigned cells = terminal_row(t, row, line, sizeof(line));
        if (!begins_box(line))
            continue;
        boxes++;
        assert_int_equal(cells, width < 100 ? width : 100);
    }
    assert_true(boxes >= 5);
}

static void boxes_line_up_and_nothing_is_wider_than_the_terminal(void **state)
{
    (void)state;
    static const enum plm_event_kind ends[] = {PLM_EV_COMPLETED, PLM_EV_FAILED, PLM_EV_INTERRUPTED};
    for (size_t end = 0; end < PLM_COUNT(ends); end++) {
        for (size_t i = 0; i < PLM_COUNT(widths); i++) {
            struct view_world w = {0};
            w.options.verbose = i % 2;
            world_terminal(&w, PLM_VIEW_TABLE, widths[i]);
            strcpy(w.samples.ref.model, "a-model-with-quite-a-long-name-that-needs-room");
            world_pull(&w, ends[end]);
            world_end(&w);
            struct terminal *t = play(&w, terminal_new(widths[i]));
            assert_boxes_line_up(t, widths[i]);
            assert_false(t->cursor_hidden);
            free(t);
            world_close(&w);
        }
    }
}

static void without_unicode_the_layout_is_the_same_in_ascii(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLM_COUNT(widths); i++) {
        struct view_world w = {0};
        world_terminal(&w, PLM_VIEW_TABLE, widths[i]);
        w.screen.unicode = w.screen.colour = false;
        world_pull(&w, PLM_EV_COMPLETED);
        world_end(&w);
        for (size_t at = 0; at < w.out_size; at++)
            assert_true((unsigned char)w.out[at] < 0x80);
        assert_null(strstr(w.out, "\x1b[3"));
        struct terminal *t = play(&w, terminal_new(widths[i]));
        char line[TERMINAL_CELLS * 4];
        unsigned rules = 0;
        for (unsigned row = 0; row < t->rows; row++) {
            unsigned cells = terminal_row(t, row, line, sizeof(line));
            if (line[0] != '+')
                continue;
            rules++;
            assert_int_equal(cells, widths[i] < 100 ? widths[i] : 100);
            assert_int_equal(line[strlen(line) - 1], '+');
        }
        assert_int_equal(rules, 5);
        free(t);
        world_close(&w);
    }
}

static void the_closing_box_has_real_values_in_one_column(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_TABLE, 60);
    w.screen.colour = false;
    world_emit(&w, PLM_EV_PULL_START);
    world_emit(&w, PLM_EV_COMPLETED);
    world_end(&w);
    struct terminal *t = play(&w, terminal_new(60));
    assert_int_equal(
        terminal_count(t, "║  ✓  pulled llama3.2:3b                                   ║"), 1);
    assert_int_equal(
        terminal_count(t, "║    size      3 GB                                        ║"), 1);
    assert_int_equal(
        terminal_count(t, "║    blobs     3                                           ║"), 1);
    assert_int_equal(
        terminal_count(t, "║    elapsed   12m34s                                      ║"), 1);
    assert_int_equal(
        terminal_count(t, "║    avg rate  2.7 MB/s                                    ║"), 1);
    free(t);
    world_close(&w);
}

static void the_live_area_shows_the_job_and_its_blobs_and_goes(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_TABLE, 100);
    w.screen.colour = false;
    world_emit(&w, PLM_EV_PULL_START);
    world_emit(&w, PLM_EV_PLAN);
    for (uint32_t i = 1; i <= 11; i++) {
        struct plm_event event = sample_event(&w.samples, PLM_EV_PROGRESS);
        event.blob.index = i;
        event.blob.total = 12;
        world_event(&w, &event);
    }
    world_now_ms += 1000;
    plm_view_tick(w.view);
    fflush(w.options.out);
    struct terminal *t = play(&w, terminal_new(100));
    assert_true(t->cursor_hidden);
    assert_int_equal(terminal_count(t, "│  [██████████████████▉░░░░░░░░░░░] 63% 1.9 GB/3 GB · 35 "
                                       "MB/s · eta 48s · 4 connections"),
                     1);
    assert_int_equal(terminal_count(t, "bdbdbdbdbdbd ["), 8);
    assert_int_equal(terminal_count(t, "+3 more"), 1);
    free(t);
    world_emit(&w, PLM_EV_COMPLETED);
    world_end(&w);
    t = play(&w, terminal_new(100));
    assert_false(t->cursor_hidden);
    assert_int_equal(terminal_count(t, "eta"), 0);
    assert_int_equal(terminal_count(t, "bdbdbdbdbdbd"), 0);
    assert_int_equal(terminal_count(t, "╭─ pulling llama3.2:3b ─"), 1);
    assert_int_equal(terminal_count(t, "╰─"), 1);
    free(t);
    world_close(&w);
}

static void redraws_are_at_most_ten_a_second(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_TABLE, 80);
    world_emit(&w, PLM_EV_PULL_START);
    world_emit(&w, PLM_EV_PLAN);
    size_t writes = 0, before = w.out_size;
    for (int i = 0; i < 1000; i++) {
        struct plm_event event = sample_event(&w.samples, PLM_EV_PROGRESS);
        struct plm_sink sink = plm_view_sink(w.view);
        event.progress.overall_done += (uint64_t)i;
        sink.emit(sink.ctx, &event);
        plm_view_tick(w.view);
        fflush(w.options.out);
        writes += w.out_size != before;
        before = w.out_size;
        world_now_ms += 1;
    }
    assert_true(writes >= 9 && writes <= 11);
    world_emit(&w, PLM_EV_COMPLETED);
    world_close(&w);
}

static void low_and_narrow_terminals_get_one_line(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_TABLE, 39);
    world_emit(&w, PLM_EV_PULL_START);
    world_emit(&w, PLM_EV_PLAN);
    for (int i = 0; i < 20; i++)
        world_emit(&w, PLM_EV_PROGRESS);
    struct terminal *t = play(&w, terminal_new(39));
    assert_int_equal(terminal_count(t, "63% 1.9 GB/3 GB"), 1);
    assert_int_equal(terminal_count(t, "█"), 0);
    assert_null(strstr(w.out, "A\x1b"));
    free(t);
    world_emit(&w, PLM_EV_COMPLETED);
    world_close(&w);
}

static void a_narrowed_terminal_is_measured_before_each_redraw(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_TABLE, 120);
    world_emit(&w, PLM_EV_PULL_START);
    world_emit(&w, PLM_EV_PLAN);
    world_emit(&w, PLM_EV_PROGRESS);
    w.screen.width = 50;
    size_t before = w.out_size;
    world_now_ms += 1000;
    world_emit(&w, PLM_EV_PROGRESS);
    struct terminal *t = terminal_new(50);
    t->row = 20; /* what was drawn before has been wrapped by the terminal */
    terminal_feed(t, w.out + before, w.out_size - before);
    assert_int_equal(terminal_count(t, "63% 1.9 GB/3 GB"), 1);
    free(t);
    world_emit(&w, PLM_EV_COMPLETED);
    world_close(&w);
}

static void a_failure_is_boxed_once_on_the_error_stream(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_TABLE, 80);
    w.screen.colour = false;
    world_emit(&w, PLM_EV_PULL_START);
    world_emit(&w, PLM_EV_FAILED);
    world_end(&w);
    assert_null(strstr(w.out, "network failure"));
    assert_non_null(strstr(w.err, "┃  ✗  network failure"));
    assert_non_null(strstr(w.err, "hint: run the same command again to resume"));
    assert_null(strstr(w.err, "error:"));
    assert_null(strchr(w.err, '\x1b'));
    world_close(&w);
}

static void an_interruption_says_how_to_resume(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_TABLE, 80);
    w.screen.colour = false;
    world_emit(&w, PLM_EV_PULL_START);
    world_emit(&w, PLM_EV_INTERRUPTED);
    w.samples.error.code = PLM_E_INTERRUPTED;
    world_emit(&w, PLM_EV_FAILED);
    world_end(&w);
    assert_non_null(strstr(w.err, "│  resume with: pullama llama3.2:3b"));
    char *first = strstr(w.err, "interrupted");
    assert_non_null(first);
    assert_null(strstr(first + 1, "interrupted"));
    struct terminal *t = terminal_new(80);
    terminal_feed(t, w.out, w.out_size);
    assert_false(t->cursor_hidden);
    free(t);
    world_close(&w);
}

static void warnings_stay_whole_and_go_to_the_error_stream(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_terminal(&w, PLM_VIEW_TABLE, 40);
    w.screen.colour = false;
    world_emit(&w, PLM_EV_PULL_START);
    struct plm_event event = sample_event(&w.samples, PLM_EV_WARNING);
    event.text.message = "the first part of a sentence that is longer than forty cells are";
    world_event(&w, &event);
    assert_non_null(
        strstr(w.err, "│  ⚠ the first part of a sentence that\n│    is longer than forty"));
    assert_null(strstr(w.out, "sentence"));
    world_emit(&w, PLM_EV_COMPLETED);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_line_up_and_nothing_is_wider_than_the_terminal),
        cmocka_unit_test(without_unicode_the_layout_is_the_same_in_ascii),
        cmocka_unit_test(the_closing_box_has_real_values_in_one_column),
        cmocka_unit_test(the_live_area_shows_the_job_and_its_blobs_and_goes),
        cmocka_unit_test(redraws_are_at_most_ten_a_second),
        cmocka_unit_test(low_and_narrow_terminals_get_one_line),
        cmocka_unit_test(a_narrowed_terminal_is_measured_before_each_redraw),
        cmocka_unit_test(a_failure_is_boxed_once_on_the_error_stream),
        cmocka_unit_test(an_interruption_says_how_to_resume),
        cmocka_unit_test(warnings_stay_whole_and_go_to_the_error_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
