#include "work_world.h"

#include <sched.h>
#include <stdatomic.h>

#include "os/thread.h"

#define PIECES 500

struct piece {
    struct plm_work work;
    int number, result;
    bool done;
};

struct tally {
    int done;
    bool all;
    pthread_t thread;
};
static struct tally tally;

static void square(struct plm_work *work)
{
    struct piece *piece = (struct piece *)(void *)work;
    piece->result = piece->number * piece->number;
}

static void count(struct plm_work *work)
{
    struct piece *piece = (struct piece *)(void *)work;
    assert_false(piece->done);
    assert_true(pthread_equal(pthread_self(), tally.thread));
    piece->done = true;
    tally.done++;
    tally.all = tally.done == PIECES;
}

static void every_piece_is_run_once_and_reported_on_the_loops_thread(void **state)
{
    (void)state;
    struct piece *pieces = calloc(PIECES, sizeof(*pieces));
    assert_non_null(pieces);
    tally = (struct tally){.thread = pthread_self()};
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = (struct piece){.work = {.run = square, .done = count}, .number = i};
        plm_workers_submit(workers, &pieces[i].work);
    }
    step_until(&tally.all);
    for (int i = 0; i < PIECES; i++) {
        assert_true(pieces[i].done);
        assert_int_equal(pieces[i].result, i * i);
    }
    free(pieces);
}

/* Two pieces that only end when both were started: no single thread could. */
struct meeting {
    struct plm_mutex mutex;
    struct plm_cond came;
    int here;
};
struct visitor {
    struct plm_work work;
    struct meeting *meeting;
};

static void meet(struct plm_work *work)
{
    struct meeting *meeting = ((struct visitor *)(void *)work)->meeting;
    plm_mutex_lock(&meeting->mutex);
    meeting->here++;
    plm_cond_broadcast(&meeting->came);
    while (meeting->here < 2)
        plm_cond_wait(&meeting->came, &meeting->mutex);
    plm_mutex_unlock(&meeting->mutex);
}

static void note(struct plm_work *work)
{
    (void)work;
    tally.done++;
    tally.all = tally.done == 2;
}

static void pieces_run_side_by_side(void **state)
{
    (void)state;
    struct meeting meeting = {0};
    struct visitor visitors[2];
    plm_mutex_init(&meeting.mutex);
    plm_cond_init(&meeting.came);
    tally = (struct tally){0};
    for (int i = 0; i < 2; i++) {
        visitors[i] = (struct visitor){.work = {.run = meet, .done = note}, .meeting = &meeting};
        plm_workers_submit(workers, &visitors[i].work);
    }
    step_until(&tally.all);
    plm_cond_done(&meeting.came);
    plm_mutex_done(&meeting.mutex);
}

/* done() may submit the same piece again. */
static void again(struct plm_work *work)
{
    struct piece *piece = (struct piece *)(void *)work;
    tally.done++;
    tally.all = tally.done == 50;
    piece->number++;
    if (!tally.all)
        plm_workers_submit(workers, work);
}

static void a_piece_can_go_round(void **state)
{
    (void)state;
    struct piece piece = {.work = {.run = square, .done = again}};
    tally = (struct tally){0};
    plm_workers_submit(workers, &piece.work);
    step_until(&tally.all);
    assert_int_equal(piece.result, 49 * 49);
}

/* One piece that ends when it is told to, and many behind it. */
struct gate {
    struct plm_work work;
    atomic_bool started, open;
    atomic_int run;
};
struct behind {
    struct plm_work work;
    struct gate *gate;
};

static void wait_at(struct plm_work *work)
{
    struct gate *gate = (struct gate *)(void *)work;
    atomic_store(&gate->started, true);
    while (!atomic_load(&gate->open))
        (void)sched_yield();
    atomic_fetch_add(&gate->run, 1);
}

static void pass(struct plm_work *work)
{
    atomic_fetch_add(&((struct behind *)(void *)work)->gate->run, 1);
}

static void never(struct plm_work *work)
{
    (void)work;
    fail_msg("reported after the end");
}

static void *open_later(void *ctx)
{
    struct gate *gate = ctx;
    /* The pool is closing by now or will be soon; either way its thread stands at the gate. */
    atomic_store(&gate->open, true);
    return NULL;
}

static void freeing_waits_for_what_runs_and_nothing_runs_afterwards(void **state)
{
    (void)state;
    struct plm_workers *one = NULL;
    struct gate gate = {.work = {.run = wait_at, .done = never}};
    struct behind behind[20];
    struct plm_thread opener;
    assert_true(plm_workers_new(loop, 1, &one, NULL));
    plm_workers_submit(one, &gate.work);
    for (size_t i = 0; i < PLM_COUNT(behind); i++) {
        behind[i] = (struct behind){.work = {.run = pass, .done = never}, .gate = &gate};
        plm_workers_submit(one, &behind[i].work);
    }
    while (!atomic_load(&gate.started))
        (void)sched_yield();
    assert_true(plm_thread_start(&opener, open_later, &gate, NULL));
    plm_workers_free(one);
    int run = atomic_load(&gate.run);
    assert_true(run >= 1); /* what ran was waited for */
    plm_thread_join(&opener);
    assert_int_equal(atomic_load(&gate.run), run); /* nothing runs afterwards */
}

static void idle_workers_end_at_once_and_none_is_nothing(void **state)
{
    (void)state;
    struct plm_workers *idle = NULL;
    assert_true(plm_workers_new(loop, 1000, &idle, NULL)); /* bounded inside */
    assert_in_range(plm_workers_count(idle), 2, 100);
    plm_workers_free(idle);
    plm_workers_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORKERS(every_piece_is_run_once_and_reported_on_the_loops_thread),
        WITH_WORKERS(pieces_run_side_by_side),
        WITH_WORKERS(a_piece_can_go_round),
        WITH_WORKERS(freeing_waits_for_what_runs_and_nothing_runs_afterwards),
        WITH_WORKERS(idle_workers_end_at_once_and_none_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
