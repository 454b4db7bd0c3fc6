#include "kind_world.h"

#include "gguf_bytes.h"

static void put_gguf(const char *path, size_t size)
{
    unsigned char bytes[GGUF_BYTES];
    gguf_fill(bytes);
    put(path, bytes, size);
}

static enum plm_code adopt(const char *path, const char *name, bool link, bool dry_run)
{
    char full[512];
    (void)snprintf(full, sizeof(full), "%s", at(path));
    return run_spec(&(struct plm_job_spec){
        .verb = PLM_VERB_ADOPT, .model = full, .target = name, .link = link, .dry_run = dry_run});
}

static void a_file_becomes_a_model_and_stays(void **state)
{
    (void)state;
    unsigned char bytes[GGUF_BYTES];
    gguf_fill(bytes);
    put_gguf("mine.gguf", GGUF_BYTES);
    assert_int_equal(adopt("mine.gguf", "me/a:v1", false, false), PLM_OK);
    assert_true(is_there(blob_of(bytes, GGUF_BYTES)));
    assert_true(is_there("manifests/registry.ollama.ai/me/a/v1"));
    assert_true(is_there("mine.gguf"));
    assert_says(said(PLM_EV_ADOPTED, 0), "\"Size\":256,\"How\":");
    assert_int_equal(run_verb(PLM_VERB_LIST, "me/a"), PLM_OK);
    assert_says(said(PLM_EV_LIST_MODEL, 0), "\"Format\":\"gguf\",\"Family\":\"llama\"");
    assert_int_equal(run_verb(PLM_VERB_VERIFY, NULL), PLM_OK);
}

static void what_is_here_is_not_placed_again(void **state)
{
    (void)state;
    put_gguf("mine.gguf", GGUF_BYTES);
    assert_int_equal(adopt("mine.gguf", "a", false, false), PLM_OK);
    assert_int_equal(run_verb(PLM_VERB_VERIFY, NULL), PLM_OK); /* leaves its note */
    assert_int_equal(adopt("mine.gguf", "b", true, false), PLM_OK);
    assert_says(said(PLM_EV_ADOPTED, 0), "\"How\":\"present\"");
}

static void a_link_is_made_only_when_asked_for(void **state)
{
    (void)state;
    struct stat st;
    put_gguf("mine.gguf", GGUF_BYTES);
    assert_int_equal(adopt("mine.gguf", "a", true, false), PLM_OK);
    assert_says(said(PLM_EV_ADOPTED, 0), "\"How\":\"hard_link\"");
    assert_int_equal(lstat(at("mine.gguf"), &st), 0);
    assert_int_equal(st.st_nlink, 2);
}

static void a_truncated_file_says_how_much_is_missing(void **state)
{
    (void)state;
    put_gguf("cut.gguf", GGUF_BYTES - 10);
    assert_int_equal(adopt("cut.gguf", "a", false, false), PLM_E_CORRUPT);
    assert_says(said(PLM_EV_FAILED, 0), "it ends at byte 246, and its tensors at 256");
    put_gguf("head.gguf", 30);
    assert_int_equal(adopt("head.gguf", "a", false, false), PLM_E_CORRUPT);
    assert_false(is_there("manifests/registry.ollama.ai/library"));
}

static void names_and_paths_that_are_none_are_refused(void **state)
{
    (void)state;
    put_gguf("mine.gguf", GGUF_BYTES);
    assert_int_equal(adopt("none.gguf", "a", false, false), PLM_E_USAGE);
    assert_says(said(PLM_EV_FAILED, 0), "there is no file");
    assert_int_equal(adopt("mine.gguf", "a b", false, false), PLM_E_BAD_NAME);
    assert_int_equal(adopt("mine.gguf", NULL, false, false), PLM_E_BAD_NAME);
    assert_int_equal(adopt("", "a", false, false), PLM_E_USAGE); /* a directory */
}

static void a_dry_run_makes_nothing(void **state)
{
    (void)state;
    put_gguf("mine.gguf", GGUF_BYTES);
    assert_int_equal(adopt("mine.gguf", "a", true, true), PLM_OK);
    assert_says(said(PLM_EV_ADOPT_START, 0), "\"DryRun\":true");
    assert_false(is_there("blobs"));
    assert_int_equal(count_of(PLM_EV_ADOPTED), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_file_becomes_a_model_and_stays),
        WITH_WORLD(what_is_here_is_not_placed_again),
        WITH_WORLD(a_link_is_made_only_when_asked_for),
        WITH_WORLD(a_truncated_file_says_how_much_is_missing),
        WITH_WORLD(names_and_paths_that_are_none_are_refused),
        WITH_WORLD(a_dry_run_makes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
