#include "database_world.h"

#include <string.h>

#include "queue/queue.h"

static struct plm_database *db;
static struct plm_error err;

static int make(void **state)
{
    if (database_make(state) != 0)
        return -1;
    err = (struct plm_error){0};
    db = open_database(PLM_DATABASE_WRITE);
    return 0;
}

static int drop(void **state)
{
    plm_database_close(db);
    return database_drop(state);
}

static bool add(const char *reference)
{
    bool added = false;
    struct plm_queue_entry entry;
    assert_true(plm_queue_add(db, reference, 1000, &added, &entry, &err));
    return added;
}

static bool join(void *ctx, const struct plm_queue_entry *entry)
{
    char *text = ctx;
    size_t used = strlen(text);
    (void)snprintf(text + used, 256 - used, "%s%u %s %s", used ? ", " : "", entry->position,
                   entry->reference, plm_queue_status_name(entry->status));
    return true;
}

static void expect(const char *expected)
{
    char text[256] = "";
    assert_true(plm_queue_each(db, join, text, &err));
    assert_string_equal(text, expected);
}

static int64_t claim(const char *expected)
{
    struct plm_queue_found next;
    assert_true(plm_queue_claim(db, 2000, &next, &err));
    assert_string_equal(next.entry.reference, expected);
    return next.entry.id;
}

static void settle(int64_t id, enum plm_queue_status status)
{
    const char *code = status == PLM_QUEUE_FAILED ? "not_found" : NULL;
    assert_true(plm_queue_settle(db, id, status, 3000, code, code, &err));
}

static void entries_keep_their_order_and_have_positions(void **state)
{
    (void)state;
    assert_true(add("h/b:1") && add("h/a:1") && add("h/c:1"));
    expect("1 h/b:1 queued, 2 h/a:1 queued, 3 h/c:1 queued");
}

static void what_is_queued_or_active_is_not_added_again(void **state)
{
    (void)state;
    bool added = true;
    struct plm_queue_entry entry;
    assert_true(add("a") && add("b"));
    assert_false(add("a"));
    (void)claim("a");
    assert_true(plm_queue_add(db, "a", 9, &added, &entry, &err));
    assert_false(added);
    assert_int_equal(entry.position, 1);
    assert_int_equal(entry.status, PLM_QUEUE_ACTIVE);
    expect("1 a active, 2 b queued");
}

static void what_has_ended_is_queued_anew_at_the_end(void **state)
{
    (void)state;
    assert_true(add("a") && add("b") && add("c"));
    settle(claim("a"), PLM_QUEUE_COMPLETED);
    settle(claim("b"), PLM_QUEUE_FAILED);
    assert_true(add("a") && add("b"));
    expect("1 c queued, 2 a queued, 3 b queued");
}

static void the_first_queued_entry_is_claimed_once(void **state)
{
    (void)state;
    struct plm_queue_found none;
    assert_true(add("a") && add("b"));
    settle(claim("a"), PLM_QUEUE_FAILED);
    (void)claim("b");
    assert_true(plm_queue_claim(db, 1, &none, &err));
    assert_true(none.entry.id == 0);
}

static void what_was_stopped_keeps_its_place(void **state)
{
    (void)state;
    assert_true(add("a") && add("b"));
    settle(claim("a"), PLM_QUEUE_QUEUED);
    expect("1 a queued, 2 b queued");
    (void)claim("a");
}

static void a_crashed_runners_entries_are_put_back(void **state)
{
    (void)state;
    uint64_t count = 0;
    assert_true(add("a") && add("b") && add("c"));
    (void)claim("a");
    (void)claim("b");
    assert_true(plm_queue_put_back(db, &count, &err));
    assert_int_equal(count, 2);
    expect("1 a queued, 2 b queued, 3 c queued");
}

static void clearing_spares_what_a_runner_is_at(void **state)
{
    (void)state;
    uint64_t removed = 0;
    assert_true(add("a") && add("b") && add("c") && add("d"));
    settle(claim("a"), PLM_QUEUE_COMPLETED);
    settle(claim("b"), PLM_QUEUE_FAILED);
    (void)claim("c");
    assert_true(plm_queue_clear(db, true, &removed, &err));
    assert_int_equal(removed, 2);
    expect("1 c active, 2 d queued");
    assert_true(plm_queue_clear(db, false, &removed, &err));
    assert_int_equal(removed, 1);
    expect("1 c active");
}

static void failed_entries_are_queued_again_at_their_place(void **state)
{
    (void)state;
    struct plm_queue_found found;
    assert_true(add("a") && add("b"));
    settle(claim("a"), PLM_QUEUE_FAILED);
    assert_true(plm_queue_at(db, 1, &found, &err));
    assert_int_equal(found.entry.status, PLM_QUEUE_FAILED);
    assert_true(plm_queue_again(db, found.entry.id, &err));
    expect("1 a queued, 2 b queued");
    (void)claim("a");
    assert_true(plm_queue_again(db, found.entry.id, &err)); /* a runner is at it: nothing */
    expect("1 a active, 2 b queued");
}

static void positions_beyond_the_queue_are_refused(void **state)
{
    (void)state;
    struct plm_queue_found found;
    static const uint64_t positions[] = {0, 3, UINT64_MAX};
    struct plm_error none = {0};
    assert_false(plm_queue_at(db, 1, &found, &none));
    assert_non_null(strstr(none.msg, "the queue is empty"));
    assert_true(add("a") && add("b"));
    for (size_t i = 0; i < PLM_COUNT(positions); i++) {
        struct plm_error why = {0};
        assert_false(plm_queue_at(db, positions[i], &found, &why));
        assert_int_equal(why.code, PLM_E_USAGE);
        assert_non_null(strstr(why.msg, "they go from 1 to 2"));
    }
    assert_true(plm_queue_at(db, 2, &found, &err));
    assert_string_equal(found.entry.reference, "b");
}

static void entries_are_found_by_reference(void **state)
{
    (void)state;
    struct plm_queue_found found;
    struct plm_queue_count count;
    assert_true(add("a") && add("b"));
    assert_true(plm_queue_find(db, "b", &found, &err));
    assert_int_equal(found.entry.position, 2);
    assert_true(plm_queue_find(db, "x", &found, &err));
    assert_true(found.entry.id == 0);
    assert_true(plm_queue_remove(db, 1, &err));
    expect("1 b queued");
    assert_true(plm_queue_count(db, &count, &err));
    assert_true(count.all == 1 && count.queued == 1 && count.failed == 0);
}

#define WITH_QUEUE(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_QUEUE(entries_keep_their_order_and_have_positions),
        WITH_QUEUE(what_is_queued_or_active_is_not_added_again),
        WITH_QUEUE(what_has_ended_is_queued_anew_at_the_end),
        WITH_QUEUE(the_first_queued_entry_is_claimed_once),
        WITH_QUEUE(what_was_stopped_keeps_its_place),
        WITH_QUEUE(a_crashed_runners_entries_are_put_back),
        WITH_QUEUE(clearing_spares_what_a_runner_is_at),
        WITH_QUEUE(failed_entries_are_queued_again_at_their_place),
        WITH_QUEUE(positions_beyond_the_queue_are_refused),
        WITH_QUEUE(entries_are_found_by_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
