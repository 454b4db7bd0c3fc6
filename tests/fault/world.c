/* The fault tests' world: shared memory, a registry, and jobs in children. */
#include "world.h"

#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "disk_sqlite.h"

#define LOG_ROOM ((size_t)64 << 20)
#define JOBS_MAX 64 /* more than any story has */
#define HANG_S 60   /* no run takes a tenth of it */

static void *share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void world_open(struct world *world, uint64_t large_size)
{
    const char *base = getenv("TMPDIR");
    if (!base && access("/dev/shm", W_OK) == 0)
        base = "/dev/shm"; /* thousands of small stores, none of which has to last */
    memset(world, 0, sizeof(*world));
    (void)snprintf(world->root, sizeof(world->root), "%s/pullama-fault-XXXXXX",
                   base ? base : "/tmp");
    assert_non_null(mkdtemp(world->root));
    (void)snprintf(world->disk, sizeof(world->disk), "%s/disk", world->root);
    static const char *const proxies[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof(proxies) / sizeof(*proxies); i++)
        (void)unsetenv(proxies[i]);
    (void)setenv("DOCKER_CONFIG", world->root, 1); /* nobody's passwords are there */
    (void)unsetenv("HF_TOKEN");
    world->registry = share(sizeof(*world->registry));
    world->plan = share(sizeof(*world->plan));
    world->run = share(sizeof(*world->run));
    world->log = share(sizeof(*world->log) + LOG_ROOM);
    world->log->room = LOG_ROOM;
    model_make(&world->registry->models[MODEL_FIRST], MODEL_FIRST, 3u << 20);
    model_make(&world->registry->models[MODEL_NEXT], MODEL_NEXT, 3u << 19);
    model_make(&world->registry->models[MODEL_LARGE], MODEL_LARGE, large_size);
    world->registry->large_room = -1;
    world->registry_pid = registry_start(world->registry);
    assert_true(world->registry_pid > 0);
    world_reset(world);
}

void world_close(struct world *world)
{
    (void)kill(world->registry_pid, SIGKILL);
    (void)waitpid(world->registry_pid, NULL, 0);
    remove_tree(world->root);
    (void)munmap(world->registry, sizeof(*world->registry));
    (void)munmap(world->plan, sizeof(*world->plan));
    (void)munmap(world->run, sizeof(*world->run));
    (void)munmap(world->log, sizeof(*world->log) + LOG_ROOM);
}

void world_reset(struct world *world)
{
    remove_tree(world->disk);
    disk_log_clear(world->log);
    assert_int_equal(mkdir(world->disk, 0755), 0);
}

void world_put(struct world *world, const struct disk *disk)
{
    remove_tree(world->disk);
    disk_log_clear(world->log);
    assert_true(disk_save(disk, world->disk));
}

struct listener {
    struct world *world;
    uint32_t job;               /* the run's own; a run of the queue has others beside it */
    uint64_t overall[JOBS_MAX]; /* by the job's number: jobs beside each other have their own */
};

static void note_done(const char *what)
{
    disk_log_lock();
    disk_log_add(fault_log(), DISK_DONE, 0, 0, what, strlen(what) + 1);
    disk_log_unlock();
}

static void see_progress(struct listener *listener, const struct plm_event *event)
{
    struct world_run *run = listener->world->run;
    uint64_t *overall = &listener->overall[event->job % JOBS_MAX];
    run->went_down = run->went_down || event->progress.overall_done < *overall;
    *overall = event->progress.overall_done;
}

static void see_end(struct world_run *run, const struct plm_event *event)
{
    if (event->kind == PLM_EV_FAILED) {
        run->failed++;
        run->err = *event->failed.error;
        note_done("failed");
        return;
    }
    run->completed++;
    run->up_to_date = event->completed.up_to_date;
    run->elapsed_ms = event->completed.elapsed_ms;
    if (event->verb == PLM_VERB_PULL)
        run->fetched = event->completed.fetched;
    note_done("");
}

static void on_event(void *ctx, const struct plm_event *event)
{
    struct listener *listener = ctx;
    struct world_run *run = listener->world->run;
    run->said_more = run->said_more || run->completed || run->failed;
    if (event->kind == PLM_EV_PROGRESS)
        see_progress(listener, event);
    else if (event->kind == PLM_EV_IMPORTED)
        run->fetched += event->imported.read;
    else if (event->kind == PLM_EV_QUEUE_SETTLED)
        note_done(event->queued.entry->reference);
    else if (event->job == listener->job &&
             (event->kind == PLM_EV_COMPLETED || event->kind == PLM_EV_FAILED))
        see_end(run, event);
}

static void run_job(struct world *world, const struct plm_job_spec *spec, struct disk_log *log)
{
    char models[320], key[320];
    struct listener listener = {.world = world};
    struct plm_engine *engine = NULL;
    struct world_run *run = world->run;
    (void)snprintf(models, sizeof(models), "%s/models", world->disk);
    (void)snprintf(key, sizeof(key), "%s/no-key", world->root);
    const struct plm_engine_options options = {.models_dir = models,
                                               .key_path = key,
                                               .chunk_size = 512u << 10,
                                               .stall_ms = HANG_S * 500,
                                               .history = world->keeps_history};
    json_set_alloc_funcs(fault_json_malloc, free);
    disk_sqlite_register();
    fault_arm(world->plan, log);
    run->is_made =
        plm_engine_new(&options, (struct plm_sink){on_event, &listener}, &engine, &run->err) &&
        plm_engine_submit(engine, spec, &listener.job, &run->err);
    while (run->is_made && plm_engine_step(engine, 1000))
        continue;
    plm_engine_free(engine);
    fault_arm(NULL, NULL);
}

void world_run_job(struct world *world, const struct fault_plan *plan,
                   const struct plm_job_spec *spec, struct disk_log *log)
{
    *world->plan = *plan;
    *world->run = (struct world_run){0};
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static const int crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
        for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
            (void)signal(crashes[i], SIG_DFL); /* cmocka's would go on with the next test */
        (void)alarm(HANG_S);
        run_job(world, spec, log);
        exit(0); /* not _exit(): leaks are looked for on the way */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    world->run->status = status;
}

const char *world_reference(const struct world *world, const char *name, char out[WORLD_REFERENCE])
{
    (void)snprintf(out, WORLD_REFERENCE, "http://127.0.0.1:%u/library/%s:latest",
                   (unsigned)world->registry->port, name);
    return out;
}

static void pull(struct world *world, const struct fault_plan *plan, struct disk_log *log)
{
    char name[WORLD_REFERENCE];
    const struct plm_job_spec spec = {.verb = PLM_VERB_PULL,
                                      .model = world_reference(world, REGISTRY_TAG, name)};
    world_run_job(world, plan, &spec, log);
}

void world_pull(struct world *world, const struct fault_plan *plan)
{
    pull(world, plan, world->log);
}

void world_pull_unnoted(struct world *world, const struct fault_plan *plan)
{
    pull(world, plan, NULL);
}

static bool complain(char why[WORLD_WHY], const char *what, const char *detail)
{
    (void)snprintf(why, WORLD_WHY, "%s%s%.512s", what, detail[0] ? ": " : "", detail);
    return false;
}

bool world_run_is_sound(const struct world_run *run, char why[WORLD_WHY])
{
    if (WIFSIGNALED(run->status))
        return WTERMSIG(run->status) == SIGALRM
                   ? complain(why, "the job hangs", "")
                   : complain(why, "the job crashed", strsignal(WTERMSIG(run->status)));
    if (WEXITSTATUS(run->status) != 0)
        return complain(why, "a sanitizer's report", "");
    if (run->is_made && run->completed + run->failed != 1)
        return complain(why, "not exactly one end", "");
    if (run->went_down)
        return complain(why, "progress went down", "");
    if (run->said_more)
        return complain(why, "an event after the last one", "");
    if (run->completed)
        return true;
    if (run->err.code == PLM_OK || run->err.code == PLM_E_INTERNAL)
        return complain(why, "a failure with the code of none or of a bug", run->err.msg);
    return run->err.msg[0] ? true : complain(why, "a failure without a message", "");
}

bool world_wants_all(void)
{
    const char *value = getenv("PLM_FAULT_ALL");
    return value && strcmp(value, "1") == 0;
}

unsigned world_number(const char *name, unsigned usual)
{
    const char *value = getenv(name);
    return value && value[0] ? (unsigned)strtoul(value, NULL, 10) : usual;
}
