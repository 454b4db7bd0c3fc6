/** What an answer to a ranged request means for the file. Pure. */
#pragma once

#include "net/http.h"

enum plm_range_verdict {
    PLM_RANGE_EXACT, /**< 206 with exactly the bytes that were asked for */
    PLM_RANGE_WHOLE, /**< 200: the blob from byte 0 on; the server ignores ranges */
    PLM_RANGE_WRONG, /**< anything else: not a byte of it is written; err says why */
};
/** Judges the head of a 200 or 206 for @p asked of a blob of @p size bytes. */
enum plm_range_verdict plm_range_judge(const struct plm_http_head *head, struct plm_span asked,
                                       uint64_t size, struct plm_error *err);
