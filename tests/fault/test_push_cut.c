/*
 * Power cuts while a push keeps its record: after a cut at any change, the record that is left is
 * one that was written, whole, or none; and none that was synced is gone.
 */
#include "../unit/push_world.h"
#include "disk.h"
#include "fault.h"
#include "os/os.h"
#include "world.h"

#define STEPS 4
#define SEEDS 12
#define STEP_BYTES (UINT64_C(1) << 20)

static struct world world;
static struct fault_plan plan;

static struct plm_session session_at(unsigned step)
{
    struct plm_session session = {.size = STEPS * STEP_BYTES,
                                  .location = (char *)(uintptr_t) "http://127.0.0.1:1/u/1",
                                  .offset = step * STEP_BYTES,
                                  .touched_s = plm_os_unix_ms() / 1000};
    assert_true(plm_digest_of("blob", 4, &session.digest, NULL));
    return session;
}

static void open_push(struct push_world *w)
{
    struct plm_error err = {0};
    push_world_open(w);
    if (!plm_push_record_open(&w->push, &err))
        fail_msg("%s", err.msg);
}

/* Notes a session step by step, and the blob's end at last. */
static struct disk_history *run_noted(const struct disk *before)
{
    struct push_world w;
    plan = (struct fault_plan){0};
    open_push(&w);
    fault_arm(&plan, world.log);
    for (unsigned step = 1; step <= STEPS; step++) {
        struct plm_session session = session_at(step);
        plm_push_record_put(&w.push, &session);
        push_world_settle(&w);
    }
    struct plm_session last = session_at(STEPS);
    plm_push_record_drop(&w.push, &last.digest);
    push_world_end(&w);
    fault_arm(NULL, NULL);
    plm_engine_free(w.engine);
    struct disk_history *history = disk_history_new(before, world.log);
    assert_non_null(history);
    return history;
}

/* The step that the record on the disk knows of; 0: there is none. */
static unsigned step_left(void)
{
    struct push_world w;
    struct plm_session session = session_at(0);
    open_push(&w);
    if (world_said_count > 0)
        fail_msg("the record is unusable: %s", world_said[0].json);
    const struct plm_session *found =
        plm_sessions_find(&w.push.record.sessions, &session.digest, session.size);
    unsigned step = found ? (unsigned)(found->offset / STEP_BYTES) : 0;
    push_world_close(&w);
    return step;
}

static void a_power_cut_leaves_a_record_that_was_written_or_none(void **state)
{
    (void)state;
    struct push_world w;
    unsigned synced = 0, most = 0;
    world_reset(&world);
    assert_true(strlen(world.disk) < sizeof(scratch_path));
    memcpy(scratch_path, world.disk, strlen(world.disk) + 1);
    open_push(&w); /* makes the store, and the lock's file */
    push_world_close(&w);
    struct disk *before = disk_load(world.disk);
    struct disk_history *history = run_noted(before);
    assert_true(disk_history_count(history) > STEPS);
    for (size_t cut = 0; cut <= disk_history_count(history); cut++) {
        for (unsigned seed = 0; seed < SEEDS; seed++) {
            enum disk_chance chance = seed < DISK_RANDOM ? (enum disk_chance)seed : DISK_RANDOM;
            struct disk *left = disk_cut(history, cut, chance, seed);
            world_put(&world, left);
            disk_free(left);
            unsigned step = step_left();
            assert_in_range(step, 0, STEPS);
            if (chance != DISK_NOTHING)
                continue;
            /* What was synced stays, until the blob is there. */
            assert_true(step >= synced || most == STEPS);
            synced = step;
            most = step > most ? step : most;
        }
    }
    assert_int_equal(most, STEPS);
    disk_history_free(history);
    disk_free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_leaves_a_record_that_was_written_or_none),
    };
    world_open(&world, 1u << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_close(&world);
    return failed;
}
