/*
 * Memory that cannot be had: each allocation of a pull, and of an import, fails once, whichever
 * library it is for, and from each on all fail. What must hold then holds, and the same run again is
 * done.
 *
 * A sample runs by default; PLM_FAULT_ALL=1 lets every allocation fail, in every scenario.
 * PLM_FAULT_CASE=fresh/memory/17 repeats one case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "campaign.h"

static struct world world;

static unsigned run_all(bool sticky, unsigned step)
{
    unsigned wrong = 0;
    bool all = world_wants_all();
    for (int s = 0; s < SCENARIOS; s++)
        wrong += campaign_run(&world, (enum scenario)s, FAULT_MEMORY, sticky, all ? 1 : step);
    return wrong;
}

static void a_failed_allocation_costs_no_more_than_the_run(void **state)
{
    (void)state;
    assert_int_equal(run_all(false, 131), 0);
}

static void the_end_of_memory_costs_no_more_than_the_run(void **state)
{
    (void)state;
    assert_int_equal(run_all(true, 293), 0);
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
        cmocka_unit_test(a_failed_allocation_costs_no_more_than_the_run),
        cmocka_unit_test(the_end_of_memory_costs_no_more_than_the_run),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
