#include "kind_world.h"

static enum plm_code add(const char *word)
{
    return run_spec(
        &(struct plm_job_spec){.verb = PLM_VERB_QUEUE_ADD, .models = &word, .model_count = 1});
}

static size_t list(void)
{
    assert_int_equal(run_spec(&(struct plm_job_spec){.verb = PLM_VERB_QUEUE_LIST}), PLM_OK);
    return count_of(PLM_EV_QUEUE_ENTRY);
}

#define ENTRY(model, status)                                                                       \
    "{\"model\":\"" model "\",\"tag\":\"latest\",\"status\":\"" status "\"}"

static void the_queue_of_pullama_is_taken_over_once(void **state)
{
    (void)state;
    put_line(".pullm/queue.json", "{\"entries\":[" ENTRY("a", "active") "," ENTRY(
                                      "b", "completed") "," ENTRY("..", "queued") "]}");
    assert_int_equal(add("c"), PLM_OK);
    assert_int_equal(count_of(PLM_EV_WARNING), 2); /* of the name, and of the rest */
    assert_false(is_there(".pullm/queue.json"));
    assert_true(is_there(".pullm/queue.json.taken-over"));
    assert_int_equal(list(), 3);
    assert_non_null(strstr(said(PLM_EV_QUEUE_ENTRY, 0), "\"Status\":\"queued\""));
    assert_non_null(strstr(said(PLM_EV_QUEUE_ENTRY, 1), "\"Status\":\"completed\""));
    assert_int_equal(add("c"), PLM_OK);
    assert_int_equal(count_of(PLM_EV_WARNING), 0);
}

static void what_was_taken_over_before_adds_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        put_line(".pullm/queue.json", "{\"entries\":[" ENTRY("a", "queued") "]}");
        assert_int_equal(add("c"), PLM_OK);
        assert_int_equal(list(), 2);
    }
    assert_true(is_there(".pullm/queue.json.taken-over-2"));
}

static void what_is_no_queue_is_refused_and_kept(void **state)
{
    (void)state;
    put_line(".pullm/queue.json", "{\"entries\":[" ENTRY("a", "queued") ",7]}");
    assert_int_equal(add("c"), PLM_OK);
    assert_int_equal(list(), 1);
    assert_true(is_there(".pullm/queue.json.refused"));
}

static void a_damaged_database_is_set_aside_to_add_and_left_alone_to_read(void **state)
{
    (void)state;
    static const char noise[8192] = "noise";
    put(".pullm/pullama.db", noise, sizeof(noise));
    assert_int_equal(run_spec(&(struct plm_job_spec){.verb = PLM_VERB_QUEUE_LIST}), PLM_E_CORRUPT);
    assert_int_equal(run_spec(&(struct plm_job_spec){.verb = PLM_VERB_HISTORY}), PLM_E_CORRUPT);
    assert_false(is_there(".pullm/pullama.db.damaged"));
    assert_int_equal(add("a"), PLM_OK);
    assert_non_null(strstr(said(PLM_EV_WARNING, 0), "set aside as pullama.db.damaged"));
    assert_true(is_there(".pullm/pullama.db.damaged"));
    assert_false(is_there(".pullm/database.lock"));
    assert_int_equal(list(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_queue_of_pullama_is_taken_over_once),
        WITH_WORLD(what_was_taken_over_before_adds_nothing),
        WITH_WORLD(what_is_no_queue_is_refused_and_kept),
        WITH_WORLD(a_damaged_database_is_set_aside_to_add_and_left_alone_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
