/* Campaigns of failing calls: prepares, runs, looks, mends, looks again. */
#include "campaign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk.h"
#include "invariants.h"

#define ROOM_OF_RESUMED (1300 << 10)
#define ADOPTED_BYTES (2u << 20)

static const char *const scenario_names[SCENARIOS] = {
    [SCENARIO_FRESH] = "fresh", [SCENARIO_RESUME] = "resume", [SCENARIO_UPDATE] = "update",
    [SCENARIO_ADOPT] = "adopt", [SCENARIO_IMPORT] = "import",
};
static const char *const kind_names[FAULT_KINDS] = {
    [FAULT_NONE] = "none",   [FAULT_EIO] = "eio",     [FAULT_ENOSPC] = "enospc",
    [FAULT_EINTR] = "eintr", [FAULT_SHORT] = "short", [FAULT_MEMORY] = "memory",
};

const char *scenario_name(enum scenario scenario)
{
    return scenario_names[scenario];
}

static void put_old(const char *path, const void *bytes, size_t size)
{
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, 0), (ssize_t)size);
    assert_int_equal(futimens(fd, times), 0);
    (void)close(fd);
}

static void leave_as_ollama(struct world *world)
{
    const struct model_blob *blob = &world->registry->models[MODEL_FIRST].blobs[0];
    char path[512], file[PLM_DIGEST_TEXT], state[128];
    unsigned char *bytes = malloc(ADOPTED_BYTES);
    assert_non_null(bytes);
    model_bytes(blob, 0, bytes, ADOPTED_BYTES);
    (void)snprintf(path, sizeof(path), "%s/models", world->disk);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/models/blobs", world->disk);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)plm_digest_file_name(&blob->want.digest, file);
    (void)snprintf(path, sizeof(path), "%s/models/blobs/%s-partial", world->disk, file);
    put_old(path, bytes, ADOPTED_BYTES);
    (void)snprintf(path, sizeof(path), "%s/models/blobs/%s-partial-0", world->disk, file);
    (void)snprintf(state, sizeof(state), "{\"N\":0,\"Offset\":0,\"Size\":%u,\"Completed\":%u}",
                   3u << 20, ADOPTED_BYTES);
    put_old(path, state, strlen(state));
    free(bytes);
}

void campaign_tell(const struct campaign_sum *sum)
{
    const char *path = getenv("PULLAMA_CAMPAIGN");
    FILE *file = path && path[0] ? fopen(path, "ae") : NULL;
    if (!file)
        return;
    (void)fprintf(file, "{\"part\":\"%s\",\"cases\":%u,\"wrong\":%u,\"seeds\":", sum->part,
                  sum->cases, sum->wrong);
    if (sum->first_seed > 0)
        (void)fprintf(file, "[%u,%u]", sum->first_seed, sum->last_seed);
    else
        (void)fputs("null", file);
    (void)fputs(",\"worst\":{", file);
    if (sum->of > 0)
        (void)fprintf(file, "\"again\":[%llu,%llu,\"%s\"]", (unsigned long long)sum->again,
                      (unsigned long long)sum->of, sum->where);
    (void)fputs("}}\n", file);
    assert_int_equal(fclose(file), 0);
}

void campaign_tell_wrong(const char *test, const char *name, const char *call, const char *why)
{
    print_error("%s (%s): %s\nrepeat: PLM_FAULT_CASE=%s build/tests/fault/test_%s\n", name, call,
                why, name, test);
}

const char *scenario_archive(const struct world *world, char out[320])
{
    (void)snprintf(out, 320, "%s/archive.zip", world->root);
    return out;
}

/* Once for all cases: what is in it does not change. */
static void pack(struct world *world)
{
    const struct fault_plan none = {.boot = BOOT_BEFORE};
    char path[320], reference[WORLD_REFERENCE];
    const char *model = world_reference(world, REGISTRY_TAG, reference);
    const struct plm_job_spec spec = {.verb = PLM_VERB_EXPORT,
                                      .models = &model,
                                      .model_count = 1,
                                      .target = scenario_archive(world, path)};
    if (access(path, F_OK) == 0)
        return;
    world_pull(world, &none);
    assert_int_equal(world->run->completed, 1);
    world_run_job(world, &none, &spec, NULL);
    assert_int_equal(world->run->completed, 1);
    world_reset(world);
}

void scenario_prepare(struct world *world, enum scenario scenario)
{
    const struct fault_plan none = {.boot = BOOT_BEFORE};
    world_reset(world);
    atomic_store(&world->registry->version, MODEL_FIRST);
    world->has_foreign = scenario == SCENARIO_ADOPT;
    if (scenario == SCENARIO_ADOPT)
        leave_as_ollama(world);
    if (scenario == SCENARIO_RESUME) {
        atomic_store(&world->registry->large_room, ROOM_OF_RESUMED);
        world_pull(world, &none);
        atomic_store(&world->registry->large_room, -1);
        assert_int_equal(world->run->err.code, PLM_E_NETWORK);
    }
    if (scenario == SCENARIO_UPDATE) {
        world_pull(world, &none);
        assert_int_equal(world->run->completed, 1);
        atomic_store(&world->registry->version, MODEL_NEXT);
    }
    if (scenario == SCENARIO_IMPORT)
        pack(world);
    disk_log_clear(world->log);
}

void scenario_run(struct world *world, enum scenario scenario, const struct fault_plan *plan)
{
    char path[320];
    const struct plm_job_spec spec = {.verb = PLM_VERB_IMPORT,
                                      .target = scenario_archive(world, path)};
    if (scenario == SCENARIO_IMPORT)
        world_run_job(world, plan, &spec, world->log);
    else
        world_pull(world, plan);
}

bool scenario_mends(struct world *world, enum scenario scenario, bool rebooted, char why[WORLD_WHY])
{
    struct fault_plan none = {0};
    (void)strcpy(none.boot, rebooted ? BOOT_AFTER : BOOT_BEFORE);
    scenario_run(world, scenario, &none);
    if (!world_run_is_sound(world->run, why))
        return false;
    if (world->run->completed)
        return model_is_installed(world, why) && nothing_is_left(world, why);
    (void)snprintf(why, WORLD_WHY, "I5: the same, run again, fails: %s", world->run->err.msg);
    return false;
}

/* What a failed call makes of a run: nothing, or a failure of its kind. */
static bool is_fitting(const struct world *world, char why[WORLD_WHY])
{
    static const enum plm_code codes[FAULT_KINDS] = {
        [FAULT_EIO] = PLM_E_IO, [FAULT_ENOSPC] = PLM_E_NOSPACE, [FAULT_MEMORY] = PLM_E_NOMEM};
    const struct world_run *run = world->run;
    if (run->completed || run->err.code == codes[world->plan->kind])
        return true;
    /* jansson does not say in every case that it was memory that it lacked. */
    if (strcmp(world->plan->name, FAULT_JSON) == 0)
        return true;
    (void)snprintf(why, WORLD_WHY, "a failure as %s: %.300s", plm_code_name(run->err.code),
                   run->err.msg);
    return false;
}

/* The disk as a power cut right after the run leaves it, when it keeps nothing that was not synced.
 */
static struct disk *after_cut(const struct world *world, const struct disk *before)
{
    struct disk_history *history = disk_history_new(before, world->log);
    assert_non_null(history);
    struct disk *left = disk_cut(history, disk_history_count(history), DISK_NOTHING, 0);
    disk_history_free(history);
    return left;
}

static bool run_case(struct world *world, enum scenario scenario, const struct fault_plan *plan,
                     bool *is_over, char why[WORLD_WHY], char name[32])
{
    scenario_prepare(world, scenario);
    struct disk *before = disk_load(world->disk);
    scenario_run(world, scenario, plan);
    *is_over = world->plan->fired == 0;
    (void)snprintf(name, 32, "%s", world->plan->name);
    struct disk *left = after_cut(world, before);
    bool ok =
        world_run_is_sound(world->run, why) && is_fitting(world, why) &&
        (world->run->completed ? model_is_installed(world, why) : invariants_hold(world, why));
    if (ok && !*is_over)
        ok = scenario_mends(world, scenario, false, why);
    if (ok && !*is_over) {
        world_put(world, left);
        ok = invariants_hold(world, why) && scenario_mends(world, scenario, true, why);
    }
    disk_free(left);
    disk_free(before);
    return ok;
}

/* The case that the environment asks for: 0 for all, or only this call. False: not this campaign.
 */
static bool is_wanted(enum scenario scenario, enum fault_kind kind, bool sticky, unsigned *only)
{
    const char *wanted = getenv("PLM_FAULT_CASE");
    char start[64];
    *only = 0;
    if (!wanted)
        return true;
    int length =
        snprintf(start, sizeof(start), "%s/%s/", scenario_names[scenario], kind_names[kind]);
    if (strncmp(wanted, start, (size_t)length) != 0 || (strchr(wanted, '+') != NULL) != sticky)
        return false;
    *only = (unsigned)strtoul(wanted + length, NULL, 10);
    return *only > 0;
}

unsigned campaign_run(struct world *world, enum scenario scenario, enum fault_kind kind,
                      bool sticky, unsigned step)
{
    unsigned only, wrong = 0, cases = 0, at = 1;
    struct fault_plan plan = {.kind = kind, .sticky = sticky, .boot = BOOT_BEFORE};
    if (!is_wanted(scenario, kind, sticky, &only))
        return 0;
    for (bool is_over = false; !is_over; at += step) {
        char why[WORLD_WHY] = "", name[32];
        plan.at = only ? only : at;
        bool ok = run_case(world, scenario, &plan, &is_over, why, name);
        cases += !is_over;
        wrong += !ok;
        if (!ok) {
            char full[64];
            (void)snprintf(full, sizeof(full), "%s/%s/%u%s", scenario_names[scenario],
                           kind_names[kind], plan.at, sticky ? "+" : "");
            campaign_tell_wrong(kind == FAULT_MEMORY ? "fault_alloc" : "fault_io", full, name, why);
        }
        is_over = is_over || only;
    }
    print_message("%s, %s%s: %u cases among the first %u calls\n", scenario_names[scenario],
                  kind_names[kind], sticky ? " from there on" : "", cases, plan.at);
    const struct campaign_sum sum = {
        .part = kind == FAULT_MEMORY ? "allocations that fail" : "calls that fail, at the linker",
        .cases = cases,
        .wrong = wrong};
    campaign_tell(&sum);
    return wrong;
}
