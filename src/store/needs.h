/**
 * What running pulls count on: each says so in a file of its own, `.pullm/need-<16 hex>.manifest`,
 * which holds the manifest that it fetches, and keeps the file locked as long as it lives. Whoever
 * removes blobs spares what these name, so that a blob that a pull found here is not fetched once
 * more.
 *
 * It is a courtesy, not a lock: a pull without such a file, or whose blob is removed all the same,
 * finds that out when it publishes, and fetches the blob. Loop thread only.
 */
#pragma once

#include "pullama/manifest.h"
#include "store/layout.h"

#define PLM_NEED_NAME 40

struct plm_need {
    int dir; /**< borrowed */
    int fd;  /**< -1: nothing was said */
    char name[PLM_NEED_NAME];
};

#define PLM_NEED_INIT ((struct plm_need){.dir = -1, .fd = -1})

/** Says that the blobs of the manifest with these bytes are needed, and removes what dead processes
 * have left. Best effort; `.pullm` must be there. */
void plm_need_declare(const struct plm_store *store, const char *bytes, size_t size,
                      struct plm_need *out);
/** Nothing is needed any more. Nothing when nothing was said. */
void plm_need_drop(struct plm_need *need);

/** Calls @p each for the manifest of every living process, until it returns false. PLM_E_BUSY when
 * one of them cannot be read: then nobody knows what it needs. */
PLM_MUST bool plm_needs_each(const struct plm_store *store,
                             bool (*each)(void *ctx, const struct plm_manifest *manifest),
                             void *ctx, struct plm_error *err);

/** True for the names of such files, whole or being written. */
bool plm_need_is_name(const char *name);
