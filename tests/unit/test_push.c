#include "kind_world.h"

static enum plm_code push(const char *model, const char *target)
{
    return run_spec(
        &(struct plm_job_spec){.verb = PLM_VERB_PUSH, .model = model, .target = target});
}

static void a_model_that_is_not_here_is_not_found(void **state)
{
    (void)state;
    put_small("other/latest", "text");
    assert_int_equal(push("tiny", NULL), PLM_E_NOT_FOUND);
    assert_says(said(PLM_EV_FAILED, 0), "tiny:latest");
    assert_says(said(PLM_EV_FAILED, 0), "pullama list");
}

static void without_a_store_nothing_is_made(void **state)
{
    (void)state;
    assert_int_equal(push("tiny", NULL), PLM_E_NOT_FOUND);
    assert_false(is_there("blobs"));
    assert_false(is_there(".pullm"));
}

static void another_name_must_be_one_without_a_digest(void **state)
{
    (void)state;
    put_small("tiny/latest", "text");
    assert_int_equal(push("tiny", "a/b/c/d/e"), PLM_E_BAD_NAME);
    assert_says(said(PLM_EV_FAILED, 0), "--as");
    assert_int_equal(push("tiny",
                          "m@sha256:" /* 64 digits */
                          "0000000000000000000000000000000000000000000000000000000000000000"),
                     PLM_E_USAGE);
    assert_int_equal(count_of(PLM_EV_PUSH_START), 0);
}

static void a_manifest_that_is_none_is_told_of(void **state)
{
    (void)state;
    put_line("manifests/registry.ollama.ai/library/tiny/latest", "{\"layers\":");
    assert_int_equal(push("tiny", NULL), PLM_E_CORRUPT);
    assert_int_equal(count_of(PLM_EV_MANIFEST_READ), 0);
}

static void a_pinned_model_must_be_the_one_that_is_here(void **state)
{
    (void)state;
    put_small("tiny/latest", "text");
    assert_int_equal(push("tiny@sha256:"
                          "0000000000000000000000000000000000000000000000000000000000000000",
                          NULL),
                     PLM_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_model_that_is_not_here_is_not_found),
        WITH_WORLD(without_a_store_nothing_is_made),
        WITH_WORLD(another_name_must_be_one_without_a_digest),
        WITH_WORLD(a_manifest_that_is_none_is_told_of),
        WITH_WORLD(a_pinned_model_must_be_the_one_that_is_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
