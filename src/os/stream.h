/**
 * Streams that a user gave us open, such as a pipe: read and written in order, by a worker thread
 * that can be told to stop while nothing moves. The descriptor's own settings are left alone: it is
 * shared with other programs.
 */
#pragma once

#include <stdatomic.h>

#include "pullama/error.h"

/** Writes all bytes. PLM_E_INTERRUPTED when @p cancelled became true; PLM_E_IO when nobody reads
 * any more. */
PLM_MUST bool plm_os_stream_write(int fd, const void *bytes, size_t length,
                                  const atomic_bool *cancelled, struct plm_error *err);
/** Up to @p length bytes; *got is less only at the end of the stream. */
PLM_MUST bool plm_os_stream_read(int fd, void *bytes, size_t length, const atomic_bool *cancelled,
                                 size_t *got, struct plm_error *err);
