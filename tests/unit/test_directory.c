#include "archive_world.h"

static struct made_archive good(const char *prefix)
{
    struct made_archive a = {0};
    char name[200];
    (void)snprintf(name, sizeof(name), "%sblobs/", prefix);
    archive_add(&a, name, "", 0);
    if (!*prefix) {
        archive_add_blob(&a, "weights");
        archive_add_manifest(&a, "h.example/n/m/v1", "weights");
    }
    return a;
}

static void blobs_and_models_are_found(void **state)
{
    (void)state;
    struct made_archive a = good("");
    struct plm_content c = {0};
    struct plm_digest digest;
    uint64_t data = 0;
    archive_end(&a);
    const struct plm_content_source source = archive_source(&a);
    assert_true(plm_content_read(&source, &c, NULL));
    assert_int_equal(c.model_count, 1);
    assert_string_equal(c.models[0].ref.tag, "v1");
    assert_true(plm_digest_of("weights", 7, &digest, NULL));
    const struct plm_content_blob *blob = plm_content_find(&c, &digest);
    assert_non_null(blob);
    assert_true(plm_content_locate_blob(&source, &c, blob, &data, NULL));
    assert_memory_equal(a.bytes.bytes + data, "weights", 7);
    plm_content_done(&c);
    plm_buf_done(&a.bytes);
}

static void every_cut_is_found(void **state)
{
    (void)state;
    struct made_archive a = good("");
    archive_end(&a);
    for (uint64_t size = 0; size < a.bytes.size; size++) {
        struct plm_content_source source = archive_source(&a);
        struct plm_content c = {0};
        struct plm_error err = {0};
        source.size = size;
        assert_false(plm_content_read(&source, &c, &err));
        assert_int_equal(err.code, PLM_E_CORRUPT);
    }
    plm_buf_done(&a.bytes);
}

/* A flipped bit anywhere is refused, or is one that nothing depends on: never is anything read from
 * outside. */
static void every_flipped_byte_is_survived(void **state)
{
    (void)state;
    struct made_archive a = good("");
    archive_end(&a);
    const struct plm_content_source source = archive_source(&a);
    for (size_t at = 0; at < a.bytes.size; at++) {
        struct plm_content c = {0};
        struct plm_error err = {0};
        a.bytes.bytes[at] ^= 0x41;
        if (plm_content_read(&source, &c, &err)) {
            for (size_t i = 0; i < c.blob_count; i++) {
                uint64_t data = 0;
                if (plm_content_locate_blob(&source, &c, &c.blobs[i], &data, NULL))
                    assert_true(data + c.blobs[i].packed <= a.bytes.size);
            }
            plm_content_done(&c);
        } else {
            assert_true(err.code != PLM_OK && err.msg[0]);
        }
        a.bytes.bytes[at] ^= 0x41;
    }
    plm_buf_done(&a.bytes);
}

static void what_stands_around_it_is_refused(void **state)
{
    (void)state;
    struct made_archive a = good("");
    struct plm_content c = {0};
    archive_end(&a);
    assert_true(plm_buf_append(&a.bytes, "x", 1, NULL));
    struct plm_content_source source = archive_source(&a);
    assert_false(plm_content_read(&source, &c, NULL));
    plm_buf_done(&a.bytes);
    a = (struct made_archive){.bytes = {.max = 4096}};
    assert_true(plm_buf_append(&a.bytes, "#!/bin/sh\n", 10, NULL));
    archive_add_blob(&a, "weights");
    archive_end(
        &a); /* with offsets that are right: the front belongs to nothing, and harms nothing */
    source = archive_source(&a);
    assert_true(plm_content_read(&source, &c, NULL));
    plm_content_done(&c);
    plm_buf_done(&a.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blobs_and_models_are_found),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(every_flipped_byte_is_survived),
        cmocka_unit_test(what_stands_around_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
