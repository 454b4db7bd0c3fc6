/* The field walk: what every event has, and the order in which its own fields follow. */
#include "event/event_fields.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void plm_fields_digest(const struct plm_event_visitor *v, const char *key,
                       const struct plm_digest *digest)
{
    char text[PLM_DIGEST_TEXT];
    put_text(v, key, digest ? plm_digest_format(digest, text) : NULL);
}

void plm_fields_known(const struct plm_event_visitor *v, const char *key, uint64_t value)
{
    if (value)
        v->number(v->ctx, key, value);
    else
        v->null(v->ctx, key);
}

void plm_fields_time(const struct plm_event_visitor *v, const char *key, int64_t unix_s,
                     int milliseconds)
{
    struct tm parts;
    time_t when = (time_t)unix_s;
    char day[32], text[48];
    if (!gmtime_r(&when, &parts) || parts.tm_year < -1900 || parts.tm_year > 8099 ||
        !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts)) {
        v->null(v->ctx, key);
        return;
    }
    if (milliseconds >= 0)
        (void)snprintf(text, sizeof(text), "%s.%03dZ", day, milliseconds);
    else
        (void)snprintf(text, sizeof(text), "%sZ", day);
    put_text(v, key, text);
}

/* Model is the display form without the tag, so that host and namespace are kept. */
static void put_model(const struct plm_event_visitor *v, const struct plm_ref *ref)
{
    char text[PLM_REF_TEXT], whole[PLM_REF_TEXT];
    struct plm_ref unpinned = *ref;
    unpinned.has_digest = false;
    plm_ref_format(&unpinned, text);
    size_t length = strlen(text), tag = strlen(ref->tag) + 1;
    v->text(v->ctx, "Model", text, length > tag ? length - tag : length);
    put_text(v, "Tag", ref->tag);
    put_text(v, "Ref", plm_ref_format(ref, whole));
}

static void put_blob(const struct plm_event_visitor *v, const struct plm_event_blob *blob)
{
    v->open(v->ctx, "Blob", false);
    plm_fields_digest(v, "Digest", &blob->want->digest);
    put_number(v, "Size", blob->want->size);
    put_text(v, "MediaType", blob->want->media);
    put_number(v, "Index", blob->index);
    put_number(v, "Total", blob->total);
    v->close(v->ctx, false);
}

static const struct plm_ref *model_of(const struct plm_event *event)
{
    if (event->kind == PLM_EV_LIST_MODEL && event->listed.ref)
        return event->listed.ref;
    if (event->kind == PLM_EV_SHOW && event->show.ref)
        return event->show.ref;
    if (event->kind == PLM_EV_MODEL_CHECKED && event->model_checked.ref)
        return event->model_checked.ref;
    if (event->kind == PLM_EV_UPSTREAM && event->upstream.ref)
        return event->upstream.ref;
    if (plm_fields_is_entry(event->kind) && event->queued.ref)
        return event->queued.ref;
    return event->ref;
}

void plm_event_visit(const struct plm_event *event, const struct plm_event_visitor *visitor)
{
    put_text(visitor, "event", plm_event_name(event->kind));
    put_number(visitor, "seq", event->seq);
    uint64_t time_ms = event->time_ms > 0 ? (uint64_t)event->time_ms : 0;
    plm_fields_time(visitor, "time", (int64_t)(time_ms / 1000), (int)(time_ms % 1000));
    put_number(visitor, "job", event->job);
    put_text(visitor, "verb", plm_verb_name(event->verb));
    const struct plm_ref *ref = model_of(event);
    if (ref)
        put_model(visitor, ref);
    if (event->blob.want)
        put_blob(visitor, &event->blob);
    if (!plm_fields_pull(visitor, event) && !plm_fields_push(visitor, event) &&
        !plm_fields_verify(visitor, event) && !plm_fields_upstream(visitor, event) &&
        !plm_fields_archive(visitor, event) && !plm_fields_queue(visitor, event))
        plm_fields_store(visitor, event);
}
