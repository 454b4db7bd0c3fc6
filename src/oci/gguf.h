/**
 * GGUF header reader for `show`: the few keys that are shown, under hard limits.
 *
 * Format: ggml's gguf specification, versions 1 to 3, both byte orders. Reads through a callback, in order, never
 * more than PLM_GGUF_MAX_HEADER bytes; skips arrays and tokenizer data without keeping them. Any thread.
 */
#pragma once

#include "pullama/error.h"

#define PLM_GGUF_MAX_HEADER (256u << 20)

/** Reads up to @p size bytes at @p offset; *got less only at the end of the file. */
typedef bool (*plm_gguf_read_fn)(void *ctx, void *bytes, size_t size, uint64_t offset, size_t *got,
                                 struct plm_error *err);

struct plm_gguf {
    uint32_t version;
    bool big_endian;
    char architecture[64]; /**< "" when absent */
    char name[128], type[32], pooling_type_text[16];
    bool has_file_type;
    uint32_t file_type;
    uint64_t parameter_count; /**< sum over tensors of the product of their dimensions */
    uint64_t tensor_count, kv_count;
    uint64_t context_length, embedding_length, block_count, vision_block_count, audio_block_count;
    bool has_pooling_type;
    char *chat_template; /**< owned; at most 256 KiB kept; or NULL */
    bool truncated;      /**< a tensor's data ends behind the file's end */
    uint64_t whole_size; /**< bytes that the file must have for its tensors; UINT64_MAX: no file can */
    uint64_t split_count; /**< files that the model is split into; 0 or 1: this one */
};

/** PLM_E_CORRUPT says at which byte the header breaks which rule. Free with plm_gguf_done() in any case. */
PLM_MUST bool plm_gguf_read(plm_gguf_read_fn read, void *ctx, uint64_t file_size,
                            struct plm_gguf *out, struct plm_error *err);
void plm_gguf_done(struct plm_gguf *gguf);
/** "Q4_K_M", "F16", …, or "unknown". */
const char *plm_gguf_file_type_name(uint32_t file_type);
