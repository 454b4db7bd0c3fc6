#include "kind_world.h"

static enum plm_code run_words(enum plm_verb verb, const char *const *words, size_t count)
{
    return run_spec(&(struct plm_job_spec){.verb = verb, .models = words, .model_count = count});
}

#define RUN(verb, ...)                                                                             \
    run_words((verb), (const char *const[]){__VA_ARGS__},                                          \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void adding_makes_the_store_and_keeps_whole_references(void **state)
{
    (void)state;
    assert_int_equal(RUN(PLM_VERB_QUEUE_ADD, "a", "user/b:v1"), PLM_OK);
    assert_int_equal(count_of(PLM_EV_QUEUE_ADDED), 2);
    assert_true(is_there(".pullm/pullama.db"));
    assert_int_equal(run_words(PLM_VERB_QUEUE_LIST, NULL, 0), PLM_OK);
    assert_non_null(
        strstr(said(PLM_EV_QUEUE_ENTRY, 1), "\"Reference\":\"registry.ollama.ai/user/b:v1\""));
    assert_non_null(strstr(said(PLM_EV_QUEUE_ENTRY, 1), "\"Position\":2"));
}

static void one_bad_name_adds_none(void **state)
{
    (void)state;
    assert_int_equal(RUN(PLM_VERB_QUEUE_ADD, "good", "../bad"), PLM_E_BAD_NAME);
    assert_int_equal(run_words(PLM_VERB_QUEUE_LIST, NULL, 0), PLM_OK);
    assert_int_equal(count_of(PLM_EV_QUEUE_ENTRY), 0);
}

static void listing_makes_no_database(void **state)
{
    (void)state;
    assert_int_equal(run_words(PLM_VERB_QUEUE_LIST, NULL, 0), PLM_OK);
    assert_false(is_there(".pullm"));
}

static void one_wrong_operand_removes_nothing(void **state)
{
    (void)state;
    assert_int_equal(RUN(PLM_VERB_QUEUE_ADD, "a", "b"), PLM_OK);
    assert_int_equal(RUN(PLM_VERB_QUEUE_RM, "1", "3"), PLM_E_USAGE);
    assert_int_equal(RUN(PLM_VERB_QUEUE_RM, "1", "c"), PLM_E_NOT_FOUND);
    assert_int_equal(run_words(PLM_VERB_QUEUE_LIST, NULL, 0), PLM_OK);
    assert_int_equal(count_of(PLM_EV_QUEUE_ENTRY), 2);
    assert_int_equal(RUN(PLM_VERB_QUEUE_RM, "1", "a", "b"), PLM_OK);
    assert_int_equal(count_of(PLM_EV_QUEUE_REMOVED), 2);
}

static void what_only_waits_is_nothing_to_retry(void **state)
{
    (void)state;
    assert_int_equal(RUN(PLM_VERB_QUEUE_ADD, "a"), PLM_OK);
    assert_int_equal(RUN(PLM_VERB_QUEUE_RETRY, "1"), PLM_OK);
    assert_int_equal(count_of(PLM_EV_QUEUE_RETRIED), 0);
    assert_non_null(strstr(said(PLM_EV_QUEUE_CHANGED, 0), "\"Changed\":0,\"Skipped\":1"));
    assert_int_equal(run_words(PLM_VERB_QUEUE_RETRY, NULL, 0), PLM_OK);
    assert_int_equal(count_of(PLM_EV_QUEUE_RETRIED), 0);
}

static void a_run_of_nothing_ends_well_and_leaves_no_lock(void **state)
{
    (void)state;
    assert_int_equal(run_words(PLM_VERB_QUEUE_START, NULL, 0), PLM_OK);
    assert_int_equal(count_of(PLM_EV_QUEUE_DONE), 1);
    assert_false(is_there(".pullm/queue.lock"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(adding_makes_the_store_and_keeps_whole_references),
        WITH_WORLD(one_bad_name_adds_none),
        WITH_WORLD(listing_makes_no_database),
        WITH_WORLD(one_wrong_operand_removes_nothing),
        WITH_WORLD(what_only_waits_is_nothing_to_retry),
        WITH_WORLD(a_run_of_nothing_ends_well_and_leaves_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
