#include "kind_world.h"

#include <sys/wait.h>

#include "store/lock.h"

#define A "sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HOUR 3600

static const char *const state_of_a[] = {".pullm/" A ".partial", ".pullm/" A ".json",
                                         ".pullm/" A ".json.tmp", ".pullm/" A ".live",
                                         ".pullm/" A ".lock"};

static void put_all(const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_line(paths[i], "");
}

static void assert_all(const char *const *paths, size_t count, bool there)
{
    for (size_t i = 0; i < count; i++)
        if (is_there(paths[i]) != there)
            fail_msg("%s is %s", paths[i], there ? "gone" : "still there");
}

static enum plm_code clean(void)
{
    return run_verb(PLM_VERB_CLEAN, NULL);
}

static void what_nobody_uses_goes_and_is_told(void **state)
{
    (void)state;
    put_all(state_of_a, PLM_COUNT(state_of_a));
    put_line(".pullm/manifest.tmp", "{");
    put_line("blobs/" B ".partial", "half");
    put_line("blobs/" B ".lock", "");
    assert_int_equal(clean(), PLM_OK);
    assert_all(state_of_a, PLM_COUNT(state_of_a), false);
    assert_false(is_there(".pullm/manifest.tmp"));
    assert_false(is_there("blobs/" B ".partial"));
    assert_false(is_there("blobs/" B ".lock"));
    assert_int_equal(count_of(PLM_EV_CLEAN_FILE), 8);
    assert_says(said(PLM_EV_CLEAN_FILE, 1),
                "\"Path\":\".pullm/" A ".json\",\"Kind\":\"checkpoint\"");
    assert_says(said(PLM_EV_CLEAN_DONE, 0), "\"Removed\":8,");
    assert_int_equal(world_said[0].kind, PLM_EV_CLEAN_START);
    assert_int_equal(clean(), PLM_OK);
    assert_int_equal(count_of(PLM_EV_CLEAN_FILE), 0);
}

static void models_and_names_that_are_not_ours_stay(void **state)
{
    (void)state;
    static const char *const kept[] = {
        ".pullm/queue.json", ".pullm/queue.lock", ".pullm/pullama.db", ".pullm/pullama.db-wal",
        ".pullm/notes.txt",  "blobs/" A,          "blobs/notes.txt",   "blobs/" B ".json"};
    put_small("a/latest", "only a");
    put_all(kept, PLM_COUNT(kept));
    assert_int_equal(clean(), PLM_OK);
    assert_all(kept, PLM_COUNT(kept), true);
    assert_true(is_there(HOST_PATH "a/latest"));
    assert_true(is_there(blob_of_text("only a")));
    assert_int_equal(count_of(PLM_EV_CLEAN_FILE), 0);
}

static void a_dry_run_tells_and_leaves_no_trace(void **state)
{
    (void)state;
    struct stat st;
    put_all(state_of_a, PLM_COUNT(state_of_a));
    put_line("blobs/" B ".partial", "half");
    put_line("blobs/" B ".lock", "");
    struct plm_job_spec spec = {.verb = PLM_VERB_CLEAN, .dry_run = true};
    assert_int_equal(run_spec(&spec), PLM_OK);
    assert_all(state_of_a, PLM_COUNT(state_of_a), true);
    assert_int_equal(count_of(PLM_EV_CLEAN_FILE), 7);
    assert_says(said(PLM_EV_CLEAN_DONE, 0), "\"DryRun\":true");
    assert_int_equal(stat(at("blobs/" B ".lock"), &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_false(is_there(".pullm/store.lock"));
    assert_false(is_there(".pullm/" B ".lock"));
}

/* Takes a lock as another program would, and cleans; dry as well. */
static void clean_while_locked(const char *folder, const char *name)
{
    struct plm_lock lock = PLM_LOCK_INIT;
    int dir = open(at(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(plm_lock_try(dir, name, &lock, NULL));
    struct plm_job_spec spec = {.verb = PLM_VERB_CLEAN, .dry_run = true};
    assert_int_equal(run_spec(&spec), PLM_OK);
    assert_int_equal(count_of(PLM_EV_CLEAN_FILE), 0);
    assert_int_equal(clean(), PLM_OK);
    assert_int_equal(count_of(PLM_EV_WARNING), 1);
    plm_lock_release(&lock, false);
    assert_int_equal(close(dir), 0);
}

static void all_of_a_blob_stays_while_its_lock_is_held(void **state)
{
    (void)state;
    put_all(state_of_a, PLM_COUNT(state_of_a));
    put_line("blobs/" A ".partial", "half");
    clean_while_locked(".pullm", A ".lock");
    assert_all(state_of_a, PLM_COUNT(state_of_a), true);
    assert_true(is_there("blobs/" A ".partial"));
}

static void pullamas_checkpoint_stays_while_pullama_holds_its_lock(void **state)
{
    (void)state;
    put_line(".pullm/" A ".json", "{}");
    put_line("blobs/" A ".partial", "half");
    clean_while_locked("blobs", A ".lock");
    assert_true(is_there(".pullm/" A ".json"));
    assert_true(is_there("blobs/" A ".partial"));
    assert_true(is_there("blobs/" A ".lock"));
}

static void what_waits_to_be_published_by_a_living_process_stays(void **state)
{
    (void)state;
    int ends[2];
    char pid[24], byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    put_all(state_of_a, PLM_COUNT(state_of_a));
    (void)snprintf(pid, sizeof(pid), "%ld\n", (long)child);
    put_line(".pullm/" A ".lock", pid);
    assert_int_equal(clean(), PLM_OK);
    assert_all(state_of_a, PLM_COUNT(state_of_a), true);
    int status;
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(clean(), PLM_OK);
    assert_all(state_of_a, PLM_COUNT(state_of_a), false);
}

static void ollamas_partials_go_when_all_of_a_blob_is_old(void **state)
{
    (void)state;
    static const char *const old[] = {"blobs/" A "-partial", "blobs/" A "-partial-0",
                                      "blobs/" A "-partial-1"};
    static const char *const young[] = {"blobs/" B "-partial", "blobs/" B "-partial-0"};
    put_all(old, PLM_COUNT(old));
    put_all(young, PLM_COUNT(young));
    for (size_t i = 0; i < PLM_COUNT(old); i++)
        age(old[i], HOUR + 60);
    age("blobs/" B "-partial-0", 2 * HOUR);
    assert_int_equal(clean(), PLM_OK);
    assert_all(old, PLM_COUNT(old), false);
    assert_all(young, PLM_COUNT(young), true);
}

static void only_torn_manifests_go_from_manifests(void **state)
{
    (void)state;
    put_small("a/latest", "only a");
    put_small("a/whole.tmp", "only a");
    put_line(HOST_PATH "a/latest.tmp", "{\"schemaVer");
    put_line(HOST_PATH "a/broken", "{");
    put_line(HOST_PATH "alone/latest.tmp", "");
    assert_int_equal(clean(), PLM_OK);
    assert_false(is_there(HOST_PATH "a/latest.tmp"));
    assert_false(is_there(HOST_PATH "alone"));
    assert_true(is_there(HOST_PATH "a/latest"));
    assert_true(is_there(HOST_PATH "a/whole.tmp"));
    assert_true(is_there(HOST_PATH "a/broken"));
    assert_int_equal(count_of(PLM_EV_CLEAN_FILE), 2);
}

static void links_go_and_what_they_lead_to_stays(void **state)
{
    (void)state;
    put_line("../precious", "keep me");
    assert_int_equal(mkdir(scratch_file("folder"), 0755), 0);
    put_line("../folder/" A ".partial", "keep me");
    put_line(".pullm/" A ".json", "{}");
    assert_int_equal(symlink("../../precious", at(".pullm/" A ".partial")), 0);
    assert_int_equal(symlink("../../precious", at(".pullm/" A ".lock")), 0);
    assert_int_equal(symlink("../../folder", at(".pullm/" B ".live")), 0);
    assert_int_equal(symlink("../../precious", at(".pullm/manifest.tmp")), 0);
    assert_int_equal(clean(), PLM_OK);
    assert_false(is_there(".pullm/" A ".partial"));
    assert_false(is_there(".pullm/" A ".lock"));
    assert_false(is_there(".pullm/" A ".json"));
    assert_false(is_there(".pullm/" B ".live"));
    assert_false(is_there(".pullm/manifest.tmp"));
    assert_true(is_there("../precious"));
    assert_true(is_there("../folder/" A ".partial"));
}

static void folders_are_left_alone(void **state)
{
    (void)state;
    put_line(".pullm/" A ".partial/file", "keep me");
    put_line(".pullm/" A ".json", "{}");
    put_line(".pullm/" B ".lock/file", "keep me");
    put_line(".pullm/" B ".json", "{}");
    assert_int_equal(clean(), PLM_OK);
    assert_true(is_there(".pullm/" A ".partial/file"));
    assert_false(is_there(".pullm/" A ".json"));
    assert_true(is_there(".pullm/" B ".lock/file"));
    assert_true(is_there(".pullm/" B ".json"));
}

static void a_store_that_is_not_there_is_clean_and_not_made(void **state)
{
    (void)state;
    assert_int_equal(clean(), PLM_OK);
    assert_int_equal(count_of(PLM_EV_CLEAN_FILE), 0);
    assert_false(is_there(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(what_nobody_uses_goes_and_is_told),
        WITH_WORLD(models_and_names_that_are_not_ours_stay),
        WITH_WORLD(a_dry_run_tells_and_leaves_no_trace),
        WITH_WORLD(all_of_a_blob_stays_while_its_lock_is_held),
        WITH_WORLD(pullamas_checkpoint_stays_while_pullama_holds_its_lock),
        WITH_WORLD(what_waits_to_be_published_by_a_living_process_stays),
        WITH_WORLD(ollamas_partials_go_when_all_of_a_blob_is_old),
        WITH_WORLD(only_torn_manifests_go_from_manifests),
        WITH_WORLD(links_go_and_what_they_lead_to_stays),
        WITH_WORLD(folders_are_left_alone),
        WITH_WORLD(a_store_that_is_not_there_is_clean_and_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
