/**
 * Lock files: which models a store is to have, each with the digest of its manifest.
 * docs/formats/lockfile.md specifies them. Pure; any thread.
 */
#pragma once

#include "base/buf.h"
#include "pullama/ref.h"

#define PLM_LOCKFILE_MAX (4u << 20)

/** Appends what stands before the first model. */
PLM_MUST bool plm_lockfile_begin(struct plm_buf *out, struct plm_error *err);
/** Appends one model. */
PLM_MUST bool plm_lockfile_add(struct plm_buf *out, const struct plm_ref *ref,
                               const struct plm_digest *digest, struct plm_error *err);

/** Appends what stands behind the last model. */
PLM_MUST bool plm_lockfile_end(struct plm_buf *out, struct plm_error *err);

/**
 * Calls @p each for every model, in the order of the lines; each has a digest. PLM_E_USAGE names
 * the line that is wrong: no reference, one without a digest, one model twice, no version or an
 * unknown one, something behind the end; or that there is no end: such a file was cut. @p each
 * returns false to give up, having filled @p err itself.
 */
PLM_MUST bool plm_lockfile_read(const char *text, size_t length,
                                bool (*each)(void *ctx, const struct plm_ref *ref), void *ctx,
                                struct plm_error *err);

/** Whether it begins as a lock file of this version does, whatever comes behind: one that was cut
 * is one, too. */
bool plm_lockfile_is_one(const char *text, size_t length);
