/* Records of a zip file: headers, and the end with its 64-bit forms, to bytes and back. */
#include "archive/record.h"

#include <string.h>

#include "archive/little.h"

#define LOCAL_SIGNATURE 0x04034b50u
#define CENTRAL_SIGNATURE 0x02014b50u
#define END_SIGNATURE 0x06054b50u
#define END64_SIGNATURE 0x06064b50u
#define LOCATOR_SIGNATURE 0x07064b50u

#define EXTRA_ZIP64 0x0001
#define FULL_16 UINT16_MAX
#define FULL_32 UINT32_MAX
#define SYSTEM_UNIX 3
#define SYSTEM_DARWIN 19

/* Version 1.0 for a stored file, 2.0 for a folder, 4.5 for 64-bit numbers. */
#define NEEDS_FILE 10
#define NEEDS_FOLDER 20
#define NEEDS_ZIP64 45
#define MADE_BY (SYSTEM_UNIX << 8 | NEEDS_ZIP64)

/* 1 January 1980, 0:00, the first moment that a zip file can name: equal models, equal bytes. */
#define FIXED_TIME 0
#define FIXED_DATE 0x0021
#define MODE_FILE 0100644u
#define MODE_FOLDER 040755u
#define DOS_FOLDER 0x10u

enum plm_zip_record plm_zip_record_of(const uint8_t *bytes)
{
    switch (plm_little_32(bytes)) {
    case LOCAL_SIGNATURE:
        return PLM_ZIP_LOCAL;
    case CENTRAL_SIGNATURE:
        return PLM_ZIP_CENTRAL;
    case END_SIGNATURE:
        return PLM_ZIP_END;
    case END64_SIGNATURE:
        return PLM_ZIP_END64;
    case LOCATOR_SIGNATURE:
        return PLM_ZIP_LOCATOR;
    default:
        return PLM_ZIP_NO_RECORD;
    }
}

/* ---- reading ---- */

void plm_zip_get_local(const uint8_t *p, struct plm_zip_entry *out)
{
    *out = (struct plm_zip_entry){.flags = plm_little_16(p + 6),
                                  .method = plm_little_16(p + 8),
                                  .crc = plm_little_32(p + 14),
                                  .packed = plm_little_32(p + 18),
                                  .size = plm_little_32(p + 22),
                                  .name_length = plm_little_16(p + 26),
                                  .extra_length = plm_little_16(p + 28)};
}

void plm_zip_get_central(const uint8_t *p, struct plm_zip_entry *out)
{
    unsigned system = p[5];
    *out = (struct plm_zip_entry){.flags = plm_little_16(p + 8),
                                  .method = plm_little_16(p + 10),
                                  .crc = plm_little_32(p + 16),
                                  .packed = plm_little_32(p + 20),
                                  .size = plm_little_32(p + 24),
                                  .name_length = plm_little_16(p + 28),
                                  .extra_length = plm_little_16(p + 30),
                                  .comment_length = plm_little_16(p + 32),
                                  .offset = plm_little_32(p + 42)};
    if (system == SYSTEM_UNIX || system == SYSTEM_DARWIN)
        out->unix_mode = plm_little_32(p + 38) >> 16;
}

/* The next of the 64-bit numbers, if this one did not fit. */
static bool take_64(const uint8_t **p, const uint8_t *end, uint64_t *value)
{
    if (*value != FULL_32)
        return true;
    if (end - *p < 8)
        return false;
    *value = plm_little_64(*p);
    *p += 8;
    return true;
}

bool plm_zip_get_extra(const uint8_t *extra, size_t length, bool is_local,
                       struct plm_zip_entry *entry)
{
    bool seen = false;
    while (length >= 4) {
        unsigned id = plm_little_16(extra);
        size_t size = plm_little_16(extra + 2);
        const uint8_t *p = extra + 4;
        if (size > length - 4 || (id == EXTRA_ZIP64 && seen))
            return false;
        if (id == EXTRA_ZIP64) {
            seen = true;
            if (!take_64(&p, extra + 4 + size, &entry->size) ||
                !take_64(&p, extra + 4 + size, &entry->packed) ||
                (!is_local && !take_64(&p, extra + 4 + size, &entry->offset)))
                return false;
        }
        extra += 4 + size;
        length -= 4 + size;
    }
    return seen || (entry->size != FULL_32 && entry->packed != FULL_32 &&
                    (is_local || entry->offset != FULL_32));
}

void plm_zip_get_end(const uint8_t *p, struct plm_zip_end *out)
{
    unsigned disk = plm_little_16(p + 4), start = plm_little_16(p + 6);
    *out = (struct plm_zip_end){.count = plm_little_16(p + 10),
                                .size = plm_little_32(p + 12),
                                .offset = plm_little_32(p + 16)};
    out->is_single = (disk == 0 || disk == FULL_16) && (start == 0 || start == FULL_16) &&
                     plm_little_16(p + 8) == out->count;
}

void plm_zip_get_end64(const uint8_t *p, struct plm_zip_end *out)
{
    *out = (struct plm_zip_end){.count = plm_little_64(p + 32),
                                .size = plm_little_64(p + 40),
                                .offset = plm_little_64(p + 48)};
    out->is_single = plm_little_32(p + 16) == 0 && plm_little_32(p + 20) == 0 &&
                     plm_little_64(p + 24) == out->count;
}

uint64_t plm_zip_get_locator(const uint8_t *p)
{
    return plm_little_64(p + 8);
}

bool plm_zip_ends_agree(const struct plm_zip_end *end, const struct plm_zip_end *end64)
{
    return (end->count == FULL_16 || end->count == end64->count) &&
           (end->size == FULL_32 || end->size == end64->size) &&
           (end->offset == FULL_32 || end->offset == end64->offset);
}

/* ---- writing ---- */

static bool is_folder(const struct plm_zip_new *entry)
{
    return entry->name[strlen(entry->name) - 1] == '/';
}

static unsigned needs(const struct plm_zip_new *entry)
{
    if (entry->size >= FULL_32 || entry->offset >= FULL_32)
        return NEEDS_ZIP64;
    return is_folder(entry) ? NEEDS_FOLDER : NEEDS_FILE;
}

static unsigned local_extra(const struct plm_zip_new *entry)
{
    return entry->size >= FULL_32 ? 4 + 16 : 0;
}

static unsigned central_extra(const struct plm_zip_new *entry)
{
    unsigned numbers = (entry->size >= FULL_32 ? 2 : 0) + (entry->offset >= FULL_32 ? 1 : 0);
    return numbers ? 4 + 8 * numbers : 0;
}

static bool is_end64(uint64_t count, uint64_t size, uint64_t offset)
{
    return count >= FULL_16 || size >= FULL_32 || offset >= FULL_32;
}

uint64_t plm_zip_local_length(const struct plm_zip_new *entry)
{
    return PLM_ZIP_LOCAL_BYTES + strlen(entry->name) + local_extra(entry);
}

uint64_t plm_zip_central_length(const struct plm_zip_new *entry)
{
    return PLM_ZIP_CENTRAL_BYTES + strlen(entry->name) + central_extra(entry);
}

uint64_t plm_zip_end_length(uint64_t count, uint64_t size, uint64_t offset)
{
    return PLM_ZIP_END_BYTES +
           (is_end64(count, size, offset) ? PLM_ZIP_END64_BYTES + PLM_ZIP_LOCATOR_BYTES : 0);
}

static uint64_t fit(uint64_t value, uint64_t full)
{
    return value < full ? value : full;
}

/* What both headers have in the same order, from the version to the length of the extra fields. */
static uint8_t *put_common(uint8_t *p, const struct plm_zip_new *entry, unsigned extra)
{
    p = plm_little_put(p, needs(entry), 2);
    p = plm_little_put(p, 0, 2); /* flags */
    p = plm_little_put(p, PLM_ZIP_STORED, 2);
    p = plm_little_put(p, FIXED_TIME, 2);
    p = plm_little_put(p, FIXED_DATE, 2);
    p = plm_little_put(p, entry->crc, 4);
    p = plm_little_put(p, fit(entry->size, FULL_32), 4);
    p = plm_little_put(p, fit(entry->size, FULL_32), 4);
    p = plm_little_put(p, strlen(entry->name), 2);
    return plm_little_put(p, extra, 2);
}

static uint8_t *put_extra(uint8_t *p, const struct plm_zip_new *entry, unsigned extra,
                          bool is_local)
{
    if (extra == 0)
        return p;
    p = plm_little_put(p, EXTRA_ZIP64, 2);
    p = plm_little_put(p, extra - 4, 2);
    if (entry->size >= FULL_32) {
        p = plm_little_put(p, entry->size, 8);
        p = plm_little_put(p, entry->size, 8);
    }
    if (!is_local && entry->offset >= FULL_32)
        p = plm_little_put(p, entry->offset, 8);
    return p;
}

bool plm_zip_put_local(struct plm_buf *out, const struct plm_zip_new *entry, struct plm_error *err)
{
    uint8_t head[PLM_ZIP_LOCAL_BYTES], extra[32];
    unsigned length = local_extra(entry);
    uint8_t *p = plm_little_put(head, LOCAL_SIGNATURE, 4);
    (void)put_common(p, entry, length);
    (void)put_extra(extra, entry, length, true);
    return plm_buf_append(out, head, sizeof(head), err) &&
           plm_buf_append(out, entry->name, strlen(entry->name), err) &&
           plm_buf_append(out, extra, length, err);
}

bool plm_zip_put_central(struct plm_buf *out, const struct plm_zip_new *entry,
                         struct plm_error *err)
{
    uint8_t head[PLM_ZIP_CENTRAL_BYTES], extra[32];
    unsigned length = central_extra(entry);
    unsigned mode = is_folder(entry) ? MODE_FOLDER : MODE_FILE;
    uint8_t *p = plm_little_put(head, CENTRAL_SIGNATURE, 4);
    p = plm_little_put(p, MADE_BY, 2);
    p = put_common(p, entry, length);
    p = plm_little_put(p, 0, 2 + 2 + 2); /* comment, disk, kind of text */
    p = plm_little_put(p, (uint64_t)mode << 16 | (is_folder(entry) ? DOS_FOLDER : 0), 4);
    (void)plm_little_put(p, fit(entry->offset, FULL_32), 4);
    (void)put_extra(extra, entry, length, false);
    return plm_buf_append(out, head, sizeof(head), err) &&
           plm_buf_append(out, entry->name, strlen(entry->name), err) &&
           plm_buf_append(out, extra, length, err);
}

/* The 64-bit end, and behind it the record that tells where it is. */
static uint8_t *put_end64(uint8_t *p, uint64_t count, uint64_t size, uint64_t offset)
{
    p = plm_little_put(p, END64_SIGNATURE, 4);
    p = plm_little_put(p, PLM_ZIP_END64_BYTES - 12, 8);
    p = plm_little_put(p, MADE_BY, 2);
    p = plm_little_put(p, NEEDS_ZIP64, 2);
    p = plm_little_put(p, 0, 4 + 4); /* disks */
    p = plm_little_put(p, count, 8);
    p = plm_little_put(p, count, 8);
    p = plm_little_put(p, size, 8);
    p = plm_little_put(p, offset, 8);
    p = plm_little_put(p, LOCATOR_SIGNATURE, 4);
    p = plm_little_put(p, 0, 4);
    p = plm_little_put(p, offset + size, 8);
    return plm_little_put(p, 1, 4);
}

bool plm_zip_put_end(struct plm_buf *out, uint64_t count, uint64_t size, uint64_t offset,
                     struct plm_error *err)
{
    uint8_t bytes[PLM_ZIP_END64_BYTES + PLM_ZIP_LOCATOR_BYTES + PLM_ZIP_END_BYTES], *p = bytes;
    if (is_end64(count, size, offset))
        p = put_end64(p, count, size, offset);
    p = plm_little_put(p, END_SIGNATURE, 4);
    p = plm_little_put(p, 0, 2 + 2); /* disks */
    p = plm_little_put(p, fit(count, FULL_16), 2);
    p = plm_little_put(p, fit(count, FULL_16), 2);
    p = plm_little_put(p, fit(size, FULL_32), 4);
    p = plm_little_put(p, fit(offset, FULL_32), 4);
    p = plm_little_put(p, 0, 2);
    return plm_buf_append(out, bytes, (size_t)(p - bytes), err);
}
