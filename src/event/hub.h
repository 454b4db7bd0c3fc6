/** Gives events their sequence number and time, and hands them to every sink, in order of adding.
 * Loop thread only. */
#pragma once

#include "pullama/event.h"

#define PLM_HUB_SINKS 4

struct plm_hub {
    struct plm_sink sinks[PLM_HUB_SINKS];
    size_t count;
    uint64_t seq;
};

/** False when all places are taken. */
PLM_MUST bool plm_hub_add(struct plm_hub *hub, struct plm_sink sink);
/** Sets event->seq and event->time_ms (the caller gives Unix milliseconds) and emits. */
void plm_hub_emit(struct plm_hub *hub, struct plm_event *event, int64_t unix_ms);
