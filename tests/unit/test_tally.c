#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tally.h"

static struct plm_descriptor blob(unsigned byte)
{
    struct plm_descriptor want = {.size = byte};
    memset(want.digest.sha256, (int)byte, PLM_DIGEST_BYTES);
    return want;
}

static uint32_t number(const struct plm_tally *tally, unsigned byte)
{
    struct plm_descriptor want = blob(byte);
    return plm_tally_number(tally, &want.digest);
}

static void add(struct plm_tally *tally, const char *bytes)
{
    struct plm_descriptor blobs[16];
    struct plm_error err = {0};
    size_t count = 0;
    for (; bytes[count]; count++)
        blobs[count] = blob((unsigned char)bytes[count]);
    assert_true(plm_tally_add(tally, blobs, count, &err));
}

static void a_blob_that_several_models_name_is_counted_once(void **state)
{
    (void)state;
    struct plm_tally tally = {0};
    add(&tally, "\x30\x10");
    add(&tally, "\x20\x10\x40");
    add(&tally, "\x30\x40");
    assert_int_equal(tally.count, 4);
    assert_int_equal(tally.size, 0x10 + 0x20 + 0x30 + 0x40);
    plm_tally_done(&tally);
    assert_int_equal(tally.count, 0);
}

static void numbers_are_given_in_the_order_in_which_blobs_came_and_stay(void **state)
{
    (void)state;
    struct plm_tally tally = {0};
    assert_int_equal(number(&tally, 1), 0);
    add(&tally, "\x50\x10");
    for (int i = 0; i < 2; i++) { /* the second time nothing is new */
        add(&tally, "\x60\x10\x30\x05");
        assert_int_equal(number(&tally, 0x50), 1);
        assert_int_equal(number(&tally, 0x10), 2);
        assert_int_equal(number(&tally, 0x60), 3);
        assert_int_equal(number(&tally, 0x30), 4);
        assert_int_equal(number(&tally, 0x05), 5);
        assert_int_equal(number(&tally, 0x11), 0);
    }
    plm_tally_done(&tally);
}

static void a_model_without_blobs_adds_nothing(void **state)
{
    (void)state;
    struct plm_tally tally = {0};
    add(&tally, "");
    assert_int_equal(tally.count, 0);
    assert_int_equal(number(&tally, 0x10), 0);
    plm_tally_done(&tally);
}

static void nothing_is_added_that_contradicts_what_is_there(void **state)
{
    (void)state;
    struct plm_tally tally = {0};
    struct plm_error err = {0};
    add(&tally, "\x30\x10");
    struct plm_descriptor more[] = {blob(0x20), blob(0x10)};
    more[1].size++;
    assert_false(plm_tally_add(&tally, more, 2, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_non_null(strstr(err.msg, "sha256:10101010"));
    assert_non_null(strstr(err.msg, "two sizes"));
    assert_int_equal(tally.count, 2);
    assert_int_equal(tally.size, 0x40);
    assert_int_equal(number(&tally, 0x20), 0);

    /* Each of four is small enough for a manifest. */
    struct plm_descriptor large[] = {blob(1), blob(2), blob(3), blob(4)};
    for (size_t i = 0; i < PLM_COUNT(large); i++)
        large[i].size = (UINT64_C(1) << 62) - 1;
    err = (struct plm_error){0};
    assert_false(plm_tally_add(&tally, large, PLM_COUNT(large), &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_int_equal(tally.size, 0x40);
    plm_tally_done(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_that_several_models_name_is_counted_once),
        cmocka_unit_test(numbers_are_given_in_the_order_in_which_blobs_came_and_stay),
        cmocka_unit_test(a_model_without_blobs_adds_nothing),
        cmocka_unit_test(nothing_is_added_that_contradicts_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
