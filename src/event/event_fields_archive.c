/* The field walk of the events of `export` and `import`. */
#include "event/event_fields.h"

static void put_archive(const struct plm_event_visitor *v, const struct plm_event_archive *a)
{
    put_text(v, "Path", a->path);
    put_number(v, "ModelCount", a->models);
    put_number(v, "BlobCount", a->blobs);
    put_number(v, "TotalSize", a->total_size);
    plm_fields_known(v, "ArchiveSize", a->archive_size);
    put_number(v, "Parts", a->parts);
    put_truth(v, "DryRun", a->dry_run);
}

bool plm_fields_archive(const struct plm_event_visitor *v, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_EXPORT_START:
    case PLM_EV_EXPORTED:
    case PLM_EV_IMPORT_START:
        put_archive(v, &event->archive);
        return true;
    case PLM_EV_IMPORTED:
        put_number(v, "BlobCount", event->imported.blobs);
        put_number(v, "TotalSize", event->imported.total_size);
        put_number(v, "ReadBytes", event->imported.read);
        put_truth(v, "UpToDate", event->imported.up_to_date);
        return true;
    default:
        return false;
    }
}
