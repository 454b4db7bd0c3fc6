/** Mark and sweep: which blobs manifests name, and removing those that none names. Under the store
 * lock. Loop thread only. */
#pragma once

#include "store/manifests.h"

struct plm_digest_set {
    struct plm_digest *items; /**< owned, sorted */
    size_t count, capacity;
};
void plm_digest_set_done(struct plm_digest_set *set);
/** Appends; not to be asked before plm_digest_set_sort(). */
PLM_MUST bool plm_digest_set_add(struct plm_digest_set *set, const struct plm_digest *digest,
                                 struct plm_error *err);
void plm_digest_set_sort(struct plm_digest_set *set);
bool plm_digest_set_has(const struct plm_digest_set *set, const struct plm_digest *digest);

/**
 * Collects every digest that any manifest names, or a running pull needs. PLM_E_CORRUPT with the
 * path when one does not parse: then nothing may be deleted, since nobody knows what it needs.
 */
PLM_MUST bool plm_gc_mark(const struct plm_store *store, struct plm_digest_set *out,
                          struct plm_error *err);

/** The same for every manifest but those of the @p count models @p but: what would still be needed
 * without them. */
PLM_MUST bool plm_gc_mark_others(const struct plm_store *store, const struct plm_ref *but,
                                 size_t count, struct plm_digest_set *out, struct plm_error *err);

/** What manifests name, alone. */
PLM_MUST bool plm_gc_mark_named(const struct plm_store *store, struct plm_digest_set *out,
                                struct plm_error *err);

/** What running pulls need, alone; see needs.h. To be asked before what manifests name: a pull that
 * ends between the two has its manifest in place before it drops its need. */
PLM_MUST bool plm_gc_mark_needs(const struct plm_store *store, struct plm_digest_set *out,
                                struct plm_error *err);

/** Tells of each removed blob. */
typedef void (*plm_gc_removed_fn)(void *ctx, const struct plm_descriptor *blob, uint64_t freed);

/** Removes those of @p candidates that are not in @p marked, then syncs blobs/. */
PLM_MUST bool plm_gc_sweep(const struct plm_store *store, const struct plm_descriptor *candidates,
                           size_t count, const struct plm_digest_set *marked,
                           plm_gc_removed_fn removed, void *ctx, struct plm_error *err);
