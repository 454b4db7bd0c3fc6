#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "oci/etag.h"

static struct plm_md5_value md5_of(const char *text)
{
    struct plm_md5 *md5 = NULL;
    struct plm_md5_value value;
    struct plm_error err = {0};
    assert_true(plm_md5_new(&md5, &err));
    assert_true(plm_md5_update(md5, "given and forgotten", 19, &err));
    assert_true(plm_md5_restart(md5, &err));
    for (; *text; text++)
        assert_true(plm_md5_update(md5, text, 1, &err));
    assert_true(plm_md5_final(md5, &value, &err));
    plm_md5_free(md5);
    return value;
}

static void md5_is_that_of_rfc_1321(void **state)
{
    (void)state;
    char hex[33];
    plm_hex_encode(md5_of("").bytes, PLM_MD5_BYTES, hex);
    assert_string_equal(hex, "d41d8cd98f00b204e9800998ecf8427e");
    plm_hex_encode(md5_of("message digest").bytes, PLM_MD5_BYTES, hex);
    assert_string_equal(hex, "f96b697d7cb7938d525a2f31aaf161d0");
}

/* Computed with md5sum and xxd. */
static void an_etag_is_the_md5_of_the_md5s_and_their_count(void **state)
{
    (void)state;
    char etag[PLM_ETAG_TEXT];
    struct plm_error err = {0};
    const struct plm_md5_value parts[] = {md5_of("abc"), md5_of("def")};
    assert_true(plm_etag_of(parts, 2, etag, &err));
    assert_string_equal(etag, "4c8e93283780e078db9e0c6b9b3f8043-2");
    assert_true(plm_etag_of(parts, 1, etag, &err));
    assert_string_equal(etag, "af5da9f45af7a300e3aded972f8ff687-1");
    assert_true(plm_etag_of(NULL, 0, etag, &err));
    assert_string_equal(etag, "d41d8cd98f00b204e9800998ecf8427e-0");
}

static void parts_cover_a_blob_without_gap_or_overlap(void **state)
{
    (void)state;
    static const struct {
        uint64_t size, wanted, length;
        size_t count;
    } rows[] = {
        {0, 64, 64, 1},
        {1, 64, 64, 1},
        {64, 64, 64, 1},
        {65, 64, 64, 2},
        {PLM_PARTS_MAX * 64, 64, 64, PLM_PARTS_MAX},
        {PLM_PARTS_MAX * 64 + 1, 64, 65, 9847},
        {INT64_MAX, 1u << 26, INT64_MAX / PLM_PARTS_MAX + 1, PLM_PARTS_MAX},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        uint64_t length = plm_part_length(rows[i].size, rows[i].wanted), at = 0;
        assert_int_equal(length, rows[i].length);
        assert_int_equal(plm_part_count(rows[i].size, length), rows[i].count);
        for (size_t part = 0; part < rows[i].count; part++) {
            struct plm_span span = plm_part_at(rows[i].size, length, part);
            assert_int_equal(span.start, at);
            assert_true(span.end > span.start || rows[i].size == 0);
            assert_true(plm_span_length(span) <= length);
            at = span.end;
        }
        assert_int_equal(at, rows[i].size);
        assert_int_equal(plm_part_at(rows[i].size, length, rows[i].count).end, rows[i].size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(md5_is_that_of_rfc_1321),
        cmocka_unit_test(an_etag_is_the_md5_of_the_md5s_and_their_count),
        cmocka_unit_test(parts_cover_a_blob_without_gap_or_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
