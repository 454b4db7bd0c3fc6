#include "view_world.h"

static void set_record(struct view_world *w)
{
    w->samples.record.verb = "pull";
    w->samples.record.reference = "registry.ollama.ai/library/llama3.2:3b";
    w->samples.record.error = "";
    w->samples.sum.name = "hf.co";
}

static void emit_of(struct view_world *w, enum plm_event_kind kind, enum plm_verb verb)
{
    struct plm_event event = sample_event(&w->samples, kind);
    event.verb = verb;
    if (kind == PLM_EV_HISTORY_KEPT)
        event.kept.dropped = 2;
    world_event(w, &event);
}

static void records_are_rows_of_a_table(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    set_record(&w);
    emit_of(&w, PLM_EV_HISTORY, PLM_VERB_HISTORY);
    emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_HISTORY);
    world_end(&w);
    assert_string_equal(w.out, "ENDED   DID   MODEL        OUTCOME  MOVED  TOOK    RATE\n"
                               "0s ago  pull  llama3.2:3b  ok       2 GB   16m40s  2 MB/s\n");
    world_close(&w);
}

/* Every number is whole, and no line wider than the terminal. */
static void check_screen(const struct view_world *w, unsigned width, const char *const *numbers)
{
    struct terminal *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    t->width = width;
    terminal_feed(t, w->out, w->out_size);
    for (; *numbers; numbers++)
        assert_int_equal(terminal_count(t, *numbers), 1);
    free(t);
}

static void on_a_terminal_names_give_way_and_numbers_stay_whole(void **state)
{
    (void)state;
    static const char *const of_record[] = {"40d ago",   "pull",     "interrupted", "46 GB",
                                            "12h59m59s", "987 MB/s", "RATE",        NULL};
    static const char *const of_sum[] = {"1234567",   "4321",     "876 GB", "765 GB",
                                         "12h59m59s", "987 MB/s", "REUSED", NULL};
    for (unsigned width = 40; width <= 160; width += 5) {
        struct view_world w = {0};
        world_terminal(&w, PLM_VIEW_TABLE, width);
        set_record(&w);
        w.samples.record.reference =
            "hf.co/someone/漢字漢字漢字-with-a-long-name-of-its-own:Q4_K_M";
        w.samples.record.ended_ms = 1700000000123 - INT64_C(40) * 86400000;
        w.samples.record.outcome = "interrupted";
        w.samples.record.elapsed_ms = 46799000;
        w.samples.record.fetched = 46000000000;
        w.samples.record.rate = 987000000;
        emit_of(&w, PLM_EV_HISTORY, PLM_VERB_HISTORY);
        emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_HISTORY);
        check_screen(&w, width, of_record);
        world_close(&w);

        world_terminal(&w, PLM_VIEW_TABLE, width);
        set_record(&w);
        w.samples.sum = (struct plm_history_sum){.scope = PLM_HISTORY_HOST,
                                                 .name = "registry.of-a-long-name.example.org:5000",
                                                 .jobs = 1234567,
                                                 .failed = 4321,
                                                 .fetched = 876000000000,
                                                 .reused = 765000000000,
                                                 .elapsed_ms = 46799000,
                                                 .rate = 987000000};
        emit_of(&w, PLM_EV_STATS, PLM_VERB_STATS);
        emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_STATS);
        check_screen(&w, width, of_sum);
        world_close(&w);
    }
}

static void times_out_of_any_database_are_told(void **state)
{
    (void)state;
    static const struct {
        int64_t ended_ms;
        const char *told;
    } rows[] = {
        {0, "never  "},         {1700000000123 - 61000, "1m ago "},
        {INT64_MAX, "0s ago "}, {-86400000, "19676d ago"},
        {INT64_MIN, "d ago "},  {INT64_MIN + 1, "d ago "},
        {-1000, "19675d ago"},  {1700000000123, "0s ago "},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct view_world w = {0};
        world_pipe(&w, PLM_VIEW_TABLE);
        set_record(&w);
        w.samples.record.ended_ms = rows[i].ended_ms;
        emit_of(&w, PLM_EV_HISTORY, PLM_VERB_HISTORY);
        emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_HISTORY);
        world_end(&w);
        assert_non_null(strstr(w.out, rows[i].told));
        assert_null(strstr(w.out, "\n-")); /* no time is before none */
        world_close(&w);
    }
}

static void a_pinned_model_is_shortened_only_where_a_person_reads_it(void **state)
{
    (void)state;
    const char *pinned = "registry.ollama.ai/library/llama3.2:3b@sha256:"
                         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct view_world w = {0};
    for (unsigned terminal = 0; terminal < 2; terminal++) {
        for (unsigned verbose = 0; verbose < 2; verbose++) {
            w.options.verbose = verbose;
            if (terminal)
                world_terminal(&w, PLM_VIEW_TABLE, 160);
            else
                world_pipe(&w, PLM_VIEW_TABLE);
            w.screen.colour = false;
            set_record(&w);
            w.samples.record.reference = pinned;
            emit_of(&w, PLM_EV_HISTORY, PLM_VERB_HISTORY);
            emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_HISTORY);
            world_end(&w);
            const char *shown = strstr(pinned, "llama3.2");
            bool is_short = terminal && !verbose;
            assert_non_null(
                strstr(w.out, is_short ? "  llama3.2:3b@sha256:0123456789ab…  " : shown));
            world_close(&w);
        }
    }

    world_pipe(&w, PLM_VIEW_JSON);
    set_record(&w);
    w.samples.record.reference = pinned;
    emit_of(&w, PLM_EV_HISTORY, PLM_VERB_HISTORY);
    assert_non_null(strstr(w.out, pinned));
    world_end(&w);
    world_close(&w);
}

static void what_is_no_reference_is_shown_as_it_is(void **state)
{
    (void)state;
    static const char *const subjects[] = {"models.zip", "3 models", "all models", ""};
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    set_record(&w);
    for (size_t i = 0; i < PLM_COUNT(subjects); i++) {
        w.samples.record.reference = subjects[i];
        emit_of(&w, PLM_EV_HISTORY, PLM_VERB_HISTORY);
    }
    emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_HISTORY);
    world_end(&w);
    assert_non_null(strstr(w.out, "  models.zip  ok"));
    assert_non_null(strstr(w.out, "  3 models    ok"));
    assert_non_null(strstr(w.out, "  all models  ok"));
    assert_non_null(strstr(w.out, "  -           ok"));
    world_close(&w);
}

static void sums_are_rows_of_a_table(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    set_record(&w);
    emit_of(&w, PLM_EV_STATS, PLM_VERB_STATS);
    emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_STATS);
    world_end(&w);
    assert_string_equal(w.out, "       JOBS  FAILED  FETCHED  REUSED  SENT  TIME    RATE\n"
                               "hf.co  3     1       2 GB     -       -     16m40s  2 MB/s\n");
    world_close(&w);
}

static void an_empty_history_is_called_so_unless_bounds_were_set(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_HISTORY);
    emit_of(&w, PLM_EV_HISTORY_KEPT, PLM_VERB_HISTORY);
    emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_HISTORY);
    world_end(&w);
    assert_string_equal(w.out, "no jobs in the history\n"
                               "history keeps the newest 1000 jobs from now on; 2 dropped\n");
    world_close(&w);
}

static void csv_has_names_then_values_with_quotes_where_they_are_needed(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_CSV);
    set_record(&w);
    w.samples.record.error = "a \"b\", c\x1b[0m\n";
    emit_of(&w, PLM_EV_HISTORY, PLM_VERB_HISTORY);
    emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_HISTORY);
    world_end(&w);
    assert_string_equal(
        w.out, "JobVerb,Reference,Host,StartedAt,EndedAt,ElapsedMs,TotalSize,FetchedBytes,"
               "SentBytes,ReusedBytes,Retries,BytesPerSecond,Outcome,Message\n"
               "pull,registry.ollama.ai/library/llama3.2:3b,hf.co,2023-11-14T21:56:40.000Z,"
               "2023-11-14T22:13:20.000Z,1000000,3000000000,2000000000,0,1000000000,3,2000000,ok,"
               "\"a \"\"b\"\", c\\x1b[0m\\x0a\"\n");
    world_close(&w);
}

static void csv_of_nothing_is_its_names(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_CSV);
    emit_of(&w, PLM_EV_COMPLETED, PLM_VERB_STATS);
    world_end(&w);
    assert_string_equal(w.out, "Scope,Name,Jobs,FailedJobs,InterruptedJobs,FetchedBytes,SentBytes,"
                               "ReusedBytes,Retries,ElapsedMs,BytesPerSecond\n");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_rows_of_a_table),
        cmocka_unit_test(on_a_terminal_names_give_way_and_numbers_stay_whole),
        cmocka_unit_test(times_out_of_any_database_are_told),
        cmocka_unit_test(a_pinned_model_is_shortened_only_where_a_person_reads_it),
        cmocka_unit_test(what_is_no_reference_is_shown_as_it_is),
        cmocka_unit_test(sums_are_rows_of_a_table),
        cmocka_unit_test(an_empty_history_is_called_so_unless_bounds_were_set),
        cmocka_unit_test(csv_has_names_then_values_with_quotes_where_they_are_needed),
        cmocka_unit_test(csv_of_nothing_is_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
