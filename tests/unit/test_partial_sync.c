#include "partial_world.h"

#include "store/checkpoint.h"

#define MIB (UINT64_C(1) << 20)
#define SIZE (2 * MIB)

static struct plm_partial_sync prepared(const struct plm_partial *partial)
{
    struct plm_partial_sync sync;
    struct plm_error err = {0};
    if (!plm_partial_sync_prepare(partial, &sync, &err))
        fail_msg("%s", err.msg);
    return sync;
}

/* A descriptor that cannot be synced, as if the disk had failed. */
static int unsyncable(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[1]);
    return ends[0];
}

static uint64_t checkpointed(const struct plm_descriptor *want)
{
    char *text = NULL;
    size_t size = 0;
    struct plm_checkpoint out;
    struct plm_error err = {0};
    if (!plm_os_read_file(store.state_fd, state_name(want, PLM_STATE_CHECKPOINT),
                          PLM_CHECKPOINT_MAX_BYTES, &text, &size, NULL))
        return 0;
    if (!plm_checkpoint_decode(text, size, want, &out, &err))
        fail_msg("%s", err.msg);
    uint64_t total = plm_spans_total(&out.durable);
    plm_checkpoint_done(&out);
    free(text);
    return total;
}

static void what_is_written_during_a_sync_is_not_claimed_by_it(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SIZE, 1);
    struct plm_descriptor want = want_of(bytes, SIZE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, 1000);
    struct plm_partial_sync sync = prepared(partial);
    put_span(partial, bytes, 1000, 5000);
    plm_partial_sync_run(&sync);
    assert_true(sync.ok && sync.data_synced);
    assert_int_equal(partial->durable.count, 0); /* until it is taken over */
    assert_true(plm_partial_sync_finish(partial, &sync, NULL));
    assert_one_span(&partial->durable, 0, 1000);
    assert_one_span(&partial->written, 0, 5000);
    assert_int_equal(checkpointed(&want), 1000);
    synced(partial);
    assert_int_equal(checkpointed(&want), 5000);
    assert_one_span(&partial->durable, 0, 5000);
    plm_partial_free(partial);
    free(bytes);
}

/* The kernel reports a failed write-back once and may drop the pages, whenever they were written.
 */
static void a_failed_sync_voids_all_that_is_not_durable(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SIZE, 1);
    struct plm_descriptor want = want_of(bytes, SIZE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, 1000);
    synced(partial);
    put_span(partial, bytes, 500, 3000);
    put_span(partial, bytes, MIB, MIB + 10);
    struct plm_partial_sync sync = prepared(partial);
    put_span(partial, bytes, 4000, 5000);
    int fd = unsyncable();
    sync.fd = fd;
    plm_partial_sync_run(&sync);
    (void)close(fd);
    assert_false(sync.ok || sync.data_synced);
    struct plm_error err = {0};
    assert_false(plm_partial_sync_finish(partial, &sync, &err));
    assert_int_equal(err.code, PLM_E_IO);
    assert_one_span(&partial->written, 0, 1000);
    assert_one_span(&partial->durable, 0, 1000);
    assert_int_equal(checkpointed(&want), 1000);
    plm_partial_free(partial);
    partial = opened(&want); /* the live file forgot them too */
    assert_one_span(&partial->written, 0, 1000);
    plm_partial_free(partial);
    free(bytes);
}

static void a_checkpoint_that_cannot_be_written_voids_nothing(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SIZE, 1);
    struct plm_descriptor want = want_of(bytes, SIZE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, 1000);
    struct plm_partial_sync sync = prepared(partial);
    assert_int_equal(mkdirat(store.state_fd, sync.temp_name, 0755), 0);
    plm_partial_sync_run(&sync);
    assert_true(sync.data_synced);
    char temp[PLM_STATE_NAME + 8];
    (void)snprintf(temp, sizeof(temp), "%s", sync.temp_name);
    struct plm_error err = {0};
    assert_false(plm_partial_sync_finish(partial, &sync, &err));
    assert_int_not_equal(err.code, PLM_OK);
    assert_one_span(&partial->written, 0, 1000);
    assert_int_equal(partial->durable.count, 0);
    assert_int_equal(unlinkat(store.state_fd, temp, AT_REMOVEDIR), 0);
    synced(partial);
    assert_int_equal(checkpointed(&want), 1000);
    plm_partial_free(partial);
    free(bytes);
}

static void a_small_blob_is_synced_without_a_checkpoint(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(1000, 1);
    struct plm_descriptor want = want_of(bytes, 1000);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, 1000);
    synced(partial);
    assert_one_span(&partial->durable, 0, 1000);
    assert_false(has_state(&want, PLM_STATE_CHECKPOINT));
    plm_partial_free(partial);
    /* But one that is there is kept right. */
    put_text(store.state_fd, state_name(&want, PLM_STATE_CHECKPOINT), "nonsense");
    struct plm_partial_found found;
    partial = opened_as(&want, &found);
    assert_true(strlen(found.corrupt) > 0);
    synced(partial);
    assert_int_equal(checkpointed(&want), 1000);
    plm_partial_free(partial);
    free(bytes);
}

static void a_sync_that_was_never_finished_is_dropped_without_a_trace(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SIZE, 1);
    struct plm_descriptor want = want_of(bytes, SIZE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, 1000);
    struct plm_partial_sync sync = prepared(partial);
    plm_partial_sync_drop(&sync);
    assert_null(sync.text);
    plm_partial_sync_drop(&sync);
    assert_int_equal(checkpointed(&want), 0);
    assert_one_span(&partial->written, 0, 1000);
    plm_partial_free(partial);
    free(bytes);
}

static void several_are_synced_together_and_records_are_still_written(void **state)
{
    (void)state;
    struct plm_descriptor wants[4];
    struct plm_partial *partials[4];
    struct plm_partial_sync syncs[4];
    for (unsigned i = 0; i < 4; i++) {
        uint64_t size = i == 2 ? SIZE : 1000; /* one of them keeps a record */
        unsigned char *bytes = made_bytes(size, i);
        wants[i] = want_of(bytes, size);
        partials[i] = opened(&wants[i]);
        put_span(partials[i], bytes, 0, 700);
        syncs[i] = prepared(partials[i]);
        assert_int_equal(plm_partial_has_record(partials[i]), i == 2);
        free(bytes);
    }
    plm_partial_sync_run_all(syncs, 4, true);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(syncs[i].ok && syncs[i].data_synced);
        assert_true(plm_partial_sync_finish(partials[i], &syncs[i], NULL));
        assert_one_span(&partials[i]->durable, 0, 700);
        assert_int_equal(checkpointed(&wants[i]), i == 2 ? 700 : 0);
        plm_partial_free(partials[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_is_written_during_a_sync_is_not_claimed_by_it),
        WITH_STORE(a_failed_sync_voids_all_that_is_not_durable),
        WITH_STORE(a_checkpoint_that_cannot_be_written_voids_nothing),
        WITH_STORE(a_small_blob_is_synced_without_a_checkpoint),
        WITH_STORE(several_are_synced_together_and_records_are_still_written),
        WITH_STORE(a_sync_that_was_never_finished_is_dropped_without_a_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
