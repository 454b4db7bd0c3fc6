/* Doctor: looks at everything between us and a registry, and says what it sees. */
#include "engine/doctor.h"

#include "pullama/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A person waits for it: half an hour, as for a chunk, would be of no use. */
#define LIMIT_MS 60000

/* ---- host or model ---- */

static bool is_all(const char *text, size_t length, const char *allowed)
{
    for (size_t i = 0; i < length; i++) {
        if (!strchr(allowed, text[i]))
            return false;
    }
    return length > 0;
}

bool plm_doctor_is_host(const char *text)
{
    static const char digits[] = "0123456789";
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *scheme = strstr(text, "://");
    const char *host = scheme ? scheme + 3 : text;
    size_t length = strlen(host);
    if (scheme && length > 0 && host[length - 1] == '/')
        length--;
    if (length == 0 || memchr(host, '/', length))
        return false;
    if (scheme || host[0] == '[')
        return true;
    const char *colon = memchr(host, ':', length);
    if (colon && !is_all(colon + 1, length - (size_t)(colon + 1 - host), digits))
        return false;
    if (colon)
        length = (size_t)(colon - host);
    if (length == strlen("localhost") && strncmp(host, "localhost", length) == 0)
        return true;
    const char *dot = memrchr(host, '.', length);
    if (!dot)
        return false;
    if (plm_url_is_address(host, length))
        return true;
    size_t label = length - (size_t)(dot + 1 - host);
    return label >= 2 && is_all(dot + 1, label, letters);
}

/* ---- what is said ---- */

int64_t plm_doctor_elapsed_ms(const struct plm_doctor *doctor)
{
    return plm_loop_now(doctor->job->engine->loop) - doctor->began_ms;
}

void plm_doctor_enter(struct plm_doctor *doctor, enum plm_doctor_stage stage)
{
    doctor->stage = stage;
    doctor->began_ms = plm_loop_now(doctor->job->engine->loop);
    doctor->way[0] = '\0';
}

void plm_doctor_say(struct plm_doctor *doctor, const struct plm_event_check *check)
{
    struct plm_event event = {.kind = PLM_EV_DOCTOR_CHECK, .check = *check};
    doctor->checks++;
    doctor->warnings += check->result == PLM_CHECK_WARN;
    doctor->failures += check->result == PLM_CHECK_FAILED;
    plm_job_emit(doctor->job, &event);
}

void plm_doctor_note_failure(struct plm_doctor *doctor, const struct plm_event_check *check,
                             const struct plm_error *err)
{
    plm_doctor_say(doctor, check);
    if (doctor->error.code == PLM_OK)
        doctor->error = *err;
}

void plm_doctor_fail(struct plm_doctor *doctor, enum plm_check_kind check,
                     const struct plm_error *err, const char *means, const char *advice)
{
    plm_doctor_note_failure(doctor,
                            &(struct plm_event_check){.check = check,
                                                      .result = PLM_CHECK_FAILED,
                                                      .seen = err->msg,
                                                      .means = means,
                                                      .advice = advice,
                                                      .elapsed_ms = -1},
                            err);
    plm_doctor_end(doctor);
}

void plm_doctor_end(struct plm_doctor *doctor)
{
    struct plm_event event = {.kind = PLM_EV_DOCTOR_DONE,
                              .doctor = {.address = doctor->address,
                                         .checks = doctor->checks,
                                         .warnings = doctor->warnings,
                                         .failures = doctor->failures}};
    plm_job_emit(doctor->job, &event);
    if (doctor->error.code == PLM_OK)
        plm_job_complete(doctor->job);
    else
        plm_job_end(doctor->job, NULL, &doctor->error);
}

static void on_deadline(void *ctx)
{
    static const enum plm_check_kind checks[PLM_DOCTOR_STAGES] = {
        [PLM_DOCTOR_LISTING] = PLM_CHECK_RESOLVER,      [PLM_DOCTOR_ASKING] = PLM_CHECK_ADDRESS,
        [PLM_DOCTOR_TRUSTING] = PLM_CHECK_ADDRESS,      [PLM_DOCTOR_GREETING] = PLM_CHECK_ACCESS,
        [PLM_DOCTOR_MANIFEST] = PLM_CHECK_MANIFEST,     [PLM_DOCTOR_BLOB] = PLM_CHECK_BLOB,
        [PLM_DOCTOR_SUMMING] = PLM_CHECK_CHUNK_DIGESTS, [PLM_DOCTOR_OPENING] = PLM_CHECK_UPLOADS,
        [PLM_DOCTOR_DROPPING] = PLM_CHECK_UPLOADS,
    };
    struct plm_doctor *doctor = ctx;
    char limit[PLM_TEXT_SHORT];
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_NETWORK, "no answer from %s when %s were over", doctor->address,
                   plm_text_duration(doctor->limit_ms, limit));
    plm_doctor_fail(doctor, checks[doctor->stage], &err, "what was not looked at is not known",
                    "if it is only slow: more time with --timeout (at most a minute is used)");
}

/* ---- the job ---- */

static bool find_subject(struct plm_doctor *doctor, struct plm_error *err)
{
    struct plm_job *job = doctor->job;
    const char *text = job->model ? job->model : "";
    bool insecure = job->engine->options.insecure;
    char host[PLM_AUTHORITY_MAX];
    doctor->has_model = !plm_doctor_is_host(text);
    if (job->with_push && !doctor->has_model)
        return plm_fail(err, PLM_E_USAGE, "--push takes a model: where would it be pushed to?");
    bool ok = doctor->has_model ? plm_ref_parse(text, &doctor->ref, err)
                                : plm_ref_parse_host(text, &doctor->ref, err);
    if (!ok || !plm_registry_origin(&doctor->ref, insecure, &doctor->origin, err))
        return false;
    plm_url_authority(&doctor->origin, host, sizeof(host));
    (void)snprintf(doctor->address, sizeof(doctor->address), "%s://%s", doctor->origin.scheme,
                   host);
    (void)snprintf(doctor->url, sizeof(doctor->url), "%s/v2/", doctor->address);
    job->ref = doctor->ref;
    job->has_ref = doctor->has_model;
    return plm_job_find_credential(job, err);
}

/* Helper programs are asked while that can still be done. */
static bool prepare(struct plm_job *job, struct plm_error *err)
{
    if (job->state)
        return true;
    struct plm_doctor *doctor = calloc(1, sizeof(*doctor));
    if (!doctor)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a doctor");
    doctor->job = job;
    doctor->deadline = (struct plm_timer){.fire = on_deadline, .ctx = doctor};
    if (!find_subject(doctor, err)) {
        free(doctor);
        return false;
    }
    job->state = doctor;
    return true;
}

static bool start(struct plm_job *job, struct plm_error *err)
{
    struct plm_doctor *doctor = job->state;
    struct plm_engine *engine = job->engine;
    struct plm_event event = {.kind = PLM_EV_DOCTOR_START, .doctor = {.address = doctor->address}};
    int64_t limit = engine->options.timeout_ms;
    doctor->limit_ms = limit < LIMIT_MS ? limit : LIMIT_MS;
    plm_job_emit(job, &event);
    plm_timer_start(engine->loop, &doctor->deadline, doctor->limit_ms);
    return plm_engine_network(engine, err) && plm_doctor_list(doctor, err);
}

static void stop(struct plm_job *job)
{
    struct plm_error err = {0};
    (void)plm_fail(&err, PLM_E_INTERRUPTED, "stopped on request");
    plm_job_end(job, NULL, &err);
}

static void release(struct plm_job *job)
{
    struct plm_doctor *doctor = job->state;
    if (!doctor)
        return;
    plm_timer_stop(job->engine->loop, &doctor->deadline);
    plm_http_cancel(doctor->listing);
    for (size_t i = 0; i < doctor->count; i++)
        plm_http_cancel(doctor->probes[i].transfer);
    plm_source_free(doctor->source);
    plm_registry_free(doctor->registry);
    plm_manifest_free(doctor->manifest);
    free(doctor);
}

static const char *hint(const struct plm_error *err)
{
    return err->code == PLM_E_USAGE || err->code == PLM_E_BAD_NAME
               ? NULL
               : "what was seen on the way, and what can be done, stands above";
}

const struct plm_job_kind plm_doctor_kind = {
    .verb = PLM_VERB_DOCTOR,
    .hint = hint,
    .no_store = true,
    .needs_network = true,
    .prepare = prepare,
    .start = start,
    .stop = stop,
    .free = release,
};
