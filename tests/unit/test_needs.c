#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/needs.h"
#include "store_world.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const char manifest_text[] = "{\"layers\":[{\"digest\":\"" DIGEST "\",\"size\":5}]}";

static bool count(void *ctx, const struct plm_manifest *manifest)
{
    char text[PLM_DIGEST_TEXT];
    assert_int_equal(manifest->layer_count, 1);
    assert_string_equal(plm_digest_format(&manifest->layers[0].blob.digest, text), DIGEST);
    ++*(int *)ctx;
    return true;
}

static int needs(void)
{
    int found = 0;
    struct plm_error err = {0};
    if (!plm_needs_each(&store, count, &found, &err))
        fail_msg("%s", err.msg);
    return found;
}

static struct plm_need declare(void)
{
    struct plm_need need = PLM_NEED_INIT;
    plm_need_declare(&store, manifest_text, strlen(manifest_text), &need);
    assert_true(need.fd >= 0);
    return need;
}

static void a_need_is_seen_until_it_is_dropped(void **state)
{
    (void)state;
    assert_int_equal(needs(), 0);
    struct plm_need one = declare(), other = declare();
    assert_int_equal(needs(), 2);
    plm_need_drop(&one);
    assert_int_equal(needs(), 1);
    plm_need_drop(&other);
    plm_need_drop(&other);
    assert_int_equal(needs(), 0);
    assert_int_equal(count_files(store.state_fd), 0);
}

static void what_a_dead_process_left_counts_for_nothing_and_goes(void **state)
{
    (void)state;
    struct plm_need dead = declare();
    (void)close(dead.fd); /* as at its end */
    put_text(store.state_fd, "need-00112233445566ff.tmp", "{");
    put_text(store.state_fd, "need-nothing.manifest", "kept");
    assert_int_equal(needs(), 0);
    assert_true(has_file(store.state_fd, dead.name));
    struct plm_need need = declare();
    assert_false(has_file(store.state_fd, dead.name));
    assert_false(has_file(store.state_fd, "need-00112233445566ff.tmp"));
    assert_true(has_file(store.state_fd, "need-nothing.manifest"));
    plm_need_drop(&need);
}

static void a_need_that_cannot_be_read_stops_deletions(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_need need = declare();
    int found = 0;
    put_text(store.state_fd, need.name, "{\"version\":9}");
    assert_false(plm_needs_each(&store, count, &found, &err));
    assert_int_equal(err.code, PLM_E_BUSY);
    assert_non_null(strstr(err.msg, need.name));
    /* Nor does one that cannot even be opened: a link, or a file of another user. */
    assert_int_equal(unlinkat(store.state_fd, need.name, 0), 0);
    assert_int_equal(symlinkat("elsewhere", store.state_fd, need.name), 0);
    err = (struct plm_error){0};
    assert_false(plm_needs_each(&store, count, &found, &err));
    assert_int_equal(err.code, PLM_E_BUSY);
    plm_need_drop(&need);
}

static void nothing_is_said_where_nothing_can_be_written(void **state)
{
    (void)state;
    struct plm_need need = PLM_NEED_INIT;
    struct plm_store none = {.root_fd = -1, .blobs_fd = -1, .manifests_fd = -1, .state_fd = -1};
    plm_need_declare(&none, manifest_text, strlen(manifest_text), &need);
    assert_int_equal(need.fd, -1);
    plm_need_drop(&need);
    int found = 0;
    assert_true(plm_needs_each(&none, count, &found, NULL));
}

static atomic_bool has_swept_enough;

/* Locks what is fresh as soon as it is there, as another process does that looks for the dead. */
static void *sweep_without_end(void *ctx)
{
    int folder = *(const int *)ctx;
    while (!has_swept_enough) {
        DIR *stream = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        assert_non_null(stream);
        for (struct dirent *e; (e = readdir(stream));) {
            int fd =
                strstr(e->d_name, ".tmp") ? openat(folder, e->d_name, O_RDONLY | O_CLOEXEC) : -1;
            if (fd < 0)
                continue;
            (void)!flock(fd, LOCK_EX | LOCK_NB);
            (void)close(fd);
        }
        (void)closedir(stream);
    }
    return NULL;
}

static void others_that_sweep_take_no_need_away(void **state)
{
    (void)state;
    pthread_t sweeper;
    has_swept_enough = false;
    assert_int_equal(pthread_create(&sweeper, NULL, sweep_without_end, &store.state_fd), 0);
    unsigned missing = 0;
    for (int i = 0; i < 3000; i++) {
        struct plm_need need = PLM_NEED_INIT;
        plm_need_declare(&store, manifest_text, strlen(manifest_text), &need);
        missing += need.fd < 0;
        plm_need_drop(&need);
    }
    has_swept_enough = true;
    assert_int_equal(pthread_join(sweeper, NULL), 0);
    assert_int_equal(missing, 0);
}

static void names_are_told_from_others(void **state)
{
    (void)state;
    assert_true(plm_need_is_name("need-00112233445566ff.manifest"));
    assert_true(plm_need_is_name("need-00112233445566ff.tmp"));
    const char *const others[] = {"need-00112233445566ff",         "need-00112233445566FF.manifest",
                                  "need-00112233445566f.manifest", "need-00112233445566ff.lock",
                                  "push-00112233445566ff.json",    "need-"};
    for (size_t i = 0; i < PLM_COUNT(others); i++)
        assert_false(plm_need_is_name(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_need_is_seen_until_it_is_dropped),
        WITH_STORE(what_a_dead_process_left_counts_for_nothing_and_goes),
        WITH_STORE(a_need_that_cannot_be_read_stops_deletions),
        WITH_STORE(nothing_is_said_where_nothing_can_be_written),
        WITH_STORE(others_that_sweep_take_no_need_away),
        cmocka_unit_test(names_are_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
