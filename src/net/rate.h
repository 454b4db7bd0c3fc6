/**
 * A token bucket over all transfers: pure, the caller brings the clock (monotonic milliseconds).
 *
 * Bytes may pass while there is credit; the last piece may overdraw it, and that debt is waited
 * for, so the mean is exact. A burst is at most 100 ms worth, or 16 KiB for slow rates.
 */
#pragma once

#include "pullama/defs.h"

struct plm_rate {
    uint64_t per_second; /**< bytes; 0: no limit */
    int64_t credit;      /**< in thousandths of a byte; below 0 is debt */
    int64_t last_ms;     /**< when credit was right */
};

/** Sets or changes the rate; a new limit starts with a full burst, credit in hand is kept up to the
 * new burst. */
void plm_rate_set(struct plm_rate *rate, uint64_t bytes_per_second, int64_t now_ms);
bool plm_rate_may_pass(struct plm_rate *rate, int64_t now_ms);
void plm_rate_take(struct plm_rate *rate, uint64_t bytes);
/** How long to wait until so much credit is there that it is worth waking up. */
int64_t plm_rate_wait_ms(struct plm_rate *rate, int64_t now_ms);
/** Bytes that each of @p connections may have waiting for us in the system, so that all together
 * run ahead of the rate by less than a second; 0: no matter. */
int plm_rate_ahead(const struct plm_rate *rate, unsigned connections);
/** What one of @p sharers may take before it is the next one's turn. */
uint64_t plm_rate_share(const struct plm_rate *rate, size_t sharers);
