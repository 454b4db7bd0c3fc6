/*
 * Power cuts: pulls and imports are noted change by change, and the disk is put together as a cut
 * after any of them could have left it. What must hold then holds, nothing is fetched again that a
 * checkpoint claims, and the same run again is done. The live file claims everything then, for the
 * boot before the cut.
 *
 * cuts.h says what is cut; PLM_FAULT_CASE=fresh/whole/120/7 repeats one case (scenario, how it
 * went, change, seed).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cuts.h"
#include "invariants.h"
#include "os/os.h"

#define HALF_ROOM (700 << 10)

static struct world world;
static enum scenario scenario; /* that is cut */

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

static bool holds(const struct disk_history *history, size_t cut, uint64_t *again,
                  char why[WORLD_WHY])
{
    lie_about_all();
    if (!invariants_hold(&world, why))
        return false;
    if (disk_history_done(history, cut, "") > 0 && !model_is_installed(&world, why))
        return false;
    struct bytes_there there = bytes_there(&world);
    uint64_t written = disk_history_written(history, cut, ".partial");
    *again = written > there.kept ? written - there.kept : 0;
    if (!scenario_mends(&world, scenario, true, why))
        return false;
    /* Bytes that no record speaks for may be garbage, and come twice then; no others do. */
    if (world.run->fetched + there.kept <= model_size() + there.doubtful)
        return true;
    (void)snprintf(why, WORLD_WHY, "P1: %llu bytes came; %llu were there, %llu perhaps",
                   (unsigned long long)world.run->fetched, (unsigned long long)there.kept,
                   (unsigned long long)there.doubtful);
    return false;
}

/* The archive as a stream that ends after @p percent of it. */
static void import_stream(const struct fault_plan *plan, unsigned percent)
{
    char path[320];
    struct stat st;
    int from = open(scenario_archive(&world, path), O_RDONLY | O_CLOEXEC);
    assert_true(from >= 0 && fstat(from, &st) == 0);
    (void)snprintf(path, sizeof(path), "%s/stream", world.root);
    int to = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    size_t size = (size_t)st.st_size * percent / 100;
    assert_int_equal(sendfile(to, from, NULL, size), (ssize_t)size);
    assert_int_equal(lseek(to, 0, SEEK_SET), 0);
    const struct plm_job_spec spec = {.verb = PLM_VERB_IMPORT, .target = "-", .stream_fd = to};
    world_run_job(&world, plan, &spec, world.log);
    plm_os_close(from);
    plm_os_close(to);
}

enum way {
    WAY_WHOLE,
    WAY_HALF,   /* a run ends half-way, and the next one goes on */
    WAY_STREAM, /* an import from a stream */
    WAYS
};

static void run_way(enum way way)
{
    const struct fault_plan none = {.boot = BOOT_BEFORE};
    if (way == WAY_HALF) {
        atomic_store(&world.registry->large_room, HALF_ROOM);
        if (scenario == SCENARIO_IMPORT)
            import_stream(&none, 50);
        else
            world_pull(&world, &none);
        atomic_store(&world.registry->large_room, -1);
        assert_int_equal(world.run->failed, 1);
    }
    if (way == WAY_STREAM)
        import_stream(&none, 100);
    else
        scenario_run(&world, scenario, &none);
    assert_int_equal(world.run->completed, 1);
}

/* Notes a pull, or an import, and cuts it. */
static unsigned cut_way(enum way way, size_t step)
{
    static const char *const names[WAYS] = {"whole", "half", "stream"};
    char name[64];
    scenario_prepare(&world, scenario);
    struct disk *before = disk_load(world.disk);
    run_way(way);
    (void)snprintf(name, sizeof(name), "%s/%s", scenario_name(scenario), names[way]);
    const struct cut_story story = {.test = "power_cut",
                                    .part = "power cuts",
                                    .name = name,
                                    .step = step,
                                    .holds = holds,
                                    .of = model_size()};
    unsigned wrong = cut_story(&world, before, &story);
    disk_free(before);
    return wrong;
}

static void a_power_cut_costs_only_what_was_not_synced(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (int s = 0; s < SCENARIOS; s++) {
        scenario = (enum scenario)s;
        for (int way = 0; way < (scenario == SCENARIO_IMPORT ? WAYS : WAY_STREAM); way++)
            wrong += cut_way((enum way)way, scenario == SCENARIO_FRESH ? 23 : 59);
    }
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
