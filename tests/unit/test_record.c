#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "archive/little.h"
#include "archive/record.h"

static struct plm_buf bytes;

static const uint8_t *local_of(const struct plm_zip_new *entry)
{
    plm_buf_clear(&bytes);
    bytes.max = 4096;
    assert_true(plm_zip_put_local(&bytes, entry, NULL));
    assert_int_equal(bytes.size, plm_zip_local_length(entry));
    return (const uint8_t *)bytes.bytes;
}

static const uint8_t *central_of(const struct plm_zip_new *entry)
{
    plm_buf_clear(&bytes);
    bytes.max = 4096;
    assert_true(plm_zip_put_central(&bytes, entry, NULL));
    assert_int_equal(bytes.size, plm_zip_central_length(entry));
    return (const uint8_t *)bytes.bytes;
}

static int drop(void **state)
{
    (void)state;
    plm_buf_done(&bytes);
    return 0;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, 1, UINT32_MAX - 1, UINT32_MAX, UINT64_C(5) << 30};
    for (size_t i = 0; i < PLM_COUNT(sizes); i++)
        for (size_t k = 0; k < PLM_COUNT(sizes); k++) {
            struct plm_zip_new entry = {"blobs/x", sizes[i], sizes[k], 0xdeadbeef};
            struct plm_zip_entry got;
            const uint8_t *p = local_of(&entry);
            assert_int_equal(plm_zip_record_of(p), PLM_ZIP_LOCAL);
            plm_zip_get_local(p, &got);
            assert_true(plm_zip_get_extra(p + PLM_ZIP_LOCAL_BYTES + got.name_length,
                                          got.extra_length, true, &got));
            assert_int_equal(got.size, sizes[i]);
            assert_int_equal(got.packed, sizes[i]);
            p = central_of(&entry);
            assert_int_equal(plm_zip_record_of(p), PLM_ZIP_CENTRAL);
            plm_zip_get_central(p, &got);
            assert_true(plm_zip_get_extra(p + PLM_ZIP_CENTRAL_BYTES + got.name_length,
                                          got.extra_length, false, &got));
            assert_int_equal(got.size, sizes[i]);
            assert_int_equal(got.packed, sizes[i]);
            assert_int_equal(got.offset, sizes[k]);
            assert_int_equal(got.crc, 0xdeadbeef);
            assert_int_equal(got.flags, 0);
            assert_int_equal(got.method, PLM_ZIP_STORED);
            assert_int_equal(got.unix_mode, 0100644);
        }
}

static void a_folder_is_written_as_one(void **state)
{
    (void)state;
    struct plm_zip_new entry = {.name = "blobs/"};
    struct plm_zip_entry got;
    plm_zip_get_central(central_of(&entry), &got);
    assert_int_equal(got.unix_mode, 040755);
    assert_int_equal(got.size, 0);
}

static void the_64_bit_forms_come_only_when_they_are_needed(void **state)
{
    (void)state;
    struct plm_zip_new small = {.name = "a", .size = UINT32_MAX - 1, .offset = UINT32_MAX - 1};
    assert_int_equal(plm_zip_local_length(&small), PLM_ZIP_LOCAL_BYTES + 1);
    assert_int_equal(plm_zip_central_length(&small), PLM_ZIP_CENTRAL_BYTES + 1);
    small.offset++;
    assert_int_equal(plm_zip_local_length(&small), PLM_ZIP_LOCAL_BYTES + 1);
    assert_int_equal(plm_zip_central_length(&small), PLM_ZIP_CENTRAL_BYTES + 1 + 12);
    assert_int_equal(plm_zip_end_length(65534, 1000, 1000), PLM_ZIP_END_BYTES);
    assert_true(plm_zip_end_length(65535, 1000, 1000) > PLM_ZIP_END_BYTES);
    assert_true(plm_zip_end_length(1, 1000, UINT32_MAX) > PLM_ZIP_END_BYTES);
}

static void both_ends_tell_the_same(void **state)
{
    (void)state;
    struct plm_zip_end end, end64;
    plm_buf_clear(&bytes);
    bytes.max = 4096;
    assert_true(plm_zip_put_end(&bytes, 70000, 5000000, UINT64_C(6) << 30, NULL));
    assert_int_equal(bytes.size, plm_zip_end_length(70000, 5000000, UINT64_C(6) << 30));
    const uint8_t *p = (const uint8_t *)bytes.bytes, *locator = p + PLM_ZIP_END64_BYTES;
    assert_int_equal(plm_zip_record_of(p), PLM_ZIP_END64);
    plm_zip_get_end64(p, &end64);
    assert_int_equal(plm_zip_record_of(locator), PLM_ZIP_LOCATOR);
    assert_int_equal(plm_zip_get_locator(locator), (UINT64_C(6) << 30) + 5000000);
    plm_zip_get_end(locator + PLM_ZIP_LOCATOR_BYTES, &end);
    assert_true(end.is_single && end64.is_single);
    assert_true(plm_zip_ends_agree(&end, &end64));
    assert_int_equal(end64.count, 70000);
    assert_int_equal(end64.offset, UINT64_C(6) << 30);
    end.size++;
    assert_false(plm_zip_ends_agree(&end, &end64));
}

static void broken_extra_fields_are_refused(void **state)
{
    (void)state;
    struct plm_zip_entry full = {.size = UINT32_MAX, .packed = 7, .offset = 7};
    struct plm_zip_entry e = full;
    const uint8_t cut[] = {1, 0, 8, 0, 1, 2, 3}, empty[] = {1, 0, 0, 0};
    const uint8_t twice[] = {1, 0, 0, 0, 1, 0, 0, 0};
    const uint8_t good[] = {0x55, 0x54, 1, 0, 9, 1, 0, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0};
    assert_false(plm_zip_get_extra(cut, sizeof(cut), false, &e));
    e = full;
    assert_false(plm_zip_get_extra(empty, sizeof(empty), false, &e));
    assert_false(plm_zip_get_extra(NULL, 0, false, &e));
    e.size = 7;
    assert_false(plm_zip_get_extra(twice, sizeof(twice), false, &e));
    e = full;
    assert_true(plm_zip_get_extra(good, sizeof(good), false, &e));
    assert_int_equal(e.size, UINT64_C(0x200000001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_folder_is_written_as_one),
        cmocka_unit_test(the_64_bit_forms_come_only_when_they_are_needed),
        cmocka_unit_test(both_ends_tell_the_same),
        cmocka_unit_test(broken_extra_fields_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, drop);
}
