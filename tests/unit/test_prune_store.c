#include "kind_world.h"

#include "store/needs.h"

#define HOUR 3600

static const char *put_orphan(const char *text, long seconds_old)
{
    const char *path = blob_of_text(text);
    put_line(path, text);
    age(path, seconds_old);
    return path;
}

static enum plm_code prune(bool has_age, int64_t older_than_ms, bool dry_run)
{
    return run_spec(&(struct plm_job_spec){.verb = PLM_VERB_PRUNE,
                                           .has_age = has_age,
                                           .older_than_ms = older_than_ms,
                                           .dry_run = dry_run});
}

static void what_no_model_names_goes_and_nothing_else(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    age(blob_of_text("only a"), 2 * HOUR);
    const char *orphan = put_orphan("nobody's", 2 * HOUR);
    put_line("blobs/notes.txt", "mine");
    age("blobs/notes.txt", 2 * HOUR);
    assert_int_equal(prune(false, 0, false), PLM_OK);
    assert_false(is_there(orphan));
    assert_true(is_there(blob_of_text("only a")));
    assert_true(is_there(blob_of_text("shared by all")));
    assert_true(is_there("blobs/notes.txt"));
    assert_int_equal(count_of(PLM_EV_PRUNE_BLOB), 1);
    assert_says(said(PLM_EV_PRUNE_BLOB, 0), "\"Kept\":false,\"Reason\":\"no model names it\"");
    assert_says(said(PLM_EV_PRUNE_DONE, 0), "\"BlobsDeleted\":1,");
}

static void young_blobs_stay_for_an_hour_or_as_long_as_is_asked(void **state)
{
    (void)state;
    const char *young = put_orphan("young", 1800), *old = put_orphan("old", 2 * HOUR);
    assert_int_equal(prune(true, INT64_C(3) * HOUR * 1000, false), PLM_OK);
    assert_true(is_there(young) && is_there(old));
    assert_int_equal(prune(false, 0, false), PLM_OK);
    assert_true(is_there(young));
    assert_false(is_there(old));
    assert_says(said(PLM_EV_PRUNE_DONE, 0), "\"BlobsKept\":1,");
    assert_int_equal(prune(true, 0, false), PLM_OK);
    assert_false(is_there(young));
}

static void a_dry_run_tells_the_same_and_leaves_all_as_it_is(void **state)
{
    (void)state;
    const char *orphan = put_orphan("nobody's", 2 * HOUR), *young = put_orphan("young", 60);
    assert_int_equal(prune(false, 0, true), PLM_OK);
    assert_true(is_there(orphan) && is_there(young));
    assert_int_equal(count_of(PLM_EV_PRUNE_BLOB), 2);
    assert_says(said(PLM_EV_PRUNE_DONE, 0), "\"BlobsDeleted\":1,");
    assert_says(said(PLM_EV_PRUNE_DONE, 0), "\"DryRun\":true");
}

static void an_unreadable_manifest_stops_it(void **state)
{
    (void)state;
    const char *orphan = put_orphan("nobody's", 2 * HOUR);
    put_line(HOST_PATH "bad/latest", "{");
    for (int dry_run = 0; dry_run < 2; dry_run++) {
        assert_int_equal(prune(false, 0, dry_run), PLM_E_CORRUPT);
        assert_says(said(PLM_EV_FAILED, 0), "library/bad/latest");
    }
    assert_true(is_there(orphan));
}

static void what_a_running_pull_needs_stays(void **state)
{
    (void)state;
    struct plm_store store;
    char manifest[200];
    struct plm_need need = PLM_NEED_INIT;
    const char *orphan = put_orphan("needed", 2 * HOUR);
    (void)snprintf(manifest, sizeof(manifest),
                   "{\"layers\":[{\"digest\":\"sha256:%s\",\"size\":6}]}",
                   orphan + strlen("blobs/sha256-"));
    assert_true(plm_store_open(at(""), true, &store, NULL));
    plm_need_declare(&store, manifest, strlen(manifest), &need);
    assert_true(need.fd >= 0);
    assert_int_equal(prune(true, 0, false), PLM_OK);
    assert_true(is_there(orphan));
    assert_says(said(PLM_EV_PRUNE_BLOB, 0), "a running pullama needs it");
    plm_need_drop(&need);
    plm_store_close(&store);
    assert_int_equal(prune(true, 0, false), PLM_OK);
    assert_false(is_there(orphan));
}

static void all_stays_while_ollama_pulls(void **state)
{
    (void)state;
    char partial[128];
    const char *orphan = put_orphan("layer of a pull", 2 * HOUR);
    (void)snprintf(partial, sizeof(partial), "%s-partial", blob_of_text("being pulled"));
    put_line(partial, "x");
    assert_int_equal(prune(false, 0, false), PLM_OK);
    assert_true(is_there(orphan));
    age(partial, 2 * HOUR);
    assert_int_equal(prune(false, 0, false), PLM_OK);
    assert_false(is_there(orphan));
    assert_true(is_there(partial));
}

static void a_second_name_keeps_the_bytes(void **state)
{
    (void)state;
    char full[300], second[300];
    (void)snprintf(full, sizeof(full), "%s", at(put_orphan("linked", 2 * HOUR)));
    (void)snprintf(second, sizeof(second), "%s", at("mine.gguf"));
    assert_int_equal(link(full, second), 0);
    age(blob_of_text("linked"), 2 * HOUR);
    assert_int_equal(prune(false, 0, false), PLM_OK);
    assert_says(said(PLM_EV_PRUNE_DONE, 0), "\"BlobsDeleted\":1,\"BytesReclaimed\":0,");
    assert_true(is_there("mine.gguf"));
}

static void no_store_is_an_empty_one(void **state)
{
    (void)state;
    assert_int_equal(prune(false, 0, false), PLM_OK);
    assert_says(said(PLM_EV_PRUNE_DONE, 0), "\"BlobsDeleted\":0,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(what_no_model_names_goes_and_nothing_else),
        WITH_WORLD(young_blobs_stay_for_an_hour_or_as_long_as_is_asked),
        WITH_WORLD(a_dry_run_tells_the_same_and_leaves_all_as_it_is),
        WITH_WORLD(an_unreadable_manifest_stops_it),
        WITH_WORLD(what_a_running_pull_needs_stays),
        WITH_WORLD(all_stays_while_ollama_pulls),
        WITH_WORLD(a_second_name_keeps_the_bytes),
        WITH_WORLD(no_store_is_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
