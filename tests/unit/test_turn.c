#include "kind_world.h"

#include "store/layout.h"
#include "store/lock.h"

static void rm(struct plm_engine *engine, const char *model, bool after_success)
{
    submit(engine, &(struct plm_job_spec){
                       .verb = PLM_VERB_RM, .model = model, .after_success = after_success});
}

static void jobs_run_one_after_the_other_in_their_order(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    struct plm_engine *engine = world_engine(-1);
    submit(engine, &(struct plm_job_spec){.verb = PLM_VERB_CP, .model = "a", .target = "b"});
    rm(engine, "a", false);
    submit(engine, &(struct plm_job_spec){.verb = PLM_VERB_LIST});
    assert_int_equal(end_engine(engine), PLM_OK);
    assert_int_equal(count_of(PLM_EV_COMPLETED), 3);
    assert_int_equal(count_of(PLM_EV_LIST_MODEL), 1);
    assert_says(said(PLM_EV_LIST_MODEL, 0), "\"Ref\":\"b:latest\"");
    assert_says(said(PLM_EV_COMPLETED, 0), "\"verb\":\"cp\"");
    assert_says(said(PLM_EV_COMPLETED, 2), "\"verb\":\"list\"");
}

static void a_failure_ends_its_job_alone_and_those_that_need_it(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    struct plm_engine *engine = world_engine(-1);
    rm(engine, "a", true);
    rm(engine, "none", false);
    rm(engine, "b", true);
    submit(engine, &(struct plm_job_spec){.verb = PLM_VERB_LIST});
    assert_int_equal(end_engine(engine), PLM_E_NOT_FOUND);
    assert_int_equal(count_of(PLM_EV_FAILED), 2);
    assert_says(said(PLM_EV_FAILED, 1), "left out, because what it needs has failed");
    assert_int_equal(count_of(PLM_EV_COMPLETED), 2);
    assert_false(is_there(HOST_PATH "a/latest"));
    assert_true(is_there(HOST_PATH "b/latest"));
}

static void a_bad_name_fails_before_anything_is_made(void **state)
{
    (void)state;
    struct plm_engine *engine = world_engine(-1);
    submit(engine, &(struct plm_job_spec){.verb = PLM_VERB_PULL, .model = "../a"});
    assert_int_equal(end_engine(engine), PLM_E_BAD_NAME);
    assert_false(is_there(""));
}

static void the_store_is_made_for_those_alone_that_write(void **state)
{
    (void)state;
    static const enum plm_verb readers[] = {PLM_VERB_LIST, PLM_VERB_VERIFY, PLM_VERB_HISTORY,
                                            PLM_VERB_PRUNE, PLM_VERB_CLEAN};
    for (size_t i = 0; i < PLM_COUNT(readers); i++)
        assert_int_equal(run_spec(&(struct plm_job_spec){.verb = readers[i]}), PLM_OK);
    assert_false(is_there(""));
    const char *const names[] = {"a"};
    const struct plm_job_spec add = {.verb = PLM_VERB_QUEUE_ADD, .models = names, .model_count = 1};
    assert_int_equal(run_spec(&add), PLM_OK);
    assert_true(is_there("blobs") && is_there("manifests") && is_there(".pullm"));
}

static void a_store_of_ollama_gets_a_place_for_the_lock(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    assert_int_equal(
        run_spec(&(struct plm_job_spec){.verb = PLM_VERB_RM, .model = "a", .dry_run = true}),
        PLM_OK);
    assert_false(is_there(".pullm"));
    assert_int_equal(run_verb(PLM_VERB_RM, "a"), PLM_OK);
    assert_true(is_there(".pullm"));
}

/* Somebody else's hold on the store. */
static struct plm_lock hold_store(struct plm_store *store)
{
    char path[300];
    struct plm_error err = {0};
    struct plm_lock lock = PLM_LOCK_INIT;
    (void)snprintf(path, sizeof(path), "%s/models", scratch_path);
    assert_true(plm_store_open(path, true, store, &err));
    assert_true(plm_lock_try(store->state_fd, PLM_STORE_LOCK, &lock, &err));
    return lock;
}

static void a_job_waits_for_the_store_and_says_so_once(void **state)
{
    (void)state;
    struct plm_store store;
    put_small("a/latest", "only a");
    struct plm_lock lock = hold_store(&store);
    struct plm_engine *engine = world_engine(-1);
    rm(engine, "a", false);
    for (int i = 0; i < 4; i++) /* more than one try */
        assert_true(plm_engine_step(engine, 1000));
    assert_int_equal(count_of(PLM_EV_LOCK_WAITING), 1);
    assert_int_equal(world_said_count, 1);
    assert_true(is_there(HOST_PATH "a/latest"));
    plm_lock_release(&lock, false);
    assert_int_equal(end_engine(engine), PLM_OK);
    assert_int_equal(count_of(PLM_EV_LOCK_WAITING), 1);
    assert_false(is_there(HOST_PATH "a/latest"));
    plm_store_close(&store);
}

static void a_dry_run_waits_for_nobody(void **state)
{
    (void)state;
    struct plm_store store;
    put_small("a/latest", "only a");
    struct plm_lock lock = hold_store(&store);
    assert_int_equal(
        run_spec(&(struct plm_job_spec){.verb = PLM_VERB_RM, .model = "a", .dry_run = true}),
        PLM_OK);
    assert_int_equal(count_of(PLM_EV_LOCK_WAITING), 0);
    plm_lock_release(&lock, false);
    plm_store_close(&store);
}

static void a_stop_ends_what_waits_and_what_has_not_begun(void **state)
{
    (void)state;
    struct plm_store store;
    put_small("a/latest", "only a");
    struct plm_lock lock = hold_store(&store);
    struct plm_engine *engine = world_engine(-1);
    rm(engine, "a", false);
    submit(engine, &(struct plm_job_spec){.verb = PLM_VERB_LIST});
    assert_true(plm_engine_step(engine, 0));
    plm_engine_stop(engine);
    assert_int_equal(end_engine(engine), PLM_OK); /* an interrupt is no failure */
    assert_int_equal(count_of(PLM_EV_INTERRUPTED), 2);
    assert_int_equal(count_of(PLM_EV_FAILED), 2);
    assert_int_equal(count_of(PLM_EV_LIST_MODEL), 0);
    assert_true(is_there(HOST_PATH "a/latest"));
    plm_lock_release(&lock, false);
    plm_store_close(&store);
}

static void a_pause_is_nothing_to_other_jobs(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    struct plm_engine *engine = world_engine(-1);
    rm(engine, "a", false);
    plm_engine_pause(engine);
    assert_int_equal(end_engine(engine), PLM_OK);
    assert_false(is_there(HOST_PATH "a/latest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(jobs_run_one_after_the_other_in_their_order),
        WITH_WORLD(a_failure_ends_its_job_alone_and_those_that_need_it),
        WITH_WORLD(a_bad_name_fails_before_anything_is_made),
        WITH_WORLD(the_store_is_made_for_those_alone_that_write),
        WITH_WORLD(a_store_of_ollama_gets_a_place_for_the_lock),
        WITH_WORLD(a_job_waits_for_the_store_and_says_so_once),
        WITH_WORLD(a_dry_run_waits_for_nobody),
        WITH_WORLD(a_stop_ends_what_waits_and_what_has_not_begun),
        WITH_WORLD(a_pause_is_nothing_to_other_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
