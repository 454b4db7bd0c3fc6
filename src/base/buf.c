/* Growable bytes: owns the doubling, the hard maximum and the NUL behind the last byte. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool plm_buf_reserve(struct plm_buf *buf, size_t more, struct plm_error *err)
{
    if (more > buf->max || buf->size > buf->max - more)
        return plm_fail(err, PLM_E_LIMIT, "more than %zu bytes", buf->max);
    size_t need = buf->size + more;
    if (need == SIZE_MAX)
        return plm_fail(err, PLM_E_NOMEM, "out of memory");
    need++; /* the NUL */
    if (need <= buf->capacity)
        return true;

    size_t capacity = buf->capacity > SIZE_MAX / 2 ? need : buf->capacity * 2;
    if (capacity < 64)
        capacity = 64;
    if (buf->max < SIZE_MAX && capacity > buf->max + 1)
        capacity = buf->max + 1;
    if (capacity < need)
        capacity = need;
    char *bytes = realloc(buf->bytes, capacity);
    if (!bytes)
        return plm_fail(err, PLM_E_NOMEM, "out of memory for %zu bytes", capacity);
    buf->bytes = bytes;
    buf->capacity = capacity;
    return true;
}

void plm_buf_done(struct plm_buf *buf)
{
    if (!buf)
        return;
    free(buf->bytes);
    *buf = PLM_BUF_INIT(buf->max);
}

void plm_buf_wipe(struct plm_buf *buf)
{
    if (buf->bytes)
        explicit_bzero(buf->bytes, buf->capacity);
    plm_buf_done(buf);
}

bool plm_buf_append(struct plm_buf *buf, const void *bytes, size_t length, struct plm_error *err)
{
    if (!plm_buf_reserve(buf, length, err))
        return false;
    if (length > 0)
        memcpy(buf->bytes + buf->size, bytes, length);
    buf->size += length;
    buf->bytes[buf->size] = '\0';
    return true;
}

bool plm_buf_printf(struct plm_buf *buf, struct plm_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return plm_fail(err, PLM_E_INTERNAL, "text cannot be formatted");
    if (!plm_buf_reserve(buf, (size_t)length, err))
        return false;
    va_start(args, format);
    (void)vsnprintf(buf->bytes + buf->size, (size_t)length + 1, format, args);
    va_end(args);
    buf->size += (size_t)length;
    return true;
}

void plm_buf_clear(struct plm_buf *buf)
{
    buf->size = 0;
    if (buf->bytes)
        buf->bytes[0] = '\0';
}

char *plm_buf_take(struct plm_buf *buf)
{
    char *bytes = buf->bytes ? buf->bytes : calloc(1, 1);
    *buf = PLM_BUF_INIT(buf->max);
    return bytes;
}
