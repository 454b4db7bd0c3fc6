/*
 * What a pull costs, counted and not timed: syncs, calls of the system, allocations, bytes moved;
 * as a large model from a fast server needs them, without the part that every model of as many
 * blobs needs. 256 MiB by default, 1 GiB with PLM_FAULT_ALL=1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "campaign.h"
#include "invariants.h"

#define MIB (UINT64_C(1) << 20)
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

static void pull(enum model_version version, enum fault_kind counted)
{
    const struct fault_plan none = {.boot = BOOT_BEFORE, .kind = counted};
    char why[WORLD_WHY] = "";
    world_reset(&world);
    atomic_store(&world.registry->version, version);
    world_pull_unnoted(&world, &none);
    if (!world_run_is_sound(world.run, why) || !world.run->completed ||
        !model_is_installed(&world, why))
        fail_msg("%s%s", why, world.run->err.msg);
}

static unsigned syncs_of(enum model_version version)
{
    pull(version, FAULT_NONE);
    return world.plan->syncs;
}

/* Calls of one sort that the larger model needs beyond those of the smaller one, for each MiB. */
static double calls_for_a_mib(enum fault_kind counted)
{
    uint64_t size = world.registry->models[MODEL_LARGE].blobs[0].want.size -
                    world.registry->models[MODEL_FIRST].blobs[0].want.size;
    pull(MODEL_FIRST, counted);
    unsigned fixed = world.plan->calls;
    pull(MODEL_LARGE, counted);
    unsigned all = world.plan->calls;
    return all > fixed ? (double)(all - fixed) * (double)MIB / (double)size : 0;
}

/* 256 KiB are one write, and one read for the hash. Small pieces come when this machine is busy:
 * what there is in one turn of the loop is written, and not held for more. */
static void a_mib_needs_few_calls_of_the_system(void **state)
{
    (void)state;
    double calls = calls_for_a_mib(FAULT_EIO);
    print_message("%.1f calls about files for a MiB\n", calls);
    assert_true(calls >= 8 && calls <= 64);
}

/* In this world a request asks for 512 KiB. It takes the same few, whatever it brings. */
static void a_request_needs_few_allocations(void **state)
{
    (void)state;
    double calls = calls_for_a_mib(FAULT_MEMORY) / 2;
    print_message("%.1f allocations for a request\n", calls);
    assert_true(calls <= 12);
}

static void a_byte_is_written_once_and_read_once(void **state)
{
    (void)state;
    double size = (double)world.registry->models[MODEL_LARGE].blobs[0].want.size;
    pull(MODEL_LARGE, FAULT_NONE);
    print_message("%.4f bytes written, %.4f read for each\n", (double)world.plan->put / size,
                  (double)world.plan->got / size);
    assert_true((double)world.plan->put >= size && (double)world.plan->put <= 1.01 * size);
    assert_true((double)world.plan->got >= size && (double)world.plan->got <= 1.01 * size);
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
        cmocka_unit_test(a_mib_needs_few_calls_of_the_system),
        cmocka_unit_test(a_request_needs_few_allocations),
        cmocka_unit_test(a_byte_is_written_once_and_read_once),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
