/*
 * Syncs for each GiB of a pull, as a large model from a fast server needs them, without the part
 * that every model of as many blobs needs. 256 MiB by default, 1 GiB with PLM_FAULT_ALL=1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "campaign.h"
#include "invariants.h"

#define GIB (UINT64_C(1) << 30)
#define MOST_PER_GIB 20
/* A checkpoint (its data, itself, its directory) takes the time of 1.5 s, and of 48 MiB, at least.
 */
#define SYNCS_OF_CHECKPOINT 3
#define CHECKPOINT_MS 1500
#define CHECKPOINT_BYTES (UINT64_C(48) << 20)
/* What is no loopback speed: with so few bytes a second the time decides about the checkpoints. */
#define SLOW_PER_S (UINT64_C(200) << 20)

static struct world world;

static unsigned syncs_of(enum model_version version)
{
    const struct fault_plan none = {.boot = BOOT_BEFORE};
    char why[WORLD_WHY] = "";
    world_reset(&world);
    atomic_store(&world.registry->version, version);
    world_pull_unnoted(&world, &none);
    if (!world_run_is_sound(world.run, why) || !world.run->completed ||
        !model_is_installed(&world, why))
        fail_msg("%s%s", why, world.run->err.msg);
    return world.plan->syncs;
}

static void a_gib_needs_few_syncs(void **state)
{
    (void)state;
    unsigned fixed = syncs_of(MODEL_FIRST), all = syncs_of(MODEL_LARGE);
    uint64_t size = world.registry->models[MODEL_LARGE].blobs[0].want.size;
    uint64_t ms = world.run->elapsed_ms > 0 ? (uint64_t)world.run->elapsed_ms : 1;
    unsigned more = all > fixed ? all - fixed : 0;
    uint64_t by_time = ms / CHECKPOINT_MS + 1, by_size = size / CHECKPOINT_BYTES + 1;
    uint64_t checkpoints = by_time < by_size ? by_time : by_size;
    print_message("%u syncs for each model of %d blobs, %u more for %llu MiB in %llu ms\n", fixed,
                  MODEL_BLOBS, more, (unsigned long long)(size >> 20), (unsigned long long)ms);
    assert_in_range(more, 0, checkpoints * SYNCS_OF_CHECKPOINT);
    if (more * GIB > MOST_PER_GIB * size && size * 1000 / ms < SLOW_PER_S)
        skip(); /* this machine is too busy to tell */
    assert_in_range(more * GIB, 0, MOST_PER_GIB * size);
}

static int open_world(void **state)
{
    (void)state;
    world_open(&world, world_wants_all() ? GIB : GIB / 4);
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
        cmocka_unit_test(a_gib_needs_few_syncs),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
