#include "partial_world.h"

#define MIB (UINT64_C(1) << 20)
#define LARGE (3 * MIB + 5)
#define SMALL UINT64_C(500000)

static void a_partial_resumes_with_exactly_what_was_written(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1);
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    assert_int_equal(partial->written.count, 0);
    put_span(partial, bytes, 0, 1001);
    put_span(partial, bytes, 2 * MIB + 3, 2 * MIB + 4);
    put_span(partial, bytes, 1001, 2000);
    plm_partial_free(partial); /* nothing was synced: the live file tells */

    partial = opened(&want);
    assert_int_equal(partial->written.count, 2);
    assert_int_equal(plm_spans_prefix(&partial->written), 2000);
    assert_int_equal(plm_spans_total(&partial->written), 2001);
    assert_int_equal(partial->durable.count, 0);
    put_span(partial, bytes, LARGE - 1, LARGE);
    synced(partial);
    assert_int_equal(plm_spans_total(&partial->durable), 2002);
    put_span(partial, bytes, 5000, 6000);
    plm_partial_free(partial);

    partial = opened(&want);
    assert_int_equal(plm_spans_total(&partial->written), 3002);
    assert_int_equal(plm_spans_total(&partial->durable), 2002);
    char back[2000];
    size_t got = 0;
    assert_true(plm_os_read_at(partial->fd, back, sizeof(back), 0, &got, NULL));
    assert_memory_equal(back, bytes, sizeof(back));
    plm_partial_free(partial);
    free(bytes);
}

/* The hash may have read them: other bytes for the same place come too late. */
static void bytes_that_are_here_are_never_overwritten(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1), *others = made_bytes(LARGE, 2), back[4000];
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    size_t got = 0;
    put_span(partial, bytes, 0, 1000);
    put_span(partial, bytes, 2000, 3000);
    put_span(partial, others, 500, 4000);
    put_span(partial, bytes, 1500, 2500);
    assert_one_span(&partial->written, 0, 4000);
    assert_true(plm_os_read_at(partial->fd, back, sizeof(back), 0, &got, NULL));
    assert_memory_equal(back, bytes, 1000);
    assert_memory_equal(back + 1000, others + 1000, 1000);
    assert_memory_equal(back + 2000, bytes + 2000, 1000);
    assert_memory_equal(back + 3000, others + 3000, 1000);
    assert_true(plm_partial_drop(partial, (struct plm_span){0, 4000}, NULL));
    put_span(partial, bytes, 0, 4000);
    assert_true(plm_os_read_at(partial->fd, back, sizeof(back), 0, &got, NULL));
    assert_memory_equal(back, bytes, 4000);
    plm_partial_free(partial);
    free(others);
    free(bytes);
}

static void after_a_reboot_only_the_checkpoint_counts(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1);
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, 1000);
    synced(partial);
    put_span(partial, bytes, 1000, MIB);
    plm_partial_free(partial);
    assert_int_equal(unlinkat(store.state_fd, state_name(&want, PLM_STATE_LIVE), 0), 0);
    partial = opened(&want);
    assert_one_span(&partial->written, 0, 1000);
    assert_one_span(&partial->durable, 0, 1000);
    plm_partial_free(partial);
    free(bytes);
}

static void what_lies_behind_the_end_of_the_file_is_void(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1);
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, 2 * MIB);
    synced(partial);
    put_span(partial, bytes, 2 * MIB, LARGE);
    assert_int_equal(ftruncate(partial->fd, (off_t)MIB), 0);
    plm_partial_free(partial);
    partial = opened(&want);
    assert_one_span(&partial->written, 0, MIB);
    assert_one_span(&partial->durable, 0, MIB);
    synced(partial);
    assert_int_equal(ftruncate(partial->fd, (off_t)LARGE + 100), 0);
    plm_partial_free(partial);
    partial = opened(&want);
    assert_one_span(&partial->written, 0, MIB);
    struct plm_file_status status;
    assert_true(plm_os_fd_status(partial->fd, &status, NULL));
    assert_int_equal(status.size, LARGE);
    plm_partial_free(partial);
    free(bytes);
}

static void a_record_without_its_file_counts_for_nothing(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1);
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, MIB);
    synced(partial);
    plm_partial_free(partial);
    assert_int_equal(unlinkat(store.state_fd, state_name(&want, PLM_STATE_PARTIAL), 0), 0);
    uint64_t done = 77;
    long pid;
    assert_true(plm_partial_peek(&store, &want, &done, &pid, NULL));
    assert_int_equal(done, 0);
    partial = opened(&want);
    assert_int_equal(partial->written.count, 0);
    assert_int_equal(partial->durable.count, 0);
    plm_partial_free(partial);
    free(bytes);
}

static void a_corrupt_checkpoint_is_told_and_does_not_stop(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1);
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, MIB);
    plm_partial_free(partial);
    put_text(store.state_fd, state_name(&want, PLM_STATE_CHECKPOINT), "{\"version\":9}");
    struct plm_partial_found found;
    partial = opened_as(&want, &found);
    assert_true(strlen(found.corrupt) > 0);
    assert_one_span(&partial->written, 0, MIB); /* the live file still tells */
    synced(partial);
    plm_partial_free(partial);
    plm_partial_free(opened(&want)); /* mended */
    free(bytes);
}

static void dropped_bytes_are_gone_now_and_later(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1);
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, 1000);
    put_span(partial, bytes, 2000, 3000);
    assert_true(plm_partial_drop(partial, (struct plm_span){500, 2500}, NULL));
    assert_int_equal(plm_spans_total(&partial->written), 1000);
    plm_partial_free(partial);
    partial = opened(&want);
    assert_int_equal(plm_spans_total(&partial->written), 1000);
    synced(partial);
    assert_true(plm_partial_drop(partial, (struct plm_span){0, 100}, NULL));
    assert_int_equal(plm_spans_total(&partial->durable), 900);
    plm_partial_free(partial);
    free(bytes);
}

static void one_process_has_a_blob(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(LARGE);
    struct plm_partial *partial = opened(&want);
    uint64_t done;
    long pid = 0;
    assert_refuses_to_open(&want, PLM_E_BUSY);
    assert_true(plm_partial_peek(&store, &want, &done, &pid, NULL));
    assert_int_equal(pid, plm_os_pid());
    plm_partial_sweep(&store, &want.digest); /* nor does sweeping touch it */
    assert_true(has_state(&want, PLM_STATE_PARTIAL));
    plm_partial_free(partial);
}

static void peeking_tells_what_another_process_has_so_far(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1);
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    uint64_t done;
    long pid;
    put_span(partial, bytes, 0, 1000);
    synced(partial);
    put_span(partial, bytes, 500, 2500);
    assert_true(plm_partial_peek(&store, &want, &done, &pid, NULL));
    assert_int_equal(done, 2500);
    assert_true(plm_partial_disk_bytes(&store, &want) > 0);
    plm_partial_free(partial);
    free(bytes);
}

static void without_a_byte_nothing_is_left(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(LARGE);
    struct plm_partial *partial = opened(&want);
    assert_true(has_state(&want, PLM_STATE_LIVE));
    plm_partial_free(partial);
    assert_int_equal(count_files(store.state_fd), 0);
    partial = opened(&want);
    put_span(partial, (const unsigned char *)"hello", 0, 5);
    synced(partial);
    assert_true(plm_partial_drop(partial, (struct plm_span){0, LARGE}, NULL));
    plm_partial_free(partial);
    assert_int_equal(count_files(store.state_fd), 0);
    plm_partial_free(NULL);
}

static void a_second_name_is_refused_and_nothing_is_removed(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(5);
    put_text(store.root_fd, "precious", "12345");
    assert_int_equal(
        linkat(store.root_fd, "precious", store.state_fd, state_name(&want, PLM_STATE_PARTIAL), 0),
        0);
    assert_refuses_to_open(&want, PLM_E_CORRUPT);
    assert_file(store.root_fd, "precious", "12345", 5);
    assert_true(has_state(&want, PLM_STATE_PARTIAL));
    struct plm_lock lock = PLM_LOCK_INIT; /* and the lock is free again */
    assert_true(plm_lock_try(store.state_fd, state_name(&want, PLM_STATE_LOCK), &lock, NULL));
    plm_lock_release(&lock, true);
}

static void a_link_in_its_place_is_refused(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(LARGE);
    put_text(store.root_fd, "precious", "12345");
    assert_int_equal(symlinkat("../precious", store.state_fd, state_name(&want, PLM_STATE_PARTIAL)),
                     0);
    assert_refuses_to_open(&want, PLM_E_CORRUPT);
    assert_file(store.root_fd, "precious", "12345", 5);
}

static void empty_directories_in_the_way_are_cleared(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of_size(LARGE);
    for (int kind = PLM_STATE_PARTIAL; kind <= PLM_STATE_LOCK; kind++)
        assert_int_equal(
            mkdirat(store.state_fd, state_name(&want, (enum plm_state_file)kind), 0755), 0);
    plm_partial_free(opened(&want));
    assert_int_equal(count_files(store.state_fd), 0);
}

/* Blobs below a size keep no record; the file's own data is the claim then. */
static void a_small_blob_is_salvaged_from_its_data(void **state)
{
    (void)state;
    static const uint64_t ends[] = {1, 4095, 10000, 65536, 70001, 300000, SMALL - 70000, SMALL};
    unsigned char *bytes = made_bytes(SMALL, 1);
    struct plm_descriptor want = want_of(bytes, SMALL);
    for (size_t i = 0; i < PLM_COUNT(ends); i++) {
        struct plm_partial *partial = opened(&want);
        assert_int_equal(partial->written.count, 0);
        put_span(partial, bytes, 0, ends[i]);
        assert_false(has_state(&want, PLM_STATE_LIVE));
        synced(partial);
        assert_false(has_state(&want, PLM_STATE_CHECKPOINT));
        plm_partial_free(partial);
        partial = opened(&want);
        /* Blocks are all there is to see: the last one of a run may be written in part, and is not
         * claimed unless it ends the blob. */
        uint64_t total = plm_spans_total(&partial->written);
        assert_int_equal(plm_spans_prefix(&partial->written), total);
        assert_true(total <= ends[i]);
        assert_true(total + 65536 >= ends[i]);
        assert_int_equal(total == SMALL, ends[i] == SMALL);
        assert_true(plm_partial_drop(partial, (struct plm_span){0, SMALL}, NULL));
        plm_partial_free(partial);
        assert_int_equal(count_files(store.state_fd), 0);
    }
    free(bytes);
}

static void a_large_blob_without_any_record_is_salvaged_too(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1);
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, MIB, 2 * MIB);
    plm_partial_free(partial);
    assert_int_equal(unlinkat(store.state_fd, state_name(&want, PLM_STATE_LIVE), 0), 0);
    partial = opened(&want);
    struct plm_spans all = {0};
    assert_true(plm_spans_add(&all, (struct plm_span){MIB, 2 * MIB}, NULL));
    assert_int_equal(partial->written.count, 1);
    assert_true(plm_spans_contain(&all, partial->written.items[0]));
    assert_true(plm_spans_total(&partial->written) >= MIB - 65536);
    plm_spans_done(&all);
    plm_partial_free(partial);
    free(bytes);
}

/* Failing to open is no reason to forget what is on the disk. */
static void progress_outlives_a_failed_opening(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1);
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    put_span(partial, bytes, 0, MIB);
    synced(partial);
    plm_partial_free(partial);
    char temp[PLM_STATE_NAME + 4];
    (void)snprintf(temp, sizeof(temp), "%s.tmp", state_name(&want, PLM_STATE_LIVE));
    assert_int_equal(mkdirat(store.state_fd, temp, 0755), 0);
    assert_refuses_to_open(&want, PLM_E_IO);
    assert_int_equal(unlinkat(store.state_fd, temp, AT_REMOVEDIR), 0);
    partial = opened(&want);
    assert_one_span(&partial->written, 0, MIB);
    plm_partial_free(partial);
    free(bytes);
}

static void sweeping_removes_a_blobs_debris(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(LARGE, 1);
    struct plm_descriptor want = want_of(bytes, LARGE);
    struct plm_partial *partial = opened(&want);
    char temp[PLM_STATE_NAME + 4];
    put_span(partial, bytes, 0, MIB);
    synced(partial);
    plm_partial_free(partial);
    for (int kind = PLM_STATE_CHECKPOINT; kind <= PLM_STATE_LIVE; kind++) {
        (void)snprintf(temp, sizeof(temp), "%s.tmp", state_name(&want, (enum plm_state_file)kind));
        put_text(store.state_fd, temp, "debris");
    }
    put_text(store.state_fd, "other", "x");
    plm_partial_sweep(&store, &want.digest);
    assert_int_equal(count_files(store.state_fd), 1);
    plm_partial_sweep(&store, &want.digest); /* and makes nothing */
    assert_int_equal(count_files(store.state_fd), 1);
    free(bytes);
}

static void claimed_bytes_are_here_but_doubtful(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(3 << 20, 8);
    struct plm_descriptor want = want_of(bytes, 3 << 20);
    struct plm_partial_found found;
    struct plm_partial *partial = NULL;
    assert_true(plm_partial_open(&store, &want, &partial, &found, NULL));
    assert_true(plm_os_write_at(partial->fd, bytes, 1 << 20, 0, NULL));
    assert_true(plm_partial_claim(partial, (struct plm_span){0, 1 << 20}, NULL));
    assert_int_equal(plm_spans_prefix(&partial->written), 1 << 20);
    assert_int_equal(plm_spans_prefix(&partial->doubtful), 1 << 20);
    assert_int_equal(plm_spans_total(&partial->durable), 0);
    plm_partial_free(partial);
    assert_true(plm_partial_open(&store, &want, &partial, &found, NULL));
    assert_int_equal(plm_spans_prefix(&partial->written), 1 << 20); /* after a kill, too */
    plm_partial_free(partial);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(bytes_that_are_here_are_never_overwritten),
        WITH_STORE(a_partial_resumes_with_exactly_what_was_written),
        WITH_STORE(after_a_reboot_only_the_checkpoint_counts),
        WITH_STORE(what_lies_behind_the_end_of_the_file_is_void),
        WITH_STORE(a_record_without_its_file_counts_for_nothing),
        WITH_STORE(a_corrupt_checkpoint_is_told_and_does_not_stop),
        WITH_STORE(dropped_bytes_are_gone_now_and_later),
        WITH_STORE(one_process_has_a_blob),
        WITH_STORE(peeking_tells_what_another_process_has_so_far),
        WITH_STORE(without_a_byte_nothing_is_left),
        WITH_STORE(a_second_name_is_refused_and_nothing_is_removed),
        WITH_STORE(a_link_in_its_place_is_refused),
        WITH_STORE(empty_directories_in_the_way_are_cleared),
        WITH_STORE(a_small_blob_is_salvaged_from_its_data),
        WITH_STORE(a_large_blob_without_any_record_is_salvaged_too),
        WITH_STORE(progress_outlives_a_failed_opening),
        WITH_STORE(sweeping_removes_a_blobs_debris),
        WITH_STORE(claimed_bytes_are_here_but_doubtful),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
