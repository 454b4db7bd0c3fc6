#include "store/blobs.h"
#include "store_world.h"

static const char *name_of(const struct plm_descriptor *want)
{
    static char name[PLM_DIGEST_TEXT];
    return plm_digest_file_name(&want->digest, name);
}

static enum plm_blob_state look(const struct plm_descriptor *want)
{
    enum plm_blob_state state = PLM_BLOB_ABSENT;
    struct plm_error err = {0};
    if (!plm_blob_look(&store, want, &state, &err))
        fail_msg("%s", err.msg);
    return state;
}

static struct plm_descriptor put_blob(const char *text)
{
    struct plm_descriptor want = want_of(text, strlen(text));
    put_text(store.blobs_fd, name_of(&want), text);
    return want;
}

/* Notes that the blob was hashed; skips the test where files cannot carry notes. */
static void prove(const struct plm_descriptor *want)
{
    int fd = -1;
    assert_true(plm_blob_open(&store, &want->digest, &fd, NULL));
    bool can = plm_os_note_set(fd, "test", "x", 1);
    plm_blob_note_proven(fd);
    plm_os_close(fd);
    if (!can)
        skip();
    assert_int_equal(look(want), PLM_BLOB_PROVEN);
}

static struct plm_store no_store(void)
{
    return (struct plm_store){
        .root = scratch_path, .root_fd = -1, .blobs_fd = -1, .manifests_fd = -1, .state_fd = -1};
}

static void what_stands_there_is_told(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of("hello", 5);
    assert_int_equal(look(&want), PLM_BLOB_ABSENT);
    (void)put_blob("hello");
    assert_int_equal(look(&want), PLM_BLOB_UNPROVEN);
    put_text(store.blobs_fd, name_of(&want), "hell");
    assert_int_equal(look(&want), PLM_BLOB_WRONG_SIZE);
    assert_int_equal(unlinkat(store.blobs_fd, name_of(&want), 0), 0);
    assert_int_equal(mkdirat(store.blobs_fd, name_of(&want), 0755), 0);
    assert_int_equal(look(&want), PLM_BLOB_WRONG_SIZE);
    assert_int_equal(unlinkat(store.blobs_fd, name_of(&want), AT_REMOVEDIR), 0);
    assert_int_equal(symlinkat("/etc/passwd", store.blobs_fd, name_of(&want)), 0);
    assert_int_equal(look(&want), PLM_BLOB_WRONG_SIZE);
}

static void without_a_store_every_blob_is_absent(void **state)
{
    (void)state;
    struct plm_store none = no_store();
    struct plm_descriptor want = want_of("hello", 5);
    enum plm_blob_state is = PLM_BLOB_PROVEN;
    struct plm_error err = {0};
    uint64_t freed = 77;
    int fd = -7;
    assert_true(plm_blob_look(&none, &want, &is, NULL));
    assert_int_equal(is, PLM_BLOB_ABSENT);
    assert_false(plm_blob_open(&none, &want.digest, &fd, &err));
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    assert_int_equal(fd, -7);
    assert_true(plm_blob_remove(&none, &want.digest, &freed, NULL));
    assert_int_equal(freed, 0);
    assert_true(plm_blobs_migrate(&none, NULL));
    plm_blob_renew(&none, &want.digest);
}

static void an_empty_blob_is_a_blob(void **state)
{
    (void)state;
    struct plm_descriptor want = put_blob("");
    uint64_t freed = 77;
    assert_int_equal(look(&want), PLM_BLOB_UNPROVEN);
    assert_true(plm_blob_remove(&store, &want.digest, &freed, NULL));
    assert_int_equal(freed, 0);
    assert_int_equal(look(&want), PLM_BLOB_ABSENT);
}

static void a_note_holds_until_the_file_changes(void **state)
{
    (void)state;
    struct plm_descriptor want = put_blob("hello");
    prove(&want);
    make_old(store.blobs_fd, name_of(&want));
    assert_int_equal(look(&want), PLM_BLOB_UNPROVEN);
    prove(&want);
    int fd = openat(store.blobs_fd, name_of(&want), O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "j", 1, 0), 1);
    (void)close(fd);
    assert_int_equal(look(&want), PLM_BLOB_UNPROVEN);
}

static void a_note_does_not_go_over_to_another_file(void **state)
{
    (void)state;
    struct plm_descriptor want = put_blob("hello");
    char note[80];
    size_t length = 0;
    int fd = -1;
    prove(&want);
    assert_true(plm_blob_open(&store, &want.digest, &fd, NULL));
    assert_true(plm_os_note_get(fd, "verified", note, sizeof(note), &length));
    struct stat old;
    assert_int_equal(fstat(fd, &old), 0);
    put_text(store.blobs_fd, "copy", "jello");
    int copy = openat(store.blobs_fd, "copy", O_RDWR | O_CLOEXEC);
    assert_true(plm_os_note_set(copy, "verified", note, length));
    assert_int_equal(futimens(copy, (struct timespec[2]){old.st_atim, old.st_mtim}), 0);
    assert_int_equal(close(copy), 0);
    assert_int_equal(renameat(store.blobs_fd, "copy", store.blobs_fd, name_of(&want)), 0);
    assert_int_equal(look(&want), PLM_BLOB_UNPROVEN);
    plm_os_close(fd);
}

static void a_note_that_is_none_counts_for_nothing(void **state)
{
    (void)state;
    struct plm_descriptor want = put_blob("hello");
    char longest[120];
    memset(longest, '1', sizeof(longest));
    prove(&want);
    int fd = openat(store.blobs_fd, name_of(&want), O_RDWR | O_CLOEXEC);
    const size_t lengths[] = {0, 1, 79, 80, sizeof(longest)};
    for (size_t i = 0; i < PLM_COUNT(lengths); i++) {
        assert_true(plm_os_note_set(fd, "verified", longest, lengths[i]));
        assert_int_equal(look(&want), PLM_BLOB_UNPROVEN);
    }
    plm_os_close(fd);
}

static void renewing_makes_a_blob_young_and_keeps_its_proof(void **state)
{
    (void)state;
    struct plm_descriptor want = put_blob("hello");
    struct plm_file_status status;
    make_old(store.blobs_fd, name_of(&want));
    plm_blob_renew(&store, &want.digest);
    assert_true(plm_os_status(store.blobs_fd, name_of(&want), &status, NULL));
    assert_true(status.modified_ns / 1000000 > plm_os_unix_ms() - 600000);
    assert_int_equal(look(&want), PLM_BLOB_UNPROVEN); /* and makes no proof */

    make_old(store.blobs_fd, name_of(&want));
    prove(&want);
    plm_blob_renew(&store, &want.digest);
    assert_int_equal(look(&want), PLM_BLOB_PROVEN);
}

static void removing_tells_the_bytes_that_the_disk_gets_back(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(100000, 1);
    struct plm_descriptor want = want_of(bytes, 100000);
    struct plm_file_status status;
    uint64_t freed = 77;
    put_file(store.blobs_fd, name_of(&want), bytes, 100000);
    assert_true(plm_os_status(store.blobs_fd, name_of(&want), &status, NULL));
    assert_int_equal(linkat(store.blobs_fd, name_of(&want), store.root_fd, "second", 0), 0);
    assert_true(plm_blob_remove(&store, &want.digest, &freed, NULL));
    assert_int_equal(freed, 0); /* the other name keeps them */
    assert_int_equal(look(&want), PLM_BLOB_ABSENT);
    assert_int_equal(renameat(store.root_fd, "second", store.blobs_fd, name_of(&want)), 0);
    assert_true(plm_blob_remove(&store, &want.digest, &freed, NULL));
    assert_int_equal(freed, status.disk_bytes);
    freed = 77;
    assert_true(plm_blob_remove(&store, &want.digest, &freed, NULL));
    assert_int_equal(freed, 0);
    free(bytes);
}

static void blobs_of_the_old_naming_get_the_new_one(void **state)
{
    (void)state;
    struct plm_descriptor a = want_of("a", 1), b = want_of("b", 1);
    char text[PLM_DIGEST_TEXT];
    put_text(store.blobs_fd, plm_digest_format(&a.digest, text), "a");
    put_text(store.blobs_fd, plm_digest_format(&b.digest, text), "old");
    put_text(store.blobs_fd, name_of(&b), "b");
    put_text(store.blobs_fd, "sha256:short", "x");
    put_text(store.blobs_fd, "other", "x");
    assert_true(plm_blobs_migrate(&store, NULL));
    assert_int_equal(look(&a), PLM_BLOB_UNPROVEN);
    assert_false(has_file(store.blobs_fd, plm_digest_format(&a.digest, text)));
    assert_file(store.blobs_fd, name_of(&b), "b", 1); /* never replaced */
    assert_true(has_file(store.blobs_fd, "sha256:short"));
    assert_int_equal(count_files(store.blobs_fd), 5);
    assert_true(plm_blobs_migrate(&store, NULL));
    assert_int_equal(count_files(store.blobs_fd), 5);
}

/* A note that begins so, fits the file, and ends so. */
static void set_note(const struct plm_descriptor *want, const char *begin, const char *end)
{
    char note[160];
    struct plm_file_status status;
    int fd = -1;
    assert_true(plm_blob_open(&store, &want->digest, &fd, NULL));
    assert_true(plm_os_fd_status(fd, &status, NULL));
    (void)snprintf(note, sizeof(note), "%s%llu %lld %llu%s", begin, (unsigned long long)status.size,
                   (long long)status.modified_ns, (unsigned long long)status.inode, end);
    if (!plm_os_note_set(fd, "verified", note, strlen(note)))
        skip();
    plm_os_close(fd);
}

/* When the blob was hashed, or -1 when nothing says that it was. */
static int64_t proof_of(const struct plm_descriptor *want)
{
    struct plm_file_status status;
    int64_t checked_s = -1;
    int fd = -1;
    assert_true(plm_blob_open(&store, &want->digest, &fd, NULL));
    assert_true(plm_os_fd_status(fd, &status, NULL));
    bool proven = plm_blob_is_proven(fd, &status, &checked_s);
    plm_os_close(fd);
    return proven ? checked_s : -1;
}

static void notes_of_both_versions_count_and_others_do_not(void **state)
{
    (void)state;
    struct plm_descriptor want = put_blob("hello");
    set_note(&want, "1 ", "");
    assert_int_equal(proof_of(&want), 0);
    set_note(&want, "2 ", " 1700000000");
    assert_int_equal(proof_of(&want), 1700000000);
    set_note(&want, "2 ", " 18446744073709551615");
    assert_int_equal(proof_of(&want), 0);
    const char *const bad[][2] = {{"1 ", " "},  {"1 ", "1"},  {"1 ", " 17"}, {"2 ", ""},
                                  {"2 ", " "},  {"2 ", "-1"}, {"2 ", " -1"}, {"2 ", " x"},
                                  {"3 ", " 1"}, {" ", ""},    {"", " 17"},   {"2 9", " 17"}};
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        set_note(&want, bad[i][0], bad[i][1]);
        assert_int_equal(proof_of(&want), -1);
    }
}

static void renewing_keeps_when_it_was_hashed(void **state)
{
    (void)state;
    struct plm_descriptor want = put_blob("hello");
    make_old(store.blobs_fd, name_of(&want));
    set_note(&want, "2 ", " 1700000000");
    plm_blob_renew(&store, &want.digest);
    assert_int_equal(proof_of(&want), 1700000000);
}

static void a_doubted_blob_is_unproven(void **state)
{
    (void)state;
    struct plm_descriptor want = put_blob("hello");
    int fd = -1;
    prove(&want);
    assert_true(plm_blob_open(&store, &want.digest, &fd, NULL));
    plm_blob_note_doubted(fd);
    plm_os_close(fd);
    assert_int_equal(look(&want), PLM_BLOB_UNPROVEN);
}

static void a_blob_of_the_old_naming_can_be_opened(void **state)
{
    (void)state;
    struct plm_descriptor want = want_of("hello", 5);
    char name[PLM_DIGEST_TEXT], text[6] = "";
    size_t got = 0;
    int fd = -1;
    put_text(store.blobs_fd, plm_digest_format(&want.digest, name), "hello");
    assert_true(plm_blob_open(&store, &want.digest, &fd, NULL));
    assert_true(plm_os_read_at(fd, text, 5, 0, &got, NULL));
    assert_string_equal(text, "hello");
    plm_os_close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_stands_there_is_told),
        WITH_STORE(without_a_store_every_blob_is_absent),
        WITH_STORE(an_empty_blob_is_a_blob),
        WITH_STORE(a_note_holds_until_the_file_changes),
        WITH_STORE(a_note_does_not_go_over_to_another_file),
        WITH_STORE(a_note_that_is_none_counts_for_nothing),
        WITH_STORE(renewing_makes_a_blob_young_and_keeps_its_proof),
        WITH_STORE(removing_tells_the_bytes_that_the_disk_gets_back),
        WITH_STORE(blobs_of_the_old_naming_get_the_new_one),
        WITH_STORE(notes_of_both_versions_count_and_others_do_not),
        WITH_STORE(renewing_keeps_when_it_was_hashed),
        WITH_STORE(a_doubted_blob_is_unproven),
        WITH_STORE(a_blob_of_the_old_naming_can_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
