/** What `sync` adds to the comparison of models with their registries (outdated.c): which models
 * there are to be, and which others there are. Loop thread only. */
#pragma once

#include "engine/upstream.h"

/** Reads the lock file at @p path, and holds the store against it: what is here with all its blobs
 * is settled, the rest is to be asked for by its digest. */
PLM_MUST bool plm_sync_fill(struct plm_upstream *upstream, const char *path, struct plm_error *err);
/** Models of the store that the lock file does not name; owned by the caller. PLM_E_CORRUPT when a
 * manifest cannot be read: nobody knows whether it is one of them. */
PLM_MUST bool plm_sync_others(const struct plm_upstream *upstream, struct plm_ref **out,
                              size_t *count, struct plm_error *err);
