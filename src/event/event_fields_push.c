/* The field walk of a push's events. */
#include "event/event_fields.h"

static void put_plan(const struct plm_event_visitor *v, const struct plm_event_push_plan *plan)
{
    put_number(v, "TotalSize", plan->total);
    put_number(v, "PresentBytes", plan->present);
    put_number(v, "SendBytes", plan->send);
    put_number(v, "BlobsPresent", plan->blobs_present);
    put_number(v, "BlobCount", plan->blobs_total);
    put_truth(v, "DryRun", plan->dry_run);
}

bool plm_fields_push(const struct plm_event_visitor *v, const struct plm_event *event)
{
    char text[PLM_REF_TEXT];
    switch (event->kind) {
    case PLM_EV_PUSH_START:
    case PLM_EV_MANIFEST_PUSH_START:
        put_text(v, "Target", event->pushed.to ? plm_ref_format(event->pushed.to, text) : NULL);
        return true;
    case PLM_EV_MANIFEST_READ:
    case PLM_EV_MANIFEST_PUSHED:
        plm_fields_manifest(v, event);
        return true;
    case PLM_EV_PUSH_PLAN:
        put_plan(v, &event->push_plan);
        return true;
    case PLM_EV_BLOB_MOUNTED:
        put_text(v, "From", event->mounted.from);
        return true;
    case PLM_EV_UPLOAD_LOST:
        put_text(v, "Reason", event->text.message);
        return true;
    case PLM_EV_BLOB_SENT:
        put_number(v, "SentBytes", event->sent.bytes);
        put_number(v, "ElapsedMs",
                   event->sent.elapsed_ms > 0 ? (uint64_t)event->sent.elapsed_ms : 0);
        return true;
    default:
        return false;
    }
}
