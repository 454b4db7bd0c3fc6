#include "kind_world.h"

static char lock_path[300];

/* Writes what `freeze` says of the store now, with @p more as its last models. */
static void put_lock(const char *more)
{
    char text[4000];
    (void)snprintf(lock_path, sizeof(lock_path), "%s", at("list"));
    assert_int_equal(run_spec(&(struct plm_job_spec){.verb = PLM_VERB_FREEZE, .target = lock_path}),
                     PLM_OK);
    FILE *file = fopen(lock_path, "rb");
    assert_non_null(file);
    size_t got = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    got -= strlen("end\n");
    (void)snprintf(text + got, sizeof(text) - got, "%send\n", more);
    put_line("list", text);
}

static enum plm_code sync_store(bool prune, bool dry_run)
{
    return run_spec(&(struct plm_job_spec){
        .verb = PLM_VERB_SYNC, .model = lock_path, .prune = prune, .dry_run = dry_run});
}

static void a_store_that_is_equal_is_left_alone(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    put_lock("");
    assert_int_equal(sync_store(true, false), PLM_OK);
    assert_says(said(PLM_EV_OUTDATED_DONE, 0), "\"Models\":2,\"Current\":2,");
    assert_says(said(PLM_EV_UPDATE_DONE, 0), "\"Updated\":0,\"Removed\":0,\"Failed\":0");
    assert_true(is_there(HOST_PATH "a/latest") && is_there(HOST_PATH "b/latest"));
}

static void what_is_not_named_goes_only_when_asked_for(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_lock("");
    put_small("b/latest", "only b");
    assert_int_equal(sync_store(false, false), PLM_OK);
    assert_true(is_there(HOST_PATH "b/latest"));
    assert_int_equal(sync_store(true, true), PLM_OK);
    assert_says(said(PLM_EV_UPDATE_DONE, 0), "\"Removed\":1,");
    assert_true(is_there(HOST_PATH "b/latest"));
    assert_int_equal(sync_store(true, false), PLM_OK);
    assert_false(is_there(HOST_PATH "b/latest"));
    assert_false(is_there(blob_of_text("only b")));
    assert_true(is_there(blob_of_text("only a")));
}

static void a_list_without_models_removes_nothing(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_line("list", "version 1\nend\n"); /* as of a store that is not where it was looked for */
    (void)snprintf(lock_path, sizeof(lock_path), "%s", at("list"));
    assert_int_equal(sync_store(true, true), PLM_E_USAGE);
    assert_int_equal(sync_store(true, false), PLM_E_USAGE);
    assert_says(said(PLM_EV_FAILED, 0), "names no model");
    assert_true(is_there(HOST_PATH "a/latest"));
    assert_int_equal(sync_store(false, false), PLM_OK);
}

static void a_broken_manifest_keeps_all(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_lock("");
    put_small("b/latest", "only b");
    put_line(HOST_PATH "bad/latest", "{");
    assert_int_equal(sync_store(true, false), PLM_E_CORRUPT);
    assert_true(is_there(HOST_PATH "b/latest"));
}

static void a_file_that_is_wrong_or_not_there_is_told_with_its_name(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_lock("a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
    assert_int_equal(sync_store(true, false), PLM_E_USAGE);
    assert_says(said(PLM_EV_FAILED, 0), "twice");
    put_line("list", "");
    assert_int_equal(sync_store(true, false), PLM_E_USAGE);
    (void)snprintf(lock_path, sizeof(lock_path), "%s", at("none"));
    assert_int_equal(sync_store(true, false), PLM_E_USAGE);
    assert_says(said(PLM_EV_FAILED, 0), "there is no file");
    assert_true(is_there(HOST_PATH "a/latest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_store_that_is_equal_is_left_alone),
        WITH_WORLD(what_is_not_named_goes_only_when_asked_for),
        WITH_WORLD(a_list_without_models_removes_nothing),
        WITH_WORLD(a_broken_manifest_keeps_all),
        WITH_WORLD(a_file_that_is_wrong_or_not_there_is_told_with_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
