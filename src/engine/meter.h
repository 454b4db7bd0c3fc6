/** Rate and time left, from byte counts over time. Pure. */
#pragma once

#include "pullama/defs.h"

struct plm_meter {
    int64_t started_ms, sampled_ms;
    uint64_t sampled_bytes;
    double rate; /**< smoothed bytes per second */
    bool started, settled;
};
/** Tells that @p bytes were received in all by @p now_ms. */
void plm_meter_add(struct plm_meter *meter, int64_t now_ms, uint64_t bytes);
/** Bytes per second, 0 until a second's worth is known. */
uint64_t plm_meter_rate(const struct plm_meter *meter);
/** Milliseconds for @p left more bytes, or -1 while the rate is unknown. */
int64_t plm_meter_eta_ms(const struct plm_meter *meter, uint64_t left);
