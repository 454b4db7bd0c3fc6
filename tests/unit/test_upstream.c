#include "engine/upstream.h"

#include "store_world.h"

static struct plm_manifest *manifest_of(const struct plm_descriptor *blobs, size_t count)
{
    char text[2000], digest[PLM_DIGEST_TEXT];
    int length = snprintf(text, sizeof(text), "{\"layers\":[");
    struct plm_manifest *manifest = NULL;
    struct plm_error err = {0};
    for (size_t i = 0; i < count; i++)
        length += snprintf(text + length, sizeof(text) - (size_t)length,
                           "%s{\"digest\":\"%s\",\"size\":%u}", i ? "," : "",
                           plm_digest_format(&blobs[i].digest, digest), (unsigned)blobs[i].size);
    length += snprintf(text + length, sizeof(text) - (size_t)length, "]}");
    if (!plm_manifest_parse(text, (size_t)length, &manifest, &err))
        fail_msg("%s", err.msg);
    return manifest;
}

static void put_blob(const struct plm_descriptor *blob, const void *bytes, size_t size)
{
    char name[PLM_DIGEST_TEXT];
    put_file(store.blobs_fd, plm_digest_file_name(&blob->digest, name), bytes, size);
}

static struct plm_upstream_model compared(const struct plm_manifest *manifest)
{
    struct plm_upstream_model m = {.total = 99, .lacking = 99};
    struct plm_error err = {0};
    if (!plm_upstream_compare(&store, manifest, &m, &err))
        fail_msg("%s", err.msg);
    return m;
}

static void only_what_is_not_here_is_to_be_fetched(void **state)
{
    (void)state;
    struct plm_descriptor blobs[] = {want_of("one", 3), want_of("three", 5), want_of("one", 3),
                                     want_of("seven!!", 7)};
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = manifest_of(blobs, 4);
    struct plm_upstream_model m = compared(manifest);
    assert_int_equal(m.blobs, 3);
    assert_int_equal(m.lacking, 3);
    assert_int_equal(m.total, 15);
    assert_int_equal(m.fetch, 15);
    put_blob(&blobs[1], "three", 5);
    put_blob(&blobs[3], "cut", 3); /* of a wrong size: as good as absent */
    m = compared(manifest);
    assert_int_equal(m.lacking, 2);
    assert_int_equal(m.fetch, 10);
    put_blob(&blobs[0], "one", 3);
    put_blob(&blobs[3], "seven!!", 7);
    m = compared(manifest);
    assert_int_equal(m.lacking, 0);
    assert_int_equal(m.fetch, 0);
    assert_int_equal(m.total, 15);
}

static void what_is_damaged_is_not_read(void **state)
{
    (void)state;
    struct plm_descriptor blob = want_of("right", 5);
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = manifest_of(&blob, 1);
    put_blob(&blob, "wrong", 5);
    assert_int_equal(compared(manifest).lacking, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(only_what_is_not_here_is_to_be_fetched),
        WITH_STORE(what_is_damaged_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
