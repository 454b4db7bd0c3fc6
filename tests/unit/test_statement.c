#include "database_world.h"

#include "queue/statement.h"

static void values_come_back_as_they_were_bound(void **state)
{
    (void)state;
    struct plm_statement s;
    struct plm_error err = {0};
    struct plm_database *db = open_database(PLM_DATABASE_WRITE);
    assert_true(
        plm_statement_open(db, &s, "SELECT ?, ?, ?", &err, "itt", INT64_MIN, "'; --", NULL));
    assert_true(plm_statement_step(&s, &err));
    assert_true(plm_statement_int(&s, 0) == INT64_MIN);
    assert_string_equal(plm_statement_text(&s, 1), "'; --");
    assert_string_equal(plm_statement_text(&s, 2), "");
    assert_false(plm_statement_step(&s, &err));
    assert_true(plm_statement_close(&s, &err));
    plm_database_close(db);
}

static void a_table_that_is_missing_is_damage(void **state)
{
    (void)state;
    int64_t number = 5;
    struct plm_error err = {0};
    struct plm_database *db = open_database(PLM_DATABASE_WRITE);
    assert_true(plm_statement_run(db, "DROP TABLE history", &err, NULL));
    assert_false(plm_statement_number(db, "SELECT count(*) FROM history", &number, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_int_equal(number, 5);
    plm_database_close(db);
}

static void a_failed_step_is_told_by_the_close(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_database *db = open_database(PLM_DATABASE_WRITE);
    assert_false(plm_statement_run(db, "INSERT INTO settings VALUES (NULL, NULL)", &err, NULL));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    plm_database_close(db);
}

static void a_full_file_is_told_as_a_full_disk(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_database *db = open_database(PLM_DATABASE_WRITE);
    assert_true(plm_statement_run(db, "PRAGMA max_page_count=1", &err, NULL));
    bool ok = true;
    for (int i = 0; ok && i < 1000; i++)
        ok = plm_statement_run(
            db, "INSERT INTO settings VALUES (hex(randomblob(16)), hex(zeroblob(99)))", &err, NULL);
    assert_false(ok);
    assert_int_equal(err.code, PLM_E_NOSPACE);
    plm_database_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DATABASE(values_come_back_as_they_were_bound),
        WITH_DATABASE(a_table_that_is_missing_is_damage),
        WITH_DATABASE(a_failed_step_is_told_by_the_close),
        WITH_DATABASE(a_full_file_is_told_as_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
