/* Meter: smooths the rate over a few seconds. */
#include "engine/meter.h"

#define SAMPLE_MS 500
#define SMOOTHING_MS 5000.0

void plm_meter_add(struct plm_meter *meter, int64_t now_ms, uint64_t bytes)
{
    if (!meter->started) {
        *meter = (struct plm_meter){
            .started = true, .started_ms = now_ms, .sampled_ms = now_ms, .sampled_bytes = bytes};
        return;
    }
    int64_t elapsed = now_ms - meter->sampled_ms;
    if (elapsed < SAMPLE_MS || bytes < meter->sampled_bytes)
        return;
    double now_rate = (double)(bytes - meter->sampled_bytes) * 1000.0 / (double)elapsed;
    double weight = (double)elapsed / SMOOTHING_MS;
    if (weight > 1.0 || !meter->settled)
        weight = 1.0;
    meter->rate += (now_rate - meter->rate) * weight;
    meter->settled = true;
    meter->sampled_ms = now_ms;
    meter->sampled_bytes = bytes;
}

uint64_t plm_meter_rate(const struct plm_meter *meter)
{
    return meter->settled && meter->sampled_ms - meter->started_ms >= 2 * SAMPLE_MS
               ? (uint64_t)meter->rate
               : 0;
}

int64_t plm_meter_eta_ms(const struct plm_meter *meter, uint64_t left)
{
    uint64_t rate = plm_meter_rate(meter);
    if (rate == 0)
        return -1;
    double ms = (double)left * 1000.0 / (double)rate;
    return ms < 1e15 ? (int64_t)ms : -1;
}
