/* The loop: waits once for everything, then runs transfers, messages, watches and due timers. */
#include "net/loop.h"

#include "os/os.h"
#include "os/thread.h"

#include <stdlib.h>

#define TURN_MS 50
#define WATCH_MAX 4

struct watch {
    int fd;
    void (*ready)(void *ctx); /* NULL: the slot is free */
    void *ctx;
};

struct plm_loop {
    CURLM *multi;
    int64_t now_ms;
    struct plm_timer timers; /* ring of armed timers, soonest first */
    struct watch watches[WATCH_MAX];
    void (*moved)(void *ctx);
    void (*finished)(void *ctx, CURL *easy, CURLcode code);
    void *transfers_ctx;
    struct plm_mutex
        mail_mutex; /* guards the two below: the only fields that other threads touch */
    struct plm_message *mail;
    struct plm_message **mail_end;
};

static void ring_init(struct plm_timer *ring)
{
    ring->next = ring->prev = ring;
}

static void ring_insert_after(struct plm_timer *place, struct plm_timer *timer)
{
    timer->prev = place;
    timer->next = place->next;
    place->next->prev = timer;
    place->next = timer;
}

static void ring_remove(struct plm_timer *timer)
{
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
    timer->next = timer->prev = NULL;
}

bool plm_loop_new(struct plm_loop **out, struct plm_error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return plm_fail(err, PLM_E_INTERNAL, "the HTTP library does not start");
    struct plm_loop *loop = calloc(1, sizeof(*loop));
    CURLM *multi = loop ? curl_multi_init() : NULL;
    if (!multi) {
        free(loop);
        curl_global_cleanup();
        return plm_fail(err, PLM_E_NOMEM, "no memory for the network loop");
    }
    loop->multi = multi;
    loop->now_ms = plm_os_monotonic_ms();
    ring_init(&loop->timers);
    loop->mail_end = &loop->mail;
    plm_mutex_init(&loop->mail_mutex);
    *out = loop;
    return true;
}

void plm_loop_free(struct plm_loop *loop)
{
    if (!loop)
        return;
    (void)curl_multi_cleanup(loop->multi); /* fails only for a bad handle */
    plm_mutex_done(&loop->mail_mutex);
    free(loop);
    curl_global_cleanup();
}

bool plm_loop_turn_is_over(const struct plm_loop *loop)
{
    return plm_os_monotonic_ms() - loop->now_ms >= TURN_MS;
}

int64_t plm_loop_now(const struct plm_loop *loop)
{
    return loop->now_ms;
}

void plm_timer_start(struct plm_loop *loop, struct plm_timer *timer, int64_t delay_ms)
{
    plm_timer_stop(loop, timer);
    int64_t delay = delay_ms > 0 ? delay_ms : 0;
    timer->due_ms = delay > INT64_MAX - loop->now_ms ? INT64_MAX : loop->now_ms + delay;
    timer->armed = true;
    /* From the back: of two that are due together the one started first fires first. */
    struct plm_timer *place = loop->timers.prev;
    while (place != &loop->timers && place->due_ms > timer->due_ms)
        place = place->prev;
    ring_insert_after(place, timer);
}

void plm_timer_stop(struct plm_loop *loop, struct plm_timer *timer)
{
    (void)loop; /* a timer that is about to fire stands in a ring of its own */
    if (!timer->armed)
        return;
    ring_remove(timer);
    timer->armed = false;
}

void plm_loop_post(struct plm_loop *loop, struct plm_message *message)
{
    message->next = NULL;
    plm_mutex_lock(&loop->mail_mutex);
    *loop->mail_end = message;
    loop->mail_end = &message->next;
    plm_mutex_unlock(&loop->mail_mutex);
    plm_loop_wake(loop);
}

void plm_loop_wake(struct plm_loop *loop)
{
    (void)curl_multi_wakeup(loop->multi); /* a full pipe means that it is awake already */
}

bool plm_loop_watch(struct plm_loop *loop, int fd, void (*ready)(void *ctx), void *ctx,
                    struct plm_error *err)
{
    for (size_t i = 0; i < WATCH_MAX; i++) {
        if (!loop->watches[i].ready) {
            loop->watches[i] = (struct watch){fd, ready, ctx};
            return true;
        }
    }
    return plm_fail(err, PLM_E_INTERNAL, "more than %d descriptors to watch", WATCH_MAX);
}

void plm_loop_unwatch(struct plm_loop *loop, int fd)
{
    for (size_t i = 0; i < WATCH_MAX; i++) {
        if (loop->watches[i].ready && loop->watches[i].fd == fd)
            loop->watches[i] = (struct watch){0};
    }
}

CURLM *plm_loop_multi(struct plm_loop *loop)
{
    return loop->multi;
}

void plm_loop_on_transfers(struct plm_loop *loop, void (*moved)(void *ctx),
                           void (*finished)(void *ctx, CURL *easy, CURLcode code), void *ctx)
{
    loop->moved = moved;
    loop->finished = finished;
    loop->transfers_ctx = ctx;
}

static int wait_ms(const struct plm_loop *loop, int timeout_ms)
{
    int wait = timeout_ms > 0 ? timeout_ms : 0;
    const struct plm_timer *first = loop->timers.next;
    if (first == &loop->timers)
        return wait;
    int64_t left = first->due_ms - plm_os_monotonic_ms();
    if (left <= 0)
        return 0;
    return left < wait ? (int)left : wait;
}

static void take_finished_transfers(struct plm_loop *loop)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(loop->multi, &left))) {
        if (message->msg != CURLMSG_DONE || !loop->finished)
            continue;
        /* The message lives inside the handle, which the listener frees. */
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        loop->finished(loop->transfers_ctx, easy, code);
    }
}

static void deliver_mail(struct plm_loop *loop)
{
    plm_mutex_lock(&loop->mail_mutex);
    struct plm_message *message = loop->mail;
    loop->mail = NULL;
    loop->mail_end = &loop->mail;
    plm_mutex_unlock(&loop->mail_mutex);
    while (message) {
        struct plm_message *next = message->next; /* deliver() may free the message */
        message->deliver(message);
        message = next;
    }
}

static void call_watches(struct plm_loop *loop, const struct curl_waitfd *fds,
                         const struct watch *polled, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!fds[i].revents)
            continue;
        /* An earlier callback may have taken this one away. */
        for (size_t slot = 0; slot < WATCH_MAX; slot++) {
            const struct watch *watch = &loop->watches[slot];
            if (watch->ready && watch->fd == polled[i].fd && watch->ctx == polled[i].ctx) {
                watch->ready(watch->ctx);
                break;
            }
        }
    }
}

void plm_loop_look(struct plm_loop *loop)
{
    for (size_t i = 0; i < WATCH_MAX; i++) {
        const struct watch *watch = &loop->watches[i];
        if (watch->ready && plm_os_is_readable(watch->fd))
            watch->ready(watch->ctx);
    }
}

static void fire_timers(struct plm_loop *loop)
{
    struct plm_timer due;
    ring_init(&due);
    /* Moved aside first: a timer that re-arms itself with no delay must wait for the next step. */
    while (loop->timers.next != &loop->timers && loop->timers.next->due_ms <= loop->now_ms) {
        struct plm_timer *timer = loop->timers.next;
        ring_remove(timer);
        ring_insert_after(due.prev, timer);
    }
    while (due.next != &due) {
        struct plm_timer *timer = due.next;
        plm_timer_stop(loop, timer);
        timer->fire(timer->ctx);
    }
}

bool plm_loop_step(struct plm_loop *loop, int timeout_ms, struct plm_error *err)
{
    struct curl_waitfd fds[WATCH_MAX];
    struct watch polled[WATCH_MAX];
    unsigned count = 0;
    for (size_t i = 0; i < WATCH_MAX; i++) {
        if (!loop->watches[i].ready)
            continue;
        fds[count] = (struct curl_waitfd){.fd = loop->watches[i].fd, .events = CURL_WAIT_POLLIN};
        polled[count++] = loop->watches[i];
    }
    CURLMcode code = curl_multi_poll(loop->multi, fds, count, wait_ms(loop, timeout_ms), NULL);
    loop->now_ms = plm_os_monotonic_ms();
    int running;
    if (code == CURLM_OK)
        code = curl_multi_perform(loop->multi, &running);
    if (code != CURLM_OK)
        return plm_fail(err, code == CURLM_OUT_OF_MEMORY ? PLM_E_NOMEM : PLM_E_INTERNAL,
                        "network loop: %s", curl_multi_strerror(code));
    if (loop->moved)
        loop->moved(loop->transfers_ctx);
    take_finished_transfers(loop);
    deliver_mail(loop);
    call_watches(loop, fds, polled, count);
    fire_timers(loop);
    return true;
}
