/**
 * How many requests with bytes a push may have under way. Pure: the caller brings the clock.
 *
 * It begins with all that it may have. When one stalls, too many share a link that hardly carries
 * one: half as many go on. Each round of requests that came through allows one more.
 */
#pragma once

#include "pullama/defs.h"

struct plm_push_pace {
    unsigned most;
    unsigned allowed; /**< at least 1 */
    unsigned passed;  /**< that came through since it was changed */
    int64_t cut_ms;   /**< when it was cut last; a request that began before says nothing new */
};

void plm_push_pace_init(struct plm_push_pace *pace, unsigned most);
/** A request that began at @p began_ms moved no byte for so long that it was ended. */
void plm_push_pace_stalled(struct plm_push_pace *pace, int64_t began_ms, int64_t now_ms);
/** A request was answered. */
void plm_push_pace_passed(struct plm_push_pace *pace);
