/* The field walk of the events of the queue and of the history. */
#include "event/event_fields.h"

static void put_moment(const struct plm_event_visitor *v, const char *key, int64_t unix_ms)
{
    if (unix_ms > 0)
        plm_fields_time(v, key, unix_ms / 1000, (int)(unix_ms % 1000));
    else
        v->null(v->ctx, key);
}

static void put_known(const struct plm_event_visitor *v, const char *key, const char *text)
{
    put_text(v, key, text && *text ? text : NULL);
}

static uint64_t not_negative(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

static void put_entry(const struct plm_event_visitor *v, const struct plm_event_queued *queued)
{
    static const struct plm_queue_entry none = {0};
    const struct plm_queue_entry *e = queued->entry ? queued->entry : &none;
    plm_fields_known(v, "Position", e->position);
    put_text(v, "Reference", e->reference ? e->reference : "");
    put_text(v, "Status", plm_queue_status_name(e->status));
    put_truth(v, "Duplicate", queued->duplicate);
    plm_fields_known(v, "Index", queued->index);
    plm_fields_known(v, "Total", queued->total);
    put_number(v, "FailedCount", queued->failed);
    put_moment(v, "AddedAt", e->added_ms);
    put_moment(v, "StartedAt", e->started_ms);
    put_moment(v, "FinishedAt", e->finished_ms);
    put_number(v, "Attempts", e->attempts);
    put_known(v, "Code", e->code);
    put_known(v, "Message", e->error);
}

static void put_queue(const struct plm_event_visitor *v, const struct plm_event_queue *q)
{
    put_number(v, "QueuedCount", q->count.queued);
    put_number(v, "ActiveCount", q->count.active);
    put_number(v, "CompletedCount", q->count.completed);
    put_number(v, "FailedCount", q->count.failed);
    put_number(v, "Changed", q->changed);
    put_number(v, "Skipped", q->skipped);
    plm_fields_known(v, "Jobs", q->jobs);
    put_truth(v, "Paused", q->paused);
}

static void put_record(const struct plm_event_visitor *v, const struct plm_history_record *record)
{
    static const struct plm_history_record none = {.verb = "", .outcome = ""};
    const struct plm_history_record *r = record ? record : &none;
    put_text(v, "JobVerb", r->verb);
    put_known(v, "Reference", r->reference);
    put_known(v, "Host", r->host);
    put_moment(v, "StartedAt", r->started_ms);
    put_moment(v, "EndedAt", r->ended_ms);
    put_number(v, "ElapsedMs", not_negative(r->elapsed_ms));
    put_number(v, "TotalSize", r->total);
    put_number(v, "FetchedBytes", r->fetched);
    put_number(v, "SentBytes", r->sent);
    put_number(v, "ReusedBytes", r->reused);
    put_number(v, "Retries", r->retries);
    put_number(v, "BytesPerSecond", r->rate);
    put_text(v, "Outcome", r->outcome);
    put_known(v, "Message", r->error);
}

static void put_sum(const struct plm_event_visitor *v, const struct plm_history_sum *sum)
{
    static const struct plm_history_sum none = {0};
    const struct plm_history_sum *s = sum ? sum : &none;
    put_text(v, "Scope", plm_history_scope_name(s->scope));
    put_known(v, "Name", s->name);
    put_number(v, "Jobs", s->jobs);
    put_number(v, "FailedJobs", s->failed);
    put_number(v, "InterruptedJobs", s->interrupted);
    put_number(v, "FetchedBytes", s->fetched);
    put_number(v, "SentBytes", s->sent);
    put_number(v, "ReusedBytes", s->reused);
    put_number(v, "Retries", s->retries);
    put_number(v, "ElapsedMs", not_negative(s->elapsed_ms));
    put_number(v, "BytesPerSecond", s->rate);
}

bool plm_fields_is_entry(enum plm_event_kind kind)
{
    return kind == PLM_EV_QUEUE_ADDED || kind == PLM_EV_QUEUE_ENTRY ||
           kind == PLM_EV_QUEUE_REMOVED || kind == PLM_EV_QUEUE_RETRIED ||
           kind == PLM_EV_QUEUE_NEXT || kind == PLM_EV_QUEUE_SETTLED;
}

bool plm_fields_queue(const struct plm_event_visitor *v, const struct plm_event *event)
{
    if (plm_fields_is_entry(event->kind)) {
        put_entry(v, &event->queued);
        return true;
    }
    switch (event->kind) {
    case PLM_EV_QUEUE_CHANGED:
    case PLM_EV_QUEUE_START:
    case PLM_EV_QUEUE_PAUSING:
    case PLM_EV_QUEUE_DONE:
        put_queue(v, &event->queue);
        return true;
    case PLM_EV_HISTORY:
        put_record(v, event->record);
        return true;
    case PLM_EV_STATS:
        put_sum(v, event->sum);
        return true;
    case PLM_EV_HISTORY_KEPT:
        put_number(v, "Dropped", event->kept.dropped);
        plm_fields_known(v, "KeepCount", event->kept.keep.count);
        plm_fields_known(v, "KeepAgeMs", not_negative(event->kept.keep.age_ms));
        return true;
    default:
        return false;
    }
}
