#include "kind_world.h"

/* The world's engines keep no history; this one does. */
static enum plm_code run_recorded(const struct plm_job_spec *spec)
{
    char models[300];
    struct plm_error err = {0};
    struct plm_engine *engine = NULL;
    uint32_t id;
    world_forget();
    (void)snprintf(models, sizeof(models), "%s/models", scratch_path);
    const struct plm_engine_options options = {
        .models_dir = models, .key_path = "", .max_retries = -1, .history = true};
    assert_true(plm_engine_new(&options, (struct plm_sink){.emit = record}, &engine, &err));
    assert_true(plm_engine_submit(engine, spec, &id, &err));
    while (plm_engine_step(engine, 1000))
        continue;
    enum plm_code code = plm_engine_result(engine);
    plm_engine_free(engine);
    return code;
}

static void expect_jobs(size_t count)
{
    assert_int_equal(run_spec(&(struct plm_job_spec){.verb = PLM_VERB_HISTORY}), PLM_OK);
    assert_int_equal(count_of(PLM_EV_HISTORY), count);
}

static void jobs_that_change_the_store_are_recorded_and_others_are_not(void **state)
{
    (void)state;
    put_small("m/latest", "own");
    assert_int_equal(
        run_recorded(&(struct plm_job_spec){.verb = PLM_VERB_CP, .model = "m", .target = "n"}),
        PLM_OK);
    assert_int_equal(run_recorded(&(struct plm_job_spec){.verb = PLM_VERB_LIST}), PLM_OK);
    assert_int_equal(run_recorded(&(struct plm_job_spec){.verb = PLM_VERB_RM, .model = "x"}),
                     PLM_E_NOT_FOUND);
    assert_int_equal(
        run_recorded(&(struct plm_job_spec){.verb = PLM_VERB_RM, .model = "n", .dry_run = true}),
        PLM_OK);
    expect_jobs(2);
    assert_non_null(strstr(said(PLM_EV_HISTORY, 0), "\"JobVerb\":\"cp\""));
    assert_non_null(strstr(said(PLM_EV_HISTORY, 0), "\"Outcome\":\"ok\""));
    assert_non_null(strstr(said(PLM_EV_HISTORY, 1), "\"Outcome\":\"not_found\""));
    assert_non_null(
        strstr(said(PLM_EV_HISTORY, 1), "\"Reference\":\"registry.ollama.ai/library/x:latest\""));
}

static void a_job_over_several_models_says_what_was_asked_for(void **state)
{
    (void)state;
    static const char *const names[] = {"m", "me/n:v1"};
    static const char *const want[] = {"all models", "2 models", "registry.ollama.ai/me/n:v1"};
    put_small("m/latest", "own");
    assert_int_equal(run_recorded(&(struct plm_job_spec){.verb = PLM_VERB_PRUNE}), PLM_OK);
    for (size_t i = 0; i < PLM_COUNT(want); i++)
        (void)run_recorded(&(struct plm_job_spec){.verb = PLM_VERB_VERIFY,
                                                  .models = names + (i == 2),
                                                  .model_count = i == 0 ? 0 : 3 - i});
    expect_jobs(4);
    for (size_t i = 0; i < PLM_COUNT(want); i++) {
        char line[128];
        (void)snprintf(line, sizeof(line), "\"Reference\":\"%s\"", want[i]);
        assert_non_null(strstr(said(PLM_EV_HISTORY, i + 1), line));
    }
    assert_non_null(strstr(said(PLM_EV_HISTORY, 0), "\"Reference\":null"));
}

static void who_did_not_ask_for_a_history_gets_none(void **state)
{
    (void)state;
    put_small("m/latest", "own");
    assert_int_equal(run_verb(PLM_VERB_RM, "m"), PLM_OK);
    assert_false(is_there(".pullm/pullama.db"));
}

static void a_database_that_cannot_be_used_fails_no_job(void **state)
{
    (void)state;
    static const char noise[4096] = "noise";
    put_small("m/latest", "own");
    put(".pullm/pullama.db", noise, sizeof(noise));
    assert_int_equal(run_recorded(&(struct plm_job_spec){.verb = PLM_VERB_RM, .model = "m"}),
                     PLM_OK);
    assert_int_equal(count_of(PLM_EV_WARNING), 0);
    assert_false(is_there("manifests/registry.ollama.ai/library/m/latest"));
}

static void bounds_are_read_and_refused(void **state)
{
    (void)state;
    static const char *const good[] = {"10", "90d", "all"};
    static const char *const bad[] = {"0", "x", "-1", "0s", ""};
    put_small("m/latest", "own");
    for (size_t i = 0; i < PLM_COUNT(good); i++)
        assert_int_equal(
            run_spec(&(struct plm_job_spec){.verb = PLM_VERB_HISTORY, .keep = good[i]}), PLM_OK);
    for (size_t i = 0; i < PLM_COUNT(bad); i++)
        assert_int_equal(run_spec(&(struct plm_job_spec){.verb = PLM_VERB_HISTORY, .keep = bad[i]}),
                         PLM_E_USAGE);
    assert_int_equal(run_spec(&(struct plm_job_spec){.verb = PLM_VERB_STATS, .since = "soon"}),
                     PLM_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(jobs_that_change_the_store_are_recorded_and_others_are_not),
        WITH_WORLD(a_job_over_several_models_says_what_was_asked_for),
        WITH_WORLD(who_did_not_ask_for_a_history_gets_none),
        WITH_WORLD(a_database_that_cannot_be_used_fails_no_job),
        WITH_WORLD(bounds_are_read_and_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
