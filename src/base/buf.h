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
PLM_MUST bool plm_buf_append(struct plm_buf *buf, const void *bytes, size_t length,
                             struct plm_error *err);
PLM_MUST bool plm_buf_printf(struct plm_buf *buf, struct plm_error *err, const char *format, ...)
    PLM_FORMAT(3, 4);
void plm_buf_clear(struct plm_buf *buf);
/** Hands the bytes over (never NULL on success: an empty buffer gives ""). */
PLM_MUST char *plm_buf_take(struct plm_buf *buf);
