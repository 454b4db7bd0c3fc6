/** Growable bytes with a hard maximum; always NUL-terminated behind `size`. */
#pragma once

#include "pullama/error.h"

struct plm_buf {
    char *bytes; /**< owned; NULL while empty */
    size_t size;
    size_t capacity;
    size_t max; /**< append fails with PLM_E_LIMIT beyond this many bytes */
};

#define PLM_BUF_INIT(limit) ((struct plm_buf){ .max = (limit) })

void plm_buf_done(struct plm_buf *buf);
/** As plm_buf_done(), for secrets: the bytes are overwritten first. What an append moved elsewhere
 * while growing is out of reach: plm_buf_reserve() beforehand keeps it in one place. */
void plm_buf_wipe(struct plm_buf *buf);
/** Makes room for @p more bytes, so that appending them moves nothing. */
PLM_MUST bool plm_buf_reserve(struct plm_buf *buf, size_t more, struct plm_error *err);
PLM_MUST bool plm_buf_append(struct plm_buf *buf, const void *bytes, size_t length,
                             struct plm_error *err);
PLM_MUST bool plm_buf_printf(struct plm_buf *buf, struct plm_error *err, const char *format, ...)
    PLM_FORMAT(3, 4);
void plm_buf_clear(struct plm_buf *buf);
/** Hands the bytes over (never NULL on success: an empty buffer gives ""). */
PLM_MUST char *plm_buf_take(struct plm_buf *buf);
