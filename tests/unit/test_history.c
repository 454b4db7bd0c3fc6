#include "database_world.h"

#include <string.h>

#include "queue/history.h"

#define DAY_MS INT64_C(86400000)
/* 2026-11-21T00:00:00Z */
#define START_MS INT64_C(1795219200000)

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

static void add(const char *reference, const char *host, int64_t ended_ms, uint64_t fetched,
                const char *outcome)
{
    const struct plm_history_record record = {.verb = "pull",
                                              .reference = reference,
                                              .host = host,
                                              .started_ms = ended_ms - 2000,
                                              .ended_ms = ended_ms,
                                              .elapsed_ms = 2000,
                                              .total = fetched + 50,
                                              .fetched = fetched,
                                              .reused = 50,
                                              .retries = 1,
                                              .rate = fetched / 2,
                                              .outcome = outcome,
                                              .error = ""};
    assert_true(plm_history_add(db, &record, &err));
}

static bool join(void *ctx, const struct plm_history_record *r)
{
    char *text = ctx;
    size_t used = strlen(text);
    (void)snprintf(text + used, 256 - used, "%s %s %llu;", r->reference, r->outcome,
                   (unsigned long long)r->fetched);
    return true;
}

static void expect(int64_t since_ms, const char *expected)
{
    char text[256] = "";
    assert_true(plm_history_each(db, since_ms, join, text, &err));
    assert_string_equal(text, expected);
}

static void records_come_back_oldest_first_since_a_time(void **state)
{
    (void)state;
    add("a", "h", START_MS, 100, "ok");
    add("b", "h", START_MS + 10, 200, "network");
    expect(0, "a ok 100;b network 200;");
    expect(START_MS + 10, "b network 200;");
    expect(START_MS + 11, "");
}

static bool see_all(void *ctx, const struct plm_history_record *r)
{
    ++*(int *)ctx;
    assert_string_equal(r->verb, "push");
    assert_string_equal(r->reference, "");
    assert_true(r->total == (uint64_t)INT64_MAX && r->sent == 2 && r->reused == 3);
    assert_true(r->elapsed_ms == 4 && r->started_ms == 5 && r->ended_ms == 9 && r->rate == 6);
    assert_string_equal(r->error, "gone");
    return true;
}

static void every_field_is_kept(void **state)
{
    (void)state;
    int calls = 0;
    const struct plm_history_record record = {.verb = "push",
                                              .reference = "",
                                              .host = "",
                                              .total = UINT64_MAX,
                                              .sent = 2,
                                              .reused = 3,
                                              .elapsed_ms = 4,
                                              .started_ms = 5,
                                              .ended_ms = 9,
                                              .rate = 6,
                                              .outcome = "io",
                                              .error = "gone"};
    assert_true(plm_history_add(db, &record, &err));
    assert_true(plm_history_each(db, 0, see_all, &calls, &err));
    assert_int_equal(calls, 1);
}

static void sum_up(void *ctx, const struct plm_history_sum *s)
{
    char *text = ctx;
    size_t used = strlen(text);
    (void)snprintf(text + used, 512 - used, "%d %s %llu/%llu/%llu %llu+%llu @%llu;", (int)s->scope,
                   s->name, (unsigned long long)s->jobs, (unsigned long long)s->failed,
                   (unsigned long long)s->interrupted, (unsigned long long)s->fetched,
                   (unsigned long long)s->reused, (unsigned long long)s->rate);
}

static void sums_are_of_all_of_each_host_and_of_each_day(void **state)
{
    (void)state;
    char text[512] = "";
    add("a", "h1", START_MS, 100, "ok");
    add("b", "h2", START_MS + 10, 300, "interrupted");
    add("c", "h1", START_MS + DAY_MS, 0, "network");
    assert_true(plm_history_sums(db, 0, sum_up, text, &err));
    assert_string_equal(text, "0  3/1/1 400+150 @100;"
                              "1 h1 2/1/0 100+100 @50;1 h2 1/0/1 300+50 @150;"
                              "2 2026-11-21 2/0/1 400+100 @100;2 2026-11-22 1/1/0 0+50 @0;");
    text[0] = '\0';
    assert_true(plm_history_sums(db, START_MS + DAY_MS, sum_up, text, &err));
    assert_string_equal(text, "0  1/1/0 0+50 @0;1 h1 1/1/0 0+50 @0;2 2026-11-22 1/1/0 0+50 @0;");
}

static void a_bound_by_count_holds_now_and_later(void **state)
{
    (void)state;
    uint64_t dropped = 0;
    const struct plm_history_keep keep = {.count = 2};
    for (int i = 0; i < 4; i++)
        add((const char[]){(char)('a' + i), '\0'}, "h", START_MS + i, 1, "ok");
    assert_true(plm_history_set_keep(db, &keep, START_MS, &dropped, &err));
    assert_int_equal(dropped, 2);
    expect(0, "c ok 1;d ok 1;");
    add("e", "h", START_MS + 9, 1, "ok");
    expect(0, "d ok 1;e ok 1;");
    const struct plm_history_keep all = {0};
    assert_true(plm_history_set_keep(db, &all, START_MS, &dropped, &err));
    assert_int_equal(dropped, 0);
    add("f", "h", START_MS + 10, 1, "ok");
    expect(0, "d ok 1;e ok 1;f ok 1;");
}

static void a_bound_by_age_holds_now_and_later(void **state)
{
    (void)state;
    uint64_t dropped = 0;
    const struct plm_history_keep keep = {.age_ms = DAY_MS};
    add("a", "h", START_MS, 1, "ok");
    add("b", "h", START_MS + DAY_MS, 1, "ok");
    assert_true(plm_history_set_keep(db, &keep, START_MS + DAY_MS + 1, &dropped, &err));
    assert_int_equal(dropped, 1);
    add("c", "h", START_MS + 3 * DAY_MS, 1, "ok");
    expect(0, "c ok 1;");
}

#define WITH_HISTORY(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HISTORY(records_come_back_oldest_first_since_a_time),
        WITH_HISTORY(every_field_is_kept),
        WITH_HISTORY(sums_are_of_all_of_each_host_and_of_each_day),
        WITH_HISTORY(a_bound_by_count_holds_now_and_later),
        WITH_HISTORY(a_bound_by_age_holds_now_and_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
