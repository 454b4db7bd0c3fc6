#include "kind_world.h"

#include "store/lock.h"

static void assert_untouched(void)
{
    assert_true(is_there(HOST_PATH "a/latest"));
    assert_true(is_there(blob_of_text("only a")));
    assert_true(is_there(blob_of_text("shared by all")));
}

static void the_last_model_goes_with_its_blobs_and_folders(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    assert_int_equal(run_verb(PLM_VERB_RM, "a"), PLM_OK);
    assert_false(is_there("manifests/registry.ollama.ai"));
    assert_false(is_there(blob_of_text("only a")));
    assert_false(is_there(blob_of_text("shared by all")));
    const enum plm_event_kind order[] = {PLM_EV_RM_START, PLM_EV_RM_MANIFEST, PLM_EV_RM_BLOB,
                                         PLM_EV_RM_BLOB,  PLM_EV_RM_DONE,     PLM_EV_COMPLETED};
    assert_int_equal(world_said_count, PLM_COUNT(order));
    for (size_t i = 0; i < PLM_COUNT(order); i++)
        assert_int_equal(world_said[i].kind, order[i]);
    assert_says(said(PLM_EV_RM_MANIFEST, 0), "\"Path\":\"" HOST_PATH "a/latest\"");
    assert_says(said(PLM_EV_RM_DONE, 0), "\"BlobsDeleted\":2,");
}

static void blobs_that_others_name_stay(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("b/v1.locked", "only b"); /* a tag like a lock file's name */
    assert_int_equal(run_verb(PLM_VERB_RM, "a"), PLM_OK);
    assert_false(is_there(HOST_PATH "a"));
    assert_false(is_there(blob_of_text("only a")));
    assert_true(is_there(HOST_PATH "b/v1.locked"));
    assert_true(is_there(blob_of_text("only b")));
    assert_true(is_there(blob_of_text("shared by all")));
    assert_int_equal(count_of(PLM_EV_RM_BLOB), 1);
}

static void an_unreadable_manifest_of_another_model_stops_everything(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_line(HOST_PATH "bad/latest", "{\"layers\":5}");
    assert_int_equal(run_verb(PLM_VERB_RM, "a"), PLM_E_CORRUPT);
    assert_says(said(PLM_EV_FAILED, 0), "library/bad/latest");
    assert_untouched();
    assert_int_equal(count_of(PLM_EV_RM_MANIFEST), 0);
}

static void a_model_whose_own_manifest_is_broken_says_which_file_to_delete(void **state)
{
    (void)state;
    put_line(HOST_PATH "bad/latest", "{");
    assert_int_equal(run_verb(PLM_VERB_RM, "bad"), PLM_E_CORRUPT);
    assert_says(said(PLM_EV_FAILED, 0), "library/bad/latest");
    assert_says(said(PLM_EV_FAILED, 0), "delete");
    assert_true(is_there(HOST_PATH "bad/latest"));
}

static void a_dry_run_tells_the_same_and_leaves_all_as_it_is(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    struct plm_job_spec spec = {.verb = PLM_VERB_RM, .model = "a", .dry_run = true};
    assert_int_equal(run_spec(&spec), PLM_OK);
    assert_int_equal(count_of(PLM_EV_RM_BLOB), 1);
    assert_says(said(PLM_EV_RM_DONE, 0), "\"BlobsDeleted\":1,");
    assert_says(said(PLM_EV_RM_DONE, 0), "\"DryRun\":true");
    assert_untouched();
    assert_false(is_there(".pullm"));
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    assert_int_equal(run_verb(PLM_VERB_RM, "a"), PLM_E_NOT_FOUND);
    assert_false(is_there(""));
    put_small("a/latest", "only a");
    assert_int_equal(run_verb(PLM_VERB_RM, "a:7b"), PLM_E_NOT_FOUND);
    assert_int_equal(run_verb(PLM_VERB_RM, "../../x/y"), PLM_E_BAD_NAME);
    assert_untouched();
}

static void a_pin_to_another_digest_removes_nothing(void **state)
{
    (void)state;
    char name[100];
    put_small("a/latest", "only a");
    (void)snprintf(name, sizeof(name), "a@sha256:%064d", 0);
    assert_int_equal(run_verb(PLM_VERB_RM, name), PLM_E_NOT_FOUND);
    assert_untouched();
}

static void partial_state_goes_unless_its_lock_is_held(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    char mine[PLM_DIGEST_TEXT + 32], others[PLM_DIGEST_TEXT + 32], lock_name[PLM_DIGEST_TEXT + 32];
    (void)snprintf(mine, sizeof(mine), ".pullm/%s.partial", blob_of_text("only a") + 6);
    (void)snprintf(others, sizeof(others), ".pullm/%s.partial", blob_of_text("shared by all") + 6);
    (void)snprintf(lock_name, sizeof(lock_name), "%s.lock", blob_of_text("shared by all") + 6);
    put_line(mine, "half");
    put_line(others, "half");
    struct plm_lock lock = PLM_LOCK_INIT;
    int dir = open(at(".pullm"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(plm_lock_try(dir, lock_name, &lock, NULL));
    assert_int_equal(run_verb(PLM_VERB_RM, "a"), PLM_OK);
    assert_false(is_there(mine));
    assert_true(is_there(others));
    plm_lock_release(&lock, true);
    assert_int_equal(close(dir), 0);
}

static void blobs_that_are_missing_already_do_no_harm(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    assert_int_equal(unlink(at(blob_of_text("only a"))), 0);
    assert_int_equal(run_verb(PLM_VERB_RM, "a"), PLM_OK);
    assert_int_equal(count_of(PLM_EV_RM_BLOB), 1);
    assert_false(is_there(HOST_PATH "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_last_model_goes_with_its_blobs_and_folders),
        WITH_WORLD(blobs_that_others_name_stay),
        WITH_WORLD(an_unreadable_manifest_of_another_model_stops_everything),
        WITH_WORLD(a_model_whose_own_manifest_is_broken_says_which_file_to_delete),
        WITH_WORLD(a_dry_run_tells_the_same_and_leaves_all_as_it_is),
        WITH_WORLD(what_is_not_there_is_not_found),
        WITH_WORLD(a_pin_to_another_digest_removes_nothing),
        WITH_WORLD(partial_state_goes_unless_its_lock_is_held),
        WITH_WORLD(blobs_that_are_missing_already_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
