/* Statements: binds values, steps, and turns SQLite's failures into ours. */
#include "queue/statement.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static enum plm_code code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        return PLM_E_NOSPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return PLM_E_BUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return PLM_E_ACCESS;
    case SQLITE_NOMEM:
        return PLM_E_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* our statements are right: a table is not what it should be */
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
        return PLM_E_CORRUPT;
    default:
        return PLM_E_IO;
    }
}

bool plm_database_fail(const struct plm_database *database, struct plm_error *err,
                       const char *doing)
{
    int result = sqlite3_extended_errcode(database->raw);
    int sys_errno = sqlite3_system_errno(database->raw);
    enum plm_code code = code_of(result);
    bool is_io = code == PLM_E_IO || code == PLM_E_NOSPACE;
    if (result == SQLITE_CANTOPEN_SYMLINK)
        return plm_fail(err, PLM_E_CORRUPT, "%s is no regular file", database->path);
    if (is_io && sys_errno != 0 && sys_errno != ENOENT) /* a log that cannot be made is no absence */
        return plm_fail_sys(err, sys_errno, "%s: %s", database->path, doing);
    if (code == PLM_E_CORRUPT)
        return plm_fail(err, code, "%s is damaged: %s", database->path,
                        sqlite3_errmsg(database->raw));
    if (code == PLM_E_BUSY)
        return plm_fail(err, code, "%s: another process keeps it locked", database->path);
    return plm_fail(err, code, "%s: %s: %s", database->path, doing, sqlite3_errmsg(database->raw));
}

static bool bind(sqlite3_stmt *raw, const char *types, va_list values)
{
    for (int place = 1; types && *types; types++, place++) {
        int result;
        if (*types == 'i') {
            result = sqlite3_bind_int64(raw, place, va_arg(values, int64_t));
        } else {
            const char *text = va_arg(values, const char *);
            result = sqlite3_bind_text(raw, place, text, -1, SQLITE_TRANSIENT);
        }
        if (result != SQLITE_OK)
            return false;
    }
    return true;
}

static bool open_bound(struct plm_database *database, struct plm_statement *out, const char *sql,
                       struct plm_error *err, const char *types, va_list values)
{
    sqlite3_stmt *raw = NULL;
    if (sqlite3_prepare_v2(database->raw, sql, -1, &raw, NULL) != SQLITE_OK ||
        !bind(raw, types, values)) {
        (void)plm_database_fail(database, err, "read");
        (void)sqlite3_finalize(raw);
        return false;
    }
    *out = (struct plm_statement){.database = database, .raw = raw};
    return true;
}

bool plm_statement_open(struct plm_database *database, struct plm_statement *out, const char *sql,
                        struct plm_error *err, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    bool ok = open_bound(database, out, sql, err, types, values);
    va_end(values);
    return ok;
}

bool plm_statement_step(struct plm_statement *statement, struct plm_error *err)
{
    int result = sqlite3_step(statement->raw);
    if (result == SQLITE_ROW)
        return true;
    if (result != SQLITE_DONE) {
        statement->failed = true;
        (void)plm_database_fail(statement->database, err,
                                sqlite3_stmt_readonly(statement->raw) ? "read" : "write");
    }
    return false;
}

bool plm_statement_close(struct plm_statement *statement, struct plm_error *err)
{
    (void)err; /* filled by the step that failed */
    (void)sqlite3_finalize(statement->raw);
    statement->raw = NULL;
    return !statement->failed;
}

int64_t plm_statement_int(const struct plm_statement *statement, int column)
{
    return sqlite3_column_int64(statement->raw, column);
}

uint64_t plm_statement_count(const struct plm_statement *statement, int column)
{
    int64_t number = sqlite3_column_int64(statement->raw, column);
    return number > 0 ? (uint64_t)number : 0;
}

uint64_t plm_database_changed(const struct plm_database *database)
{
    sqlite3_int64 rows = sqlite3_changes64(database->raw);
    return rows > 0 ? (uint64_t)rows : 0;
}

const char *plm_statement_text(const struct plm_statement *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement->raw, column);
    return text ? (const char *)text : "";
}

bool plm_statement_run(struct plm_database *database, const char *sql, struct plm_error *err,
                       const char *types, ...)
{
    struct plm_statement statement;
    va_list values;
    va_start(values, types);
    bool ok = open_bound(database, &statement, sql, err, types, values);
    va_end(values);
    if (!ok)
        return false;
    while (plm_statement_step(&statement, err))
        continue;
    return plm_statement_close(&statement, err);
}

bool plm_statement_number(struct plm_database *database, const char *sql, int64_t *out,
                          struct plm_error *err)
{
    struct plm_statement statement;
    if (!plm_statement_open(database, &statement, sql, err, NULL))
        return false;
    int64_t number = plm_statement_step(&statement, err) ? plm_statement_int(&statement, 0) : 0;
    if (!plm_statement_close(&statement, err))
        return false;
    *out = number;
    return true;
}
