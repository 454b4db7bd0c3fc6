#include "view_world.h"

#include "cli/view_parts.h"

/* What an event of a job leaves in the view. */
static void see(struct plm_view *view, uint32_t job, const char *model, uint64_t done)
{
    (void)plm_view_turn_to(view, job);
    view->snapshot.job = job;
    view->snapshot.overall_done = done;
    view->pace.percent = (unsigned)done;
    view->pushes = done % 2;
    (void)snprintf(view->model, sizeof(view->model), "%s", model);
}

static void each_job_is_known_as_it_was_left(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    see(w.view, 1, "one", 11);
    see(w.view, 2, "two", 22);
    see(w.view, 3, "three", 33);
    assert_true(plm_view_turn_to(w.view, 1));
    assert_string_equal(w.view->model, "one");
    assert_int_equal(w.view->snapshot.overall_done, 11);
    assert_int_equal(w.view->pace.percent, 11);
    assert_true(w.view->pushes);
    assert_true(plm_view_turn_to(w.view, 2));
    assert_string_equal(w.view->model, "two");
    assert_false(w.view->pushes);
    see(w.view, 2, "two", 44);
    assert_true(plm_view_turn_to(w.view, 3));
    assert_true(plm_view_turn_to(w.view, 2));
    assert_int_equal(w.view->snapshot.overall_done, 44);
    world_close(&w);
}

static void the_same_job_and_an_unknown_one_change_nothing(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    see(w.view, 1, "one", 11);
    assert_false(plm_view_turn_to(w.view, 1));
    assert_false(plm_view_turn_to(w.view, 2));
    assert_string_equal(w.view->model, "one");
    assert_int_equal(w.view->snapshot.job, 1);
    world_close(&w);
}

static void a_job_that_has_ended_is_forgotten_and_others_are_not(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    see(w.view, 1, "one", 11);
    see(w.view, 2, "two", 22);
    see(w.view, 3, "three", 33);
    plm_view_forget(w.view, 1);
    assert_false(plm_view_turn_to(w.view, 1));
    assert_true(plm_view_turn_to(w.view, 2));
    plm_view_forget(w.view, 0);
    assert_null(w.view->contexts);
    plm_view_forget(w.view, 0);
    assert_false(plm_view_turn_to(w.view, 3));
    world_close(&w);
}

/* The queue runs 16 at a time at most: a place is free again when a job has ended. */
static void so_many_jobs_as_the_queue_can_run_have_their_place(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    for (uint32_t first = 1; first < 200; first += 16) {
        for (uint32_t job = first; job < first + 16; job++)
            see(w.view, job, "m", job);
        for (uint32_t job = first; job < first + 15; job++) {
            assert_true(plm_view_turn_to(w.view, job));
            assert_int_equal(w.view->snapshot.overall_done, job);
        }
        for (uint32_t job = first; job < first + 16; job++)
            plm_view_forget(w.view, job);
    }
    world_close(&w);
}

static void more_jobs_than_places_are_shown_all_the_same(void **state)
{
    (void)state;
    struct view_world w = {0};
    world_pipe(&w, PLM_VIEW_TABLE);
    for (uint32_t job = 1; job <= 100; job++) {
        see(w.view, job, "m", job);
        assert_int_equal(w.view->snapshot.job, job);
    }
    assert_true(plm_view_turn_to(w.view, 1)); /* those that came first are known */
    assert_int_equal(w.view->snapshot.overall_done, 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_job_is_known_as_it_was_left),
        cmocka_unit_test(the_same_job_and_an_unknown_one_change_nothing),
        cmocka_unit_test(a_job_that_has_ended_is_forgotten_and_others_are_not),
        cmocka_unit_test(so_many_jobs_as_the_queue_can_run_have_their_place),
        cmocka_unit_test(more_jobs_than_places_are_shown_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
