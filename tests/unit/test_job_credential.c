#include "kind_world.h"

#include "engine/engine_private.h"
#include "program_scripts.h"

static struct plm_engine engine;
static const struct plm_job_kind kind = {.verb = PLM_VERB_PULL};

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(jobs_of_one_registry_ask_once_and_share),
        WITH_WORLD(a_push_needs_those_of_its_target),
    };
    return cmocka_run_group_tests_name("job_credential", tests, NULL, NULL);
}
