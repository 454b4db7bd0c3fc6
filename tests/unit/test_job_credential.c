#include "kind_world.h"

#include "engine/engine_private.h"
#include "program_scripts.h"

static struct plm_engine engine;
static const struct plm_job_kind kind = {.verb = PLM_VERB_PULL};

static int open_engine(void **state)
{
    struct plm_error err = {0};
    (void)state;
    return plm_loop_new(&engine.loop, &err) ? 0 : -1;
}

static int close_engine(void **state)
{
    (void)state;
    plm_loop_free(engine.loop);
    return 0;
}

static struct plm_job job_of(const char *name)
{
    struct plm_job job = {.engine = &engine, .kind = &kind};
    struct plm_error err = {0};
    assert_true(plm_ref_parse(name, &job.ref, &err));
    return job;
}

static void jobs_of_one_registry_ask_once_and_share(void **state)
{
    (void)state;
    struct plm_error err = {0};
    char calls[20] = "";
    script_make("docker-credential-t",
                "echo x >>\"$0.calls\"; echo '{\"Username\":\"ann\",\"Secret\":\"pw\"}'");
    put_line("../docker/config.json", "{\"credsStore\":\"t\"}");
    struct plm_job one = job_of("r.example/a/b"), two = job_of("R.example/c/d");
    struct plm_job other = job_of("http://r.example/a/b");
    assert_true(plm_job_find_credential(&one, &err) && plm_job_find_credential(&two, &err));
    assert_true(plm_job_find_credential(&one, &err)); /* nothing more */
    assert_ptr_equal(plm_job_credential(&one), plm_job_credential(&two));
    assert_string_equal(plm_job_credential(&one)->header.bytes, "Basic YW5uOnB3");
    assert_true(plm_job_find_credential(&other, &err));
    assert_ptr_not_equal(plm_job_credential(&one), plm_job_credential(&other));
    FILE *file = fopen(scratch_file("docker-credential-t.calls"), "r");
    assert_non_null(file);
    assert_int_equal(fread(calls, 1, sizeof(calls), file), 4);
    assert_int_equal(fclose(file), 0);
    plm_job_drop_credential(&one);
    assert_null(plm_job_credential(&one));
    assert_non_null(plm_job_credential(&two));
    plm_job_drop_credential(&two);
    plm_job_drop_credential(&other);
    plm_job_drop_credential(&other);
    assert_null(engine.credentials);
}

static void a_push_needs_those_of_its_target(void **state)
{
    (void)state;
    struct plm_error err = {0};
    put_line("../docker/config.json", "{\"auths\":{\"r.example\":{\"auth\":\"YW5uOnB3\"}}}");
    struct plm_job job = job_of("r.example/a/b");
    char target[] = "other.example/a/b";
    job.target = target;
    assert_true(plm_job_find_credential(&job, &err));
    assert_int_equal(plm_job_credential(&job)->kind, PLM_CREDENTIAL_NONE);
    plm_job_drop_credential(&job);
}

static void ask_to_end(void *ctx)
{
    (void)ctx;
    engine.stopping = true;
}

static void once_an_end_is_asked_for_nobody_else_is(void **state)
{
    (void)state;
    struct plm_error err = {0};
    int ends[2];
    script_make("docker-credential-t", "[ ! -e \"$0.calls\" ] || exit 1; : >\"$0.calls\"");
    put_line("../docker/config.json", "{\"credsStore\":\"t\"}");
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "", 1), 1);
    assert_true(plm_loop_watch(engine.loop, ends[0], ask_to_end, NULL, &err));
    struct plm_job one = job_of("r.example/a/b");
    assert_false(plm_job_find_credential(&one, &err));
    assert_int_equal(err.code, PLM_E_INTERRUPTED);
    assert_false(plm_engine_find_credential(&engine, &one.ref, &err));
    assert_null(engine.credentials);
    assert_int_not_equal(access(scratch_file("docker-credential-t.calls"), F_OK), 0);
    engine.stopping = false;
    assert_int_equal(close(ends[0]) | close(ends[1]), 0);
    plm_loop_unwatch(engine.loop, ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(jobs_of_one_registry_ask_once_and_share),
        WITH_WORLD(a_push_needs_those_of_its_target),
        WITH_WORLD(once_an_end_is_asked_for_nobody_else_is),
    };
    return cmocka_run_group_tests_name("job_credential", tests, open_engine, close_engine);
}
