/* The field walk of a pull's events. */
#include "event/event_fields.h"

static const char *const reason_codes[PLM_RETRY_REASONS] = {
    [PLM_RETRY_CONNECTION] = "connection",
    [PLM_RETRY_TIMEOUT] = "timeout",
    [PLM_RETRY_STALL] = "stall",
    [PLM_RETRY_SHORT_BODY] = "short_body",
    [PLM_RETRY_SERVER_ERROR] = "server_error",
    [PLM_RETRY_RATE_LIMITED] = "rate_limited",
    [PLM_RETRY_DNS] = "dns",
    [PLM_RETRY_TLS] = "tls",
    [PLM_RETRY_TOKEN] = "token",
    [PLM_RETRY_REDIRECT] = "redirect",
};

static uint64_t not_negative(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

static void put_plan(const struct plm_event_visitor *v, const struct plm_event_plan *plan)
{
    put_number(v, "TotalSize", plan->total);
    put_number(v, "PresentBytes", plan->present);
    put_number(v, "FetchBytes", plan->fetch);
    put_number(v, "FreeBytes", plan->free_bytes);
    put_number(v, "NeededBytes", plan->needed);
    put_truth(v, "Fits", plan->fits);
    put_number(v, "BlobsPresent", plan->blobs_present);
    put_number(v, "BlobCount", plan->blobs_total);
    put_truth(v, "DryRun", plan->dry_run);
}

static uint64_t percent_of(uint64_t done, uint64_t total)
{
    if (done >= total)
        return 100;
    if (done <= UINT64_MAX / 100)
        return done * 100 / total;
    uint64_t percent = done / (total / 100);
    return percent < 100 ? percent : 99;
}

static void put_progress(const struct plm_event_visitor *v, const struct plm_event_progress *p)
{
    put_number(v, "pct", percent_of(p->overall_done, p->overall_total));
    put_number(v, "OverallDone", p->overall_done);
    put_number(v, "OverallTotal", p->overall_total);
    put_number(v, "BlobBytesDone", p->blob_done);
    put_number(v, "BlobBytesTotal", p->blob_total);
    put_number(v, "BytesPerSecond", p->bytes_per_second);
    if (p->eta_ms < 0)
        v->null(v->ctx, "ETASeconds");
    else
        put_number(v, "ETASeconds", ((uint64_t)p->eta_ms + 999) / 1000);
    put_number(v, "Connections", p->connections);
}

static void put_chunk(const struct plm_event_visitor *v, const struct plm_event *event)
{
    uint64_t start = event->chunk.start, end = event->chunk.end;
    v->open(v->ctx, "Chunk", false);
    plm_fields_digest(v, "BlobDigest", event->blob.want ? &event->blob.want->digest : NULL);
    put_number(v, "Start", start);
    put_number(v, "End", end > start ? end - 1 : start);
    put_number(v, "Size", end > start ? end - start : 0);
    v->close(v->ctx, false);
}

static void put_retry(const struct plm_event_visitor *v, const struct plm_event_retry *r)
{
    put_text(v, "What", r->what);
    put_text(v, "Host", r->host);
    put_number(v, "Attempt", not_negative(r->attempt));
    put_number(v, "MaxAttempts", not_negative(r->max_attempts));
    put_text(v, "Reason", plm_retry_reason_text(r->reason));
    put_text(v, "ReasonCode",
             (unsigned)r->reason < PLM_RETRY_REASONS ? reason_codes[r->reason] : NULL);
    put_text(v, "Detail", r->detail);
    put_number(v, "BackoffMs", not_negative(r->delay_ms));
    plm_fields_known(v, "HTTPStatus", not_negative(r->http_status));
    put_truth(v, "RetryAfter", r->retry_after);
}

static void put_verified(const struct plm_event_visitor *v, const struct plm_event *event)
{
    put_number(v, "ElapsedMs", not_negative(event->verified.elapsed_ms));
    put_number(v, "Attempt", not_negative(event->verified.attempt));
    put_number(v, "MaxAttempts", not_negative(event->verified.max_attempts));
    if (event->kind == PLM_EV_BLOB_VERIFY_FAILED)
        put_number(v, "DroppedBytes", event->verified.dropped);
}

void plm_fields_manifest(const struct plm_event_visitor *v, const struct plm_event *event)
{
    put_number(v, "BlobCount", event->manifest.blob_count);
    put_number(v, "TotalSize", event->manifest.total_size);
    plm_fields_digest(v, "Digest", event->manifest.digest);
}

/* What happens to a blob between the plan and its verification. */
static bool put_blob_state(const struct plm_event_visitor *v, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_BLOB_WAITING:
        put_number(v, "BlobBytesDone", event->waiting.done);
        put_number(v, "BlobBytesTotal", event->blob.want ? event->blob.want->size : 0);
        plm_fields_known(v, "HolderPID", not_negative(event->waiting.pid));
        return true;
    case PLM_EV_BLOB_ADOPTED:
        put_text(v, "Program", event->adopted.program);
        put_number(v, "BytesKept", event->adopted.bytes);
        return true;
    case PLM_EV_BLOB_RESUMED:
        put_number(v, "BytesKept", event->resumed.done);
        put_number(v, "ResumedAtOffset", event->resumed.contiguous);
        return true;
    case PLM_EV_CHUNKSUMS_FETCHED:
        put_number(v, "ChunkCount", event->chunksums.chunk_count);
        put_truth(v, "Available", event->chunksums.available);
        return true;
    case PLM_EV_CHECKPOINT_CORRUPT:
        put_text(v, "Reason", event->text.message);
        return true;
    case PLM_EV_CHECKPOINT_SAVED:
        put_number(v, "DurableBytes", event->checkpoint.durable);
        return true;
    default:
        return false;
    }
}

bool plm_fields_pull(const struct plm_event_visitor *v, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_MANIFEST_FETCHED:
    case PLM_EV_MANIFEST_WRITTEN:
        plm_fields_manifest(v, event);
        return true;
    case PLM_EV_PLAN:
        put_plan(v, &event->plan);
        return true;
    case PLM_EV_PROGRESS:
        put_progress(v, &event->progress);
        return true;
    case PLM_EV_CHUNK_MISMATCH:
        put_chunk(v, event);
        return true;
    case PLM_EV_RETRY:
    case PLM_EV_REFRESH:
        put_retry(v, &event->retry);
        return true;
    case PLM_EV_BLOB_VERIFIED:
    case PLM_EV_BLOB_VERIFY_FAILED:
        put_verified(v, event);
        return true;
    default:
        return put_blob_state(v, event);
    }
}
