#include "view_world.h"

static struct plm_event entry_event(struct view_world *w, enum plm_event_kind kind,
                                    uint32_t position, enum plm_queue_status status)
{
    struct plm_event event = sample_event(&w->samples, kind);
    w->samples.entry.position = position;
    w->samples.entry.status = status;
    w->samples.entry.error = status == PLM_QUEUE_FAILED ? "no such model" : "";
    event.verb = PLM_VERB_QUEUE_LIST;
    return event;
}

static void emit_entry(struct view_world *w, enum plm_event_kind kind, uint32_t position,
                       enum plm_queue_status status)
{
    struct plm_event event = entry_event(w, kind, position, status);
    world_event(w, &event);
}

static void emit_changed(struct view_world *w, enum plm_verb verb, uint64_t all, uint64_t changed)
{
    struct plm_event event = {.kind = PLM_EV_QUEUE_CHANGED,
                              .verb = verb,
                              .job = 1,
                              .queue = {.count = {.all = all, .queued = all}, .changed = changed}};
    world_event(w, &event);
}

static void a_list_has_a_line_for_each_entry(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_entry(&w, PLM_EV_QUEUE_ENTRY, 1, PLM_QUEUE_QUEUED);
    emit_entry(&w, PLM_EV_QUEUE_ENTRY, 2, PLM_QUEUE_FAILED);
    emit_changed(&w, PLM_VERB_QUEUE_LIST, 2, 0);
    world_end(&w);
    assert_string_equal(w.out, "  1  llama3.2:3b  queued\n"
                               "  2  llama3.2:3b  failed  - no such model\n");
    world_close(&w);
}

static void an_empty_queue_is_called_so(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_changed(&w, PLM_VERB_QUEUE_LIST, 0, 0);
    world_end(&w);
    assert_string_equal(w.out, "queue is empty\n");
    world_close(&w);
}

static void quiet_counts_the_entries(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.quiet = true;
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_entry(&w, PLM_EV_QUEUE_ENTRY, 1, PLM_QUEUE_QUEUED);
    emit_changed(&w, PLM_VERB_QUEUE_LIST, 1, 0);
    world_end(&w);
    assert_string_equal(w.out, "1 queued, 0 active, 0 completed, 0 failed\n");
    world_close(&w);
}

static void changes_are_told_in_the_words_of_pullama(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_changed(&w, PLM_VERB_QUEUE_ADD, 3, 3);
    emit_changed(&w, PLM_VERB_QUEUE_ADD, 3, 0);
    struct plm_event event = entry_event(&w, PLM_EV_QUEUE_ADDED, 2, PLM_QUEUE_ACTIVE);
    event.queued.duplicate = true;
    world_event(&w, &event);
    emit_entry(&w, PLM_EV_QUEUE_REMOVED, 2, PLM_QUEUE_QUEUED);
    emit_changed(&w, PLM_VERB_QUEUE_RM, 2, 1);
    emit_changed(&w, PLM_VERB_QUEUE_CLEAR, 0, 1);
    emit_changed(&w, PLM_VERB_QUEUE_RETRY, 0, 0);
    world_end(&w);
    assert_string_equal(w.out, "added 3 models to queue\n"
                               "all models already in queue\n"
                               "llama3.2:3b is in the queue already: entry 2, active\n"
                               "removed entry 2: llama3.2:3b\n"
                               "removed 1 entry from queue\n"
                               "nothing to retry: no entry has failed\n");
    world_close(&w);
}

static void clearing_says_what_stays_and_why(void **state)
{
    (void)state;
    static const struct {
        uint64_t changed, active, queued;
        const char *text;
    } rows[] = {{2, 0, 0, "removed 2 entries from queue\n"},
                {2, 1, 0, "removed 2 entries from queue; 1 entry is being pulled and stays\n"},
                {1, 3, 4, "removed 1 entry from queue; 3 entries are being pulled and stay\n"},
                {0, 1, 0, "nothing to remove; 1 entry is being pulled and stays\n"},
                {0, 0, 2, "nothing to remove: no entry has completed or failed\n"},
                {0, 0, 0, "queue is empty\n"}};
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct view_world w = {0};
        world_pipe(&w, PLM_VIEW_TABLE);
        const struct plm_queue_count count = {.all = rows[i].active + rows[i].queued,
                                              .queued = rows[i].queued,
                                              .active = rows[i].active};
        struct plm_event event = {.kind = PLM_EV_QUEUE_CHANGED,
                                  .verb = PLM_VERB_QUEUE_CLEAR,
                                  .job = 1,
                                  .queue = {.count = count, .changed = rows[i].changed}};
        world_event(&w, &event);
        world_end(&w);
        assert_string_equal(w.out, rows[i].text);
        world_close(&w);
    }
}

static void emit_of_job(struct view_world *w, enum plm_event_kind kind, uint32_t job,
                        const char *model)
{
    strcpy(w->samples.ref.model, model);
    struct plm_event event = sample_event(&w->samples, kind);
    event.job = job;
    if (kind >= PLM_EV_QUEUE_START && kind <= PLM_EV_QUEUE_DONE)
        event.verb = PLM_VERB_QUEUE_START;
    if (kind == PLM_EV_QUEUE_NEXT)
        w->samples.entry.status = PLM_QUEUE_ACTIVE;
    if (kind == PLM_EV_QUEUE_SETTLED)
        w->samples.entry.status = PLM_QUEUE_COMPLETED;
    world_event(w, &event);
}

static void jobs_beside_each_other_are_told_apart_and_keep_their_progress(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_of_job(&w, PLM_EV_QUEUE_START, 1, "x");
    emit_of_job(&w, PLM_EV_QUEUE_NEXT, 1, "one");
    emit_of_job(&w, PLM_EV_PULL_START, 2, "one");
    emit_of_job(&w, PLM_EV_PULL_START, 3, "two");
    for (int i = 0; i < 3; i++) { /* the same share: one line for each is enough */
        emit_of_job(&w, PLM_EV_PROGRESS, 2, "one");
        emit_of_job(&w, PLM_EV_PROGRESS, 3, "two");
    }
    emit_of_job(&w, PLM_EV_QUEUE_SETTLED, 1, "one");
    world_end(&w);
    assert_string_equal(w.out, "queue [1/2] pulling one:3b\n"
                               "pulling one:3b\n"
                               "pulling two:3b\n"
                               "  one:3b: 63%  1.9 GB/3 GB  35 MB/s  eta 48s\n"
                               "  two:3b: 63%  1.9 GB/3 GB  35 MB/s  eta 48s\n"
                               "queue [1/2] completed one:3b\n");
    world_close(&w);
}

static void a_pause_does_not_disturb_the_pull_that_goes_on(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_of_job(&w, PLM_EV_PULL_START, 2, "one");
    emit_of_job(&w, PLM_EV_PROGRESS, 2, "one");
    emit_of_job(&w, PLM_EV_QUEUE_PAUSING, 1, "one");
    emit_of_job(&w, PLM_EV_PROGRESS, 2, "one");
    emit_of_job(&w, PLM_EV_QUEUE_DONE, 1, "one");
    world_end(&w);
    assert_string_equal(w.out, "pulling one:3b\n"
                               "   63%  1.9 GB/3 GB  35 MB/s  eta 48s\n"
                               "queue: 0 completed, 2 left; go on with: pullama queue start\n");
    assert_non_null(strstr(w.err, "pausing: what is under way is finished"));
    world_close(&w);
}

static void a_stopped_run_says_how_the_queue_goes_on(void **state)
{
    (void)state;
    struct view_world w = {0};
    w.options.flags = "--models-dir /m ";
    world_pipe(&w, PLM_VIEW_TABLE);
    emit_of_job(&w, PLM_EV_QUEUE_START, 1, "one");
    emit_of_job(&w, PLM_EV_PULL_START, 2, "one");
    emit_of_job(&w, PLM_EV_INTERRUPTED, 2, "one");
    world_end(&w);
    assert_non_null(strstr(w.err, "resume with: pullama --models-dir /m queue start\n"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_a_line_for_each_entry),
        cmocka_unit_test(an_empty_queue_is_called_so),
        cmocka_unit_test(quiet_counts_the_entries),
        cmocka_unit_test(changes_are_told_in_the_words_of_pullama),
        cmocka_unit_test(clearing_says_what_stays_and_why),
        cmocka_unit_test(jobs_beside_each_other_are_told_apart_and_keep_their_progress),
        cmocka_unit_test(a_pause_does_not_disturb_the_pull_that_goes_on),
        cmocka_unit_test(a_stopped_run_says_how_the_queue_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
