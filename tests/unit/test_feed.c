#include "archive_world.h"
#include "engine/feed.h"
#include "os/os.h"
#include "scratch.h"

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)
#define PATH "registry.ollama.ai/library/m/"

static struct plm_feed feed;
static struct plm_error err;

/* Scans what was made, as a file. */
static bool scan(struct made_archive *a)
{
    FILE *out = fopen(scratch_file("a.zip"), "wb");
    archive_end(a);
    assert_non_null(out);
    assert_int_equal(fwrite(a->bytes.bytes, 1, a->bytes.size, out), a->bytes.size);
    assert_int_equal(fclose(out), 0);
    plm_buf_done(&a->bytes);
    feed = (struct plm_feed){.input = PLM_ARCHIVE_INPUT_INIT};
    err = (struct plm_error){0};
    assert_true(plm_archive_input_open(&feed.input, scratch_file("a.zip"), &err));
    return plm_feed_scan(&feed, &err);
}

static bool is_known;

static bool is_here(void *ctx, const struct plm_descriptor *want)
{
    (void)ctx;
    (void)want;
    return is_known;
}

static void it_finds_models_and_their_blobs(void **state)
{
    (void)state;
    struct made_archive a = {0};
    archive_add_manifest(&a, PATH "x", "one");
    archive_add_manifest(&a, PATH "y", "two");
    archive_add_blob(&a, "one");
    archive_add_blob(&a, "two");
    is_known = false;
    assert_true(scan(&a));
    assert_int_equal(feed.content.model_count, 2);
    assert_string_equal(feed.content.models[1].ref.tag, "y");
    assert_int_equal(feed.content.blob_count, 2);
    assert_true(plm_feed_check(&feed, is_here, NULL, &err));
    plm_feed_done(&feed);
}

static void a_blob_that_is_missing_must_be_in_the_store(void **state)
{
    (void)state;
    struct made_archive a = {0};
    archive_add_manifest(&a, PATH "x", "one");
    assert_true(scan(&a));
    is_known = false;
    assert_false(plm_feed_check(&feed, is_here, NULL, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    err = (struct plm_error){0};
    is_known = true;
    assert_true(plm_feed_check(&feed, is_here, NULL, &err));
    plm_feed_done(&feed);
}

static void a_blob_that_no_model_names_is_refused(void **state)
{
    (void)state;
    struct made_archive a = {0};
    archive_add_manifest(&a, PATH "x", "one");
    archive_add_blob(&a, "one");
    archive_add_blob(&a, "of nobody");
    is_known = true;
    assert_true(scan(&a));
    assert_false(plm_feed_check(&feed, is_here, NULL, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    plm_feed_done(&feed);
}

static void what_is_no_archive_is_refused_before_anything_is_made_of_it(void **state)
{
    (void)state;
    struct made_archive a = {0};
    archive_add(&a, "README.txt", "text", 4);
    assert_false(scan(&a));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_int_equal(feed.content.model_count, 0);
    plm_feed_done(&feed);
}

static void a_request_to_stop_ends_the_scan(void **state)
{
    (void)state;
    struct made_archive a = {0};
    archive_add_manifest(&a, PATH "x", "one");
    archive_add_blob(&a, "one");
    assert_true(scan(&a));
    plm_content_done(&feed.content);
    plm_feed_cancel(&feed);
    assert_false(plm_feed_scan(&feed, &err));
    assert_int_equal(err.code, PLM_E_INTERRUPTED);
    plm_feed_done(&feed);
}

/* Bytes come in blocks of 4 MiB, whatever the entry's size is; after the last one there is none. */
static void an_entry_is_filled_in_block_by_block(void **state)
{
    (void)state;
    const size_t size = ((size_t)4 << 20) + 5;
    char *bytes = calloc(1, size);
    struct plm_content_blob entry = {.packed = size, .size = size};
    int ends[2];
    assert_non_null(bytes);
    FILE *file = fopen(scratch_file("raw"), "w+b");
    assert_non_null(file);
    memset(bytes, 'x', size);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    rewind(file);
    feed = (struct plm_feed){.input = PLM_ARCHIVE_INPUT_INIT};
    err = (struct plm_error){0};
    assert_int_equal(pipe(ends), 0); /* an end of nothing: the scan makes the blocks */
    (void)close(ends[1]);
    plm_archive_input_stream(&feed.input, ends[0]);
    assert_false(plm_feed_scan(&feed, &err));
    (void)close(ends[0]);
    plm_archive_input_stream(&feed.input, fileno(file));
    assert_true(plm_feed_enter(&feed, &entry, &err));
    assert_true(plm_feed_fill(&feed, &err));
    assert_int_equal(feed.start, 0);
    assert_int_equal(feed.length, (size_t)4 << 20);
    assert_memory_equal(feed.block, bytes, feed.length);
    assert_true(plm_feed_fill(&feed, &err));
    assert_int_equal(feed.start, (size_t)4 << 20);
    assert_int_equal(feed.length, 5);
    assert_memory_equal(feed.block, "xxxxx", 5);
    assert_true(plm_feed_fill(&feed, &err));
    assert_int_equal(feed.length, 0);
    plm_feed_done(&feed);
    (void)fclose(file);
    free(bytes);
}

static void a_cut_entry_is_told_as_damage(void **state)
{
    (void)state;
    struct plm_content_blob entry = {.packed = 10, .size = 10};
    int ends[2];
    struct made_archive a = {0};
    archive_add_manifest(&a, PATH "x", "one");
    assert_true(scan(&a));
    plm_archive_input_close(&feed.input);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "01234", 5), 5);
    (void)close(ends[1]);
    plm_archive_input_stream(&feed.input, ends[0]);
    assert_true(plm_feed_enter(&feed, &entry, &err));
    assert_false(plm_feed_fill(&feed, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    plm_feed_done(&feed);
    (void)close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(it_finds_models_and_their_blobs),
        WITH_SCRATCH(a_blob_that_is_missing_must_be_in_the_store),
        WITH_SCRATCH(a_blob_that_no_model_names_is_refused),
        WITH_SCRATCH(what_is_no_archive_is_refused_before_anything_is_made_of_it),
        WITH_SCRATCH(a_request_to_stop_ends_the_scan),
        WITH_SCRATCH(an_entry_is_filled_in_block_by_block),
        WITH_SCRATCH(a_cut_entry_is_told_as_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
