/* What a registry says when it is asked in earnest: access, a manifest, bytes of a blob. */
#include "engine/doctor.h"

#include "pullama/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_BYTES 1024
#define LOGIN "pullama login keeps a user name and password; pullama keygen shows the key"

static void on_moved(void *ctx, const char *from, const char *to, int status)
{
    struct plm_doctor *doctor = ctx;
    size_t used = strlen(doctor->way);
    (void)from;
    (void)snprintf(doctor->way + used, sizeof(doctor->way) - used, ", %d to %s", status, to);
}

static bool open_session(struct plm_doctor *doctor, struct plm_error *err)
{
    struct plm_engine *engine = doctor->job->engine;
    const struct plm_registry_options options = {
        .key_path = engine->key_path,
        .credential = plm_job_credential(doctor->job),
        .timeout_ms = doctor->limit_ms,
        .insecure = engine->options.insecure,
        .moved = on_moved,
        .notice_ctx = doctor,
    };
    return plm_registry_new(engine->http, &doctor->ref, &options, &doctor->registry, err);
}

/* ---- access ---- */

static void say_access(struct plm_doctor *doctor)
{
    const struct plm_credential *credential = plm_job_credential(doctor->job);
    struct plm_error err = {0};
    char seen[PLM_DOCTOR_TEXT];
    bool shown = false;
    struct plm_event_check check = {.check = PLM_CHECK_ACCESS, .seen = seen, .elapsed_ms = -1};
    if (!plm_registry_was_shown(doctor->registry, &shown, &err)) {
        check.result = PLM_CHECK_WARN;
        check.seen = err.msg;
        check.means = "what is open to anyone can be pulled, and nothing else";
    } else if (shown && credential) {
        (void)snprintf(seen, sizeof(seen), "the credentials from %s were taken",
                       credential->source);
        check.means = "what they may see can be pulled";
    } else if (doctor->status == 401) {
        (void)snprintf(seen, sizeof(seen), "let in without a user name and password");
        check.means = "what is open to anyone, or to this machine's key, can be pulled";
    } else {
        return; /* nobody asked */
    }
    plm_doctor_say(doctor, &check);
}

static void fail_access(struct plm_doctor *doctor, enum plm_check_kind check,
                        const struct plm_error *error)
{
    bool is_refused = error->code == PLM_E_AUTH;
    const char *means = is_refused                       ? "it does not let us in"
                        : error->code == PLM_E_NOT_FOUND ? "there is no such model, or none that "
                                                           "we may see"
                        : error->code == PLM_E_INTEGRITY ? "something on the way changes what "
                                                           "is sent"
                                                         : "a pull ends here";
    const char *advice = is_refused                       ? LOGIN
                         : error->code == PLM_E_NOT_FOUND ? "look at the name and the tag; " LOGIN
                                                          : NULL;
    plm_doctor_fail(doctor, is_refused ? PLM_CHECK_ACCESS : check, error, means, advice);
}

static void on_greeted(void *ctx, const struct plm_http_outcome *answer,
                       const struct plm_error *error)
{
    struct plm_doctor *doctor = ctx;
    (void)answer;
    if (error && error->http_status != 404) {
        fail_access(doctor, PLM_CHECK_ACCESS, error);
        return;
    }
    if (!error)
        say_access(doctor);
    plm_doctor_end(doctor);
}

bool plm_doctor_greet(struct plm_doctor *doctor, struct plm_error *err)
{
    plm_doctor_enter(doctor, PLM_DOCTOR_GREETING);
    return open_session(doctor, err) &&
           plm_registry_greet(doctor->registry, on_greeted, doctor, err);
}

/* ---- after the model ---- */

static void finish_model(struct plm_doctor *doctor)
{
    struct plm_error err = {0};
    if (!doctor->job->with_push)
        plm_doctor_end(doctor);
    else if (!plm_doctor_look_at_uploads(doctor, &err))
        plm_doctor_fail(doctor, PLM_CHECK_UPLOADS, &err, "no request could be made", NULL);
}

/* ---- chunk digests ---- */

static void on_sums(void *ctx, const struct plm_chunksum *sums, size_t count)
{
    struct plm_doctor *doctor = ctx;
    char seen[PLM_DOCTOR_TEXT];
    struct plm_event_check check = {.check = PLM_CHECK_CHUNK_DIGESTS,
                                    .seen = seen,
                                    .elapsed_ms = plm_doctor_elapsed_ms(doctor)};
    if (sums) {
        (void)snprintf(seen, sizeof(seen), "%zu for the largest blob", count);
        check.means = "of a blob that came damaged, the damaged pieces alone are fetched again";
    } else {
        (void)snprintf(seen, sizeof(seen), "none");
        check.result = PLM_CHECK_NOTE;
        check.means = "a blob that came damaged is fetched again as a whole; it is never used";
    }
    plm_doctor_say(doctor, &check);
    finish_model(doctor);
}

/* ---- bytes of a blob ---- */

static bool begin_bytes(void *ctx, const struct plm_http_head *head, struct plm_error *err)
{
    struct plm_doctor *doctor = ctx;
    (void)err;
    doctor->blob_status = head->status;
    doctor->is_range_exact = head->status == 206 && head->has_range && head->has_total &&
                             head->range.start == doctor->span.start &&
                             head->range.end == doctor->span.end &&
                             head->total == doctor->blob.size;
    return true;
}

static bool drop_bytes(void *ctx, const void *bytes, size_t length, struct plm_error *err)
{
    const struct plm_doctor *doctor = ctx;
    (void)bytes;
    (void)length;
    if (doctor->is_range_exact)
        return true;
    err->code = PLM_E_INTERRUPTED; /* a whole blob may come: this was enough */
    return false;
}

static void say_ranges(struct plm_doctor *doctor)
{
    char seen[PLM_DOCTOR_TEXT];
    struct plm_event_check check = {.check = PLM_CHECK_RANGES, .seen = seen, .elapsed_ms = -1};
    unsigned long long length = plm_span_length(doctor->span);
    (void)snprintf(seen, sizeof(seen), "%d to a request for %llu bytes of %llu",
                   doctor->blob_status, length, (unsigned long long)doctor->blob.size);
    if (doctor->is_range_exact) {
        check.means = "a pull uses several connections, and goes on where it was stopped";
    } else if (doctor->blob_status == 200) {
        check.result = PLM_CHECK_WARN;
        check.means = "all is sent in place of a part: one connection for each blob, and a stop "
                      "loses what had come of it";
        check.advice = "look for a proxy or cache that takes the Range header away; --mirror names "
                       "a registry that does better";
    } else {
        check.result = PLM_CHECK_WARN;
        check.means = "these are not the bytes that were asked for: none is used";
        check.advice = "tell who runs the registry or the cache before it";
    }
    plm_doctor_say(doctor, &check);
}

static void on_bytes(void *ctx, const struct plm_fetch_result *result)
{
    struct plm_doctor *doctor = ctx;
    struct plm_error err = {0};
    char seen[2 * PLM_DOCTOR_TEXT];
    doctor->fetch = NULL;
    if (!result->complete) {
        plm_doctor_fail(doctor, PLM_CHECK_BLOB, result->error, "no bytes of the model come",
                        *doctor->way ? "is the host that it sends to open for this network?"
                                     : NULL);
        return;
    }
    (void)snprintf(seen, sizeof(seen), "%s%s", plm_registry_host(doctor->registry), doctor->way);
    plm_doctor_say(doctor, &(struct plm_event_check){
                               .check = PLM_CHECK_BLOB,
                               .seen = seen,
                               .means = *doctor->way ? "bytes come from there, and it gets none of "
                                                       "our credentials"
                                                     : "the registry sends the bytes by itself",
                               .elapsed_ms = plm_doctor_elapsed_ms(doctor)});
    if (plm_span_length(doctor->span) < doctor->blob.size)
        say_ranges(doctor);
    plm_doctor_enter(doctor, PLM_DOCTOR_SUMMING);
    if (!plm_registry_get_chunksums(doctor->registry, &doctor->blob, on_sums, doctor, &err))
        plm_doctor_fail(doctor, PLM_CHECK_CHUNK_DIGESTS, &err, "no request could be made", NULL);
}

static bool fetch_bytes(struct plm_doctor *doctor, struct plm_error *err)
{
    const struct plm_http_sink sink = {.begin = begin_bytes, .write = drop_bytes, .ctx = doctor};
    uint64_t size = doctor->blob.size;
    /* Not from byte 0: that looks the same where ranges are not known. */
    doctor->span.start = size > 1 ? 1 : 0;
    doctor->span.end =
        size - doctor->span.start > SAMPLE_BYTES ? doctor->span.start + SAMPLE_BYTES : size;
    plm_doctor_enter(doctor, PLM_DOCTOR_BLOB);
    return plm_source_new(doctor->registry, &doctor->blob, &doctor->source, err) &&
           plm_source_fetch(doctor->source, doctor->span, sink, on_bytes, doctor, &doctor->fetch,
                            err);
}

/* ---- the manifest ---- */

static bool choose_blob(struct plm_doctor *doctor, size_t *count, struct plm_error *err)
{
    struct plm_descriptor *blobs = NULL;
    if (!plm_manifest_blobs(doctor->manifest, &blobs, count, err))
        return false;
    for (size_t i = 0; i < *count; i++) {
        if (blobs[i].size >= doctor->blob.size)
            doctor->blob = blobs[i];
    }
    free(blobs);
    return true;
}

static bool take_manifest(struct plm_doctor *doctor, struct plm_error *err)
{
    char seen[2 * PLM_DOCTOR_TEXT], size[PLM_TEXT_SHORT], digest[PLM_DIGEST_TEXT];
    size_t count;
    if (!choose_blob(doctor, &count, err))
        return false;
    say_access(doctor);
    (void)snprintf(seen, sizeof(seen), "%s, %zu blobs, %s%s",
                   plm_digest_format(&doctor->manifest->digest, digest), count,
                   plm_text_size(plm_manifest_total_size(doctor->manifest), size), doctor->way);
    plm_doctor_say(doctor,
                   &(struct plm_event_check){.check = PLM_CHECK_MANIFEST,
                                             .seen = seen,
                                             .means = "the model is there, and can be understood",
                                             .elapsed_ms = plm_doctor_elapsed_ms(doctor)});
    if (doctor->blob.size > 0)
        return fetch_bytes(doctor, err);
    finish_model(doctor);
    return true;
}

/* Who asks about a push may have nothing there yet. */
static void say_absent(struct plm_doctor *doctor, const struct plm_error *error)
{
    plm_doctor_say(doctor, &(struct plm_event_check){.check = PLM_CHECK_MANIFEST,
                                                     .result = PLM_CHECK_NOTE,
                                                     .seen = error->msg,
                                                     .means = "a push would bring it",
                                                     .elapsed_ms = plm_doctor_elapsed_ms(doctor)});
    finish_model(doctor);
}

static void on_manifest(void *ctx, const struct plm_http_outcome *answer,
                        const struct plm_error *error)
{
    struct plm_doctor *doctor = ctx;
    const char *platform = doctor->job->engine->options.platform;
    struct plm_descriptor child;
    struct plm_error err = {0};
    if (error && error->code == PLM_E_NOT_FOUND && doctor->job->with_push) {
        say_absent(doctor, error);
        return;
    }
    if (error) {
        fail_access(doctor, PLM_CHECK_MANIFEST, error);
        return;
    }
    const char *bytes = answer->body.bytes ? answer->body.bytes : "";
    size_t size = answer->body.size;
    bool ok;
    if (plm_index_detect(bytes, size) && !doctor->is_child) {
        doctor->is_child = true;
        ok = plm_index_select(bytes, size, platform, &child, &err) &&
             plm_registry_get_manifest(doctor->registry, &child.digest, on_manifest, doctor, &err);
    } else {
        ok =
            plm_manifest_parse(bytes, size, &doctor->manifest, &err) && take_manifest(doctor, &err);
    }
    if (!ok)
        fail_access(doctor, PLM_CHECK_MANIFEST, &err);
}

bool plm_doctor_look_at_model(struct plm_doctor *doctor, struct plm_error *err)
{
    plm_doctor_enter(doctor, PLM_DOCTOR_MANIFEST);
    return open_session(doctor, err) &&
           plm_registry_get_manifest(doctor->registry,
                                     doctor->ref.has_digest ? &doctor->ref.digest : NULL,
                                     on_manifest, doctor, err);
}
