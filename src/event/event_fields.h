/** The parts of the field walk: each visits the members of some kinds. Private to this layer. */
#pragma once

#include "pullama/event_visit.h"

static inline void put_text(const struct plm_event_visitor *v, const char *key, const char *text)
{
    if (text)
        v->text(v->ctx, key, text, __builtin_strlen(text));
    else
        v->null(v->ctx, key);
}

static inline void put_number(const struct plm_event_visitor *v, const char *key, uint64_t value)
{
    v->number(v->ctx, key, value);
}

static inline void put_truth(const struct plm_event_visitor *v, const char *key, bool value)
{
    v->truth(v->ctx, key, value);
}

/** `"Digest":"sha256:…"`; null when there is none. */
void plm_fields_digest(const struct plm_event_visitor *v, const char *key,
                       const struct plm_digest *digest);
/** Members that are zero when unknown: null then. */
void plm_fields_known(const struct plm_event_visitor *v, const char *key, uint64_t value);
/** RFC 3339 in UTC, with milliseconds unless @p milliseconds is -1; null for no year of 0–9999. */
void plm_fields_time(const struct plm_event_visitor *v, const char *key, int64_t unix_s,
                     int milliseconds);
/** Fields of the kinds that belong to a pull; false when @p event is of another kind. */
bool plm_fields_pull(const struct plm_event_visitor *v, const struct plm_event *event);
/** Fields of the kinds that belong to `verify`; false when @p event is of another kind. */
bool plm_fields_verify(const struct plm_event_visitor *v, const struct plm_event *event);
/** Fields of the kinds that compare the store with registries; false when @p event is of another
 * kind. */
bool plm_fields_upstream(const struct plm_event_visitor *v, const struct plm_event *event);
/** Fields of the kinds that `export` and `import` have; false when @p event is of another kind. */
bool plm_fields_archive(const struct plm_event_visitor *v, const struct plm_event *event);
/** Fields of the kinds that a push alone has; false when @p event is of another kind. */
bool plm_fields_push(const struct plm_event_visitor *v, const struct plm_event *event);
/** Whether an event of this kind tells of an entry of the queue. */
bool plm_fields_is_entry(enum plm_event_kind kind);
/** Fields of the queue's and the history's kinds; false when @p event is of another kind. */
bool plm_fields_queue(const struct plm_event_visitor *v, const struct plm_event *event);
/** What a manifest is, in few words. */
void plm_fields_manifest(const struct plm_event_visitor *v, const struct plm_event *event);
/** Fields of the store's commands and of any job. */
void plm_fields_store(const struct plm_event_visitor *v, const struct plm_event *event);
