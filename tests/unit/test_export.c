#include "kind_world.h"

static struct plm_job_spec spec_of(const char *const *models, size_t count, const char *target)
{
    return (struct plm_job_spec){
        .verb = PLM_VERB_EXPORT, .models = models, .model_count = count, .target = target};
}

static enum plm_code export_one(const char *model, const char *target)
{
    struct plm_job_spec spec = spec_of(&model, 1, target);
    return run_spec(&spec);
}

static size_t read_whole(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(out, 1, size, file);
    assert_int_equal(fclose(file), 0);
    return length;
}

static bool exists(const char *name)
{
    struct stat st;
    return lstat(scratch_file(name), &st) == 0;
}

static void the_order_of_models_does_not_matter(void **state)
{
    (void)state;
    static char a[8192], b[8192];
    const char *const one[] = {"a", "b", "a:latest"}, *const two[] = {"b", "a"};
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    struct plm_job_spec spec = spec_of(one, 3, scratch_file("1.zip"));
    assert_int_equal(run_spec(&spec), PLM_OK);
    assert_says(said(PLM_EV_EXPORT_START, 0), "\"ModelCount\":2,\"BlobCount\":3");
    spec = spec_of(two, 2, scratch_file("2.zip"));
    assert_int_equal(run_spec(&spec), PLM_OK);
    size_t size = read_whole(scratch_file("1.zip"), a, sizeof(a));
    assert_int_equal(read_whole(scratch_file("2.zip"), b, sizeof(b)), size);
    assert_memory_equal(a, b, size);
}

static void a_stream_gets_the_same_bytes(void **state)
{
    (void)state;
    static char a[8192], b[8192];
    const char *model = "a";
    put_small("a/latest", "only a");
    assert_int_equal(export_one("a", scratch_file("1.zip")), PLM_OK);
    int fd = open(scratch_file("2.zip"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    struct plm_job_spec spec = spec_of(&model, 1, "-");
    spec.stream_fd = fd;
    assert_int_equal(run_spec(&spec), PLM_OK);
    (void)close(fd);
    size_t size = read_whole(scratch_file("1.zip"), a, sizeof(a));
    assert_int_equal(read_whole(scratch_file("2.zip"), b, sizeof(b)), size);
    assert_memory_equal(a, b, size);
}

static void nothing_gets_the_name_when_a_blob_is_wrong(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put(blob_of_text("only a"), "0nly a", 6);
    assert_int_equal(export_one("a", scratch_file("1.zip")), PLM_E_INTEGRITY);
    assert_false(exists("1.zip"));
    assert_false(exists("1.zip.pullama.tmp"));
}

static void what_is_there_stays_unless_it_is_forced(void **state)
{
    (void)state;
    const char *model = "a";
    put_small("a/latest", "only a");
    assert_int_equal(export_one("a", scratch_file("1.zip")), PLM_OK);
    assert_int_equal(export_one("a", scratch_file("1.zip")), PLM_E_USAGE);
    struct plm_job_spec spec = spec_of(&model, 1, scratch_file("1.zip"));
    spec.force = true;
    assert_int_equal(run_spec(&spec), PLM_OK);
    assert_int_equal(export_one("a", scratch_path), PLM_E_USAGE);
}

static void a_model_that_is_not_here_is_not_found(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    assert_int_equal(export_one("b", scratch_file("1.zip")), PLM_E_NOT_FOUND);
    assert_int_equal(export_one("..", scratch_file("1.zip")), PLM_E_BAD_NAME);
    assert_false(exists("1.zip"));
}

static void too_many_parts_are_refused(void **state)
{
    (void)state;
    const char *model = "a";
    put_small("a/latest", "only a");
    struct plm_job_spec spec = spec_of(&model, 1, scratch_file("1.zip"));
    spec.split = 1;
    assert_int_equal(run_spec(&spec), PLM_E_USAGE);
    spec.split = 500;
    assert_int_equal(run_spec(&spec), PLM_OK);
    assert_true(exists("1.zip.001") && exists("1.zip.002"));
}

static void a_job_that_needs_another_one_is_left_out_when_that_failed(void **state)
{
    (void)state;
    const char *model = "a";
    struct plm_error err = {0};
    struct plm_engine *engine = NULL;
    uint32_t id;
    put_small("a/latest", "only a");
    char models[300];
    (void)snprintf(models, sizeof(models), "%s/models", scratch_path);
    const struct plm_engine_options options = {.models_dir = models, .max_retries = -1};
    const struct plm_job_spec missing = {.verb = PLM_VERB_SHOW, .model = "missing"};
    struct plm_job_spec spec = spec_of(&model, 1, scratch_file("1.zip"));
    spec.after_success = true;
    assert_true(plm_engine_new(&options, (struct plm_sink){.emit = record}, &engine, &err));
    assert_true(plm_engine_submit(engine, &missing, &id, &err));
    assert_true(plm_engine_submit(engine, &spec, &id, &err));
    while (plm_engine_step(engine, 1000))
        ;
    assert_int_equal(plm_engine_result(engine), PLM_E_NOT_FOUND);
    plm_engine_free(engine);
    assert_says(said(PLM_EV_FAILED, 1), "left out");
    assert_false(exists("1.zip"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_order_of_models_does_not_matter),
        WITH_WORLD(a_stream_gets_the_same_bytes),
        WITH_WORLD(nothing_gets_the_name_when_a_blob_is_wrong),
        WITH_WORLD(what_is_there_stays_unless_it_is_forced),
        WITH_WORLD(a_model_that_is_not_here_is_not_found),
        WITH_WORLD(too_many_parts_are_refused),
        WITH_WORLD(a_job_that_needs_another_one_is_left_out_when_that_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
