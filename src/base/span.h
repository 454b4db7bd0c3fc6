/** Half-open byte ranges, the coin in which store, net and engine pay one another. */
#pragma once

#include "pullama/defs.h"

struct plm_span {
    uint64_t start; /**< first byte */
    uint64_t end;   /**< one past the last byte; never less than start */
};

static inline uint64_t plm_span_length(struct plm_span s)
{
    return s.end - s.start;
}
