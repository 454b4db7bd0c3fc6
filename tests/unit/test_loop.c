#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/loop.h"
#include "os/thread.h"

struct alarm {
    struct plm_timer timer;
    struct plm_loop *loop;
    char name;
    char *log;            /* shared; names in order of firing */
    struct alarm *victim; /* stopped when this one fires */
    bool again;           /* re-arms itself without delay */
};

static void ring(void *ctx)
{
    struct alarm *a = ctx;
    size_t used = strlen(a->log);
    a->log[used] = a->name;
    a->log[used + 1] = '\0';
    if (a->victim)
        plm_timer_stop(a->loop, &a->victim->timer);
    if (a->again)
        plm_timer_start(a->loop, &a->timer, 0);
}

static void set_alarm(struct alarm *a, struct plm_loop *loop, char name, char *log, int64_t delay)
{
    a->timer.fire = ring;
    a->timer.ctx = a;
    a->loop = loop;
    a->name = name;
    a->log = log;
    plm_timer_start(loop, &a->timer, delay);
}

static struct plm_loop *open_loop(void **state)
{
    (void)state;
    struct plm_loop *loop = NULL;
    struct plm_error err = {0};
    assert_true(plm_loop_new(&loop, &err));
    return loop;
}

static void step(struct plm_loop *loop, int timeout_ms)
{
    struct plm_error err = {0};
    assert_true(plm_loop_step(loop, timeout_ms, &err));
}

static void timers_fire_in_the_order_of_their_time(void **state)
{
    struct plm_loop *loop = open_loop(state);
    char log[16] = "";
    struct alarm a[4] = {0};
    set_alarm(&a[0], loop, 'd', log, 20);
    set_alarm(&a[1], loop, 'a', log, 5);
    set_alarm(&a[2], loop, 'b', log, 10);
    set_alarm(&a[3], loop, 'c', log, 10);
    while (strlen(log) < 4)
        step(loop, 1000);
    assert_string_equal(log, "abcd");
    for (int i = 0; i < 4; i++)
        assert_false(a[i].timer.armed);
    plm_loop_free(loop);
}

static void starting_again_moves_the_timer(void **state)
{
    struct plm_loop *loop = open_loop(state);
    char log[16] = "";
    struct alarm a = {0}, b = {0};
    set_alarm(&a, loop, 'a', log, 1);
    set_alarm(&b, loop, 'b', log, 2);
    plm_timer_start(loop, &a.timer, 3);
    while (strlen(log) < 2)
        step(loop, 1000);
    assert_string_equal(log, "ba");
    plm_loop_free(loop);
}

static void timer_may_stop_one_that_is_due_with_it(void **state)
{
    struct plm_loop *loop = open_loop(state);
    char log[16] = "";
    struct alarm a = {0}, b = {0}, c = {0};
    set_alarm(&a, loop, 'a', log, 0);
    set_alarm(&b, loop, 'b', log, 0);
    set_alarm(&c, loop, 'c', log, 0);
    a.victim = &b;
    step(loop, 0);
    assert_string_equal(log, "ac");
    plm_loop_free(loop);
}

static void timer_without_delay_waits_for_the_next_step(void **state)
{
    struct plm_loop *loop = open_loop(state);
    char log[16] = "";
    struct alarm a = {.again = true};
    set_alarm(&a, loop, 'a', log, 0);
    step(loop, 0);
    assert_string_equal(log, "a");
    step(loop, 1000);
    assert_string_equal(log, "aa");
    plm_timer_stop(loop, &a.timer);
    step(loop, 0);
    assert_string_equal(log, "aa");
    plm_loop_free(loop);
}

#define LETTERS 100

struct letter {
    struct plm_message message;
    int number;
    int *next;
};

struct post {
    struct plm_loop *loop;
    struct letter letters[LETTERS];
};

static void deliver(struct plm_message *message)
{
    struct letter *letter = (struct letter *)(void *)message;
    assert_int_equal(letter->number, *letter->next);
    ++*letter->next;
}

static void *post_all(void *ctx)
{
    struct post *post = ctx;
    for (int i = 0; i < LETTERS; i++)
        plm_loop_post(post->loop, &post->letters[i].message);
    return NULL;
}

static void messages_of_a_thread_arrive_once_and_in_order(void **state)
{
    struct post post = {.loop = open_loop(state)};
    int next = 0;
    for (int i = 0; i < LETTERS; i++)
        post.letters[i] = (struct letter){.message.deliver = deliver, .number = i, .next = &next};
    struct plm_thread thread;
    struct plm_error err = {0};
    assert_true(plm_thread_start(&thread, post_all, &post, &err));
    while (next < LETTERS)
        step(post.loop, 10000); /* woken each time: the test would time out otherwise */
    plm_thread_join(&thread);
    step(post.loop, 0);
    assert_int_equal(next, LETTERS);
    plm_loop_free(post.loop);
}

static void wake_ends_the_wait(void **state)
{
    struct plm_loop *loop = open_loop(state);
    int64_t before = plm_loop_now(loop);
    plm_loop_wake(loop);
    step(loop, 10000);
    assert_true(plm_loop_now(loop) - before < 5000);
    plm_loop_free(loop);
}

struct reader {
    struct plm_loop *loop;
    int fd;
    int calls;
    int leaves; /* descriptor to unwatch when called, or -1 */
};

static void read_one(void *ctx)
{
    struct reader *r = ctx;
    char c;
    r->calls++;
    (void)!read(r->fd, &c, 1);
    if (r->leaves >= 0)
        plm_loop_unwatch(r->loop, r->leaves);
}

static void watched_descriptor_calls_until_unwatched(void **state)
{
    struct plm_loop *loop = open_loop(state);
    struct plm_error err = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct reader r = {loop, ends[0], 0, -1};
    assert_true(plm_loop_watch(loop, ends[0], read_one, &r, &err));
    step(loop, 0);
    assert_int_equal(r.calls, 0);
    assert_int_equal(write(ends[1], "xy", 2), 2);
    step(loop, 10000);
    step(loop, 10000);
    assert_int_equal(r.calls, 2);
    plm_loop_look(loop);
    assert_int_equal(r.calls, 2);
    assert_int_equal(write(ends[1], "z", 1), 1);
    plm_loop_look(loop); /* without a step */
    assert_int_equal(r.calls, 3);
    assert_int_equal(write(ends[1], "z", 1), 1);
    plm_loop_unwatch(loop, ends[0]);
    step(loop, 0);
    plm_loop_look(loop);
    assert_int_equal(r.calls, 3);
    (void)close(ends[0]);
    (void)close(ends[1]);
    plm_loop_free(loop);
}

static void watch_taken_away_in_the_same_step_is_not_called(void **state)
{
    struct plm_loop *loop = open_loop(state);
    struct plm_error err = {0};
    int one[2], two[2];
    assert_int_equal(pipe(one), 0);
    assert_int_equal(pipe(two), 0);
    struct reader a = {loop, one[0], 0, two[0]}, b = {loop, two[0], 0, one[0]};
    assert_true(plm_loop_watch(loop, one[0], read_one, &a, &err));
    assert_true(plm_loop_watch(loop, two[0], read_one, &b, &err));
    assert_int_equal(write(one[1], "x", 1), 1);
    assert_int_equal(write(two[1], "x", 1), 1);
    step(loop, 10000);
    assert_int_equal(a.calls + b.calls, 1);
    for (int i = 0; i < 2; i++) {
        (void)close(one[i]);
        (void)close(two[i]);
    }
    plm_loop_free(loop);
}

static void fifth_watch_is_refused(void **state)
{
    struct plm_loop *loop = open_loop(state);
    struct plm_error err = {0};
    for (int i = 0; i < 4; i++)
        assert_true(plm_loop_watch(loop, 100 + i, read_one, NULL, &err));
    assert_false(plm_loop_watch(loop, 104, read_one, NULL, &err));
    assert_int_equal(err.code, PLM_E_INTERNAL);
    plm_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_the_order_of_their_time),
        cmocka_unit_test(starting_again_moves_the_timer),
        cmocka_unit_test(timer_may_stop_one_that_is_due_with_it),
        cmocka_unit_test(timer_without_delay_waits_for_the_next_step),
        cmocka_unit_test(messages_of_a_thread_arrive_once_and_in_order),
        cmocka_unit_test(wake_ends_the_wait),
        cmocka_unit_test(watched_descriptor_calls_until_unwatched),
        cmocka_unit_test(watch_taken_away_in_the_same_step_is_not_called),
        cmocka_unit_test(fifth_watch_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
