#include "kind_world.h"

#include "os/os.h"

#define BIG 3000000

static enum plm_code verify_fast(const char *model)
{
    return run_spec(&(struct plm_job_spec){
        .verb = PLM_VERB_VERIFY, .models = &model, .model_count = 1, .fast = true});
}

static enum plm_code verify(const char *model)
{
    return run_spec(&(struct plm_job_spec){
        .verb = PLM_VERB_VERIFY, .models = &model, .model_count = model ? 1 : 0});
}

static bool has_notes(const char *path)
{
    int fd = open(at(path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    bool can = plm_os_note_set(fd, "test", "x", 1);
    assert_int_equal(close(fd), 0);
    return can;
}

/* What was said of the blob with these bytes. */
static const char *said_of(const char *text)
{
    const char *name = blob_of_text(text) + strlen("blobs/sha256-");
    for (size_t i = 0; i < count_of(PLM_EV_BLOB_CHECKED); i++)
        if (strstr(said(PLM_EV_BLOB_CHECKED, i), name))
            return said(PLM_EV_BLOB_CHECKED, i);
    fail_msg("nothing was said of the blob %s", name);
    return "";
}

static void whole_models_are_ok_and_a_shared_blob_is_read_once(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("b/v1", "only b");
    put_small("empty/latest", "");
    assert_int_equal(verify(NULL), PLM_OK);
    assert_int_equal(count_of(PLM_EV_BLOB_CHECKED), 4);
    assert_int_equal(count_of(PLM_EV_MODEL_CHECKED), 3);
    assert_says(said_of("shared by all"), "\"Verdict\":\"ok\",\"Failed\":false");
    assert_says(said_of("shared by all"), "\"Models\":[\"a:latest\",\"b:v1\",\"empty:latest\"]");
    assert_says(said(PLM_EV_VERIFY_START, 0), "\"ModelCount\":3,\"BlobCount\":4,\"TotalSize\":25");
    assert_says(said(PLM_EV_VERIFY_DONE, 0), "\"HashedBytes\":25,");
    assert_false(is_there(".pullm"));
}

static void only_the_models_that_are_named_are_read(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("b/v1", "only b");
    put_line(blob_of_text("only b"), "Only b");
    assert_int_equal(verify("a"), PLM_OK);
    assert_int_equal(count_of(PLM_EV_BLOB_CHECKED), 2);
    const char *models[] = {"a", "b:v1", "a:latest"};
    struct plm_job_spec spec = {.verb = PLM_VERB_VERIFY, .models = models, .model_count = 3};
    assert_int_equal(run_spec(&spec), PLM_E_INTEGRITY);
    assert_int_equal(count_of(PLM_EV_MODEL_CHECKED), 2);
}

static void each_kind_of_damage_is_told_with_the_models_that_need_the_blob(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("b/latest", "only b");
    put_small("c/latest", "only c");
    put_small("d/latest", "only d");
    put_small("whole/latest", "only e");
    put_line(blob_of_text("only a"), "only A");
    put_line(blob_of_text("only b"), "only");
    put_line(blob_of_text("only c"), "only c and more");
    assert_int_equal(unlink(at(blob_of_text("only d"))), 0);
    assert_int_equal(verify(NULL), PLM_E_INTEGRITY);
    assert_says(said_of("only a"), "\"Verdict\":\"wrong_digest\",\"Failed\":true,\"FoundSize\":6,"
                                   "\"FoundDigest\":\"sha256:");
    assert_says(said_of("only b"), "\"Verdict\":\"truncated\",\"Failed\":true,\"FoundSize\":4,");
    assert_says(said_of("only c"), "\"Verdict\":\"grown\",\"Failed\":true,\"FoundSize\":15,");
    assert_says(said_of("only d"), "\"Verdict\":\"missing\",\"Failed\":true,\"FoundSize\":null,");
    assert_says(said_of("only d"), "\"Models\":[\"d:latest\"]");
    assert_says(said(PLM_EV_VERIFY_DONE, 0), "\"ModelsFailed\":4,\"BlobsFailed\":4,");
    assert_says(said(PLM_EV_FAILED, 0), "damaged: a:latest, b:latest, c:latest and 1 more");
}

static void a_folder_or_a_link_in_a_blobs_place_is_no_file(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    assert_int_equal(unlink(at(blob_of_text("only a"))), 0);
    assert_int_equal(mkdir(at(blob_of_text("only a")), 0755), 0);
    assert_int_equal(verify(NULL), PLM_E_INTEGRITY);
    assert_says(said_of("only a"), "\"Verdict\":\"no_file\"");
    assert_int_equal(rmdir(at(blob_of_text("only a"))), 0);
    assert_int_equal(symlink("/etc/passwd", at(blob_of_text("only a"))), 0);
    assert_int_equal(verify(NULL), PLM_E_INTEGRITY);
    assert_says(said_of("only a"), "\"Verdict\":\"no_file\"");
}

static void a_blob_that_may_not_be_read_is_not_called_damaged(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    assert_int_equal(chmod(at(blob_of_text("only a")), 0), 0);
    if (geteuid() == 0)
        skip(); /* who may read everything */
    assert_int_equal(verify(NULL), PLM_E_ACCESS);
    assert_says(said_of("only a"), "\"Verdict\":\"unreadable\"");
    assert_says(said(PLM_EV_MODEL_CHECKED, 0), "\"Verdict\":\"unreadable\"");
}

static void manifests_that_are_none_are_told_by_path_and_the_rest_is_checked(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_line(HOST_PATH "bad/latest", "{\"layers\":5}");
    assert_int_equal(verify(NULL), PLM_E_CORRUPT);
    assert_says(said(PLM_EV_MODEL_CHECKED, 0), "\"Verdict\":\"bad_manifest\"");
    assert_says(said(PLM_EV_MODEL_CHECKED, 0), "library/bad/latest");
    assert_int_equal(count_of(PLM_EV_BLOB_CHECKED), 2);
    put_line(blob_of_text("only a"), "only A"); /* wrong bytes count more */
    assert_int_equal(verify(NULL), PLM_E_INTEGRITY);
    assert_says(said(PLM_EV_FAILED, 0), "damaged: a:latest; without a usable manifest: bad:latest");
}

static void the_first_model_that_fails_decides_how_it_ends(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_line(blob_of_text("only a"), "only A");
    const char *models[] = {"nothing", "a"};
    struct plm_job_spec spec = {.verb = PLM_VERB_VERIFY, .models = models, .model_count = 2};
    assert_int_equal(run_spec(&spec), PLM_E_NOT_FOUND);
    assert_int_equal(count_of(PLM_EV_BLOB_CHECKED), 2);
    models[0] = "a";
    models[1] = "nothing";
    assert_int_equal(run_spec(&spec), PLM_E_INTEGRITY);
    models[1] = "a b";
    assert_int_equal(run_spec(&spec), PLM_E_BAD_NAME);
    assert_int_equal(count_of(PLM_EV_VERIFY_START), 0);
}

static void an_empty_store_and_none_are_whole(void **state)
{
    (void)state;
    assert_int_equal(verify(NULL), PLM_OK);
    assert_false(is_there(""));
    assert_int_equal(verify("a"), PLM_E_NOT_FOUND);
    put_line("blobs/x", "");
    assert_int_equal(verify(NULL), PLM_OK);
}

static void what_was_hashed_before_is_trusted_when_asked(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    if (!has_notes(blob_of_text("only a")))
        skip();
    assert_int_equal(verify_fast("a"), PLM_OK); /* nothing is known yet */
    assert_says(said_of("only a"), "\"Verdict\":\"ok\"");
    assert_int_equal(verify_fast("a"), PLM_OK);
    assert_says(said_of("only a"), "\"Verdict\":\"trusted\",\"Failed\":false,\"FoundSize\":6,"
                                   "\"FoundDigest\":null,\"CheckedAt\":\"20");
    assert_says(said(PLM_EV_MODEL_CHECKED, 0), "\"Verdict\":\"trusted\"");
    assert_says(said(PLM_EV_VERIFY_DONE, 0),
                "\"BlobsTrusted\":2,\"BlobsRepaired\":0,\"FetchedBytes\":0,\"HashedBytes\":0,");
    put_line(blob_of_text("only a"), "only A");
    assert_int_equal(verify_fast("a"), PLM_E_INTEGRITY);
    assert_says(said_of("shared by all"), "\"Verdict\":\"trusted\"");
}

/* A disk changes bytes, and tells nobody. */
static void a_full_check_finds_silent_damage_and_voids_the_trust(void **state)
{
    (void)state;
    struct stat was;
    put_small("a/latest", "only a");
    if (!has_notes(blob_of_text("only a")))
        skip();
    assert_int_equal(verify("a"), PLM_OK);
    assert_int_equal(stat(at(blob_of_text("only a")), &was), 0);
    put_line(blob_of_text("only a"), "only A");
    struct timespec times[2] = {was.st_atim, was.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, at(blob_of_text("only a")), times, 0), 0);
    assert_int_equal(verify_fast("a"), PLM_OK);
    assert_int_equal(verify("a"), PLM_E_INTEGRITY);
    assert_int_equal(verify_fast("a"), PLM_E_INTEGRITY);
}

static void one_digest_with_two_sizes_breaks_the_model_with_the_wrong_one(void **state)
{
    (void)state;
    char manifest[300];
    put_small("a/latest", "only a");
    (void)snprintf(manifest, sizeof(manifest),
                   "{\"layers\":[{\"digest\":\"sha256:%s\",\"size\":5,\"mediaType\":\"m/t\"}]}",
                   blob_of_text("only a") + strlen("blobs/sha256-"));
    put_line(HOST_PATH "b/latest", manifest);
    assert_int_equal(verify("a"), PLM_OK);
    assert_int_equal(verify("b"), PLM_E_INTEGRITY);
    assert_int_equal(verify(NULL), PLM_E_INTEGRITY);
    assert_says(said(PLM_EV_FAILED, 0), "damaged: b:latest\"");
}

static void blobs_of_ollamas_old_naming_are_found(void **state)
{
    (void)state;
    char old[300];
    put_small("a/latest", "only a");
    (void)snprintf(old, sizeof(old), "%s", at(blob_of_text("only a")));
    char was[300];
    (void)memcpy(was, old, sizeof(was));
    strstr(old, "sha256-")[6] = ':';
    assert_int_equal(rename(was, old), 0);
    assert_int_equal(verify("a"), PLM_OK);
}

/* ---- things that happen meanwhile ---- */

struct meddling {
    struct plm_engine *engine;
    bool removes_manifest, replaces, done;
    enum plm_model_verdict model;
    enum plm_blob_verdict blob;
};

/* When it begins, the blob goes away under it, alone or with its model. */
static void meddle(void *ctx, const struct plm_event *event)
{
    struct meddling *m = ctx;
    if (event->kind == PLM_EV_VERIFY_START) {
        assert_int_equal(unlink(at(blob_of_text("only a"))), 0);
        if (m->removes_manifest)
            assert_int_equal(unlink(at(HOST_PATH "a/latest")), 0);
        if (m->replaces)
            put_small("a/latest", "other");
    }
    if (event->kind == PLM_EV_MODEL_CHECKED)
        m->model = event->model_checked.verdict;
    if (event->kind == PLM_EV_BLOB_CHECKED && event->blob.want->size == 6)
        m->blob = event->blob_checked.verdict;
}

static enum plm_code run_meddled(struct meddling *m)
{
    char models[300];
    uint32_t id;
    struct plm_error err = {0};
    (void)snprintf(models, sizeof(models), "%s/models", scratch_path);
    struct plm_engine_options options = {.models_dir = models};
    struct plm_job_spec spec = {.verb = PLM_VERB_VERIFY};
    put_small("a/latest", "only a");
    if (!plm_engine_new(&options, (struct plm_sink){.emit = meddle, .ctx = m}, &m->engine, &err) ||
        !plm_engine_submit(m->engine, &spec, &id, &err))
        fail_msg("%s", err.msg);
    while (plm_engine_step(m->engine, 1000))
        ;
    enum plm_code code = plm_engine_result(m->engine);
    plm_engine_free(m->engine);
    return code;
}

static void a_blob_that_goes_with_its_model_is_no_damage(void **state)
{
    (void)state;
    struct meddling gone = {.removes_manifest = true};
    assert_int_equal(run_meddled(&gone), PLM_OK);
    assert_int_equal(gone.model, PLM_MODEL_CHANGED);
    assert_int_equal(gone.blob, PLM_BLOB_GONE);
    struct meddling replaced = {.replaces = true};
    assert_int_equal(run_meddled(&replaced), PLM_OK);
    assert_int_equal(replaced.model, PLM_MODEL_CHANGED);
    struct meddling alone = {.done = false};
    assert_int_equal(run_meddled(&alone), PLM_E_INTEGRITY);
    assert_int_equal(alone.blob, PLM_BLOB_MISSING);
}

static void stop_at_start(void *ctx, const struct plm_event *event)
{
    struct meddling *m = ctx;
    if (event->kind == PLM_EV_VERIFY_START)
        plm_engine_stop(m->engine);
    m->done = m->done || event->kind == PLM_EV_VERIFY_DONE;
}

static void stopped_it_says_nothing_of_what_it_has_not_seen(void **state)
{
    (void)state;
    char models[300];
    uint32_t id;
    struct meddling m = {0};
    char *bytes = calloc(1, BIG);
    assert_non_null(bytes);
    put_model("registry.ollama.ai/library/a/latest",
              (struct made_layer[]){{"model", bytes, BIG}, TEXT_LAYER("license", "x"), {0}});
    free(bytes);
    (void)snprintf(models, sizeof(models), "%s/models", scratch_path);
    struct plm_engine_options options = {.models_dir = models};
    struct plm_job_spec spec = {.verb = PLM_VERB_VERIFY};
    assert_true(plm_engine_new(&options, (struct plm_sink){.emit = stop_at_start, .ctx = &m},
                               &m.engine, NULL));
    assert_true(plm_engine_submit(m.engine, &spec, &id, NULL));
    while (plm_engine_step(m.engine, 1000))
        ;
    assert_false(m.done);
    assert_int_equal(plm_engine_result(m.engine), PLM_OK); /* stopped on request is no failure */
    plm_engine_free(m.engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(whole_models_are_ok_and_a_shared_blob_is_read_once),
        WITH_WORLD(only_the_models_that_are_named_are_read),
        WITH_WORLD(each_kind_of_damage_is_told_with_the_models_that_need_the_blob),
        WITH_WORLD(a_folder_or_a_link_in_a_blobs_place_is_no_file),
        WITH_WORLD(a_blob_that_may_not_be_read_is_not_called_damaged),
        WITH_WORLD(manifests_that_are_none_are_told_by_path_and_the_rest_is_checked),
        WITH_WORLD(the_first_model_that_fails_decides_how_it_ends),
        WITH_WORLD(an_empty_store_and_none_are_whole),
        WITH_WORLD(what_was_hashed_before_is_trusted_when_asked),
        WITH_WORLD(a_full_check_finds_silent_damage_and_voids_the_trust),
        WITH_WORLD(one_digest_with_two_sizes_breaks_the_model_with_the_wrong_one),
        WITH_WORLD(blobs_of_ollamas_old_naming_are_found),
        WITH_WORLD(a_blob_that_goes_with_its_model_is_no_damage),
        WITH_WORLD(stopped_it_says_nothing_of_what_it_has_not_seen),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
