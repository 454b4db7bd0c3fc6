/* The field walk of the events of `verify`. */
#include "event/event_fields.h"

static void put_checked_at(const struct plm_event_visitor *v, int64_t unix_s)
{
    if (unix_s > 0)
        plm_fields_time(v, "CheckedAt", unix_s, -1);
    else
        v->null(v->ctx, "CheckedAt");
}

static void put_blob_checked(const struct plm_event_visitor *v,
                             const struct plm_event_blob_checked *c)
{
    put_text(v, "Verdict", plm_blob_verdict_name(c->verdict));
    put_truth(v, "Failed", c->verdict >= PLM_BLOB_WRONG_DIGEST);
    if (c->is_sized)
        put_number(v, "FoundSize", c->found_size);
    else
        v->null(v->ctx, "FoundSize");
    plm_fields_digest(v, "FoundDigest", c->is);
    put_checked_at(v, c->checked_s);
    put_text(v, "Message", c->message);
}

static void put_users(const struct plm_event_visitor *v, const struct plm_event_models *users)
{
    v->open(v->ctx, "Models", true);
    for (size_t i = 0; i < users->count; i++) {
        char text[PLM_REF_TEXT];
        put_text(v, NULL, plm_ref_format(users->items[i], text));
    }
    v->close(v->ctx, true);
}

static void put_repaired(const struct plm_event_visitor *v, const struct plm_event *event)
{
    const struct plm_error *error = event->blob_repaired.error;
    put_truth(v, "Failed", error != NULL);
    put_number(v, "FetchedBytes", event->blob_repaired.fetched);
    put_text(v, "Code", error ? plm_code_name(error->code) : NULL);
    put_text(v, "Message", error ? error->msg : NULL);
}

static void put_model_checked(const struct plm_event_visitor *v,
                              const struct plm_event_model_checked *c)
{
    put_text(v, "Verdict", plm_model_verdict_name(c->verdict));
    put_truth(v, "Failed", c->verdict >= PLM_MODEL_DAMAGED);
    put_number(v, "TotalSize", c->size);
    put_number(v, "BlobCount", c->blobs);
    put_number(v, "BlobsFailed", c->blobs_bad);
    put_number(v, "BlobsTrusted", c->blobs_trusted);
    put_number(v, "BlobsRepaired", c->blobs_repaired);
    put_checked_at(v, c->checked_s);
    put_text(v, "Message", c->message);
}

static void put_start(const struct plm_event_visitor *v, const struct plm_event_verify *c)
{
    put_number(v, "ModelCount", c->models);
    put_number(v, "BlobCount", c->blobs);
    put_number(v, "TotalSize", c->total_size);
    put_truth(v, "Fast", c->fast);
    put_truth(v, "Repair", c->repair);
}

static void put_done(const struct plm_event_visitor *v, const struct plm_event_verify *c)
{
    uint64_t elapsed = c->elapsed_ms > 0 ? (uint64_t)c->elapsed_ms : 0;
    put_start(v, c);
    put_number(v, "ModelsFailed", c->models_bad);
    put_number(v, "BlobsFailed", c->blobs_bad);
    put_number(v, "BlobsTrusted", c->blobs_trusted);
    put_number(v, "BlobsRepaired", c->blobs_repaired);
    put_number(v, "FetchedBytes", c->fetched);
    put_number(v, "HashedBytes", c->hashed);
    put_number(v, "ElapsedMs", elapsed);
    put_number(v, "BytesPerSecond", c->bytes_per_second);
}

bool plm_fields_verify(const struct plm_event_visitor *v, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_VERIFY_START:
        put_start(v, &event->verify);
        return true;
    case PLM_EV_VERIFY_DONE:
        put_done(v, &event->verify);
        return true;
    case PLM_EV_BLOB_CHECKED:
        put_blob_checked(v, &event->blob_checked);
        put_users(v, &event->users);
        return true;
    case PLM_EV_REPAIR_START:
        put_number(v, "BlobCount", event->repair.blobs);
        put_number(v, "TotalSize", event->repair.total_size);
        return true;
    case PLM_EV_BLOB_REPAIRED:
        put_repaired(v, event);
        put_users(v, &event->users);
        return true;
    case PLM_EV_MODEL_CHECKED:
        put_model_checked(v, &event->model_checked);
        return true;
    default:
        return false;
    }
}
