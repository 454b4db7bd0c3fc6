/**
 * An export: models of the store, with all their blobs, into one archive. Shared by export.c and
 * export_list.c. docs/formats/archive.md specifies the archive. Loop thread, but for what says
 * otherwise.
 *
 * To a file, each blob is hashed while it is copied, and the archive gets its name when all of them
 * were right. To a stream, all are hashed first: what has left cannot be taken back, and a header
 * with its checksum stands in front of the bytes.
 */
#pragma once

#include "archive/record.h"
#include "engine/engine_private.h"
#include "engine/export_file.h"
#include "engine/meter.h"
#include "engine/relay.h"

struct plm_export_model {
    struct plm_ref ref;
    struct plm_manifest *manifest; /**< owned */
};

/** An entry of the archive: a folder, a manifest or a blob, in their order. */
struct plm_export_item {
    char *name;                          /**< owned; NULL for a blob */
    const struct plm_manifest *manifest; /**< NULL: none */
    const struct plm_descriptor *blob;   /**< NULL: none */
    uint64_t offset, data;               /**< of its header, and of what follows that */
    uint32_t crc;
};

struct plm_export {
    struct plm_job *job;
    struct plm_export_model *models; /**< owned; by the names of their entries */
    size_t model_count;
    struct plm_descriptor *blobs; /**< owned; each once */
    size_t blob_count;
    struct plm_export_item *items; /**< owned; blobs come last */
    size_t item_count, first_blob;
    uint64_t total;                     /**< bytes of the blobs */
    uint64_t directory, directory_size; /**< where the archive's directory is */
    uint64_t size;                      /**< of the whole archive */
    /* under way */
    struct plm_export_file file;
    struct plm_relay relay;
    struct plm_work task; /**< what is written around the blobs */
    bool is_task_busy, is_relaying;
    bool is_looking; /**< hashing before anything is written */
    struct plm_error task_err;
    size_t at;              /**< item that is worked on */
    int fd;                 /**< of its blob; -1: none */
    uint64_t before, shown; /**< bytes of the blobs before it; bytes that were shown */
    struct plm_meter meter;
    struct plm_timer kick, tick;
    struct plm_error error; /**< why it ends early */
};

/** export_list.c: reads the manifests of the job's models, and lays out the archive. */
PLM_MUST bool plm_export_list(struct plm_export *export, struct plm_error *err);
void plm_export_list_done(struct plm_export *export);
/** The entry as its headers have it. @p name is made where there is none; it must outlive the
 * result. Any thread. */
struct plm_zip_new plm_export_header(const struct plm_export_item *item, char *name);
