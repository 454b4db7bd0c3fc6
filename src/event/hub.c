/* The hub: numbers and stamps events, and hands each to every sink. */
#include "event/hub.h"

bool plm_hub_add(struct plm_hub *hub, struct plm_sink sink)
{
    if (hub->count == PLM_HUB_SINKS)
        return false;
    hub->sinks[hub->count++] = sink;
    return true;
}

void plm_hub_emit(struct plm_hub *hub, struct plm_event *event, int64_t unix_ms)
{
    event->seq = ++hub->seq;
    event->time_ms = unix_ms;
    for (size_t i = 0; i < hub->count; i++)
        hub->sinks[i].emit(hub->sinks[i].ctx, event);
}
