/* History: records of jobs, the sums over them, and how many are kept. */
#include "queue/history.h"

#include <string.h>

#include "queue/statement.h"

#define KEEP_COUNT "history_keep_count"
#define KEEP_AGE "history_keep_age_ms"

/* SQLite's integers are signed. */
static int64_t stored(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static bool read_setting(struct plm_database *db, const char *name, int64_t *out,
                         struct plm_error *err)
{
    struct plm_statement s;
    if (!plm_statement_open(db, &s, "SELECT CAST(value AS INTEGER) FROM settings WHERE name = ?",
                            err, "t", name))
        return false;
    int64_t value = plm_statement_step(&s, err) ? plm_statement_int(&s, 0) : 0;
    if (!plm_statement_close(&s, err))
        return false;
    *out = value > 0 ? value : 0;
    return true;
}

static bool write_setting(struct plm_database *db, const char *name, int64_t value,
                          struct plm_error *err)
{
    if (value == 0)
        return plm_statement_run(db, "DELETE FROM settings WHERE name = ?", err, "t", name);
    return plm_statement_run(db, "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", err,
                             "ti", name, value);
}

static bool drop_surplus(struct plm_database *db, int64_t now_ms, uint64_t *dropped,
                         struct plm_error *err)
{
    int64_t count = 0, age_ms = 0;
    uint64_t gone = 0;
    if (!read_setting(db, KEEP_COUNT, &count, err) || !read_setting(db, KEEP_AGE, &age_ms, err))
        return false;
    if (count > 0) {
        if (!plm_statement_run(db,
                               "DELETE FROM history WHERE id <= (SELECT id FROM history ORDER BY "
                               "id DESC LIMIT 1 OFFSET ?)",
                               err, "i", count))
            return false;
        gone += plm_database_changed(db);
    }
    if (age_ms > 0) {
        if (!plm_statement_run(db, "DELETE FROM history WHERE ended_ms < ?", err, "i",
                               now_ms - age_ms))
            return false;
        gone += plm_database_changed(db);
    }
    *dropped = gone;
    return true;
}

static bool insert(struct plm_database *db, const struct plm_history_record *r,
                   struct plm_error *err)
{
    return plm_statement_run(
        db,
        "INSERT INTO history (verb, reference, host, started_ms, ended_ms, elapsed_ms, total, "
        "fetched, sent, reused, retries, rate, outcome, error) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        err, "tttiiiiiiiiitt", r->verb, r->reference, r->host, r->started_ms, r->ended_ms,
        r->elapsed_ms, stored(r->total), stored(r->fetched), stored(r->sent), stored(r->reused),
        stored(r->retries), stored(r->rate), r->outcome, r->error);
}

bool plm_history_add(struct plm_database *db, const struct plm_history_record *record,
                     struct plm_error *err)
{
    uint64_t dropped;
    return plm_database_begin(db, err) &&
           plm_database_end(
               db, insert(db, record, err) && drop_surplus(db, record->ended_ms, &dropped, err),
               err);
}

bool plm_history_set_keep(struct plm_database *db, const struct plm_history_keep *keep,
                          int64_t now_ms, uint64_t *dropped, struct plm_error *err)
{
    uint64_t gone = 0;
    if (!plm_database_begin(db, err))
        return false;
    bool ok = write_setting(db, KEEP_COUNT, stored(keep->count), err) &&
              write_setting(db, KEEP_AGE, keep->age_ms, err) &&
              drop_surplus(db, now_ms, &gone, err);
    if (!plm_database_end(db, ok, err))
        return false;
    *dropped = gone;
    return true;
}

bool plm_history_each(struct plm_database *db, int64_t since_ms,
                      bool (*each)(void *ctx, const struct plm_history_record *record), void *ctx,
                      struct plm_error *err)
{
    struct plm_statement s;
    bool goes_on = true;
    if (!plm_statement_open(db, &s,
                            "SELECT verb, reference, host, started_ms, ended_ms, elapsed_ms, "
                            "total, fetched, sent, reused, retries, rate, outcome, error "
                            "FROM history WHERE ended_ms >= ? ORDER BY id",
                            err, "i", since_ms))
        return false;
    while (goes_on && plm_statement_step(&s, err)) {
        struct plm_history_record record = {.verb = plm_statement_text(&s, 0),
                                            .reference = plm_statement_text(&s, 1),
                                            .host = plm_statement_text(&s, 2),
                                            .started_ms = plm_statement_int(&s, 3),
                                            .ended_ms = plm_statement_int(&s, 4),
                                            .elapsed_ms = (int64_t)plm_statement_count(&s, 5),
                                            .total = plm_statement_count(&s, 6),
                                            .fetched = plm_statement_count(&s, 7),
                                            .sent = plm_statement_count(&s, 8),
                                            .reused = plm_statement_count(&s, 9),
                                            .retries = plm_statement_count(&s, 10),
                                            .rate = plm_statement_count(&s, 11),
                                            .outcome = plm_statement_text(&s, 12),
                                            .error = plm_statement_text(&s, 13)};
        goes_on = each(ctx, &record);
    }
    return plm_statement_close(&s, err);
}

#define SUMS                                                                                       \
    "count(*), total(outcome NOT IN ('ok', 'interrupted')), total(outcome = 'interrupted'), "      \
    "total(fetched), total(sent), total(reused), total(retries), total(elapsed_ms), "              \
    "total(CASE WHEN fetched + sent > 0 THEN elapsed_ms END) FROM history WHERE ended_ms >= ?"

static uint64_t summed(const struct plm_statement *s, int column)
{
    double sum = sqlite3_column_double(s->raw, column);
    return sum > 0 && sum < 0x1p63 ? (uint64_t)sum : 0;
}

static bool each_sum(struct plm_database *db, enum plm_history_scope scope, int64_t since_ms,
                     void (*each)(void *ctx, const struct plm_history_sum *sum), void *ctx,
                     struct plm_error *err)
{
    static const char *const queries[] = {
        [PLM_HISTORY_ALL] = "SELECT '', " SUMS,
        [PLM_HISTORY_HOST] = "SELECT host, " SUMS " AND host != '' GROUP BY host ORDER BY host",
        [PLM_HISTORY_DAY] =
            "SELECT date(ended_ms / 1000, 'unixepoch') AS day, " SUMS " GROUP BY day ORDER BY day"};
    struct plm_statement s;
    if (!plm_statement_open(db, &s, queries[scope], err, "i", since_ms))
        return false;
    while (plm_statement_step(&s, err)) {
        struct plm_history_sum sum = {.scope = scope,
                                      .name = plm_statement_text(&s, 0),
                                      .jobs = plm_statement_count(&s, 1),
                                      .failed = summed(&s, 2),
                                      .interrupted = summed(&s, 3),
                                      .fetched = summed(&s, 4),
                                      .sent = summed(&s, 5),
                                      .reused = summed(&s, 6),
                                      .retries = summed(&s, 7),
                                      .elapsed_ms = (int64_t)summed(&s, 8)};
        double moving_s = sqlite3_column_double(s.raw, 9) / 1000;
        double rate = moving_s > 0 ? (double)(sum.fetched + sum.sent) / moving_s : 0;
        sum.rate = rate < 0x1p63 ? (uint64_t)rate : 0;
        each(ctx, &sum);
    }
    return plm_statement_close(&s, err);
}

bool plm_history_sums(struct plm_database *db, int64_t since_ms,
                      void (*each)(void *ctx, const struct plm_history_sum *sum), void *ctx,
                      struct plm_error *err)
{
    for (int scope = PLM_HISTORY_ALL; scope <= PLM_HISTORY_DAY; scope++) {
        if (!each_sum(db, (enum plm_history_scope)scope, since_ms, each, ctx, err))
            return false;
    }
    return true;
}
