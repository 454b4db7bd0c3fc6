#include "kind_world.h"

static enum plm_code copy(const char *from, const char *to)
{
    return run_spec(&(struct plm_job_spec){.verb = PLM_VERB_CP, .model = from, .target = to});
}

static void assert_same_bytes(const char *left, const char *right)
{
    char a[5000], b[5000];
    FILE *left_file = fopen(at(left), "rb"), *right_file = fopen(at(right), "rb");
    assert_non_null(left_file);
    assert_non_null(right_file);
    size_t size = fread(a, 1, sizeof(a), left_file);
    assert_int_equal(fread(b, 1, sizeof(b), right_file), size);
    assert_memory_equal(a, b, size);
    assert_int_equal(fclose(left_file), 0);
    assert_int_equal(fclose(right_file), 0);
}

static void a_copy_has_the_same_bytes_and_shares_the_blobs(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    assert_int_equal(copy("a", "hf.co/me/copy:v2"), PLM_OK);
    assert_same_bytes(HOST_PATH "a/latest", "manifests/hf.co/me/copy/v2");
    assert_false(is_there(".pullm/manifest.tmp"));
    assert_says(said(PLM_EV_COPIED, 0), "\"From\":\"a:latest\",\"To\":\"hf.co/me/copy:v2\"");
    assert_int_equal(run_verb(PLM_VERB_RM, "a"), PLM_OK);
    assert_true(is_there(blob_of_text("only a")));
}

static void layers_that_only_the_old_target_named_go(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    assert_int_equal(copy("a", "b"), PLM_OK);
    assert_same_bytes(HOST_PATH "a/latest", HOST_PATH "b/latest");
    assert_false(is_there(blob_of_text("only b")));
    assert_true(is_there(blob_of_text("shared by all")));
    assert_int_equal(count_of(PLM_EV_LAYERS_REMOVED), 1);
}

static void no_prune_keeps_the_old_targets_layers(void **state)
{
    (void)state;
    world_no_prune = true;
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    assert_int_equal(copy("a", "b"), PLM_OK);
    assert_true(is_there(blob_of_text("only b")));
}

static void an_unreadable_manifest_elsewhere_keeps_the_old_layers(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    put_line(HOST_PATH "bad/latest", "{");
    assert_int_equal(copy("a", "b"), PLM_OK);
    assert_same_bytes(HOST_PATH "a/latest", HOST_PATH "b/latest");
    assert_true(is_there(blob_of_text("only b")));
    assert_says(said(PLM_EV_WARNING, 1), "bad/latest");
}

static void a_target_that_cannot_be_read_is_replaced(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_line(HOST_PATH "b/latest", "{");
    assert_int_equal(copy("a", "b"), PLM_OK);
    assert_same_bytes(HOST_PATH "a/latest", HOST_PATH "b/latest");
    assert_int_equal(count_of(PLM_EV_WARNING), 1);
}

static void a_copy_onto_itself_changes_nothing(void **state)
{
    (void)state;
    struct stat before, after;
    put_small("a/latest", "only a");
    assert_int_equal(stat(at(HOST_PATH "a/latest"), &before), 0);
    assert_int_equal(copy("a", "library/a:latest"), PLM_OK);
    assert_int_equal(stat(at(HOST_PATH "a/latest"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_true(is_there(blob_of_text("only a")));
}

static void what_cannot_be_copied_makes_nothing(void **state)
{
    (void)state;
    char pinned[100];
    (void)snprintf(pinned, sizeof(pinned), "b@sha256:%064d", 0);
    assert_int_equal(copy("a", "b"), PLM_E_NOT_FOUND);
    assert_false(is_there(""));
    put_small("a/latest", "only a");
    assert_int_equal(copy("nothing", "b"), PLM_E_NOT_FOUND);
    assert_int_equal(copy("a", "../b"), PLM_E_BAD_NAME);
    assert_int_equal(copy("a", NULL), PLM_E_BAD_NAME);
    assert_int_equal(copy("a", pinned), PLM_E_USAGE);
    pinned[0] = 'a';
    assert_int_equal(copy(pinned, "b"), PLM_E_USAGE);
    assert_false(is_there(HOST_PATH "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_copy_has_the_same_bytes_and_shares_the_blobs),
        WITH_WORLD(layers_that_only_the_old_target_named_go),
        WITH_WORLD(no_prune_keeps_the_old_targets_layers),
        WITH_WORLD(an_unreadable_manifest_elsewhere_keeps_the_old_layers),
        WITH_WORLD(a_target_that_cannot_be_read_is_replaced),
        WITH_WORLD(a_copy_onto_itself_changes_nothing),
        WITH_WORLD(what_cannot_be_copied_makes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
