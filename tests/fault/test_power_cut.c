/*
 * Power cuts: pulls are noted change by change, and the disk is put together as a cut after any of
 * them could have left it. What must hold then holds, nothing is fetched again that a checkpoint
 * claims, and the same pull run again is done. The live file claims everything then, for the boot
 * before the cut.
 *
 * A sample runs by default; PLM_FAULT_ALL=1 cuts after every change, with more seeds.
 * PLM_FAULT_SEED=N takes other seeds from N on. PLM_FAULT_CASE=fresh/whole/120/7 repeats one case
 * (scenario, how the pull went, change, seed); how many changes there are varies a little.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "campaign.h"
#include "invariants.h"
#include "os/os.h"

#define HALF_ROOM (700 << 10)

static struct world world;

/* A live file as docs/formats/live.md has it, that claims the whole of a blob. */
static void lie(const char *path, const struct model_blob *blob)
{
    unsigned char file[96 + 1020 * 16] = "pullama live 1\n";
    uint64_t size = blob->want.size;
    memcpy(file + 16, BOOT_BEFORE, strlen(BOOT_BEFORE));
    memcpy(file + 56, blob->want.digest.sha256, PLM_DIGEST_BYTES);
    memcpy(file + 88, &size, 8);
    memcpy(file + 104, &size, 8);
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return; /* there is none */
    assert_int_equal(write(fd, file, sizeof(file)), (ssize_t)sizeof(file));
    plm_os_close(fd);
}

static void lie_about_all(void)
{
    for (size_t v = 0; v < MODEL_VERSIONS; v++) {
        const struct model_blob *blob = &world.registry->models[v].blobs[0];
        char path[512], name[PLM_DIGEST_TEXT];
        (void)snprintf(path, sizeof(path), "%s/models/.pullm/%s.live", world.disk,
                       plm_digest_file_name(&blob->want.digest, name));
        lie(path, blob);
    }
}

static uint64_t model_size(void)
{
    const struct model *model = &world.registry->models[atomic_load(&world.registry->version)];
    uint64_t size = 0;
    for (size_t i = 0; i < MODEL_BLOBS; i++)
        size += model->blobs[i].want.size;
    return size;
}

static bool cut_case(const struct disk_history *history, size_t cut, unsigned seed, uint64_t *again,
                     char why[WORLD_WHY])
{
    struct disk *left =
        disk_cut(history, cut, seed < DISK_RANDOM ? (enum disk_chance)seed : DISK_RANDOM, seed);
    world_put(&world, left);
    disk_free(left);
    lie_about_all();
    if (!invariants_hold(&world, why))
        return false;
    if (disk_history_is_done(history, cut) && !model_is_installed(&world, why))
        return false;
    struct bytes_there there = bytes_there(&world);
    uint64_t written = disk_history_written(history, cut, ".partial");
    *again = written > there.kept ? written - there.kept : 0;
    if (!pull_mends(&world, true, why))
        return false;
    /* Bytes that no record speaks for may be garbage, and come twice then; no others do. */
    if (world.run->fetched + there.kept <= model_size() + there.doubtful)
        return true;
    (void)snprintf(why, WORLD_WHY, "P1: %llu bytes were fetched; %llu were there, %llu perhaps",
                   (unsigned long long)world.run->fetched, (unsigned long long)there.kept,
                   (unsigned long long)there.doubtful);
    return false;
}

/* Whether the environment asks for another case. */
static bool is_unwanted(const char *name)
{
    const char *wanted = getenv("PLM_FAULT_CASE");
    return wanted && strcmp(wanted, name) != 0;
}

static void cut_all(const struct disk_history *history, const char *story, size_t step,
                    struct campaign_sum *sum)
{
    unsigned first = world_number("PLM_FAULT_SEED", DISK_RANDOM), seeds = world_wants_all() ? 4 : 1,
             turn = 0;
    for (size_t cut = 0; cut <= disk_history_count(history); cut++) {
        bool taken = disk_history_is_turn(history, cut) ? turn++ % step == 0 : cut % 96 == 0;
        for (unsigned n = 0; taken && n < DISK_RANDOM + seeds; n++) {
            unsigned seed = n < DISK_RANDOM ? n : first + (unsigned)cut * seeds + (n - DISK_RANDOM);
            char name[128], why[WORLD_WHY] = "";
            uint64_t again = 0;
            (void)snprintf(name, sizeof(name), "%s/%zu/%u", story, cut, seed);
            if (is_unwanted(name))
                continue;
            bool ok = cut_case(history, cut, seed, &again, why);
            sum->cases++;
            if (seed >= DISK_RANDOM) {
                sum->first_seed = sum->first_seed ? sum->first_seed : seed;
                sum->last_seed = seed;
            }
            sum->wrong += !ok;
            if (again >= sum->again) {
                sum->again = again;
                sum->of = model_size();
                (void)snprintf(sum->where, sizeof(sum->where), "%s", name);
            }
            if (!ok)
                campaign_tell_wrong("power_cut", name, "cut", why);
        }
    }
}

/* Notes a pull, or one that ends half-way and the next one, and cuts it. */
static unsigned cut_pull(enum scenario scenario, bool half, size_t step)
{
    const struct fault_plan none = {.boot = BOOT_BEFORE};
    struct campaign_sum sum = {.part = "power cuts"};
    char story[64];
    scenario_prepare(&world, scenario);
    struct disk *before = disk_load(world.disk);
    if (half) {
        atomic_store(&world.registry->large_room, HALF_ROOM);
        world_pull(&world, &none);
        atomic_store(&world.registry->large_room, -1);
        assert_int_equal(world.run->failed, 1);
    }
    world_pull(&world, &none);
    assert_int_equal(world.run->completed, 1);
    struct disk_log *log = disk_log_copy(world.log); /* the next runs write to that one */
    struct disk_history *history = disk_history_new(before, log);
    assert_non_null(history);
    (void)snprintf(story, sizeof(story), "%s/%s", scenario_name(scenario), half ? "half" : "whole");
    cut_all(history, story, step, &sum);
    print_message("%s: %u cuts of %zu changes, seeds from %u; at most %llu bytes fetched again\n",
                  story, sum.cases, disk_history_count(history),
                  world_number("PLM_FAULT_SEED", DISK_RANDOM), (unsigned long long)sum.again);
    disk_history_free(history);
    disk_free(before);
    free(log);
    campaign_tell(&sum);
    return sum.wrong;
}

static void a_power_cut_costs_only_what_was_not_synced(void **state)
{
    (void)state;
    unsigned wrong = 0;
    bool all = world_wants_all();
    for (int s = 0; s < SCENARIOS; s++)
        for (int half = 0; half < 2; half++)
            wrong += cut_pull((enum scenario)s, half != 0, all ? 1 : s == SCENARIO_FRESH ? 23 : 59);
    assert_int_equal(wrong, 0);
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
        cmocka_unit_test(a_power_cut_costs_only_what_was_not_synced),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
