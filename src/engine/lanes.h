/**
 * Lanes: how many connections to a host may be in use now. Pure: the caller brings clock and
 * counts.
 *
 *     MEASURING → GROWN → (twice as many helped) GROWN … → HOLDING
 *                       → (they did not) RETURNED → HOLDING → MEASURING …
 *     HOLDING → TRIMMED → HOLDING
 *
 * It begins politely, waits until the speed is steady, doubles while that brings more bytes a
 * second, and takes back what did not help. Now and then it tries more again, or, when much is
 * left, fewer. A server that refuses sets a ceiling, which rises by one every 10 s.
 */
#pragma once

#include "pullama/defs.h"

/** Where a pull begins, and where it ends to grow, unless a number is given. */
#define PLM_LANES_LEAST 4
#define PLM_LANES_MOST 32

enum plm_lanes_phase {
    PLM_LANES_MEASURING, /**< what do so many bring? */
    PLM_LANES_GROWN,     /**< do twice as many bring more? */
    PLM_LANES_RETURNED,  /**< they did not: do fewer really bring as much? */
    PLM_LANES_HOLDING,
    PLM_LANES_TRIMMED, /**< do half as many bring as much? */
};

struct plm_lanes {
    unsigned least, most; /**< equal: a fixed number */
    unsigned wanted;      /**< by what they bring */
    unsigned ceiling;     /**< by what the server takes */
    enum plm_lanes_phase phase;
    int64_t phase_ms, refused_ms;
    int64_t hold_ms;     /**< how long the next hold lasts */
    unsigned base_count; /**< the number before it was changed … */
    double base;         /**< … and what it brought, bytes a second */
    double probe;        /**< what the number brought that was given up */
    double before;       /**< what came in the window before this one; 0: none */
    bool is_second_look; /**< what was tried brought so much less that it is looked at again */
    bool is_less_next;   /**< after the hold, fewer are tried instead of more */
    int64_t from_ms;     /**< start of the window that is measured; -1: none */
    uint64_t from_bytes;
};

/** What is seen of the transfer, ten times a second. */
struct plm_lanes_view {
    int64_t now_ms;
    uint64_t received; /**< bytes so far */
    uint64_t left;     /**< bytes that are still to come */
    unsigned active;   /**< connections in use */
    bool is_waiting;   /**< most of them wait for an answer most of the time: requests are short */
    bool is_starved;   /**< there is nothing to ask for with more of them */
    int64_t answer_ms; /**< the quickest answer yet: a round trip or two; 0: none yet */
};

/** @p least of the beginning, @p most at all. The same: this many, unless the server refuses. */
void plm_lanes_init(struct plm_lanes *lanes, unsigned least, unsigned most);
/** How many may be in use now; at least 1. */
unsigned plm_lanes_allowed(const struct plm_lanes *lanes);
/** What one connection brought a second when that was measured last; 0: not yet. */
uint64_t plm_lanes_each(const struct plm_lanes *lanes);
/** Looks at what came since, and decides. */
void plm_lanes_look(struct plm_lanes *lanes, const struct plm_lanes_view *view);
/** The server refused one of @p active connections while it served others. */
void plm_lanes_refused(struct plm_lanes *lanes, unsigned active, int64_t now_ms);
