/* The fold: applies one event to the state of a job. Pure. */
#include "pullama/snapshot.h"

#include <string.h>

void plm_snapshot_init(struct plm_snapshot *snapshot)
{
    *snapshot = (struct plm_snapshot){.eta_ms = -1};
}

/* Index of the blob, or of the place where it belongs. */
static size_t place_of(const struct plm_snapshot *s, uint32_t index, bool *found)
{
    size_t i = 0;
    while (i < s->active_count && s->active[i].index < index)
        i++;
    *found = i < s->active_count && s->active[i].index == index;
    return i;
}

/* The blob's row, made when there is room; NULL when there is none. Low indexes win. */
static struct plm_snapshot_blob *row_of(struct plm_snapshot *s, const struct plm_event_blob *blob)
{
    bool found;
    size_t i = place_of(s, blob->index, &found);
    if (found)
        return &s->active[i];
    if (i == PLM_SNAPSHOT_BLOBS)
        return NULL;
    if (s->active_count == PLM_SNAPSHOT_BLOBS)
        s->active_count--;
    memmove(&s->active[i + 1], &s->active[i], (s->active_count - i) * sizeof(s->active[0]));
    s->active_count++;
    s->active[i] = (struct plm_snapshot_blob){
        .digest = blob->want->digest,
        .index = blob->index,
        .total = blob->want->size,
    };
    return &s->active[i];
}

static void drop_row(struct plm_snapshot *s, uint32_t index)
{
    bool found;
    size_t i = place_of(s, index, &found);
    if (!found)
        return;
    s->active_count--;
    memmove(&s->active[i], &s->active[i + 1], (s->active_count - i) * sizeof(s->active[0]));
}

static void raise_overall(struct plm_snapshot *s, uint64_t done)
{
    if (done > s->overall_done)
        s->overall_done = done;
}

static void finish_blob(struct plm_snapshot *s, const struct plm_event_blob *blob)
{
    drop_row(s, blob->index);
    if (s->blobs_finished < blob->total)
        s->blobs_finished++;
}

static void end_job(struct plm_snapshot *s, enum plm_phase phase)
{
    s->phase = phase;
    s->active_count = 0;
    s->connections = 0;
    s->bytes_per_second = 0;
    s->eta_ms = -1;
}

static void fold_progress(struct plm_snapshot *s, const struct plm_event_progress *p)
{
    s->phase = PLM_PHASE_TRANSFERRING;
    s->overall_total = p->overall_total;
    raise_overall(s, p->overall_done);
    s->bytes_per_second = p->bytes_per_second;
    s->eta_ms = p->eta_ms;
    s->connections = p->connections;
}

static void fold_row(struct plm_snapshot_blob *row, const struct plm_event *event)
{
    row->waiting = event->kind == PLM_EV_BLOB_WAITING;
    row->verifying = event->kind == PLM_EV_BLOB_VERIFY_START;
    if (event->kind == PLM_EV_BLOB_WAITING)
        row->done = event->waiting.done;
    if (event->kind == PLM_EV_BLOB_VERIFY_START)
        row->done = row->total;
    if (event->kind == PLM_EV_BLOB_VERIFY_FAILED)
        row->done -= event->verified.dropped < row->done ? event->verified.dropped : row->done;
    if (event->kind == PLM_EV_PROGRESS) {
        row->done = event->progress.blob_done;
        row->total = event->progress.blob_total;
    }
}

/* Only events of a blob that is being worked at make a row: a late checkpoint must not. */
static void fold_blob(struct plm_snapshot *s, const struct plm_event *event)
{
    struct plm_snapshot_blob *row;
    switch (event->kind) {
    case PLM_EV_BLOB_CACHED:
    case PLM_EV_BLOB_VERIFIED:
    case PLM_EV_BLOB_CHECKED:
    case PLM_EV_BLOB_EXISTS:
    case PLM_EV_BLOB_MOUNTED:
    case PLM_EV_BLOB_SENT:
        finish_blob(s, &event->blob);
        return;
    case PLM_EV_BLOB_WAITING:
    case PLM_EV_BLOB_START:
    case PLM_EV_PROGRESS:
    case PLM_EV_BLOB_VERIFY_START:
    case PLM_EV_BLOB_VERIFY_FAILED:
        row = row_of(s, &event->blob);
        if (row)
            fold_row(row, event);
        return;
    default:
        return;
    }
}

/* The totals that a job's start tells. */
static void fold_start(struct plm_snapshot *s, uint64_t bytes, uint32_t blobs)
{
    s->phase = PLM_PHASE_TRANSFERRING;
    s->overall_total = bytes;
    s->blobs_total = blobs;
}

static void fold_plan(struct plm_snapshot *s, const struct plm_event *event)
{
    if (event->verb == PLM_VERB_IMPORT) /* of one of several models */
        return;
    fold_start(s, event->plan.total, event->plan.blobs_total);
    raise_overall(s, event->plan.present);
}

static void fold_end(struct plm_snapshot *s, const struct plm_event *event)
{
    bool whole = event->kind == PLM_EV_COMPLETED;
    if (whole && !event->completed.dry_run)
        raise_overall(s, s->overall_total);
    end_job(s, whole ? PLM_PHASE_DONE : PLM_PHASE_FAILED);
}

void plm_snapshot_fold(struct plm_snapshot *snapshot, const struct plm_event *event)
{
    if (event->job != snapshot->job) {
        plm_snapshot_init(snapshot);
        snapshot->job = event->job;
    }
    switch (event->kind) {
    case PLM_EV_PULL_START:
    case PLM_EV_MANIFEST_FETCH_START:
    case PLM_EV_PUSH_START:
        snapshot->phase = PLM_PHASE_RESOLVING;
        break;
    case PLM_EV_MANIFEST_FETCHED:
    case PLM_EV_MANIFEST_READ:
        if (event->verb == PLM_VERB_IMPORT) /* of one of several models */
            break;
        snapshot->blobs_total = event->manifest.blob_count;
        snapshot->overall_total = event->manifest.total_size;
        break;
    case PLM_EV_EXPORT_START:
    case PLM_EV_IMPORT_START:
        fold_start(snapshot, event->archive.total_size, event->archive.blobs);
        break;
    case PLM_EV_PLAN:
        fold_plan(snapshot, event);
        break;
    case PLM_EV_PUSH_PLAN:
        snapshot->phase = PLM_PHASE_TRANSFERRING;
        raise_overall(snapshot, event->push_plan.present);
        break;
    case PLM_EV_VERIFY_START:
        fold_start(snapshot, event->verify.total_size, event->verify.blobs);
        break;
    case PLM_EV_ADOPT_START:
        snapshot->phase = PLM_PHASE_TRANSFERRING;
        snapshot->overall_total = event->placed.size;
        break;
    case PLM_EV_MANIFEST_WRITE_START:
    case PLM_EV_MANIFEST_PUSH_START:
        snapshot->phase = PLM_PHASE_COMMITTING;
        break;
    case PLM_EV_COMPLETED:
    case PLM_EV_FAILED:
        fold_end(snapshot, event);
        break;
    case PLM_EV_PROGRESS:
        fold_progress(snapshot, &event->progress);
        break;
    default:
        break;
    }
    if (event->blob.want)
        fold_blob(snapshot, event);
}
