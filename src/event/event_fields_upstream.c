/* The field walk of `prune`, `outdated`, `update` and `adopt`. */
#include "event/event_fields.h"

static void put_upstream(const struct plm_event_visitor *v, const struct plm_event_upstream *m)
{
    put_text(v, "Verdict", plm_upstream_verdict_name(m->verdict));
    plm_fields_digest(v, "LocalDigest", m->here);
    plm_fields_digest(v, "RemoteDigest", m->there);
    put_number(v, "TotalSize", m->total);
    put_number(v, "FetchBytes", m->fetch);
    put_number(v, "BlobCount", m->blobs);
    put_number(v, "BlobsToFetch", m->lacking);
    put_text(v, "Message", m->message);
}

static void put_placed(const struct plm_event_visitor *v, const struct plm_event *event)
{
    put_text(v, "Path", event->placed.path);
    put_number(v, "Size", event->placed.size);
    put_text(v, "How", plm_placement_name(event->placed.how));
    if (event->kind == PLM_EV_ADOPT_START) {
        put_truth(v, "DryRun", event->placed.dry_run);
        return;
    }
    plm_fields_digest(v, "BlobDigest", event->placed.weights);
    plm_fields_digest(v, "Digest", event->placed.id);
}

static void put_pruned(const struct plm_event_visitor *v, const struct plm_event *event)
{
    put_text(v, "Path", event->pruned.path);
    put_number(v, "Size", event->pruned.size);
    put_truth(v, "Kept", event->pruned.kept);
    put_text(v, "Reason", event->pruned.why);
    put_number(v, "BytesReclaimed", event->pruned.freed);
    put_truth(v, "DryRun", event->pruned.dry_run);
}

static void put_prune_done(const struct plm_event_visitor *v, const struct plm_event *event)
{
    put_number(v, "BlobsDeleted", event->prune_done.files);
    put_number(v, "BytesReclaimed", event->prune_done.bytes);
    put_number(v, "BlobsKept", event->prune_done.kept);
    put_number(v, "BytesKept", event->prune_done.kept_bytes);
    put_truth(v, "DryRun", event->prune_done.dry_run);
}

bool plm_fields_upstream(const struct plm_event_visitor *v, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_PRUNE_BLOB:
        put_pruned(v, event);
        return true;
    case PLM_EV_PRUNE_DONE:
        put_prune_done(v, event);
        return true;
    case PLM_EV_OUTDATED_START:
        put_number(v, "Models", event->outdated.models);
        return true;
    case PLM_EV_UPSTREAM:
        put_upstream(v, &event->upstream);
        return true;
    case PLM_EV_OUTDATED_DONE:
        put_number(v, "Models", event->outdated.models);
        put_number(v, "Current", event->outdated.current);
        put_number(v, "Outdated", event->outdated.outdated);
        put_number(v, "Unknown", event->outdated.unknown);
        put_number(v, "FetchBytes", event->outdated.fetch);
        return true;
    case PLM_EV_ADOPT_START:
    case PLM_EV_ADOPTED:
        put_placed(v, event);
        return true;
    case PLM_EV_UPDATE_DONE:
        put_number(v, "Updated", event->updated.updated);
        put_number(v, "Removed", event->updated.removed);
        put_number(v, "Failed", event->updated.failed);
        put_truth(v, "DryRun", event->updated.dry_run);
        return true;
    case PLM_EV_FROZEN:
        put_text(v, "Path", event->frozen.path);
        put_number(v, "Models", event->frozen.models);
        put_text(v, "Text", event->frozen.text);
        return true;
    default:
        return false;
    }
}
