#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/registry.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void pairs_that_cover_the_blob_are_taken(void **state)
{
    (void)state;
    static const char *const texts[] = {
        A " 0-99\n" B " 100-149\n",          A " 0-99\n" B " 100-149",
        B " 100-149\n" A " 0-99\n",          A "\t0-99\r\n" B "\t100-149",
        "\n\n " A "\n0-99 " B " 100-149 \n",
    };
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        struct plm_chunksum *sums = NULL;
        size_t count = 0;
        assert_true(plm_chunksums_parse(texts[i], strlen(texts[i]), 150, &sums, &count));
        assert_int_equal(count, 2);
        assert_int_equal(sums[0].span.start, 0);
        assert_int_equal(sums[0].span.end, 100);
        assert_int_equal(sums[0].digest.sha256[0], 0xaa);
        assert_int_equal(sums[1].span.start, 100);
        assert_int_equal(sums[1].span.end, 150);
        assert_int_equal(sums[1].digest.sha256[31], 0xbb);
        free(sums);
    }
}

static void the_largest_size_does_not_overflow(void **state)
{
    (void)state;
    static const char text[] = A " 0-18446744073709551614";
    struct plm_chunksum *sums = NULL;
    size_t count = 0;
    assert_true(plm_chunksums_parse(text, strlen(text), UINT64_MAX, &sums, &count));
    assert_true(sums[0].span.end == UINT64_MAX);
    free(sums);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " \n",
        A,
        A " ",
        A " 0-149 " B,
        A " 0-98\n" B " 100-149",  /* gap */
        A " 0-100\n" B " 100-149", /* overlap */
        A " 0-149\n" B " 0-149",   /* twice */
        A " 1-149",                /* does not begin at 0 */
        A " 0-148",                /* ends early */
        A " 0-150",                /* ends late */
        A " 0-99\n" B " 100-18446744073709551615",
        A " 0-99\n" B " 100-18446744073709551765",
        A " 99-0\n" B " 100-149", /* turned round */
        A " 0-",
        A " -149",
        A " 0--149",
        A " +0-149",
        A " 0-149x",
        A " 0x0-149",
        A " 0-1.49e2",
        A "0 0-149", /* digest too long */
        "sha256:AAAA 0-149",
        "sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0-149",
        "{\"chunks\":[]}",
        "0-149 " A,
        A " 0-149 junk",
    };
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        struct plm_chunksum *sums = NULL;
        size_t count = 7;
        if (plm_chunksums_parse(texts[i], strlen(texts[i]), 150, &sums, &count))
            fail_msg("accepted: %s", texts[i]);
        assert_null(sums);
        assert_int_equal(count, 7);
    }
}

static void a_nul_byte_is_junk(void **state)
{
    (void)state;
    static const char text[] = A " 0-149\0";
    struct plm_chunksum *sums = NULL;
    size_t count = 0;
    assert_false(plm_chunksums_parse(text, sizeof(text), 150, &sums, &count));
}

static void an_empty_blob_has_no_chunks(void **state)
{
    (void)state;
    struct plm_chunksum *sums = NULL;
    size_t count = 0;
    assert_false(plm_chunksums_parse("", 0, 0, &sums, &count));
    assert_false(plm_chunksums_parse(A " 0-0", strlen(A " 0-0"), 0, &sums, &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_that_cover_the_blob_are_taken),
        cmocka_unit_test(the_largest_size_does_not_overflow),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_nul_byte_is_junk),
        cmocka_unit_test(an_empty_blob_has_no_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
