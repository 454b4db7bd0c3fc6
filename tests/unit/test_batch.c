#include "partial_world.h"
#include "work_world.h"

#include "engine/engine_private.h"
#include "engine/pull.h"

#define MANY (PLM_BATCH_MAX + 6)
#define SIZE 100

static struct plm_engine engine;
static struct plm_job job;
static struct plm_pull pull;
static struct plm_download downloads[MANY];
static bool is_kicked;

static void note_kick(void *ctx)
{
    (void)ctx;
    is_kicked = true;
}

static int make_pull(void **state)
{
    struct plm_error err = {0};
    if (work_make(state) != 0 || !plm_store_open(scratch_path, true, &store, &err))
        return -1;
    engine = (struct plm_engine){.loop = loop, .workers = workers};
    job = (struct plm_job){.engine = &engine};
    pull = (struct plm_pull){.job = &job, .kick = {.fire = note_kick}};
    pull.batch.pull = &pull;
    is_kicked = false;
    for (unsigned i = 0; i < MANY; i++) {
        unsigned char *bytes = made_bytes(SIZE, i);
        downloads[i] = (struct plm_download){.pull = &pull, .want = want_of(bytes, SIZE)};
        downloads[i].partial = opened(&downloads[i].want);
        downloads[i].unsynced = SIZE;
        put_span(downloads[i].partial, bytes, 0, SIZE);
        free(bytes);
    }
    return 0;
}

static int drop_pull(void **state)
{
    for (unsigned i = 0; i < MANY; i++)
        plm_partial_free(downloads[i].partial);
    plm_store_close(&store);
    return work_drop(state);
}

#define WITH_PULL(f) cmocka_unit_test_setup_teardown(f, make_pull, drop_pull)

static bool is_durable(const struct plm_download *d)
{
    return plm_spans_total(&d->partial->durable) == SIZE;
}

static void what_was_gathered_is_durable_together(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        plm_batch_add(&pull.batch, &downloads[i]);
    plm_batch_add(&pull.batch, &downloads[0]); /* again: nothing */
    assert_int_equal(pull.batch.waiting_count, 5);
    plm_batch_run(&pull.batch, false);
    assert_int_equal(pull.batch.running_count, 5);
    plm_batch_add(&pull.batch, &downloads[5]); /* must wait for the next one */
    plm_batch_run(&pull.batch, false);
    assert_int_equal(pull.batch.waiting_count, 1);
    step_until(&is_kicked);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(is_durable(&downloads[i]), i < 5);
        assert_int_equal(downloads[i].is_batched, i == 5);
        assert_int_equal(downloads[i].unsynced, i < 5 ? 0 : SIZE);
    }
    assert_int_equal(pull.error.code, PLM_OK);
    is_kicked = false;
    plm_batch_run(&pull.batch, false);
    step_until(&is_kicked);
    assert_true(is_durable(&downloads[5]));
}

static void what_finds_no_room_comes_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        plm_batch_add(&pull.batch, &downloads[i]);
    assert_int_equal(pull.batch.waiting_count, PLM_BATCH_MAX);
    assert_true(downloads[PLM_BATCH_MAX - 1].is_batched);
    assert_false(downloads[PLM_BATCH_MAX].is_batched);
    plm_batch_run(&pull.batch, false);
    step_until(&is_kicked);
    assert_true(is_durable(&downloads[PLM_BATCH_MAX - 1]));
    assert_false(is_durable(&downloads[PLM_BATCH_MAX]));
}

static void a_batch_waits_for_more_but_not_long(void **state)
{
    (void)state;
    int64_t now = plm_loop_now(loop);
    assert_false(plm_batch_is_due(&pull.batch, now + 3600000, true)); /* there is nothing */
    plm_batch_add(&pull.batch, &downloads[0]);
    assert_false(plm_batch_is_due(&pull.batch, now, false));
    assert_true(plm_batch_is_due(&pull.batch, now, true));
    assert_true(plm_batch_is_due(&pull.batch, now + 300, false));
    for (unsigned i = 1; i < PLM_BATCH_MAX; i++)
        plm_batch_add(&pull.batch, &downloads[i]);
    assert_true(plm_batch_is_due(&pull.batch, now, false));
    plm_batch_run(&pull.batch, false);
    plm_batch_add(&pull.batch, &downloads[PLM_BATCH_MAX]);
    assert_false(plm_batch_is_due(&pull.batch, now + 3600000, true)); /* one at a time */
    step_until(&is_kicked);
}

/* A descriptor that cannot be synced, as if the disk had failed. */
static void spoil(struct plm_download *d)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[1]);
    assert_true(dup2(ends[0], d->partial->fd) >= 0);
    (void)close(ends[0]);
}

static void a_failed_sync_is_the_pulls_failure_and_its_bytes_alone_are_void(void **state)
{
    (void)state;
    for (unsigned bad = 0; bad < 2; bad++) { /* the first is the one by which all are synced */
        unsigned from = bad * 5;
        pull.error = (struct plm_error){0};
        is_kicked = false;
        spoil(&downloads[from + bad]);
        for (unsigned i = from; i < from + 5; i++)
            plm_batch_add(&pull.batch, &downloads[i]);
        plm_batch_run(&pull.batch, false);
        step_until(&is_kicked);
        assert_int_equal(pull.error.code, PLM_E_IO);
        assert_int_equal(downloads[from + bad].partial->written.count, 0);
        for (unsigned i = from; i < from + 5; i++)
            assert_int_equal(is_durable(&downloads[i]), i != from + bad);
    }
}

static void what_was_never_taken_back_is_freed(void **state)
{
    (void)state;
    plm_batch_add(&pull.batch, &downloads[0]);
    plm_batch_run(&pull.batch, false);
    plm_workers_free(workers);
    workers = NULL;
    plm_batch_done(&pull.batch);
    assert_int_equal(pull.batch.running_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PULL(what_was_gathered_is_durable_together),
        WITH_PULL(what_finds_no_room_comes_again),
        WITH_PULL(a_batch_waits_for_more_but_not_long),
        WITH_PULL(a_failed_sync_is_the_pulls_failure_and_its_bytes_alone_are_void),
        WITH_PULL(what_was_never_taken_back_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
