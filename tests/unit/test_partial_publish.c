#include "partial_world.h"

#include <errno.h>

#include "store/blobs.h"

#define MIB (UINT64_C(1) << 20)
#define LARGE (3 * MIB + 5)
#define SMALL UINT64_C(500000)

static struct plm_file_status staged(const struct plm_descriptor *want, const unsigned char *bytes)
{
    struct plm_partial *partial = opened(want);
    struct plm_file_status status;
    put_span(partial, bytes, 0, want->size);
    synced(partial);
    assert_true(plm_os_fd_status(partial->fd, &status, NULL));
    plm_partial_free(partial);
    assert_true(has_state(want, PLM_STATE_PARTIAL));
    return status;
}

static enum plm_publish_result published(const struct plm_descriptor *want,
                                         const struct plm_file_status *status)
{
    enum plm_publish_result result = PLM_PUBLISH_BUSY;
    struct plm_error err = {0};
    if (!plm_partial_publish(&store, want, status->inode, status->modified_ns, &result, &err))
        fail_msg("%s", err.msg);
    return result;
}

static void a_published_blob_has_its_name_and_its_record_is_gone(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, SMALL, LARGE};
    unsigned char *bytes = made_bytes(LARGE, 1);
    for (size_t i = 0; i < PLM_COUNT(sizes); i++) {
        struct plm_descriptor want = want_of(bytes, sizes[i]);
        struct plm_file_status status = staged(&want, bytes);
        char name[PLM_DIGEST_TEXT];
        enum plm_blob_state is;
        assert_int_equal(published(&want, &status), PLM_PUBLISH_DONE);
        assert_file(store.blobs_fd, plm_digest_file_name(&want.digest, name), bytes, sizes[i]);
        assert_int_equal(count_files(store.state_fd), 0);
        assert_true(plm_blob_look(&store, &want, &is, NULL));
        assert_true(is == PLM_BLOB_PROVEN || is == PLM_BLOB_UNPROVEN);
    }
    assert_int_equal(count_files(store.blobs_fd), PLM_COUNT(sizes));
    free(bytes);
}

static void a_file_other_than_the_verified_one_is_not_published(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SMALL, 1);
    struct plm_descriptor want = want_of(bytes, SMALL);
    struct plm_file_status status = staged(&want, bytes), other = status;
    other.inode++;
    assert_int_equal(published(&want, &other), PLM_PUBLISH_CHANGED);
    other = status;
    other.modified_ns++;
    assert_int_equal(published(&want, &other), PLM_PUBLISH_CHANGED);
    int fd = openat(store.state_fd, state_name(&want, PLM_STATE_PARTIAL), O_RDWR | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, (off_t)SMALL - 1), 0);
    assert_true(plm_os_fd_status(fd, &other, NULL));
    (void)close(fd);
    assert_int_equal(published(&want, &other), PLM_PUBLISH_CHANGED);
    assert_int_equal(unlinkat(store.state_fd, state_name(&want, PLM_STATE_PARTIAL), 0), 0);
    assert_int_equal(published(&want, &status), PLM_PUBLISH_CHANGED);
    assert_int_equal(count_files(store.blobs_fd), 0);
    free(bytes);
}

static void a_locked_blob_is_published_later(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SMALL, 1);
    struct plm_descriptor want = want_of(bytes, SMALL);
    struct plm_file_status status = staged(&want, bytes);
    struct plm_partial *partial = opened(&want);
    assert_int_equal(published(&want, &status), PLM_PUBLISH_BUSY);
    plm_partial_free(partial);
    assert_int_equal(published(&want, &status), PLM_PUBLISH_DONE);
    free(bytes);
}

static void publishing_that_fails_says_so(void **state)
{
    (void)state;
    unsigned char *bytes = made_bytes(SMALL, 1);
    struct plm_descriptor want = want_of(bytes, SMALL);
    struct plm_file_status status = staged(&want, bytes);
    enum plm_publish_result result;
    struct plm_error err = {0};
    char name[PLM_DIGEST_TEXT];
    assert_int_equal(mkdirat(store.blobs_fd, plm_digest_file_name(&want.digest, name), 0755), 0);
    assert_false(
        plm_partial_publish(&store, &want, status.inode, status.modified_ns, &result, &err));
    assert_int_equal(err.sys_errno, EISDIR);
    assert_true(has_state(&want, PLM_STATE_PARTIAL));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_published_blob_has_its_name_and_its_record_is_gone),
        WITH_STORE(a_file_other_than_the_verified_one_is_not_published),
        WITH_STORE(a_locked_blob_is_published_later),
        WITH_STORE(publishing_that_fails_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
