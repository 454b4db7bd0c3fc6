#include "store/layout.h"
#include "store_world.h"

static struct plm_store opened(const char *dir, bool create)
{
    struct plm_store out;
    struct plm_error err = {0};
    if (!plm_store_open(dir, create, &out, &err))
        fail_msg("%s", err.msg);
    return out;
}

static void assert_refused(const char *dir, bool create, enum plm_code code)
{
    struct plm_store out = {.root_fd = -7};
    struct plm_error err = {0};
    assert_false(plm_store_open(dir, create, &out, &err));
    assert_int_equal(err.code, code);
    assert_int_equal(out.root_fd, -7);
    assert_non_null(strstr(err.msg, scratch_path));
}

static void a_store_is_made_with_all_its_directories(void **state)
{
    (void)state;
    struct plm_store made = opened(scratch_file("a//b/./c"), true);
    struct stat is;
    assert_true(made.root_fd >= 0 && made.blobs_fd >= 0 && made.manifests_fd >= 0 &&
                made.state_fd >= 0);
    assert_int_equal(stat(scratch_file("a/b/c/blobs"), &is), 0);
    assert_int_equal(stat(scratch_file("a/b/c/manifests"), &is), 0);
    assert_int_equal(stat(scratch_file("a/b/c/.pullm"), &is), 0);
    assert_string_equal(made.root, scratch_file("a//b/./c"));
    plm_store_close(&made);
    assert_int_equal(made.root_fd, -1);
    plm_store_close(&made);
    made = opened(scratch_file("a/b/c"), true); /* what is there stays */
    put_text(made.blobs_fd, "x", "x");
    plm_store_close(&made);
    made = opened(scratch_file("a/b/c"), false);
    assert_true(has_file(made.blobs_fd, "x"));
    plm_store_close(&made);
}

static void a_relative_directory_is_made_where_one_stands(void **state)
{
    (void)state;
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(scratch_path), 0);
    struct plm_store made = opened("x/y", true);
    assert_int_equal(chdir(before), 0);
    assert_true(has_file(plm_os_cwd(), scratch_file("x/y/.pullm")));
    plm_store_close(&made);
    free(before);
}

static void reading_makes_nothing(void **state)
{
    (void)state;
    struct plm_store none = opened(scratch_file("none/at/all"), false);
    assert_true(none.root_fd == -1 && none.blobs_fd == -1 && none.manifests_fd == -1 &&
                none.state_fd == -1);
    assert_non_null(none.root);
    plm_store_close(&none);
    assert_false(has_file(plm_os_cwd(), scratch_file("none")));

    assert_int_equal(mkdir(scratch_file("half"), 0755), 0);
    assert_int_equal(mkdir(scratch_file("half/blobs"), 0755), 0);
    struct plm_store half = opened(scratch_file("half"), false);
    assert_true(half.root_fd >= 0 && half.blobs_fd >= 0);
    assert_true(half.manifests_fd == -1 && half.state_fd == -1);
    plm_store_close(&half);
    assert_false(has_file(plm_os_cwd(), scratch_file("half/.pullm")));
}

static void a_link_in_place_of_our_directory_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch_file("elsewhere"), 0755), 0);
    assert_int_equal(mkdir(scratch_file("m"), 0755), 0);
    assert_int_equal(symlink("../elsewhere", scratch_file("m/.pullm")), 0);
    assert_refused(scratch_file("m"), true, PLM_E_CORRUPT);
    assert_refused(scratch_file("m"), false, PLM_E_CORRUPT);
    assert_int_equal(rmdir(scratch_file("elsewhere")), 0); /* nothing was put there */
}

static void a_models_directory_and_blobs_may_be_links(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch_file("disk"), 0755), 0);
    assert_int_equal(mkdir(scratch_file("more"), 0755), 0);
    assert_int_equal(symlink("../more", scratch_file("disk/blobs")), 0);
    assert_int_equal(symlink("disk", scratch_file("m")), 0);
    struct plm_store made = opened(scratch_file("m"), true);
    put_text(made.blobs_fd, "x", "x");
    plm_store_close(&made);
    assert_true(has_file(plm_os_cwd(), scratch_file("more/x")));
    assert_true(has_file(plm_os_cwd(), scratch_file("disk/.pullm")));
}

static void what_cannot_be_a_store_is_named(void **state)
{
    (void)state;
    put_text(plm_os_cwd(), scratch_file("file"), "");
    assert_refused(scratch_file("file"), true, PLM_E_CORRUPT);
    assert_refused(scratch_file("file"), false, PLM_E_CORRUPT);
    assert_refused(scratch_file("file/below"), true, PLM_E_CORRUPT);
    assert_int_equal(symlink("nowhere", scratch_file("dangling")), 0);
    assert_refused(scratch_file("dangling/m"), true, PLM_E_CORRUPT);
    assert_int_equal(mkdir(scratch_file("s"), 0755), 0);
    put_text(plm_os_cwd(), scratch_file("s/manifests"), "");
    assert_refused(scratch_file("s"), true, PLM_E_CORRUPT);
}

static void a_directory_without_permission_is_named(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch_file("locked"), 0555), 0);
    assert_int_equal(chmod(scratch_path, 0755), 0);
    bool is_root = geteuid() == 0; /* nothing is forbidden to root */
    if (is_root)
        assert_int_equal(seteuid(65534), 0);
    assert_refused(scratch_file("locked/m"), true, PLM_E_ACCESS);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
}

static void state_files_are_named_after_the_digest(void **state)
{
    (void)state;
    static const char *const endings[] = {".partial", ".json", ".live", ".lock"};
    struct plm_digest digest;
    memset(digest.sha256, 0x0f, sizeof(digest.sha256));
    for (int kind = PLM_STATE_PARTIAL; kind <= PLM_STATE_LOCK; kind++) {
        char name[PLM_STATE_NAME], must[PLM_STATE_NAME], base[PLM_DIGEST_TEXT];
        assert_ptr_equal(plm_store_state_name(&digest, (enum plm_state_file)kind, name), name);
        (void)snprintf(must, sizeof(must), "%s%s", plm_digest_file_name(&digest, base),
                       endings[kind]);
        assert_string_equal(name, must);
    }
}

static void a_manifests_directory_is_made_only_for_writing(void **state)
{
    (void)state;
    struct plm_ref ref;
    struct plm_error err = {0};
    int fd = -7;
    assert_true(plm_ref_parse("example.com:5000/ns/m:t", &ref, NULL));
    assert_false(plm_store_manifest_dir(&store, &ref, false, &fd, &err));
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    assert_int_equal(fd, -7);
    assert_int_equal(count_files(store.manifests_fd), 0);
    assert_true(plm_store_manifest_dir(&store, &ref, true, &fd, NULL));
    put_text(fd, "t", "x");
    plm_os_close(fd);
    assert_true(has_file(store.manifests_fd, "example.com:5000/ns/m/t"));
    assert_true(plm_store_manifest_dir(&store, &ref, false, &fd, NULL));
    plm_os_close(fd);

    struct plm_store none = opened(scratch_file("none"), false);
    err = (struct plm_error){0};
    assert_false(plm_store_manifest_dir(&none, &ref, false, &fd, &err));
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    plm_store_close(&none);
}

static void a_link_on_the_way_to_a_manifest_is_not_followed(void **state)
{
    (void)state;
    struct plm_ref ref;
    struct plm_error err = {0};
    int fd = -7;
    assert_true(plm_ref_parse("example.com/ns/m:t", &ref, NULL));
    assert_int_equal(mkdir(scratch_file("outside"), 0755), 0);
    assert_int_equal(symlinkat("../outside", store.manifests_fd, "example.com"), 0);
    assert_false(plm_store_manifest_dir(&store, &ref, true, &fd, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_int_equal(fd, -7);
    assert_int_equal(rmdir(scratch_file("outside")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(a_store_is_made_with_all_its_directories),
        WITH_SCRATCH(a_relative_directory_is_made_where_one_stands),
        WITH_SCRATCH(reading_makes_nothing),
        WITH_SCRATCH(a_link_in_place_of_our_directory_is_refused),
        WITH_SCRATCH(a_models_directory_and_blobs_may_be_links),
        WITH_SCRATCH(what_cannot_be_a_store_is_named),
        WITH_SCRATCH(a_directory_without_permission_is_named),
        WITH_STORE(state_files_are_named_after_the_digest),
        WITH_STORE(a_manifests_directory_is_made_only_for_writing),
        WITH_STORE(a_link_on_the_way_to_a_manifest_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
