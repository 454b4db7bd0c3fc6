/* History: the commands that show what was done, and decide how much of it is kept. */
#include <string.h>

#include "engine/database.h"
#include "os/os.h"
#include "pullama/text.h"
#include "queue/history.h"

static bool read_since(const struct plm_job *job, int64_t *since_ms, struct plm_error *err)
{
    *since_ms = INT64_MIN;
    return !job->since || plm_text_parse_moment(job->since, plm_os_unix_ms(), since_ms, err) ||
           plm_prefix(err, "--since");
}

static bool read_keep(const char *text, struct plm_history_keep *out, struct plm_error *err)
{
    struct plm_error ignored = {0};
    struct plm_history_keep keep = {0};
    char shown[64];
    bool is_all = strcmp(text, "all") == 0;
    bool is_count = plm_text_u64(text, strlen(text), &keep.count) && keep.count > 0;
    bool is_age = !is_all && !is_count && plm_text_parse_duration(text, &keep.age_ms, &ignored) &&
                  keep.age_ms > 0;
    if (!is_all && !is_count && !is_age)
        return plm_fail(err, PLM_E_USAGE,
                        "--keep: '%s' is not allowed; it may be a count of jobs (1000), an age "
                        "(90d), or all",
                        plm_text_printable(text, shown, sizeof(shown)));
    *out = keep;
    return true;
}

static bool change_keep(struct plm_job *job, const struct plm_history_keep *keep,
                        struct plm_error *err)
{
    plm_auto(plm_database_freep) struct plm_database *db = NULL;
    struct plm_event event = {.kind = PLM_EV_HISTORY_KEPT, .kept = {.keep = *keep}};
    struct plm_store *store = &job->engine->store;
    if (store->root_fd >= 0 && !plm_store_make_state(store, err))
        return false;
    if (!plm_engine_open_database(job->engine, PLM_DATABASE_WRITE, PLM_QUEUE_WAIT_MS, &db, err) ||
        !plm_history_set_keep(db, keep, plm_os_unix_ms(), &event.kept.dropped, err))
        return false;
    plm_job_emit(job, &event);
    return true;
}

static bool show_record(void *ctx, const struct plm_history_record *record)
{
    struct plm_job *job = ctx;
    struct plm_event event = {.kind = PLM_EV_HISTORY, .record = record};
    plm_job_emit(job, &event);
    return !plm_engine_is_ending(job->engine);
}

static bool run_history(struct plm_job *job, struct plm_error *err)
{
    plm_auto(plm_database_freep) struct plm_database *db = NULL;
    struct plm_history_keep keep;
    int64_t since_ms;
    if (!read_since(job, &since_ms, err) || (job->keep && !read_keep(job->keep, &keep, err)) ||
        (job->keep && !change_keep(job, &keep, err)))
        return false;
    bool shows = !job->keep || job->since;
    if (shows &&
        (!plm_engine_open_database(job->engine, PLM_DATABASE_READ, PLM_QUEUE_WAIT_MS, &db, err) ||
         (db && !plm_history_each(db, since_ms, show_record, job, err))))
        return false;
    plm_job_complete(job);
    return true;
}

static void show_sum(void *ctx, const struct plm_history_sum *sum)
{
    struct plm_event event = {.kind = PLM_EV_STATS, .sum = sum};
    if (sum->scope != PLM_HISTORY_ALL || sum->jobs > 0)
        plm_job_emit(ctx, &event);
}

static bool run_stats(struct plm_job *job, struct plm_error *err)
{
    plm_auto(plm_database_freep) struct plm_database *db = NULL;
    int64_t since_ms;
    if (!read_since(job, &since_ms, err) ||
        !plm_engine_open_database(job->engine, PLM_DATABASE_READ, PLM_QUEUE_WAIT_MS, &db, err) ||
        (db && !plm_history_sums(db, since_ms, show_sum, job, err)))
        return false;
    plm_job_complete(job);
    return true;
}

const struct plm_job_kind plm_history_kind = {
    .verb = PLM_VERB_HISTORY, .uses_database = true, .run = run_history};
const struct plm_job_kind plm_stats_kind = {
    .verb = PLM_VERB_STATS, .uses_database = true, .run = run_stats};
