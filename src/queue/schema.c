/* Schema: opens the database as this program needs it, makes it, and brings older ones up to date.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "os/os.h"
#include "queue/statement.h"

#define WAIT_STEP_MS 5
#define HEAP_MAX (INT64_C(4) << 20)
#define VALUE_MAX (64 << 10)
#define NAMES_MAX 1000
#define LOG_MAX (UINT64_C(1) << 20)
#define URI_MAX (16 << 10)

/* Step n leads from version n to n + 1. What stands here is never changed, only added to. */
static const char *const steps[] = {
    "CREATE TABLE entries ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  reference TEXT NOT NULL UNIQUE,"
    "  status TEXT NOT NULL CHECK (status IN ('queued','active','completed','failed')),"
    "  added_ms INTEGER NOT NULL,"
    "  started_ms INTEGER NOT NULL DEFAULT 0,"
    "  finished_ms INTEGER NOT NULL DEFAULT 0,"
    "  attempts INTEGER NOT NULL DEFAULT 0,"
    "  code TEXT,"
    "  error TEXT);"
    "CREATE INDEX entries_by_status ON entries (status, id);"
    "CREATE TABLE history ("
    "  id INTEGER PRIMARY KEY,"
    "  verb TEXT NOT NULL,"
    "  reference TEXT,"
    "  host TEXT,"
    "  started_ms INTEGER NOT NULL,"
    "  ended_ms INTEGER NOT NULL,"
    "  elapsed_ms INTEGER NOT NULL,"
    "  total INTEGER NOT NULL,"
    "  fetched INTEGER NOT NULL,"
    "  sent INTEGER NOT NULL,"
    "  reused INTEGER NOT NULL,"
    "  retries INTEGER NOT NULL,"
    "  rate INTEGER NOT NULL,"
    "  outcome TEXT NOT NULL,"
    "  error TEXT);"
    "CREATE INDEX history_by_end ON history (ended_ms);"
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
};

static int wait_for_others(void *ctx, int tries)
{
    struct plm_database *db = ctx;
    int64_t now = plm_os_monotonic_ms();
    if (tries == 0)
        db->waiting_since_ms = now;
    if (now - db->waiting_since_ms >= db->options.wait_ms ||
        (db->options.is_ending && db->options.is_ending(db->options.ctx)))
        return 0;
    (void)sqlite3_sleep(WAIT_STEP_MS + tries % WAIT_STEP_MS);
    return 1;
}

static bool set_up(struct plm_database *db, struct plm_error *err)
{
    /* Without a log a change is there once its journal is gone: EXTRA waits for that, too. */
    const char *sync = db->options.use == PLM_DATABASE_NOTE ? "PRAGMA synchronous=NORMAL"
                                                            : "PRAGMA synchronous=EXTRA";
    (void)sqlite3_hard_heap_limit64(HEAP_MAX);
    (void)sqlite3_limit(db->raw, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    (void)sqlite3_busy_handler(db->raw, wait_for_others, db);
    /* The file is as foreign as any other: what it may bring along is not run. */
    (void)sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->raw, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db->raw, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_db_config(db->raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* To bring the log into the database takes syncs, which a job's end does not wait for. */
    if (db->options.use == PLM_DATABASE_NOTE)
        (void)sqlite3_db_config(db->raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return plm_statement_run(db, "PRAGMA temp_store=MEMORY", err, NULL) &&
           plm_statement_run(db, "PRAGMA cell_size_check=ON", err, NULL) &&
           plm_statement_run(db, "PRAGMA cache_size=-512", err, NULL) &&
           plm_statement_run(db, sync, err, NULL);
}

static bool read_version(struct plm_database *db, int64_t *version, struct plm_error *err)
{
    int64_t tables = 0;
    if (!plm_statement_number(db, "PRAGMA user_version", version, err) ||
        !plm_statement_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return false;
    if (*version > (int64_t)PLM_COUNT(steps))
        return plm_fail(
            err, PLM_E_UNSUPPORTED,
            "%s was made by a newer pullama: its schema is %lld, and this program knows "
            "those up to %zu; use that one, or another --models-dir",
            db->path, (long long)*version, PLM_COUNT(steps));
    if (*version < 0 || (*version == 0 && tables > 0))
        return plm_fail(err, PLM_E_CORRUPT, "%s is no database of pullama", db->path);
    return true;
}

static bool run_step(struct plm_database *db, const char *sql, struct plm_error *err)
{
    return sqlite3_exec(db->raw, sql, NULL, NULL, NULL) == SQLITE_OK ||
           plm_database_fail(db, err, "write");
}

static bool migrate(struct plm_database *db, struct plm_error *err)
{
    char pragma[48];
    int64_t version = 0;
    if (!plm_database_begin(db, err))
        return false;
    bool ok = read_version(db, &version, err); /* another process may have been quicker */
    for (; ok && version < (int64_t)PLM_COUNT(steps); version++)
        ok = run_step(db, steps[version], err);
    (void)snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%lld", (long long)version);
    return plm_database_end(db, ok && run_step(db, pragma, err), err);
}

/* Where it cannot be, the database works all the same: readers and writers wait for one another. */
static void use_log(struct plm_database *db)
{
    struct plm_error ignored = {0};
    if (!plm_os_is_remote_disk(db->options.folder_fd))
        (void)!plm_statement_run(db, "PRAGMA journal_mode=WAL", &ignored, NULL);
}

/* Notes leave the log to whoever opens the database next; it is read as a whole by each of them. To
 * bring it into the database takes syncs, so that is done now and then, before there is anything to
 * note; never where another process would have to be waited for. */
static void trim_log(struct plm_database *db)
{
    struct plm_file_status log;
    (void)sqlite3_wal_autocheckpoint(db->raw, 0);
    if (!plm_os_status(db->options.folder_fd, PLM_DATABASE_NAME "-wal", &log, NULL) ||
        log.size < LOG_MAX)
        return;
    (void)sqlite3_busy_handler(db->raw, NULL, NULL);
    (void)sqlite3_wal_checkpoint_v2(db->raw, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_handler(db->raw, wait_for_others, db);
}

/* Characters with a meaning in a URI, as their codes. */
static char *uri_of(const char *path)
{
    struct plm_buf uri = PLM_BUF_INIT(URI_MAX);
    struct plm_error ignored = {0};
    bool ok = plm_buf_printf(&uri, &ignored, "file:");
    for (; ok && *path; path++)
        ok = strchr("?#%", *path) ? plm_buf_printf(&uri, &ignored, "%%%02X", (unsigned char)*path)
                                  : plm_buf_append(&uri, path, 1, &ignored);
    ok = ok && plm_buf_printf(&uri, &ignored, "?immutable=1");
    char *text = ok ? plm_buf_take(&uri) : NULL;
    plm_buf_done(&uri);
    return text;
}

/* A store that cannot be written to: what is there, without the log that no one may open. */
static bool open_unchanging(struct plm_database *db, struct plm_error *err)
{
    int64_t ignored;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
    char *uri = uri_of(db->path);
    (void)sqlite3_close(db->raw);
    db->raw = NULL;
    bool ok = uri && sqlite3_open_v2(uri, &db->raw, flags, NULL) == SQLITE_OK;
    free(uri);
    if (!db->raw)
        return plm_fail(err, PLM_E_NOMEM, "no memory for the database");
    if (!ok)
        return plm_database_fail(db, err, "open");
    return set_up(db, err) &&
           plm_statement_number(db, "SELECT count(*) FROM sqlite_schema", &ignored, err);
}

static bool connect(struct plm_database *db, struct plm_error *err)
{
    bool reads = db->options.use == PLM_DATABASE_READ;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE | (reads ? 0 : SQLITE_OPEN_CREATE);
    struct plm_error why = {0};
    int64_t ignored;
    bool ok = sqlite3_open_v2(db->path, &db->raw, flags, NULL) == SQLITE_OK;
    if (!db->raw)
        return plm_fail(err, PLM_E_NOMEM, "no memory for the database");
    if (!ok)
        (void)plm_database_fail(db, &why, "open");
    if (ok && !reads && sqlite3_db_readonly(db->raw, "main") == 1)
        return plm_fail(err, PLM_E_ACCESS, "%s may not be written to", db->path);
    ok = ok && set_up(db, &why) &&
         plm_statement_number(db, "SELECT count(*) FROM sqlite_schema", &ignored, &why);
    bool is_refused = why.code == PLM_E_ACCESS || why.code == PLM_E_IO || why.code == PLM_E_NOSPACE;
    if (!ok && reads && is_refused)
        return open_unchanging(db, err);
    if (!ok && err && err->code == PLM_OK)
        *err = why;
    return ok;
}

static bool look(const struct plm_database_options *options, const char *path, bool *is_there,
                 struct plm_error *err)
{
    struct plm_file_status status;
    if (!plm_os_status(options->folder_fd, PLM_DATABASE_NAME, &status, err))
        return false;
    *is_there = status.type != PLM_FILE_NONE;
    if (*is_there && status.type != PLM_FILE_REGULAR)
        return plm_fail(err, PLM_E_CORRUPT, "%s is no regular file", path);
    return true;
}

/* An empty file that may only be read is as good as none. */
static bool make_ready(struct plm_database *db, bool *is_empty, struct plm_error *err)
{
    int64_t version = 0;
    if (!read_version(db, &version, err))
        return false;
    *is_empty = version == 0 && db->options.use == PLM_DATABASE_READ;
    if (version < (int64_t)PLM_COUNT(steps) && !*is_empty && !migrate(db, err))
        return false;
    if (db->options.use != PLM_DATABASE_READ)
        use_log(db);
    if (db->options.use == PLM_DATABASE_NOTE)
        trim_log(db);
    return true;
}

bool plm_database_open(const struct plm_database_options *options, struct plm_database **out,
                       struct plm_error *err)
{
    bool is_there = false, is_empty = false;
    struct plm_database *db = calloc(1, sizeof(*db));
    if (!db || asprintf(&db->path, "%s/%s", options->folder, PLM_DATABASE_NAME) < 0) {
        free(db);
        return plm_fail(err, PLM_E_NOMEM, "no memory for the database");
    }
    db->options = *options;
    bool ok = look(options, db->path, &is_there, err);
    bool is_nothing = ok && !is_there && options->use == PLM_DATABASE_READ;
    ok = ok && (is_nothing || (connect(db, err) && make_ready(db, &is_empty, err)));
    if (!ok || is_nothing || is_empty) {
        plm_database_close(db);
        db = NULL;
    }
    if (ok)
        *out = db;
    return ok;
}

void plm_database_close(struct plm_database *database)
{
    if (!database)
        return;
    (void)sqlite3_close(database->raw);
    free(database->path);
    free(database);
}

bool plm_database_begin(struct plm_database *database, struct plm_error *err)
{
    return plm_statement_run(database, "BEGIN IMMEDIATE", err, NULL);
}

bool plm_database_end(struct plm_database *database, bool ok, struct plm_error *err)
{
    struct plm_error ignored = {0};
    if (ok && plm_statement_run(database, "COMMIT", err, NULL))
        return true;
    (void)!plm_statement_run(database, "ROLLBACK", &ignored, NULL);
    return false;
}

/* The first of `<name><ending>`, `<name><ending>-2`, … that no file has. */
static bool choose_name(int folder_fd, const char *name, const char *ending, char to[64],
                        struct plm_error *err)
{
    struct plm_file_status status;
    for (int n = 1; n < NAMES_MAX; n++) {
        char number[8] = "";
        if (n > 1)
            (void)snprintf(number, sizeof(number), "-%d", n);
        (void)snprintf(to, 64, "%s%s%s", name, ending, number);
        if (!plm_os_status(folder_fd, to, &status, err))
            return false;
        if (status.type == PLM_FILE_NONE)
            return true;
    }
    return plm_fail(err, PLM_E_CORRUPT, "too many files are called %s%s", name, ending);
}

bool plm_database_rename_away(int folder_fd, const char *name, const char *ending, char to[64],
                              struct plm_error *err)
{
    return choose_name(folder_fd, name, ending, to, err) &&
           plm_os_rename(folder_fd, name, folder_fd, to, err) && plm_os_sync_dir(folder_fd, err);
}

bool plm_database_set_aside(int folder_fd, char name[64], struct plm_error *err)
{
    /* The database itself last: a new one must never meet the old one's log. */
    static const char *const parts[] = {"-shm", "-wal", "-journal", ""};
    if (!choose_name(folder_fd, PLM_DATABASE_NAME, ".damaged", name, err))
        return false;
    for (size_t i = 0; i < PLM_COUNT(parts); i++) {
        char from[64], to[80];
        struct plm_file_status status;
        (void)snprintf(from, sizeof(from), "%s%s", PLM_DATABASE_NAME, parts[i]);
        (void)snprintf(to, sizeof(to), "%s%s", name, parts[i]);
        if (!plm_os_status(folder_fd, from, &status, err) ||
            (status.type != PLM_FILE_NONE && !plm_os_rename(folder_fd, from, folder_fd, to, err)))
            return false;
    }
    return plm_os_sync_dir(folder_fd, err);
}
