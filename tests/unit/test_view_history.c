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
    assert_string_equal(
        w.out, "ENDED                   DID   MODEL        OUTCOME  MOVED  TOOK    RATE\n"
               "Less than a second ago  pull  llama3.2:3b  ok       2 GB   16m40s  2 MB/s\n");
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
        cmocka_unit_test(sums_are_rows_of_a_table),
        cmocka_unit_test(an_empty_history_is_called_so_unless_bounds_were_set),
        cmocka_unit_test(csv_has_names_then_values_with_quotes_where_they_are_needed),
        cmocka_unit_test(csv_of_nothing_is_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
