#include "kind_world.h"

static enum plm_code compare(enum plm_verb verb, const char *const *models, size_t count)
{
    return run_spec(&(struct plm_job_spec){.verb = verb, .models = models, .model_count = count});
}

static void an_empty_store_is_up_to_date(void **state)
{
    (void)state;
    assert_int_equal(compare(PLM_VERB_OUTDATED, NULL, 0), PLM_OK);
    assert_says(said(PLM_EV_OUTDATED_DONE, 0), "\"Models\":0,");
    assert_int_equal(compare(PLM_VERB_UPDATE, NULL, 0), PLM_OK);
    assert_says(said(PLM_EV_UPDATE_DONE, 0), "\"Updated\":0,\"Removed\":0,\"Failed\":0");
}

static void a_model_that_is_not_here_is_said_to_be_so(void **state)
{
    (void)state;
    const char *const models[] = {"nothing", "nothing:latest"};
    assert_int_equal(compare(PLM_VERB_OUTDATED, models, 2), PLM_E_NOT_FOUND);
    assert_int_equal(count_of(PLM_EV_UPSTREAM), 1);
    assert_says(said(PLM_EV_UPSTREAM, 0), "\"Verdict\":\"not_here\"");
    assert_says(said(PLM_EV_UPSTREAM, 0), "\"Model\":\"nothing\"");
}

static void what_has_a_digest_is_refused(void **state)
{
    (void)state;
    const char *const models[] = {
        "m@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
    assert_int_equal(compare(PLM_VERB_OUTDATED, models, 1), PLM_E_USAGE);
    assert_int_equal(compare(PLM_VERB_UPDATE, models, 1), PLM_E_USAGE);
}

static void a_broken_manifest_is_reported_with_its_path(void **state)
{
    (void)state;
    put_line(HOST_PATH "bad/latest", "{");
    assert_int_equal(compare(PLM_VERB_OUTDATED, NULL, 0), PLM_E_CORRUPT);
    assert_says(said(PLM_EV_UPSTREAM, 0), "\"Verdict\":\"unknown\"");
    assert_says(said(PLM_EV_UPSTREAM, 0), "library/bad/latest");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(an_empty_store_is_up_to_date),
        WITH_WORLD(a_model_that_is_not_here_is_said_to_be_so),
        WITH_WORLD(what_has_a_digest_is_refused),
        WITH_WORLD(a_broken_manifest_is_reported_with_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
