#include "archive_world.h"

#define BLOB "blobs/sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct plm_zip_entry entry_of(const char *name, uint64_t size)
{
    return (struct plm_zip_entry){.packed = size, .size = size, .name_length = strlen(name)};
}

/* What becomes of one entry that is added to an empty list. */
static enum plm_code add(const struct plm_zip_entry *entry, const char *name)
{
    struct plm_content c = {0};
    struct plm_error err = {0};
    bool ok = plm_content_add(&c, entry, name, NULL, &err);
    plm_content_done(&c);
    assert_true(ok == (err.code == PLM_OK));
    return err.code;
}

static void a_plain_blob_is_taken(void **state)
{
    (void)state;
    struct plm_zip_entry e = entry_of(BLOB, 7);
    assert_int_equal(add(&e, BLOB), PLM_OK);
    e.unix_mode = 0100755;
    e.flags = PLM_ZIP_FLAG_DESCRIPTOR | 0x800;
    assert_int_equal(add(&e, BLOB), PLM_OK);
}

static void what_is_no_plain_file_is_refused(void **state)
{
    (void)state;
    const unsigned modes[] = {0120777, 0040755, 0010644, 0020644, 0060644, 0140644};
    for (size_t i = 0; i < PLM_COUNT(modes); i++) {
        struct plm_zip_entry e = entry_of(BLOB, 7);
        e.unix_mode = modes[i];
        assert_int_equal(add(&e, BLOB), PLM_E_CORRUPT);
    }
}

static void forms_that_nobody_can_read_are_refused(void **state)
{
    (void)state;
    const uint16_t flags[] = {1, 0x20, 0x40, 0x2000, 0x8000, 0x10};
    for (size_t i = 0; i < PLM_COUNT(flags); i++) {
        struct plm_zip_entry e = entry_of(BLOB, 7);
        e.flags = flags[i];
        assert_int_equal(add(&e, BLOB), PLM_E_UNSUPPORTED);
    }
    struct plm_zip_entry e = entry_of(BLOB, 7);
    e.method = 93;
    assert_int_equal(add(&e, BLOB), PLM_E_UNSUPPORTED);
    e = entry_of(BLOB, 7);
    e.packed = 8;
    assert_int_equal(add(&e, BLOB), PLM_E_CORRUPT);
}

static void bombs_are_refused(void **state)
{
    (void)state;
    struct plm_zip_entry e = entry_of(BLOB, UINT64_C(1) << 63);
    assert_int_equal(add(&e, BLOB), PLM_E_LIMIT);
    e = (struct plm_zip_entry){.method = PLM_ZIP_DEFLATED, .name_length = strlen(BLOB)};
    e.packed = 1000;
    e.size = 1000 * 1030;
    assert_int_equal(add(&e, BLOB), PLM_OK); /* a blob of zeros */
    e.size = 1000 * 1200;
    assert_int_equal(add(&e, BLOB), PLM_E_LIMIT);
    e.packed = UINT64_C(4) << 20;
    e.size = e.packed * 90;
    assert_int_equal(add(&e, BLOB), PLM_OK);
    e.size = e.packed * 110;
    assert_int_equal(add(&e, BLOB), PLM_E_LIMIT);
    const char *manifest = "manifests/h/n/m/t";
    e = entry_of(manifest, PLM_MANIFEST_MAX_BYTES + 1);
    assert_int_equal(add(&e, manifest), PLM_E_LIMIT);
}

static void a_name_with_a_nul_is_foreign(void **state)
{
    (void)state;
    struct plm_zip_entry e = entry_of(BLOB, 7);
    e.name_length += 5; /* something follows the NUL */
    assert_int_equal(add(&e, BLOB), PLM_E_CORRUPT);
}

static void the_first_name_decides_about_the_folder_in_front(void **state)
{
    (void)state;
    struct plm_content c = {0};
    struct plm_zip_entry e = entry_of("models/" BLOB, 7);
    assert_true(plm_content_add(&c, &e, "models/" BLOB, NULL, NULL));
    e = entry_of(BLOB, 7);
    assert_false(plm_content_add(&c, &e, BLOB, NULL, NULL));
    plm_content_done(&c);
}

static bool here(void *ctx, const struct plm_descriptor *want)
{
    (void)want;
    return *(bool *)ctx;
}

static void check(struct made_archive *a, bool is_here, const char *why)
{
    struct plm_content c = {0};
    struct plm_error err = {0};
    archive_end(a);
    const struct plm_content_source source = archive_source(a);
    bool ok = plm_content_read(&source, &c, &err) && plm_content_check(&c, here, &is_here, &err);
    assert_true(ok == !why);
    if (why && !strstr(err.msg, why))
        fail_msg("%s: %s", why, err.msg);
    plm_content_done(&c);
    plm_buf_done(&a->bytes);
    *a = (struct made_archive){0};
}

static void models_and_blobs_must_fit(void **state)
{
    (void)state;
    struct made_archive a = {0};
    archive_add_blob(&a, "one");
    archive_add_manifest(&a, "h/n/m/t", "one");
    check(&a, false, NULL);
    archive_add_manifest(&a, "h/n/m/t", "one");
    check(&a, true, NULL);
    archive_add_manifest(&a, "h/n/m/t", "one");
    check(&a, false, "it lacks blobs/sha256-");
    archive_add_blob(&a, "one");
    check(&a, true, "no model");
    archive_add_blob(&a, "one");
    archive_add_blob(&a, "two");
    archive_add_manifest(&a, "h/n/m/t", "one");
    check(&a, true, "named by no manifest");
    archive_add_blob(&a, "one");
    archive_add_blob(&a, "one");
    archive_add_manifest(&a, "h/n/m/t", "one");
    check(&a, true, "is there twice");
    archive_add_blob(&a, "one");
    archive_add_manifest(&a, "h:1/n/m/t", "one");
    archive_add_manifest(&a, "h%3A1/n/m/t", "one");
    check(&a, true, "is there twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_blob_is_taken),
        cmocka_unit_test(what_is_no_plain_file_is_refused),
        cmocka_unit_test(forms_that_nobody_can_read_are_refused),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(a_name_with_a_nul_is_foreign),
        cmocka_unit_test(the_first_name_decides_about_the_folder_in_front),
        cmocka_unit_test(models_and_blobs_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
