#include "kind_world.h"

static enum plm_code freeze(const char *target)
{
    return run_spec(&(struct plm_job_spec){.verb = PLM_VERB_FREEZE, .target = target});
}

static void models_stand_in_the_order_of_their_names(void **state)
{
    (void)state;
    put_small("b/latest", "only b");
    put_small("a/v2", "only a");
    assert_int_equal(freeze(NULL), PLM_OK);
    const char *text = said(PLM_EV_FROZEN, 0);
    const char *a = strstr(text, "\\na:v2@sha256:"), *b = strstr(text, "\\nb:latest@sha256:");
    assert_non_null(a);
    assert_non_null(b);
    assert_true(a < b);
    assert_says(text, "\"Path\":null,\"Models\":2,");
}

static void a_file_is_replaced_as_a_whole(void **state)
{
    (void)state;
    char path[300];
    put_small("a/latest", "only a");
    put_line("list",
             "version 1\n# what stood there before, and was longer than what comes now, far "
             "longer; really, it was much, much longer than a lock file of one model is\nend");
    (void)snprintf(path, sizeof(path), "%s", at("list"));
    assert_int_equal(freeze(path), PLM_OK);
    assert_says(said(PLM_EV_FROZEN, 0), path);
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_true(st.st_size < 140);
    assert_false(is_there(".list.pullama-tmp"));
}

static void what_is_no_lock_file_is_not_replaced(void **state)
{
    (void)state;
    char path[300];
    struct stat st;
    put_small("a/latest", "only a");
    put_line("dear", "a letter");
    (void)snprintf(path, sizeof(path), "%s", at("dear"));
    assert_int_equal(freeze(path), PLM_E_USAGE);
    assert_int_equal(lstat(path, &st), 0);
    assert_in_range(st.st_size, strlen("a letter"), strlen("a letter") + 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(freeze(path), PLM_E_USAGE);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
}

static void a_broken_manifest_is_not_left_out_silently(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_line(HOST_PATH "bad/latest", "{");
    assert_int_equal(freeze(NULL), PLM_E_CORRUPT);
    assert_says(said(PLM_EV_FAILED, 0), "library/bad/latest");
}

static void a_place_that_is_none_is_refused(void **state)
{
    (void)state;
    char path[300];
    (void)snprintf(path, sizeof(path), "%s", at("no/folder/list"));
    assert_int_equal(freeze(path), PLM_E_USAGE);
    (void)snprintf(path, sizeof(path), "%s/", at("blobs"));
    assert_int_equal(freeze(path), PLM_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(models_stand_in_the_order_of_their_names),
        WITH_WORLD(a_file_is_replaced_as_a_whole),
        WITH_WORLD(what_is_no_lock_file_is_not_replaced),
        WITH_WORLD(a_broken_manifest_is_not_left_out_silently),
        WITH_WORLD(a_place_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
