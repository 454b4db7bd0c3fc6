/**
 * Checkpoints: which bytes of a partial blob are on the disk for sure. Codec only, no files.
 *
 * Format 2 is ours (docs/formats/checkpoint.md); format 1 is Pullama's, read so that its progress
 * can be taken over. Pure.
 */
#pragma once

#include "base/buf.h"
#include "pullama/digest.h"
#include "store/spans.h"

#define PLM_CHECKPOINT_VERSION 2
#define PLM_CHECKPOINT_MAX_BYTES (4u << 20)

struct plm_checkpoint {
    int version; /**< 2, or 1 for Pullama's */
    struct plm_spans durable;
};

PLM_MUST bool plm_checkpoint_encode(const struct plm_descriptor *want,
                                    const struct plm_spans *durable, struct plm_buf *out,
                                    struct plm_error *err);
/**
 * Reads either format. PLM_E_CORRUPT says why it cannot be used: no JSON, an unknown version,
 * another digest or size, spans that are not ascending inside the blob.
 */
PLM_MUST bool plm_checkpoint_decode(const char *text, size_t size,
                                    const struct plm_descriptor *want, struct plm_checkpoint *out,
                                    struct plm_error *err);
void plm_checkpoint_done(struct plm_checkpoint *checkpoint);
