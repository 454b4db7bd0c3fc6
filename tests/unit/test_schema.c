#include "database_world.h"

#include <string.h>

#include "queue/statement.h"

#define NAME PLM_DATABASE_NAME

static int64_t number(struct plm_database *db, const char *sql)
{
    int64_t value = -1;
    struct plm_error err = {0};
    assert_true(plm_statement_number(db, sql, &value, &err));
    return value;
}

static void reading_makes_nothing(void **state)
{
    (void)state;
    assert_null(open_database(PLM_DATABASE_READ));
    assert_false(is_there(NAME));
    put_file(NAME, "", 0);
    assert_null(open_database(PLM_DATABASE_READ));
}

static void a_new_database_has_the_schema_and_a_log(void **state)
{
    (void)state;
    struct plm_database *db = open_database(PLM_DATABASE_WRITE);
    assert_int_equal(number(db, "PRAGMA user_version"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM entries"), 0);
    assert_int_equal(number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(number(db, "PRAGMA synchronous"), 3);
    plm_database_close(db);
    db = open_database(PLM_DATABASE_READ);
    assert_int_equal(number(db, "SELECT count(*) FROM history"), 0);
    plm_database_close(db);
}

static void notes_wait_for_no_disk(void **state)
{
    (void)state;
    struct plm_database *db = open_database(PLM_DATABASE_NOTE);
    struct plm_error err = {0};
    assert_int_equal(number(db, "PRAGMA synchronous"), 1);
    assert_true(plm_statement_run(db, "INSERT INTO settings VALUES ('a', 'b')", &err, NULL));
    plm_database_close(db);
    assert_true(is_there(NAME "-wal")); /* the log waits for one who has time */
    plm_database_close(open_database(PLM_DATABASE_WRITE));
    assert_false(is_there(NAME "-wal"));
}

static size_t size_of(const char *name)
{
    struct stat status;
    return stat(scratch_file(name), &status) == 0 ? (size_t)status.st_size : 0;
}

static void a_log_that_notes_made_long_is_brought_in(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_database *db = open_database(PLM_DATABASE_NOTE);
    for (int i = 0; size_of(NAME "-wal") < 1 << 20; i++)
        assert_true(plm_statement_run(
            db, "INSERT OR REPLACE INTO settings VALUES ('a', hex(zeroblob(9000)))", &err, NULL));
    plm_database_close(db);
    db = open_database(PLM_DATABASE_NOTE);
    assert_int_equal(size_of(NAME "-wal"), 0);
    assert_int_equal(number(db, "SELECT length(value) FROM settings"), 18000);
    plm_database_close(db);
}

static void a_newer_schema_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_database *db = open_database(PLM_DATABASE_WRITE);
    assert_true(plm_statement_run(db, "PRAGMA user_version=7", &err, NULL));
    plm_database_close(db);
    for (int use = PLM_DATABASE_READ; use <= PLM_DATABASE_NOTE; use++) {
        assert_false(try_open((enum plm_database_use)use, &db, &err));
        assert_int_equal(err.code, PLM_E_UNSUPPORTED);
        assert_non_null(strstr(err.msg, "newer pullama: its schema is 7"));
    }
}

static void other_bytes_are_damage(void **state)
{
    (void)state;
    static const char noise[4096] = "this is no database, whatever it is called";
    struct plm_database *db = NULL;
    struct plm_error err;
    put_file(NAME, noise, sizeof(noise));
    for (int use = PLM_DATABASE_READ; use <= PLM_DATABASE_NOTE; use++) {
        assert_false(try_open((enum plm_database_use)use, &db, &err));
        assert_int_equal(err.code, PLM_E_CORRUPT);
        assert_non_null(strstr(err.msg, NAME " is damaged"));
    }
}

static void a_database_of_somebody_else_is_refused(void **state)
{
    (void)state;
    sqlite3 *raw = NULL;
    struct plm_database *db = NULL;
    struct plm_error err;
    assert_int_equal(sqlite3_open(scratch_file(NAME), &raw), SQLITE_OK);
    assert_int_equal(sqlite3_exec(raw, "CREATE TABLE recipes (name)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(raw), SQLITE_OK);
    assert_false(try_open(PLM_DATABASE_WRITE, &db, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_non_null(strstr(err.msg, "is no database of pullama"));
}

static void links_and_folders_are_refused(void **state)
{
    (void)state;
    struct plm_database *db = NULL;
    struct plm_error err;
    put_file("elsewhere", "", 0);
    assert_int_equal(symlink("elsewhere", scratch_file(NAME)), 0);
    assert_false(try_open(PLM_DATABASE_WRITE, &db, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_int_equal(unlink(scratch_file(NAME)), 0);
    assert_int_equal(mkdir(scratch_file(NAME), 0755), 0);
    assert_false(try_open(PLM_DATABASE_WRITE, &db, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_non_null(strstr(err.msg, "no regular file"));
}

static void a_change_is_whole_or_not_at_all(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_database *db = open_database(PLM_DATABASE_WRITE);
    for (int keep = 0; keep <= 1; keep++) {
        assert_true(plm_database_begin(db, &err));
        assert_true(plm_statement_run(db, "INSERT INTO settings VALUES ('a', 'b')", &err, NULL));
        assert_true(plm_database_end(db, keep, &err) == (bool)keep);
        assert_int_equal(number(db, "SELECT count(*) FROM settings"), keep);
    }
    plm_database_close(db);
}

static void waiting_for_a_lock_ends_when_an_end_is_asked_for(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_database *one = open_database(PLM_DATABASE_WRITE), *other;
    other = open_database(PLM_DATABASE_WRITE);
    assert_true(plm_database_begin(one, &err));
    is_ending_now = true;
    assert_false(plm_database_begin(other, &err));
    assert_int_equal(err.code, PLM_E_BUSY);
    assert_false(plm_database_end(one, false, &err));
    plm_database_close(one);
    plm_database_close(other);
}

static void what_is_set_aside_keeps_its_log_and_is_never_replaced(void **state)
{
    (void)state;
    char name[64];
    struct plm_error err = {0};
    static const char *const expected[] = {NAME ".damaged", NAME ".damaged-2"};
    for (size_t i = 0; i < PLM_COUNT(expected); i++) {
        put_file(NAME, "database", 8);
        put_file(NAME "-wal", "log", 3);
        assert_true(plm_database_set_aside(folder_fd, name, &err));
        assert_string_equal(name, expected[i]);
        assert_false(is_there(NAME) || is_there(NAME "-wal"));
        assert_true(is_there(expected[i]));
    }
    assert_true(is_there(NAME ".damaged-wal") && is_there(NAME ".damaged-2-wal"));
}

/* As a hostile file may have it: the program runs nothing that it finds. */
static void triggers_do_not_run(void **state)
{
    (void)state;
    sqlite3 *raw = NULL;
    struct plm_error err = {0};
    plm_database_close(open_database(PLM_DATABASE_WRITE));
    assert_int_equal(sqlite3_open(scratch_file(NAME), &raw), SQLITE_OK);
    assert_int_equal(sqlite3_exec(raw,
                                  "CREATE TRIGGER t AFTER INSERT ON settings BEGIN "
                                  "INSERT INTO history SELECT NULL,'x','','',0,0,0,0,0,0,0,0,0,"
                                  "'ok',''; END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(raw), SQLITE_OK);
    struct plm_database *db = open_database(PLM_DATABASE_WRITE);
    assert_true(plm_statement_run(db, "INSERT INTO settings VALUES ('a', 'b')", &err, NULL));
    assert_int_equal(number(db, "SELECT count(*) FROM history"), 0);
    plm_database_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DATABASE(reading_makes_nothing),
        WITH_DATABASE(a_new_database_has_the_schema_and_a_log),
        WITH_DATABASE(notes_wait_for_no_disk),
        WITH_DATABASE(a_log_that_notes_made_long_is_brought_in),
        WITH_DATABASE(a_newer_schema_is_refused_and_left_alone),
        WITH_DATABASE(other_bytes_are_damage),
        WITH_DATABASE(a_database_of_somebody_else_is_refused),
        WITH_DATABASE(links_and_folders_are_refused),
        WITH_DATABASE(a_change_is_whole_or_not_at_all),
        WITH_DATABASE(waiting_for_a_lock_ends_when_an_end_is_asked_for),
        WITH_DATABASE(what_is_set_aside_keeps_its_log_and_is_never_replaced),
        WITH_DATABASE(triggers_do_not_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
