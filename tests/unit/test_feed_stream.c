#include "archive_world.h"
#include "engine/feed.h"

#include <unistd.h>

#define PATH "registry.ollama.ai/library/m/"

static struct plm_feed feed;
static struct plm_error err;
static int fd;

/* What was made comes through a pipe, and @p more behind it. */
static bool scan(struct made_archive *a, const char *more)
{
    int ends[2];
    archive_end(a);
    assert_int_equal(pipe(ends), 0);
    assert_in_range(a->bytes.size, 1, 60000); /* the pipe takes it whole */
    assert_int_equal(write(ends[1], a->bytes.bytes, a->bytes.size), a->bytes.size);
    assert_int_equal(write(ends[1], more, strlen(more)), strlen(more));
    assert_int_equal(close(ends[1]), 0);
    plm_buf_done(&a->bytes);
    fd = ends[0];
    feed = (struct plm_feed){.input = PLM_ARCHIVE_INPUT_INIT};
    err = (struct plm_error){0};
    plm_archive_input_stream(&feed.input, fd);
    return plm_feed_scan(&feed, &err);
}

static void done(void)
{
    plm_feed_done(&feed);
    (void)close(fd);
}

static bool check(void)
{
    return plm_feed_check(&feed, NULL, NULL, &err);
}

static void refused(enum plm_code code, const char *says)
{
    assert_int_equal(err.code, code);
    if (!strstr(err.msg, says))
        fail_msg("no '%s' in '%s'", says, err.msg);
    done();
}

static void the_scan_ends_where_the_first_blob_begins(void **state)
{
    (void)state;
    struct made_archive a = {0};
    archive_add(&a, "manifests/", "", 0);
    archive_add_manifest(&a, PATH "x", "one");
    archive_add_manifest(&a, PATH "y", "two");
    archive_add_blob(&a, "one");
    archive_add_blob(&a, "two");
    assert_true(scan(&a, ""));
    assert_int_equal(feed.content.model_count, 2);
    assert_true(feed.has_entry);
    assert_int_equal(feed.entry.size, 3);
    assert_true(check());
    assert_true(plm_feed_fill(&feed, &err));
    assert_int_equal(feed.length, 3);
    assert_memory_equal(feed.block, "one", 3);
    done();
}

static void what_follows_the_last_needed_blob_is_judged_and_read(void **state)
{
    (void)state;
    struct made_archive a = {0};
    char byte;
    archive_add_manifest(&a, PATH "x", "one");
    archive_add_blob(&a, "one");
    assert_true(scan(&a, "a comment, or whatever"));
    assert_true(check());
    assert_true(plm_feed_end(&feed, &err));
    assert_int_equal(read(fd, &byte, 1), 0); /* its writer meets no closed pipe */
    done();
}

static void a_blob_of_nobody_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    struct made_archive first = {0}, last = {0};
    archive_add_manifest(&first, PATH "x", "one");
    archive_add_blob(&first, "of nobody");
    assert_true(scan(&first, ""));
    assert_false(check());
    refused(PLM_E_CORRUPT, "is named by no manifest");

    archive_add_manifest(&last, PATH "x", "one");
    archive_add_blob(&last, "one");
    archive_add_blob(&last, "of nobody");
    assert_true(scan(&last, ""));
    assert_true(check());
    assert_false(plm_feed_end(&feed, &err));
    refused(PLM_E_CORRUPT, "is named by no manifest");
}

static void a_blob_that_comes_twice_is_refused(void **state)
{
    (void)state;
    struct made_archive a = {0};
    archive_add_manifest(&a, PATH "x", "one");
    archive_add_blob(&a, "one");
    archive_add_blob(&a, "one");
    assert_true(scan(&a, ""));
    assert_true(check());
    assert_false(plm_feed_end(&feed, &err));
    refused(PLM_E_CORRUPT, "is there twice");
}

static void a_blob_of_another_size_is_refused_before_it_is_read(void **state)
{
    (void)state;
    struct made_archive a = {0};
    struct plm_digest digest;
    char name[PLM_ENTRY_NAME];
    assert_true(plm_digest_of("one", 3, &digest, NULL));
    archive_add_manifest(&a, PATH "x", "one");
    archive_add(&a, plm_entry_of_blob(&digest, name), "one, and more", 13);
    assert_true(scan(&a, ""));
    assert_false(check());
    refused(PLM_E_CORRUPT, "has not the size");
}

static void another_order_is_refused_with_a_way_out(void **state)
{
    (void)state;
    struct made_archive blob_first = {0}, blob_between = {0};
    archive_add_blob(&blob_first, "one");
    archive_add_manifest(&blob_first, PATH "x", "one");
    assert_false(scan(&blob_first, ""));
    refused(PLM_E_UNSUPPORTED, "save the archive to a file and import that");

    archive_add_manifest(&blob_between, PATH "x", "one");
    archive_add_blob(&blob_between, "one");
    archive_add_manifest(&blob_between, PATH "y", "one");
    assert_true(scan(&blob_between, ""));
    assert_true(check());
    assert_false(plm_feed_end(&feed, &err));
    refused(PLM_E_UNSUPPORTED, "save the archive to a file and import that");
}

static void what_is_no_archive_or_has_no_model_is_refused(void **state)
{
    (void)state;
    struct made_archive empty = {0}, other = {0};
    archive_add(&empty, "blobs/", "", 0);
    assert_true(scan(&empty, ""));
    assert_false(check());
    refused(PLM_E_CORRUPT, "no model");

    other.bytes.max = 100;
    assert_true(plm_buf_append(&other.bytes, "this is no zip file, but text", 29, &err));
    assert_false(scan(&other, ""));
    refused(PLM_E_CORRUPT, "it is no zip file");
}

static void a_manifest_with_another_checksum_is_refused(void **state)
{
    (void)state;
    struct made_archive a = {0};
    archive_add_manifest(&a, PATH "x", "one");
    archive_add_blob(&a, "one");
    char *type = memmem(a.bytes.bytes, a.bytes.size, "mediaType", 9);
    assert_non_null(type);
    *type = 'M';
    assert_false(scan(&a, ""));
    refused(PLM_E_INTEGRITY, "its checksum is wrong");
}

static void a_stream_that_breaks_off_is_told_as_damage(void **state)
{
    (void)state;
    struct made_archive a = {0};
    archive_add_manifest(&a, PATH "x", "one");
    a.bytes.size -= 5;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], a.bytes.bytes, a.bytes.size), a.bytes.size);
    assert_int_equal(close(ends[1]), 0);
    plm_buf_done(&a.bytes);
    fd = ends[0];
    feed = (struct plm_feed){.input = PLM_ARCHIVE_INPUT_INIT};
    err = (struct plm_error){0};
    plm_archive_input_stream(&feed.input, fd);
    assert_false(plm_feed_scan(&feed, &err));
    refused(PLM_E_CORRUPT, "cut short");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scan_ends_where_the_first_blob_begins),
        cmocka_unit_test(what_follows_the_last_needed_blob_is_judged_and_read),
        cmocka_unit_test(a_blob_of_nobody_is_refused_wherever_it_stands),
        cmocka_unit_test(a_blob_that_comes_twice_is_refused),
        cmocka_unit_test(a_blob_of_another_size_is_refused_before_it_is_read),
        cmocka_unit_test(another_order_is_refused_with_a_way_out),
        cmocka_unit_test(what_is_no_archive_or_has_no_model_is_refused),
        cmocka_unit_test(a_manifest_with_another_checksum_is_refused),
        cmocka_unit_test(a_stream_that_breaks_off_is_told_as_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
