/**
 * The queue that Pullama keeps, `.pullm/queue.json`: read, so that it can be taken over. Pure.
 *
 * The text is as foreign as any other; what is no reference is for the caller to see.
 */
#pragma once

#include "pullama/error.h"

#define PLM_LEGACY_NAME "queue.json"
#define PLM_LEGACY_MAX (4u << 20)
#define PLM_LEGACY_ENTRIES 10000

/** Texts are borrowed during the call. */
struct plm_legacy_entry {
    const char *model; /**< without tag; Pullama keeps no host and no namespace in it */
    const char *tag;
    const char *status; /**< "queued", "active", "completed" or "failed" */
    const char *error;  /**< "" when there is none */
};

/**
 * Reads the file's text, and calls @p each for the entries in order until it gives false. No text
 * at all is an empty queue.
 *
 * @retval false  PLM_E_CORRUPT: it is no queue of Pullama's; @p each may have been called.
 */
PLM_MUST bool plm_legacy_decode(const char *text, size_t length,
                                bool (*each)(void *ctx, const struct plm_legacy_entry *entry),
                                void *ctx, struct plm_error *err);
