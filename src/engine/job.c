/* Jobs: what every kind has in common, which is how it speaks and how it ends. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_private.h"
#include "os/os.h"

void plm_job_emit(struct plm_job *job, struct plm_event *event)
{
    if (job->ended) /* a timer that was due together with the end: nothing may follow it */
        return;
    event->job = job->id;
    event->verb = job->kind->verb;
    event->ref = job->has_ref ? &job->ref : NULL;
    plm_record_see(job, event);
    plm_hub_emit(&job->engine->hub, event, plm_os_unix_ms());
}

void plm_job_emit_kind(struct plm_job *job, enum plm_event_kind kind)
{
    struct plm_event event = {.kind = kind};
    plm_job_emit(job, &event);
}

void plm_job_warn(struct plm_job *job, const char *format, ...)
{
    char message[PLM_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    if (vsnprintf(message, sizeof(message), format, args) < 0)
        message[0] = '\0';
    va_end(args);
    struct plm_event event = {.kind = PLM_EV_WARNING, .text = {.message = message}};
    plm_job_emit(job, &event);
}

/* The words of a verb's name in events are joined by '_'. */
static const char *usage_hint(enum plm_verb verb, char *out, size_t size)
{
    (void)snprintf(out, size, "see: pullama help %s", plm_verb_name(verb));
    for (char *c = strchr(out, '_'); c; c = strchr(c, '_'))
        *c = ' ';
    return out;
}

/* @p text: room for a hint that has to be put together. */
static const char *hint_of(const struct plm_job *job, const struct plm_error *err, char *text,
                           size_t size)
{
    const char *own = job->kind->hint ? job->kind->hint(err) : NULL;
    if (own)
        return own;
    if (err->code == PLM_E_USAGE)
        return usage_hint(job->kind->verb, text, size);
    if (err->code == PLM_E_NOT_FOUND && job->kind->verb != PLM_VERB_PULL)
        return "see what is here: pullama list";
    return plm_code_hint(err->code);
}

/* What the system refused in a store says in which: a machine may have several, on several disks.
 * For want of memory it does not matter. */
static void name_store(const struct plm_job *job, struct plm_error *err)
{
    const char *root = job->engine->store.root;
    if (err->sys_errno != 0 && err->code != PLM_E_NOMEM && root && !job->kind->no_store &&
        !strstr(err->msg, root))
        (void)plm_prefix(err, "%s", root);
}

void plm_job_note_failure(struct plm_job *job, enum plm_code code)
{
    if (job->engine->result == PLM_OK)
        job->engine->result = code;
}

void plm_job_end(struct plm_job *job, const struct plm_event *completed,
                 const struct plm_error *err)
{
    if (job->ended)
        return;
    struct plm_event event = {.kind = PLM_EV_FAILED};
    struct plm_error told = {0};
    char hint[64];
    if (!err) {
        event = *completed;
        event.kind = PLM_EV_COMPLETED;
    } else {
        told = *err;
        job->code = err->code;
        name_store(job, &told);
        event.failed.error = &told;
        event.failed.hint = hint_of(job, err, hint, sizeof(hint));
        if (err->code == PLM_E_INTERRUPTED)
            plm_job_emit_kind(job, PLM_EV_INTERRUPTED);
        else
            plm_job_note_failure(job, err->code);
    }
    plm_job_emit(job, &event);
    job->ended = true;
    plm_record_end(job, err);
    if (job->is_beside) {
        job->engine->beside--;
        job->parent->kind->child_over(job->parent, job, err);
    }
}

bool plm_job_submit_child(struct plm_job *parent, const struct plm_job_kind *kind,
                          const struct plm_ref *ref, char *manifest, size_t manifest_size,
                          struct plm_error *err)
{
    struct plm_engine *engine = parent->engine;
    struct plm_job *job = calloc(1, sizeof(*job)), **link = &engine->first;
    if (!job) {
        free(manifest);
        return plm_fail(err, PLM_E_NOMEM, "no memory for a job");
    }
    *job = (struct plm_job){.engine = engine,
                            .kind = kind,
                            .id = ++engine->last_id,
                            .parent = parent,
                            .manifest = manifest,
                            .manifest_size = manifest_size,
                            .dry_run = parent->dry_run,
                            .has_ref = ref != NULL};
    if (ref)
        job->ref = *ref;
    while (*link != parent)
        link = &(*link)->next;
    job->next = parent;
    *link = job;
    return true;
}

void plm_job_complete(struct plm_job *job)
{
    struct plm_event event = {
        .completed = {.elapsed_ms = plm_loop_now(job->engine->loop) - job->started_ms,
                      .dry_run = job->dry_run}};
    plm_job_end(job, &event, NULL);
}
