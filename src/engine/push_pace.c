/* The pace of a push: fewer requests side by side after a stall, slowly more when they pass. */
#include "engine/push_pace.h"

void plm_push_pace_init(struct plm_push_pace *pace, unsigned most)
{
    *pace = (struct plm_push_pace){.most = most, .allowed = most, .cut_ms = INT64_MIN};
}

void plm_push_pace_stalled(struct plm_push_pace *pace, int64_t began_ms, int64_t now_ms)
{
    if (began_ms < pace->cut_ms)
        return;
    pace->allowed = pace->allowed > 1 ? pace->allowed / 2 : 1;
    pace->passed = 0;
    pace->cut_ms = now_ms;
}

void plm_push_pace_passed(struct plm_push_pace *pace)
{
    if (pace->allowed == pace->most || ++pace->passed < pace->allowed)
        return;
    pace->allowed++;
    pace->passed = 0;
}
