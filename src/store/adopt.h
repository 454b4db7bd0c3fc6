/**
 * Partial downloads that other programs left in blobs/: taken over by renaming, never copied.
 *
 * Pullama leaves `blobs/<name>.partial` with a checkpoint of format 1; Ollama leaves
 * `blobs/<name>-partial` with
 * `<name>-partial-<N>` (JSON: N, Offset, Size, Completed). Their counts are claims, not proof: the
 * final hash decides.
 */
#pragma once

#include "store/layout.h"
#include "store/spans.h"

struct plm_adopted {
    const char *program; /**< "Pullama", "Ollama", or NULL when there was nothing to take over */
    struct plm_spans claims;
};

/**
 * Moves a foreign partial of @p want to our own name. The caller holds the blob's lock and has no
 * partial of its own. A file that its owner seems to be writing at this moment is left alone: for
 * Ollama, one that changed within a minute; for Pullama, one that is locked, or that changed within
 * a minute and has its lock's file beside it (Pullama drops its lock while it runs, but removes
 * that file only at the end).
 */
PLM_MUST bool plm_adopt(const struct plm_store *store, const struct plm_descriptor *want,
                        const struct plm_spans *pullama_claims, struct plm_adopted *out,
                        struct plm_error *err);

/** What plm_adopt() would claim for it, by the files' times and without trying locks. Read only. */
PLM_MUST bool plm_adopt_peek(const struct plm_store *store, const struct plm_descriptor *want,
                             const struct plm_spans *pullama_claims, struct plm_spans *out,
                             struct plm_error *err);

/** What an Ollama `-partial-<N>` file claims of a blob of @p blob_size bytes; false when it says
 * nothing that can be true. Pure. */
PLM_MUST bool plm_adopt_parse_part(const char *text, size_t size, uint64_t blob_size,
                                   struct plm_span *out);
