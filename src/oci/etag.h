/**
 * Composite etags: what an object store calls a file that came in parts, and how a blob is cut into
 * them. The MD5 proves nothing to us; the store's own check is made with it. Any thread.
 */
#pragma once

#include "base/span.h"
#include "pullama/error.h"

#define PLM_MD5_BYTES 16
/** 32 digits, a dash, a count, NUL. */
#define PLM_ETAG_TEXT 48
/** No object store takes more. */
#define PLM_PARTS_MAX 10000

struct plm_md5_value {
    uint8_t bytes[PLM_MD5_BYTES];
};

/** An incremental MD5. Heap; one thread at a time. */
struct plm_md5;
PLM_MUST bool plm_md5_new(struct plm_md5 **out, struct plm_error *err);
void plm_md5_free(struct plm_md5 *md5);
/** Forgets what it was given. */
PLM_MUST bool plm_md5_restart(struct plm_md5 *md5, struct plm_error *err);
PLM_MUST bool plm_md5_update(struct plm_md5 *md5, const void *bytes, size_t length,
                             struct plm_error *err);
/** Ends the hash; it must be restarted before it is used again. */
PLM_MUST bool plm_md5_final(struct plm_md5 *md5, struct plm_md5_value *out, struct plm_error *err);

/** `<hex of the MD5 of all values>-<count>`. */
PLM_MUST bool plm_etag_of(const struct plm_md5_value *parts, size_t count, char out[PLM_ETAG_TEXT],
                          struct plm_error *err);

/** The length of all parts but the last: @p wanted, or more so that there are no more than may be.
 * @p wanted is not 0. */
uint64_t plm_part_length(uint64_t size, uint64_t wanted);
/** How many parts a blob has; at least one. */
size_t plm_part_count(uint64_t size, uint64_t part_length);
/** Part @p index, from 0. */
struct plm_span plm_part_at(uint64_t size, uint64_t part_length, size_t index);
