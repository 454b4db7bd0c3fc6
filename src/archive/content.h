/**
 * What an archive of models holds: found out from its directory, or, where that lies behind us as
 * in a pipe, from the headers in front of the entries, and judged before anything is made of it.
 *
 * Only blobs and manifests by their exact names, and the folders that these lie in, may be there;
 * each once; as plain files, not encrypted, stored or deflated; not overlapping; no larger than
 * they can be. Whatever else is there is refused, and so is the whole archive. Any thread, one at a
 * time.
 */
#pragma once

#include "archive/record.h"
#include "pullama/manifest.h"
#include "pullama/ref.h"

/** Entries of one archive: a model of PLM_MANIFEST_MAX_LAYERS, twice. */
#define PLM_CONTENT_MAX (2 * PLM_MANIFEST_MAX_LAYERS)
/** Models in one archive, and their manifests together. */
#define PLM_CONTENT_MODELS_MAX 1000
#define PLM_CONTENT_MANIFESTS_BYTES (16u << 20)

/** Where an archive's bytes come from. */
struct plm_content_source {
    /** Exactly @p length bytes; false also when they end early (PLM_E_CORRUPT). */
    bool (*read)(void *ctx, uint64_t offset, void *bytes, size_t length, struct plm_error *err);
    void *ctx;
    uint64_t size;
};

struct plm_content_blob {
    struct plm_digest digest;
    uint64_t packed, size;
    uint64_t offset; /**< of the local header */
    uint64_t limit;  /**< where the next entry, or the directory, begins */
    uint32_t crc;
    uint16_t flags, method;
};

struct plm_content_model {
    struct plm_ref ref;
    struct plm_manifest *manifest; /**< owned */
    struct plm_content_blob entry; /**< its own; without a digest */
    bool is_plain; /**< its entry's name is the one that not every system can make */
};

struct plm_content {
    struct plm_content_blob *blobs; /**< owned; by digest, ascending */
    size_t blob_count, blob_capacity;
    struct plm_content_model *models; /**< owned; as they came */
    size_t model_count;
    uint64_t manifest_bytes;
    char prefix[16]; /**< in front of all names: "" or "models/" */
    bool has_prefix; /**< the first name has told which */
};
void plm_content_done(struct plm_content *content);

/** Reads the directory and all manifests. PLM_E_CORRUPT, PLM_E_UNSUPPORTED or PLM_E_LIMIT name the
 * entry. */
PLM_MUST bool plm_content_read(const struct plm_content_source *source, struct plm_content *out,
                               struct plm_error *err);

/**
 * Takes in one entry: all that content_read() does for each of a directory's. @p blob (may be NULL)
 * tells the place of a blob in the list, which is not sorted then; SIZE_MAX for anything else.
 */
PLM_MUST bool plm_content_add(struct plm_content *content, const struct plm_zip_entry *entry,
                              const char *name, size_t *blob, struct plm_error *err);
/** Gives the last model that was added its manifest. */
PLM_MUST bool plm_content_set_manifest(struct plm_content_model *model, const char *bytes,
                                       size_t size, struct plm_error *err);
/** Sorts the blobs. PLM_E_CORRUPT when one is there twice. */
PLM_MUST bool plm_content_sort(struct plm_content *content, struct plm_error *err);
/** NULL: there is none. Sorted content only. */
const struct plm_content_blob *plm_content_find(const struct plm_content *content,
                                                const struct plm_digest *digest);

/**
 * Where the data of an entry begins: its local header is read, and must say the same as the
 * directory. @p name is the one in the directory.
 */
PLM_MUST bool plm_content_locate(const struct plm_content_source *source,
                                 const struct plm_content_blob *entry, const char *name,
                                 uint64_t *data, struct plm_error *err);
/** The same for a blob. */
PLM_MUST bool plm_content_locate_blob(const struct plm_content_source *source,
                                      const struct plm_content *content,
                                      const struct plm_content_blob *blob, uint64_t *data,
                                      struct plm_error *err);

/** Every model's blobs, and nothing else, must be in the archive or, as @p is_here knows, in the
 * store. PLM_E_CORRUPT names the first that is not so. */
PLM_MUST bool plm_content_check(const struct plm_content *content,
                                bool (*is_here)(void *ctx, const struct plm_descriptor *want),
                                void *ctx, struct plm_error *err);
