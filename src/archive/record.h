/**
 * The records of a zip file, each as a value and as bytes, both ways. No files, no policy: what may
 * stand in an archive of models is content.h's to say. docs/formats/archive.md specifies the use.
 * Pure.
 *
 * What we write is stored, never deflated, with all sizes in the local header, and with the 64-bit
 * forms just where a number does not fit otherwise: the same entries always give the same bytes.
 */
#pragma once

#include "base/buf.h"

/** Longest name that is read; far more than any entry of a model has. */
#define PLM_ZIP_NAME_MAX 1024

#define PLM_ZIP_STORED 0
#define PLM_ZIP_DEFLATED 8

#define PLM_ZIP_FLAG_ENCRYPTED 0x0001
/** Behind the data stands a record with checksum and sizes; the local header has none. */
#define PLM_ZIP_FLAG_DESCRIPTOR 0x0008

/** An entry as its header in the directory, or in front of its data, describes it. */
struct plm_zip_entry {
    uint16_t flags, method;
    uint32_t crc;
    uint64_t packed, size; /**< bytes in the archive, and of the file */
    uint64_t offset;       /**< of the local header; only in the directory */
    unsigned unix_mode;    /**< type and rights, or 0 when it is of another system; likewise */
    size_t name_length;
    size_t extra_length;   /**< of what follows the name, this far */
    size_t comment_length; /**< likewise */
};

/* ---- reading ---- */

#define PLM_ZIP_LOCAL_BYTES 30
#define PLM_ZIP_CENTRAL_BYTES 46
#define PLM_ZIP_END_BYTES 22
#define PLM_ZIP_END64_BYTES 56
#define PLM_ZIP_LOCATOR_BYTES 20

enum plm_zip_record {
    PLM_ZIP_LOCAL,
    PLM_ZIP_CENTRAL,
    PLM_ZIP_END,
    PLM_ZIP_END64,
    PLM_ZIP_LOCATOR,
    PLM_ZIP_NO_RECORD,
};
/** What record the 4 bytes at @p bytes begin. */
enum plm_zip_record plm_zip_record_of(const uint8_t *bytes);

/** Reads the fixed part of a header: PLM_ZIP_LOCAL_BYTES or PLM_ZIP_CENTRAL_BYTES. */
void plm_zip_get_local(const uint8_t *bytes, struct plm_zip_entry *out);
void plm_zip_get_central(const uint8_t *bytes, struct plm_zip_entry *out);
/**
 * Puts the 64-bit numbers of the extra fields in the place of those that did not fit. @p is_local:
 * they are those of a local header. False: they are broken, or one is missing.
 */
PLM_MUST bool plm_zip_get_extra(const uint8_t *extra, size_t length, bool is_local,
                                struct plm_zip_entry *entry);

/** The end of an archive: where its directory is. */
struct plm_zip_end {
    uint64_t count, size, offset;
    bool is_single; /**< no record names another disk */
};
/** Reads PLM_ZIP_END_BYTES. */
void plm_zip_get_end(const uint8_t *bytes, struct plm_zip_end *out);
/** Reads PLM_ZIP_END64_BYTES. */
void plm_zip_get_end64(const uint8_t *bytes, struct plm_zip_end *out);
/** Offset of the 64-bit end, of PLM_ZIP_LOCATOR_BYTES. */
uint64_t plm_zip_get_locator(const uint8_t *bytes);
/** Whether the old end says nothing else than the 64-bit one: a number that fits is the same. */
bool plm_zip_ends_agree(const struct plm_zip_end *end, const struct plm_zip_end *end64);

/* ---- writing ---- */

/** What is written: a file of @p size bytes, or, when the name ends with '/', a folder. */
struct plm_zip_new {
    const char *name; /**< ASCII */
    uint64_t size;
    uint64_t offset; /**< of its local header */
    uint32_t crc;
};
/** Bytes of the local header. */
uint64_t plm_zip_local_length(const struct plm_zip_new *entry);
/** Bytes of the header in the directory. */
uint64_t plm_zip_central_length(const struct plm_zip_new *entry);
/** Bytes of the end of an archive of @p count entries whose directory is at @p offset. */
uint64_t plm_zip_end_length(uint64_t count, uint64_t size, uint64_t offset);
PLM_MUST bool plm_zip_put_local(struct plm_buf *out, const struct plm_zip_new *entry,
                                struct plm_error *err);
PLM_MUST bool plm_zip_put_central(struct plm_buf *out, const struct plm_zip_new *entry,
                                  struct plm_error *err);
PLM_MUST bool plm_zip_put_end(struct plm_buf *out, uint64_t count, uint64_t size, uint64_t offset,
                              struct plm_error *err);
