#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/thread.h"

struct meeting {
    struct plm_mutex mutex;
    struct plm_cond cond;
    int turn;
};

static void *answer(void *ctx)
{
    struct meeting *m = ctx;
    plm_mutex_lock(&m->mutex);
    while (m->turn != 1)
        plm_cond_wait(&m->cond, &m->mutex);
    m->turn = 2;
    plm_cond_signal(&m->cond);
    plm_mutex_unlock(&m->mutex);
    return NULL;
}

static void two_threads_take_turns(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct meeting m = {.turn = 0};
    plm_mutex_init(&m.mutex);
    plm_cond_init(&m.cond);
    struct plm_thread thread;
    assert_true(plm_thread_start(&thread, answer, &m, &err));
    plm_mutex_lock(&m.mutex);
    m.turn = 1;
    plm_cond_broadcast(&m.cond);
    while (m.turn != 2)
        plm_cond_wait(&m.cond, &m.mutex);
    plm_mutex_unlock(&m.mutex);
    plm_thread_join(&thread);
    assert_int_equal(m.turn, 2);
    plm_cond_done(&m.cond);
    plm_mutex_done(&m.mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_threads_take_turns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
