/**
 * SQL statements with bound values. Private to this layer; SQLite is known here and in schema.c.
 *
 *     struct plm_statement s;
 *     if (!plm_statement_open(db, &s, "… WHERE id = ?", err, "i", id)) return false;
 *     while (plm_statement_step(&s, err)) plm_statement_int(&s, 0) …
 *     return plm_statement_close(&s, err);
 */
#pragma once

#include <sqlite3.h>

#include "queue/schema.h"

struct plm_database {
    sqlite3 *raw;
    char *path; /**< owned; for messages */
    struct plm_database_options options;
    int64_t waiting_since_ms;
};

struct plm_statement {
    struct plm_database *database;
    sqlite3_stmt *raw;
    bool failed;
};

/** Fills @p err from what SQLite said last; gives false. */
bool plm_database_fail(const struct plm_database *database, struct plm_error *err,
                       const char *doing);

/** @p types: one letter for each value that follows: `i` int64_t, `t` text or NULL. */
PLM_MUST bool plm_statement_open(struct plm_database *database, struct plm_statement *out,
                                 const char *sql, struct plm_error *err, const char *types, ...);
/** True: there is a row. False: no more, or a failure, which plm_statement_close() tells. */
bool plm_statement_step(struct plm_statement *statement, struct plm_error *err);
/** False when a step failed. */
PLM_MUST bool plm_statement_close(struct plm_statement *statement, struct plm_error *err);

int64_t plm_statement_int(const struct plm_statement *statement, int column);
/** 0 in place of negative numbers. */
uint64_t plm_statement_count(const struct plm_statement *statement, int column);
/** "" in place of NULL; valid until the next step. */
const char *plm_statement_text(const struct plm_statement *statement, int column);

/** Runs a statement that gives no rows. */
PLM_MUST bool plm_statement_run(struct plm_database *database, const char *sql,
                                struct plm_error *err, const char *types, ...);
/** Rows that the last statement changed. */
uint64_t plm_database_changed(const struct plm_database *database);
/** The number in the first column of the first row; 0 when there is none. */
PLM_MUST bool plm_statement_number(struct plm_database *database, const char *sql, int64_t *out,
                                   struct plm_error *err);
