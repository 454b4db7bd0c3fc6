/** Descriptors in JSON, as manifests and indexes hold them. */
#pragma once

#include "base/json.h"
#include "pullama/digest.h"

/** Sizes from here on are refused: sums of two never overflow, and no blob is that large. */
#define PLM_BLOB_SIZE_LIMIT (UINT64_C(1) << 62)

/** The order of descriptors by their digests, for qsort() and bsearch(). */
int plm_descriptor_compare(const void *a, const void *b);

/**
 * Reads `digest`, `size` and `mediaType`. The media type is made safe to print.
 *
 * @param what  what the messages call it, as "layer 3"
 * @retval false PLM_E_PROTOCOL
 */
PLM_MUST bool plm_descriptor_read(const struct plm_json *value, const char *what,
                                  struct plm_descriptor *out, struct plm_error *err);
