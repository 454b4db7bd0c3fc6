/** Numbers as a zip file has them: the lowest byte first. */
#pragma once

#include "pullama/defs.h"

static inline uint16_t plm_little_16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t plm_little_32(const uint8_t *p)
{
    return (uint32_t)plm_little_16(p) | (uint32_t)plm_little_16(p + 2) << 16;
}

static inline uint64_t plm_little_64(const uint8_t *p)
{
    return (uint64_t)plm_little_32(p) | (uint64_t)plm_little_32(p + 4) << 32;
}

/** Writes the lowest @p count bytes of @p value, and returns the place behind them. */
static inline uint8_t *plm_little_put(uint8_t *p, uint64_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        *p++ = (uint8_t)(value >> (8 * i));
    return p;
}
