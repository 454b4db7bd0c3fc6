/**
 * Where an import reads from: a file, the parts of one as if they were one, or a stream. Opened on
 * the loop thread; read on one worker at a time.
 */
#pragma once

#include <stdatomic.h>

#include "archive/content.h"

struct plm_archive_input {
    int dir;        /**< of the file or its parts; -1: a stream */
    char *folder;   /**< owned; its path */
    char *base;     /**< owned; name in it, of parts without their ending */
    unsigned parts; /**< 0: it is one file */
    uint64_t part_size, size;
    unsigned at_part; /**< the one that is open */
    int fd;           /**< of it, or of the stream */
    bool is_stream;
    uint64_t streamed;     /**< bytes that were read of the stream */
    atomic_bool cancelled; /**< a read ends soon, with PLM_E_INTERRUPTED */
};
#define PLM_ARCHIVE_INPUT_INIT ((struct plm_archive_input){.dir = -1, .fd = -1})

/** Opens @p path; `FILE.001` with all the parts that follow. PLM_E_IO: it is not there, or cannot
 * be read; PLM_E_CORRUPT: a part is missing, or has another size than the first. */
PLM_MUST bool plm_archive_input_open(struct plm_archive_input *input, const char *path,
                                     struct plm_error *err);
/** @p fd is borrowed. */
void plm_archive_input_stream(struct plm_archive_input *input, int fd);
void plm_archive_input_close(struct plm_archive_input *input);

/** For content.h: not a stream. */
struct plm_content_source plm_archive_input_source(struct plm_archive_input *input);
/** The next bytes of a stream, exactly so many. */
PLM_MUST bool plm_archive_input_next(struct plm_archive_input *input, void *bytes, size_t length,
                                     struct plm_error *err);
/** Reads a stream to its end. False quietly when it does not end well. */
bool plm_archive_input_drain(struct plm_archive_input *input);
