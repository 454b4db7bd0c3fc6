/* Record: what the history keeps of a job. */
#include "engine/job_record.h"

#include <stdio.h>

#include "engine/database.h"
#include "os/os.h"
#include "queue/history.h"

/* Nobody waits longer for a history: another process that writes takes a few milliseconds. */
#define WAIT_MS 250

void plm_record_begin(struct plm_job *job)
{
    struct plm_engine *engine = job->engine;
    struct plm_error ignored = {0};
    if (job->kind->is_recorded && !job->dry_run && engine->options.history && !engine->history &&
        engine->store.state_fd >= 0)
        (void)!plm_engine_open_database(engine, PLM_DATABASE_NOTE, WAIT_MS, &engine->history,
                                        &ignored);
}

void plm_record_see(struct plm_job *job, const struct plm_event *event)
{
    struct plm_record *r = &job->record;
    switch (event->kind) {
    case PLM_EV_RETRY:
        r->retries++;
        break;
    case PLM_EV_PLAN:
        if (job->kind->verb == PLM_VERB_IMPORT) /* of one model of the archive */
            break;
        r->total = event->plan.total;
        r->reused = event->plan.present;
        break;
    case PLM_EV_PUSH_START:
        r->target = *event->pushed.to;
        r->has_target = true;
        break;
    case PLM_EV_PUSH_PLAN:
        r->total = event->push_plan.total;
        r->reused = event->push_plan.present;
        break;
    case PLM_EV_VERIFY_START:
        r->total = event->verify.total_size;
        break;
    case PLM_EV_EXPORT_START:
    case PLM_EV_IMPORT_START:
        r->total = event->archive.total_size;
        r->models = event->archive.models;
        break;
    case PLM_EV_ADOPT_START:
        r->total = event->placed.size;
        break;
    case PLM_EV_RM_DONE:
    case PLM_EV_CLEAN_DONE:
        r->total = event->removed.bytes;
        break;
    case PLM_EV_PRUNE_DONE:
        r->total = event->prune_done.bytes;
        break;
    default:
        break;
    }
}

/* The model that the job is about: of a push by the name that the registry knows; or NULL. */
static const struct plm_ref *ref_of(const struct plm_job *job)
{
    if (job->record.has_target)
        return &job->record.target;
    return job->has_ref ? &job->ref : NULL;
}

/* What was asked for. A model of an archive of several is not it. */
static const char *name_subject(const struct plm_job *job, char out[PLM_REF_TEXT])
{
    struct plm_ref ref;
    if (ref_of(job) && job->record.models <= 1)
        return plm_ref_format_whole(ref_of(job), out);
    if (job->target)
        return job->target;
    out[0] = '\0';
    if (job->model_count == 1 && plm_ref_parse(job->models[0], &ref, NULL))
        return plm_ref_format_whole(&ref, out);
    if (job->model_count > 0)
        (void)snprintf(out, PLM_REF_TEXT, "%zu model%s", job->model_count,
                       job->model_count == 1 ? "" : "s");
    else if (job->kind->verb == PLM_VERB_VERIFY)
        (void)snprintf(out, PLM_REF_TEXT, "all models");
    return out;
}

void plm_record_end(struct plm_job *job, const struct plm_error *err)
{
    struct plm_engine *engine = job->engine;
    const struct plm_record *r = &job->record;
    struct plm_error ignored = {0};
    char subject[PLM_REF_TEXT];
    if (!engine->history || !job->kind->is_recorded || job->dry_run || !job->started)
        return;
    int64_t elapsed = plm_os_monotonic_ms() - job->started_ms, now = plm_os_unix_ms();
    uint64_t moved = r->fetched + r->sent, reused = r->reused;
    bool moves = job->kind->verb == PLM_VERB_PULL || job->kind->verb == PLM_VERB_PUSH ||
                 job->kind->verb == PLM_VERB_IMPORT;
    if (!err && moves) /* exactly; the plan did not know of every small blob */
        reused = r->total > moved ? r->total - moved : 0;
    struct plm_history_record record = {
        .verb = plm_verb_name(job->kind->verb),
        .reference = name_subject(job, subject),
        .host = ref_of(job) && job->kind->needs_network ? ref_of(job)->host : "",
        .started_ms = now - elapsed,
        .ended_ms = now,
        .elapsed_ms = elapsed,
        .total = r->total,
        .fetched = r->fetched,
        .sent = r->sent,
        .reused = reused,
        .retries = r->retries,
        .rate = elapsed > 0 ? moved * 1000 / (uint64_t)elapsed : 0,
        .outcome = err ? plm_code_name(err->code) : "ok",
        .error = err ? err->msg : ""};
    (void)!plm_history_add(engine->history, &record, &ignored);
}

void plm_record_close(struct plm_engine *engine)
{
    plm_database_close(engine->history);
    engine->history = NULL;
}
