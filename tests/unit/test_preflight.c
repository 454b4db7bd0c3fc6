#include "engine/pull.h"
#include "partial_world.h"

#define MIB (UINT64_C(1) << 20)
#define RESERVE (64 * MIB)
#define BLOBS 3

/* Just as much of a pull as preflight looks at. */
struct world {
    struct plm_engine engine;
    struct plm_job job;
    struct plm_pull pull;
    struct plm_download downloads[BLOBS];
    unsigned char *bytes;
};

static void make_world(struct world *w)
{
    *w = (struct world){.engine = {.store = store}, .bytes = made_bytes(4 * MIB, 1)};
    w->job.engine = &w->engine;
    w->pull.job = &w->job;
    w->pull.downloads = w->downloads;
    w->pull.count = BLOBS;
    for (unsigned i = 0; i < BLOBS; i++) {
        uint64_t size = (i + 1) * MIB;
        w->downloads[i].want = want_of(w->bytes, size);
        w->pull.total += size;
    }
}

static struct plm_event_plan planned(struct world *w)
{
    struct plm_event_plan plan;
    struct plm_error err = {0};
    if (!plm_pull_preflight(&w->pull, &plan, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(plan.total, 6 * MIB);
    assert_int_equal(plan.blobs_total, BLOBS);
    assert_int_equal(plan.fetch, plan.total - plan.present);
    return plan;
}

static void put_blob(struct world *w, unsigned i, uint64_t size)
{
    char name[PLM_DIGEST_TEXT];
    put_file(store.blobs_fd, plm_digest_file_name(&w->downloads[i].want.digest, name), w->bytes,
             size);
}

static void what_is_here_need_not_come(void **state)
{
    (void)state;
    struct world w;
    make_world(&w);
    w.engine.options.min_free = 5 * MIB;
    struct plm_event_plan plan = planned(&w);
    assert_int_equal(plan.present, 0);
    assert_int_equal(plan.needed, 6 * MIB + RESERVE + 5 * MIB);
    assert_true(plan.fits && plan.free_bytes > 0);

    put_blob(&w, 2, 3 * MIB);
    put_blob(&w, 0, 5); /* of a wrong size: it comes again */
    plan = planned(&w);
    assert_int_equal(plan.present, 3 * MIB);
    assert_int_equal(plan.blobs_present, 1);
    assert_int_equal(plan.needed, 3 * MIB + RESERVE + 5 * MIB);
    free(w.bytes);
}

static void a_partial_counts_by_its_bytes_and_its_room_is_not_needed_twice(void **state)
{
    (void)state;
    struct world w;
    make_world(&w);
    struct plm_partial *partial = opened(&w.downloads[1].want);
    put_span(partial, w.bytes, 0, 300000);
    synced(partial);
    plm_partial_free(partial);
    struct plm_event_plan plan = planned(&w);
    assert_int_equal(plan.present, 300000);
    assert_int_equal(plan.blobs_present, 0);
    assert_true(plan.needed <= 6 * MIB - 300000 + RESERVE);
    free(w.bytes);
}

static void what_does_not_fit_is_refused_before_the_first_byte(void **state)
{
    (void)state;
    static const uint64_t min_free[] = {UINT64_C(1) << 61, UINT64_MAX - RESERVE, UINT64_MAX};
    struct world w;
    make_world(&w);
    for (size_t i = 0; i < PLM_COUNT(min_free); i++) {
        struct plm_event_plan plan = {.total = 77};
        struct plm_error err = {0};
        w.engine.options.min_free = min_free[i];
        w.job.dry_run = false;
        assert_false(plm_pull_preflight(&w.pull, &plan, &err));
        assert_int_equal(err.code, PLM_E_NOSPACE);
        w.job.dry_run = true; /* a dry run only says so */
        plan = planned(&w);
        assert_false(plan.fits);
        assert_true(plan.dry_run);
    }
    w.job.dry_run = false;
    for (unsigned i = 0; i < BLOBS; i++)
        put_blob(&w, i, (i + 1) * MIB);
    struct plm_event_plan plan = planned(&w); /* nothing to fetch needs no room */
    assert_true(plan.fits);
    assert_int_equal(plan.needed, 0);
    assert_int_equal(plan.fetch, 0);
    free(w.bytes);
}

static void a_dry_run_needs_no_store(void **state)
{
    (void)state;
    struct world w;
    make_world(&w);
    w.job.dry_run = true;
    assert_true(plm_store_open(scratch_file("none"), false, &w.engine.store, NULL));
    struct plm_event_plan plan = planned(&w);
    assert_true(plan.fits);
    assert_int_equal(plan.present, 0);
    assert_false(has_file(plm_os_cwd(), scratch_file("none")));
    plm_store_close(&w.engine.store);
    free(w.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_is_here_need_not_come),
        WITH_STORE(a_partial_counts_by_its_bytes_and_its_room_is_not_needed_twice),
        WITH_STORE(what_does_not_fit_is_refused_before_the_first_byte),
        WITH_STORE(a_dry_run_needs_no_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
