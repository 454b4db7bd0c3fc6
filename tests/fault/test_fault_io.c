/*
 * Failing system calls: each call of a pull, and of an import, fails once, in each way that it can,
 * and from each on all fail. What must hold then holds, and the same run again is done.
 *
 * A sample runs by default; PLM_FAULT_ALL=1 lets every call fail, in every scenario.
 * PLM_FAULT_CASE=resume/eio/17 repeats one case, PLM_FAULT_CASE=fresh/enospc/17+ one of a full
 * disk. Threads and the network vary a little from run to run, so call 17 may be its neighbour.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "campaign.h"

static struct world world;

static unsigned run_all(enum fault_kind kind, bool sticky, unsigned step)
{
    unsigned wrong = 0;
    bool all = world_wants_all();
    for (int s = 0; s < SCENARIOS; s++)
        wrong += campaign_run(&world, (enum scenario)s, kind, sticky, all ? 1 : step);
    return wrong;
}

static void a_failing_call_costs_no_more_than_the_run(void **state)
{
    (void)state;
    assert_int_equal(run_all(FAULT_EIO, false, 211), 0);
}

static void a_broken_disk_costs_no_more_than_the_run(void **state)
{
    (void)state;
    assert_int_equal(run_all(FAULT_EIO, true, 307), 0);
}

static void a_moment_without_space_costs_no_more_than_the_run(void **state)
{
    (void)state;
    assert_int_equal(run_all(FAULT_ENOSPC, false, 97), 0);
}

static void a_full_disk_is_told_as_such(void **state)
{
    (void)state;
    assert_int_equal(run_all(FAULT_ENOSPC, true, 101), 0);
}

static void an_interrupted_call_is_made_again(void **state)
{
    (void)state;
    assert_int_equal(run_all(FAULT_EINTR, false, 149), 0);
}

static void a_short_read_or_write_is_continued(void **state)
{
    (void)state;
    assert_int_equal(run_all(FAULT_SHORT, false, 83), 0);
}

static int open_world(void **state)
{
    (void)state;
    world_open(&world, 1u << 20);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_call_costs_no_more_than_the_run),
        cmocka_unit_test(a_broken_disk_costs_no_more_than_the_run),
        cmocka_unit_test(a_moment_without_space_costs_no_more_than_the_run),
        cmocka_unit_test(a_full_disk_is_told_as_such),
        cmocka_unit_test(an_interrupted_call_is_made_again),
        cmocka_unit_test(a_short_read_or_write_is_continued),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
