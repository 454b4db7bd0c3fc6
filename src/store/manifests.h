/** Manifests in the store: walked, read, written, removed. Names and depth as Ollama reads them.
 * Loop thread only. */
#pragma once

#include "pullama/manifest.h"
#include "store/layout.h"

/** One file below manifests/ at the depth where manifests stand. */
struct plm_manifest_file {
    const char *path; /**< relative to manifests/, printable bytes not promised */
    bool is_named;    /**< the four parts are valid names; ref is filled */
    struct plm_ref ref;
    const struct plm_manifest *manifest; /**< NULL: it does not parse */
    const char *why;                     /**< when it does not */
    int64_t modified_s;
};

/** Calls @p each for every file at depth four, until it returns false. Directory order. Links to
 * directories are followed; a link in place of a file cannot be read, and is shown as such. */
PLM_MUST bool plm_manifests_each(const struct plm_store *store,
                                 bool (*each)(void *ctx, const struct plm_manifest_file *file),
                                 void *ctx, struct plm_error *err);

/** Reads one. PLM_E_NOT_FOUND "no model …"; PLM_E_CORRUPT with its path. @p modified_s may be NULL.
 */
PLM_MUST bool plm_manifest_load(const struct plm_store *store, const struct plm_ref *ref,
                                struct plm_manifest **out, int64_t *modified_s,
                                struct plm_error *err);

/** Puts the bytes under the reference's name, atomically and durably. The caller holds the store
 * lock. */
PLM_MUST bool plm_manifest_store(const struct plm_store *store, const struct plm_ref *ref,
                                 const char *bytes, size_t size, struct plm_error *err);

/** Unlinks it, durably, and removes directories that became empty. The caller holds the store lock.
 */
PLM_MUST bool plm_manifest_remove(const struct plm_store *store, const struct plm_ref *ref,
                                  struct plm_error *err);
