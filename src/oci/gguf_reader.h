/**
 * Forward-only, bounded reading of a GGUF header through a window of 64 KiB.
 *
 * Every function returns false with `err` filled when the header breaks a rule, at which byte being
 * part of the message. Nothing is read behind `end`, and nothing is kept of what is skipped.
 */
#pragma once

#include "oci/gguf.h"

#define PLM_GGUF_WINDOW (64u << 10)

struct plm_gguf_reader {
    plm_gguf_read_fn read;
    void *ctx;
    struct plm_error *err;
    char *window;      /**< PLM_GGUF_WINDOW bytes; the caller's */
    uint64_t end;      /**< nothing of the header lies there or behind */
    uint64_t position; /**< of the next byte to take; never goes back */
    uint64_t window_start;
    size_t window_size;
    uint32_t version; /**< set once it is known, as is the byte order */
    bool big_endian;
};

/** Fills err with PLM_E_CORRUPT, and returns false. */
bool plm_gguf_corrupt(struct plm_gguf_reader *r, uint64_t at, const char *what);
PLM_MUST bool plm_gguf_skip(struct plm_gguf_reader *r, uint64_t size);
PLM_MUST bool plm_gguf_take(struct plm_gguf_reader *r, void *out, size_t size);
/** An unsigned number of @p size bytes, 1 to 8, in the file's byte order. */
PLM_MUST bool plm_gguf_take_number(struct plm_gguf_reader *r, size_t size, uint64_t *out);
PLM_MUST bool plm_gguf_take_u32(struct plm_gguf_reader *r, uint32_t *out);
/**
 * A string, of which up to @p size - 1 bytes and a NUL go to @p out (NULL: none of it).
 * @p length (may be NULL) receives its full length.
 */
PLM_MUST bool plm_gguf_take_string(struct plm_gguf_reader *r, char *out, size_t size,
                                   uint64_t *length);
