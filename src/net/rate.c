/* The token bucket that keeps all transfers together under one rate. */
#include "net/rate.h"

#define UNIT 1000         /* credit of one byte: rate × milliseconds then needs no division */
#define PIECE (16u << 10) /* curl hands over at most so much at a time */
#define BURST_MS 100
#define WAKE_MS 20
#define AHEAD_MS 800
#define AHEAD_LEAST (16u << 10)
#define AHEAD_MOST (4u << 20)
#define FASTEST (1ull << 40) /* keeps all products far from overflow */

static int64_t burst_of(const struct plm_rate *rate)
{
    int64_t burst = (int64_t)rate->per_second * BURST_MS;
    return burst > (int64_t)PIECE * UNIT ? burst : (int64_t)PIECE * UNIT;
}

static void refill(struct plm_rate *rate, int64_t now_ms)
{
    int64_t elapsed = now_ms - rate->last_ms;
    if (elapsed <= 0)
        return;
    rate->last_ms = now_ms;
    int64_t missing = burst_of(rate) - rate->credit;
    if (elapsed > missing / (int64_t)rate->per_second)
        rate->credit += missing;
    else
        rate->credit += elapsed * (int64_t)rate->per_second;
}

void plm_rate_set(struct plm_rate *rate, uint64_t bytes_per_second, int64_t now_ms)
{
    bool was_on = rate->per_second > 0;
    if (was_on)
        refill(rate, now_ms);
    rate->per_second = bytes_per_second < FASTEST ? bytes_per_second : FASTEST;
    rate->last_ms = now_ms;
    if (!rate->per_second)
        return;
    int64_t burst = burst_of(rate);
    if (!was_on || rate->credit > burst)
        rate->credit = burst;
}

bool plm_rate_may_pass(struct plm_rate *rate, int64_t now_ms)
{
    if (!rate->per_second)
        return true;
    refill(rate, now_ms);
    return rate->credit > 0;
}

void plm_rate_take(struct plm_rate *rate, uint64_t bytes)
{
    if (!rate->per_second)
        return;
    /* Debt beyond the clamp cannot be run up in pieces; it only guards the product. */
    rate->credit -= (int64_t)(bytes < FASTEST ? bytes : FASTEST) * UNIT;
}

int64_t plm_rate_wait_ms(struct plm_rate *rate, int64_t now_ms)
{
    if (!rate->per_second)
        return 0;
    refill(rate, now_ms);
    int64_t per_ms = (int64_t)rate->per_second;
    int64_t worth = per_ms * WAKE_MS;
    if (rate->credit >= worth)
        return 0;
    return (worth - rate->credit + per_ms - 1) / per_ms;
}

int plm_rate_ahead(const struct plm_rate *rate, unsigned connections)
{
    if (!rate->per_second)
        return 0;
    uint64_t ahead = rate->per_second * AHEAD_MS / UNIT / (connections ? connections : 1);
    if (ahead < AHEAD_LEAST)
        ahead = AHEAD_LEAST;
    return (int)(ahead < AHEAD_MOST ? ahead : AHEAD_MOST);
}

uint64_t plm_rate_share(const struct plm_rate *rate, size_t sharers)
{
    uint64_t share = rate->per_second * WAKE_MS / UNIT / (sharers ? sharers : 1);
    return share > PIECE ? share : PIECE;
}
