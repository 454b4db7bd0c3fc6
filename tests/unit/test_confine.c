#include "kind_world.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Confinement cannot be undone, so each job runs in a child, which looks around before it runs. */

enum { FREE = 1, STORE = 2, BESIDE_KEY = 4, OUTSIDE = 8, ETC = 16, KEY = 32, FAILED = 64 };

static bool can_make(const char *name)
{
    int fd = open(scratch_file(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    (void)close(fd);
    return unlink(scratch_file(name)) == 0;
}

static bool can_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && close(fd) == 0;
}

static void ignore(void *ctx, const struct plm_event *event)
{
    (void)ctx;
    (void)event;
}

static int run_confined(const struct plm_job_spec *spec, unsigned times, const char *models_name)
{
    struct plm_engine *engine = NULL;
    uint32_t id;
    char models[300], key[300];
    (void)snprintf(models, sizeof(models), "%s/%s", scratch_path, models_name);
    (void)snprintf(key, sizeof(key), "%s/keys/id_ed25519", scratch_path);
    struct plm_engine_options options = {.models_dir = models, .key_path = key};
    if (!plm_engine_new(&options, (struct plm_sink){.emit = ignore}, &engine, NULL))
        return FAILED;
    for (unsigned i = 0; i < times; i++) {
        if (!plm_engine_submit(engine, spec, &id, NULL))
            return FAILED;
    }
    int seen = plm_engine_confine(engine) ? 0 : FREE;
    seen |= can_make("models/new") ? STORE : 0;
    seen |= can_make("keys/new") ? BESIDE_KEY : 0;
    seen |= can_make("new") ? OUTSIDE : 0;
    seen |= can_read("/etc/passwd") ? ETC : 0;
    seen |= can_read(key) ? KEY : 0;
    if (spec->verb != PLM_VERB_PULL) {
        while (plm_engine_step(engine, 1000))
            ;
        seen |= plm_engine_result(engine) == PLM_OK ? 0 : FAILED;
    }
    plm_engine_free(engine);
    return seen;
}

/* What the job left possible, or FAILED. */
static int possible(struct plm_job_spec spec, unsigned times, const char *models)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(run_confined(&spec, times, models));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void need_kernel(void)
{
#ifdef PLM_UNCONFINED
    bool can = false;
#else
    bool can = syscall(444 /* landlock_create_ruleset */, NULL, 0, 1U /* its version */) >= 2;
#endif
    if (!can) {
        print_message("# this system cannot confine\n");
        skip();
    }
}

static int make_llama(void **state)
{
    if (world_make(state) != 0)
        return -1;
    put_model(
        "registry.ollama.ai/library/llama/latest",
        (struct made_layer[]){TEXT_LAYER("config", "{}"), TEXT_LAYER("model", "weights"), {0}});
    put_line("../keys/id_ed25519", "a key");
    return 0;
}

static void a_job_that_reads_leaves_nothing_to_change(void **state)
{
    (void)state;
    need_kernel();
    assert_int_equal(possible((struct plm_job_spec){.verb = PLM_VERB_LIST}, 1, "models"), 0);
    assert_int_equal(
        possible((struct plm_job_spec){.verb = PLM_VERB_SHOW, .model = "llama"}, 1, "models"), 0);
    assert_int_equal(
        possible((struct plm_job_spec){.verb = PLM_VERB_RM, .model = "llama", .dry_run = true}, 1,
                 "models"),
        0);
    assert_int_equal(possible((struct plm_job_spec){.verb = PLM_VERB_VERIFY}, 1, "models"), 0);
    assert_true(is_there(HOST_PATH "llama/latest"));
}

static void a_repair_changes_the_store_and_reads_what_a_pull_does(void **state)
{
    (void)state;
    need_kernel();
    struct plm_job_spec repair = {.verb = PLM_VERB_VERIFY, .repair = true};
    assert_int_equal(possible(repair, 1, "models"), STORE | ETC | KEY);
    assert_true(is_there(".pullm"));
    assert_int_equal(possible(repair, 1, "absent"), ETC | KEY);
    assert_int_not_equal(access(scratch_file("absent"), F_OK), 0); /* nothing to repair */
}

static void a_job_that_writes_changes_the_store_alone(void **state)
{
    (void)state;
    need_kernel();
    struct plm_job_spec copy = {.verb = PLM_VERB_CP, .model = "llama", .target = "other"};
    assert_int_equal(possible(copy, 1, "models"), STORE);
    assert_true(is_there(HOST_PATH "other/latest"));
    assert_int_equal(
        possible((struct plm_job_spec){.verb = PLM_VERB_RM, .model = "llama"}, 1, "models"), STORE);
    assert_false(is_there(HOST_PATH "llama/latest"));
    assert_int_equal(possible((struct plm_job_spec){.verb = PLM_VERB_CLEAN}, 1, "models"), STORE);
}

static void blobs_on_another_disk_can_be_changed_through_the_link(void **state)
{
    (void)state;
    need_kernel();
    assert_int_equal(rename(at("blobs"), scratch_file("elsewhere")), 0);
    assert_int_equal(symlink(scratch_file("elsewhere"), at("blobs")), 0);
    assert_true(is_there(blob_of_text("weights")));
    assert_int_equal(
        possible((struct plm_job_spec){.verb = PLM_VERB_RM, .model = "llama"}, 1, "models"), STORE);
    assert_false(is_there(blob_of_text("weights")));
}

static void a_pull_may_read_what_names_and_certificates_need(void **state)
{
    (void)state;
    need_kernel();
    struct plm_job_spec pull = {.verb = PLM_VERB_PULL, .model = "other"};
    assert_int_equal(possible(pull, 1, "models"), STORE | ETC | KEY);
    assert_true(is_there(".pullm")); /* it is made while the way to it can still be opened */
}

static void any_number_of_jobs_is_confined(void **state)
{
    (void)state;
    need_kernel();
    struct plm_job_spec pull = {.verb = PLM_VERB_PULL, .model = "other"};
    assert_int_equal(possible(pull, 200, "models"), STORE | ETC | KEY);
}

static void a_name_that_cannot_be_read_makes_no_store(void **state)
{
    (void)state;
    need_kernel();
    struct plm_job_spec pull = {.verb = PLM_VERB_PULL, .model = "no such:name:at all"};
    assert_int_equal(possible(pull, 1, "absent"), 0);
    assert_int_not_equal(access(scratch_file("absent"), F_OK), 0);
}

static void a_key_is_made_and_nothing_else(void **state)
{
    (void)state;
    need_kernel();
    assert_int_equal(unlink(scratch_file("keys/id_ed25519")), 0);
    assert_int_equal(rmdir(scratch_file("keys")), 0);
    assert_int_equal(possible((struct plm_job_spec){.verb = PLM_VERB_KEYGEN}, 1, "models"),
                     BESIDE_KEY);
    assert_int_equal(access(scratch_file("keys/id_ed25519.pub"), F_OK), 0);
}

static void a_store_that_cannot_be_made_gives_nothing_up(void **state)
{
    (void)state;
    put_line("../file", "no directory");
    struct plm_job_spec pull = {.verb = PLM_VERB_PULL, .model = "other"};
    int seen = possible(pull, 1, "file/models");
    assert_int_equal(seen & (FREE | OUTSIDE), FREE | OUTSIDE);
}

#define WITH_LLAMA(f) cmocka_unit_test_setup_teardown(f, make_llama, world_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LLAMA(a_job_that_reads_leaves_nothing_to_change),
        WITH_LLAMA(a_repair_changes_the_store_and_reads_what_a_pull_does),
        WITH_LLAMA(a_job_that_writes_changes_the_store_alone),
        WITH_LLAMA(blobs_on_another_disk_can_be_changed_through_the_link),
        WITH_LLAMA(a_pull_may_read_what_names_and_certificates_need),
        WITH_LLAMA(any_number_of_jobs_is_confined),
        WITH_LLAMA(a_name_that_cannot_be_read_makes_no_store),
        WITH_LLAMA(a_key_is_made_and_nothing_else),
        WITH_LLAMA(a_store_that_cannot_be_made_gives_nothing_up),
    };
    return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
