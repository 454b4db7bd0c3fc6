#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "event_samples.h"
#include "pullama/snapshot.h"

static void fold(struct plm_snapshot *snapshot, struct plm_event event, uint32_t index)
{
    event.blob.index = index;
    plm_snapshot_fold(snapshot, &event);
}

static void overall_progress_only_grows(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_snapshot snapshot;
    plm_snapshot_init(&snapshot);
    fold(&snapshot, sample_event(&s, PLM_EV_PLAN), 0);
    assert_int_equal(snapshot.overall_done, 1000000000);
    uint64_t last = 0, seed = 1;
    for (int i = 0; i < 1000; i++) {
        struct plm_event event = sample_event(&s, PLM_EV_PROGRESS);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        event.progress.overall_done = seed >> 33;
        fold(&snapshot, event, 1 + (uint32_t)(seed >> 60));
        assert_true(snapshot.overall_done >= last);
        last = snapshot.overall_done;
    }
    fold(&snapshot, sample_event(&s, PLM_EV_BLOB_VERIFY_FAILED), 1);
    assert_int_equal(snapshot.overall_done, last);
}

static void active_blobs_are_sorted_and_bounded(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_snapshot snapshot;
    plm_snapshot_init(&snapshot);
    for (uint32_t i = 0; i < 100; i++)
        fold(&snapshot, sample_event(&s, PLM_EV_BLOB_START), 1 + (i * 37) % 100);
    assert_int_equal(snapshot.active_count, PLM_SNAPSHOT_BLOBS);
    for (uint32_t i = 0; i < PLM_SNAPSHOT_BLOBS; i++)
        assert_int_equal(snapshot.active[i].index, i + 1);
}

static void a_verified_blob_is_finished_and_stays_so(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_snapshot snapshot;
    plm_snapshot_init(&snapshot);
    fold(&snapshot, sample_event(&s, PLM_EV_BLOB_CACHED), 1);
    fold(&snapshot, sample_event(&s, PLM_EV_BLOB_START), 2);
    fold(&snapshot, sample_event(&s, PLM_EV_BLOB_VERIFY_START), 2);
    assert_true(snapshot.active[0].verifying);
    assert_int_equal(snapshot.active[0].done, snapshot.active[0].total);
    fold(&snapshot, sample_event(&s, PLM_EV_BLOB_VERIFIED), 2);
    fold(&snapshot, sample_event(&s, PLM_EV_CHECKPOINT_SAVED), 2);
    fold(&snapshot, sample_event(&s, PLM_EV_BLOB_FINALIZED), 2);
    assert_int_equal(snapshot.active_count, 0);
    assert_int_equal(snapshot.blobs_finished, 2);
}

static void a_failed_verification_takes_back_the_blob_alone(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_snapshot snapshot;
    plm_snapshot_init(&snapshot);
    fold(&snapshot, sample_event(&s, PLM_EV_BLOB_VERIFY_START), 2);
    fold(&snapshot, sample_event(&s, PLM_EV_BLOB_VERIFY_FAILED), 2);
    assert_false(snapshot.active[0].verifying);
    assert_int_equal(snapshot.active[0].done, s.blob.size - 67108864);
    fold(&snapshot, sample_event(&s, PLM_EV_BLOB_WAITING), 2);
    assert_true(snapshot.active[0].waiting);
    assert_int_equal(snapshot.active[0].done, 5000);
    fold(&snapshot, sample_event(&s, PLM_EV_PROGRESS), 2);
    assert_false(snapshot.active[0].waiting);
}

static void another_job_begins_anew_and_ends_once(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_snapshot snapshot;
    plm_snapshot_init(&snapshot);
    assert_int_equal(snapshot.eta_ms, -1);
    fold(&snapshot, sample_event(&s, PLM_EV_PROGRESS), 2);
    assert_int_equal(snapshot.phase, PLM_PHASE_TRANSFERRING);
    struct plm_event event = sample_event(&s, PLM_EV_PULL_START);
    event.job = 2;
    fold(&snapshot, event, 0);
    assert_int_equal(snapshot.job, 2);
    assert_int_equal(snapshot.overall_done, 0);
    assert_int_equal(snapshot.active_count, 0);
    event = sample_event(&s, PLM_EV_MANIFEST_FETCHED);
    event.job = 2;
    fold(&snapshot, event, 0);
    event = sample_event(&s, PLM_EV_COMPLETED);
    event.job = 2;
    fold(&snapshot, event, 0);
    assert_int_equal(snapshot.phase, PLM_PHASE_DONE);
    assert_int_equal(snapshot.overall_done, 3000000000);
}

static void a_verification_shows_what_is_read_and_drops_what_was_checked(void **state)
{
    (void)state;
    struct event_samples s;
    samples_init(&s);
    struct plm_snapshot snapshot;
    plm_snapshot_init(&snapshot);
    fold(&snapshot, sample_event(&s, PLM_EV_VERIFY_START), 0);
    assert_int_equal(snapshot.phase, PLM_PHASE_TRANSFERRING);
    assert_int_equal(snapshot.overall_total, 3000000000);
    assert_int_equal(snapshot.blobs_total, 7);
    fold(&snapshot, sample_event(&s, PLM_EV_PROGRESS), 2);
    assert_int_equal(snapshot.active_count, 1);
    fold(&snapshot, sample_event(&s, PLM_EV_BLOB_CHECKED), 2);
    assert_int_equal(snapshot.active_count, 0);
    assert_int_equal(snapshot.blobs_finished, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overall_progress_only_grows),
        cmocka_unit_test(active_blobs_are_sorted_and_bounded),
        cmocka_unit_test(a_verified_blob_is_finished_and_stays_so),
        cmocka_unit_test(a_failed_verification_takes_back_the_blob_alone),
        cmocka_unit_test(another_job_begins_anew_and_ends_once),
        cmocka_unit_test(a_verification_shows_what_is_read_and_drops_what_was_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
