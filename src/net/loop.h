/**
 * The loop: curl's transfers, timers, watched descriptors, and a mailbox for other threads.
 *
 * One thread owns it. plm_loop_post() and plm_loop_wake() alone may be called from any thread.
 * Timers and watches are embedded in their owners; whoever frees the owner stops them first.
 */
#pragma once

#include <curl/curl.h>

#include "pullama/error.h"

struct plm_loop;

PLM_MUST bool plm_loop_new(struct plm_loop **out, struct plm_error *err);
void plm_loop_free(struct plm_loop *loop);

/** Monotonic milliseconds, read once a step. */
int64_t plm_loop_now(const struct plm_loop *loop);

/**
 * True when a step has been at its transfers for so long (50 ms) that signals, timers and workers'
 * answers must not wait longer: whoever takes in bytes pauses. curl_multi_perform() alone may move
 * 50 MB for each transfer before it returns.
 */
bool plm_loop_turn_is_over(const struct plm_loop *loop);

struct plm_timer {
    int64_t due_ms;
    void (*fire)(void *ctx);
    void *ctx;
    struct plm_timer *next, *prev;
    bool armed;
};
/** Arms (or re-arms) @p timer; fire(ctx) is called once, from plm_loop_step(). */
void plm_timer_start(struct plm_loop *loop, struct plm_timer *timer, int64_t delay_ms);
void plm_timer_stop(struct plm_loop *loop, struct plm_timer *timer);

/** A message from another thread; embedded in what it reports on. */
struct plm_message {
    void (*deliver)(struct plm_message *message); /**< called on the loop thread */
    struct plm_message *next;
};
/** Any thread: queues @p message and wakes the loop. The mailbox must outlive the posting threads.
 */
void plm_loop_post(struct plm_loop *loop, struct plm_message *message);
void plm_loop_wake(struct plm_loop *loop);

/** Watches one descriptor for reading. At most 4. */
PLM_MUST bool plm_loop_watch(struct plm_loop *loop, int fd, void (*ready)(void *ctx), void *ctx,
                             struct plm_error *err);
/** Calls those whose descriptor is readable now: for whoever keeps the loop from its next step. */
void plm_loop_look(struct plm_loop *loop);
void plm_loop_unwatch(struct plm_loop *loop, int fd);

/** The multi handle, for net/http.c alone. */
CURLM *plm_loop_multi(struct plm_loop *loop);
/** In each step, when all transfers have had their turn, @p moved is called, and then @p finished
 * for each that has ended. */
void plm_loop_on_transfers(struct plm_loop *loop, void (*moved)(void *ctx),
                           void (*finished)(void *ctx, CURL *easy, CURLcode code), void *ctx);

/** Waits at most @p timeout_ms, then runs transfers, messages, watches and due timers once. */
PLM_MUST bool plm_loop_step(struct plm_loop *loop, int timeout_ms, struct plm_error *err);
