/* Queue: the entries, and what may become of them. */
#include "queue/queue.h"

#include <stdio.h>
#include <string.h>

#include "queue/statement.h"

#define COLUMNS "id, reference, status, added_ms, started_ms, finished_ms, attempts, code, error"

static enum plm_queue_status status_of(const char *name)
{
    for (unsigned i = 0; i < PLM_QUEUE_STATUSES; i++) {
        if (strcmp(plm_queue_status_name((enum plm_queue_status)i), name) == 0)
            return (enum plm_queue_status)i;
    }
    return PLM_QUEUE_FAILED; /* the schema lets nothing else in */
}

static struct plm_queue_entry entry_of(const struct plm_statement *s)
{
    return (struct plm_queue_entry){
        .id = plm_statement_int(s, 0),
        .reference = plm_statement_text(s, 1),
        .status = status_of(plm_statement_text(s, 2)),
        .added_ms = plm_statement_int(s, 3),
        .started_ms = plm_statement_int(s, 4),
        .finished_ms = plm_statement_int(s, 5),
        .attempts = plm_statement_count(s, 6),
        .code = plm_statement_text(s, 7),
        .error = plm_statement_text(s, 8),
    };
}

/* Takes the one row of a statement that is open, and closes it. */
static bool take_one(struct plm_statement *s, struct plm_queue_found *out, struct plm_error *err)
{
    *out = (struct plm_queue_found){0};
    if (plm_statement_step(s, err)) {
        out->entry = entry_of(s);
        (void)snprintf(out->reference, sizeof(out->reference), "%s", out->entry.reference);
        out->entry.code = out->entry.error = "";
    }
    out->entry.reference = out->reference;
    return plm_statement_close(s, err);
}

bool plm_queue_find(struct plm_database *db, const char *reference, struct plm_queue_found *out,
                    struct plm_error *err)
{
    struct plm_statement s;
    struct plm_queue_found found;
    int64_t before = 0;
    if (!plm_statement_open(db, &s, "SELECT " COLUMNS " FROM entries WHERE reference = ?", err, "t",
                            reference) ||
        !take_one(&s, &found, err))
        return false;
    if (found.entry.id != 0) {
        if (!plm_statement_open(db, &s, "SELECT count(*) FROM entries WHERE id <= ?", err, "i",
                                found.entry.id))
            return false;
        before = plm_statement_step(&s, err) ? plm_statement_int(&s, 0) : 0;
        if (!plm_statement_close(&s, err))
            return false;
    }
    *out = found;
    out->entry.reference = out->reference;
    out->entry.position = (uint32_t)before;
    return true;
}

bool plm_queue_at(struct plm_database *db, uint64_t position, struct plm_queue_found *out,
                  struct plm_error *err)
{
    struct plm_statement s;
    struct plm_queue_found found = {0};
    struct plm_queue_count count;
    if (!plm_queue_count(db, &count, err))
        return false;
    if (count.all == 0)
        return plm_fail(err, PLM_E_USAGE, "there is no entry %llu: the queue is empty",
                        (unsigned long long)position);
    if (position == 0 || position > count.all)
        return plm_fail(err, PLM_E_USAGE, "there is no entry %llu: they go from 1 to %llu",
                        (unsigned long long)position, (unsigned long long)count.all);
    if (!plm_statement_open(db, &s, "SELECT " COLUMNS " FROM entries ORDER BY id LIMIT 1 OFFSET ?",
                            err, "i", (int64_t)position - 1) ||
        !take_one(&s, &found, err))
        return false;
    *out = found;
    out->entry.reference = out->reference;
    out->entry.position = (uint32_t)position;
    return true;
}

bool plm_queue_add(struct plm_database *db, const char *reference, int64_t now_ms, bool *added,
                   struct plm_queue_entry *out, struct plm_error *err)
{
    struct plm_queue_found old;
    struct plm_queue_count count;
    if (!plm_queue_find(db, reference, &old, err))
        return false;
    bool is_waiting = old.entry.id != 0 && (old.entry.status == PLM_QUEUE_QUEUED ||
                                            old.entry.status == PLM_QUEUE_ACTIVE);
    if (is_waiting) {
        *added = false;
        *out = old.entry;
        out->reference = reference;
        return true;
    }
    if (old.entry.id != 0 && !plm_queue_remove(db, old.entry.id, err))
        return false;
    if (!plm_queue_count(db, &count, err))
        return false;
    if (count.all >= PLM_QUEUE_MAX)
        return plm_fail(err, PLM_E_LIMIT, "the queue is full: it has %d entries", PLM_QUEUE_MAX);
    if (!plm_statement_run(
            db, "INSERT INTO entries (reference, status, added_ms) VALUES (?, 'queued', ?)", err,
            "ti", reference, now_ms))
        return false;
    *added = true;
    *out = (struct plm_queue_entry){.id = sqlite3_last_insert_rowid(db->raw),
                                    .position = (uint32_t)count.all + 1,
                                    .reference = reference,
                                    .status = PLM_QUEUE_QUEUED,
                                    .added_ms = now_ms,
                                    .code = "",
                                    .error = ""};
    return true;
}

bool plm_queue_each(struct plm_database *db,
                    bool (*each)(void *ctx, const struct plm_queue_entry *entry), void *ctx,
                    struct plm_error *err)
{
    struct plm_statement s;
    uint32_t position = 0;
    bool goes_on = true;
    if (!plm_statement_open(db, &s, "SELECT " COLUMNS " FROM entries ORDER BY id", err, NULL))
        return false;
    while (goes_on && plm_statement_step(&s, err)) {
        struct plm_queue_entry entry = entry_of(&s);
        entry.position = ++position;
        goes_on = each(ctx, &entry);
    }
    return plm_statement_close(&s, err);
}

bool plm_queue_count(struct plm_database *db, struct plm_queue_count *out, struct plm_error *err)
{
    struct plm_statement s;
    struct plm_queue_count count = {0};
    if (!plm_statement_open(db, &s, "SELECT status, count(*) FROM entries GROUP BY status", err,
                            NULL))
        return false;
    while (plm_statement_step(&s, err)) {
        uint64_t *of[] = {[PLM_QUEUE_QUEUED] = &count.queued,
                          [PLM_QUEUE_ACTIVE] = &count.active,
                          [PLM_QUEUE_COMPLETED] = &count.completed,
                          [PLM_QUEUE_FAILED] = &count.failed};
        *of[status_of(plm_statement_text(&s, 0))] += plm_statement_count(&s, 1);
        count.all += plm_statement_count(&s, 1);
    }
    if (!plm_statement_close(&s, err))
        return false;
    *out = count;
    return true;
}

bool plm_queue_remove(struct plm_database *db, int64_t id, struct plm_error *err)
{
    return plm_statement_run(db, "DELETE FROM entries WHERE id = ?", err, "i", id);
}

bool plm_queue_again(struct plm_database *db, int64_t id, struct plm_error *err)
{
    return plm_statement_run(db,
                             "UPDATE entries SET status = 'queued', code = NULL, error = NULL "
                             "WHERE id = ? AND status IN ('failed', 'completed')",
                             err, "i", id);
}

bool plm_queue_again_failed(struct plm_database *db, uint64_t *count, struct plm_error *err)
{
    if (!plm_statement_run(db,
                           "UPDATE entries SET status = 'queued', code = NULL, error = NULL "
                           "WHERE status = 'failed'",
                           err, NULL))
        return false;
    *count = plm_database_changed(db);
    return true;
}

bool plm_queue_clear(struct plm_database *db, bool finished, uint64_t *removed,
                     struct plm_error *err)
{
    const char *sql = finished
                          ? "DELETE FROM entries WHERE status IN ('completed', 'failed')"
                          : "DELETE FROM entries WHERE status IN ('completed', 'failed', 'queued')";
    if (!plm_statement_run(db, sql, err, NULL))
        return false;
    *removed = plm_database_changed(db);
    return true;
}

bool plm_queue_put_back(struct plm_database *db, uint64_t *count, struct plm_error *err)
{
    if (!plm_statement_run(db, "UPDATE entries SET status = 'queued' WHERE status = 'active'", err,
                           NULL))
        return false;
    *count = plm_database_changed(db);
    return true;
}

bool plm_queue_claim(struct plm_database *db, int64_t now_ms, struct plm_queue_found *out,
                     struct plm_error *err)
{
    struct plm_statement s;
    struct plm_queue_found next;
    if (!plm_statement_open(
            db, &s, "SELECT " COLUMNS " FROM entries WHERE status = 'queued' ORDER BY id LIMIT 1",
            err, NULL) ||
        !take_one(&s, &next, err))
        return false;
    if (next.entry.id != 0 &&
        !plm_statement_run(db,
                           "UPDATE entries SET status = 'active', started_ms = ?, finished_ms = 0, "
                           "attempts = attempts + 1, code = NULL, error = NULL WHERE id = ?",
                           err, "ii", now_ms, next.entry.id))
        return false;
    *out = next;
    out->entry.reference = out->reference;
    out->entry.status = PLM_QUEUE_ACTIVE;
    return true;
}

bool plm_queue_settle(struct plm_database *db, int64_t id, enum plm_queue_status status,
                      int64_t now_ms, const char *code, const char *error, struct plm_error *err)
{
    return plm_statement_run(db,
                             "UPDATE entries SET status = ?, finished_ms = ?, code = ?, error = ? "
                             "WHERE id = ?",
                             err, "titti", plm_queue_status_name(status),
                             status == PLM_QUEUE_QUEUED ? INT64_C(0) : now_ms, code, error, id);
}
