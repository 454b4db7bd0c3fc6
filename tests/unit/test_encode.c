#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"

static void hex_goes_both_ways(void **state)
{
    (void)state;
    const unsigned char bytes[] = {0x00, 0x0f, 0xa5, 0xff};
    char text[2 * sizeof(bytes) + 1];
    plm_hex_encode(bytes, sizeof(bytes), text);
    assert_string_equal(text, "000fa5ff");
    unsigned char back[sizeof(bytes)];
    assert_true(plm_hex_decode(text, back, sizeof(back)));
    assert_memory_equal(back, bytes, sizeof(bytes));
}

static void hex_takes_lower_case_digits_only(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "00", "00112", "0011zz", "0011AA", "0011 2", "+011ab"};
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        unsigned char out[3] = {1, 2, 3};
        assert_false(plm_hex_decode(bad[i], out, sizeof(out)));
        assert_int_equal(out[0], 1);
    }
}

static void base64_matches_the_standard_vectors(void **state)
{
    (void)state;
    static const char *const vectors[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    for (size_t i = 0; i < PLM_COUNT(vectors); i++) {
        struct plm_buf out = PLM_BUF_INIT(100);
        struct plm_error err = {0};
        const char *plain = vectors[i][0];
        assert_true(plm_base64_encode(PLM_BASE64_STANDARD, plain, strlen(plain), &out, &err));
        assert_string_equal(out.bytes, vectors[i][1]);
        plm_buf_clear(&out);
        assert_true(plm_base64_encode(PLM_BASE64_URL_NO_PAD, plain, strlen(plain), &out, &err));
        assert_string_equal(out.bytes, vectors[i][2]);
        plm_buf_clear(&out);
        assert_true(plm_base64_decode(vectors[i][1], strlen(vectors[i][1]), &out, &err));
        assert_string_equal(out.bytes, plain);
        plm_buf_done(&out);
    }
}

static void base64_skips_white_space_between_digits(void **state)
{
    (void)state;
    struct plm_buf out = PLM_BUF_INIT(100);
    struct plm_error err = {0};
    const char text[] = " Zm\r\n9v\tYm E= \n";
    assert_true(plm_base64_decode(text, sizeof(text) - 1, &out, &err));
    assert_string_equal(out.bytes, "fooba");
    plm_buf_done(&out);
}

static void bad_base64_leaves_the_buffer_alone(void **state)
{
    (void)state;
    static const char *const bad[] = {"Zg",    "Zg=",          "Zg===",  "Z===",  "Zm9vZ",
                                      "Zh==",  "Zm9=",         "Zm-v",   "=Zm9v", "Zm=9v",
                                      "Zm9v=", "Zm9vYg==Zg==", "Zm\x01v"};
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        struct plm_buf out = PLM_BUF_INIT(100);
        struct plm_error err = {0};
        assert_true(plm_buf_append(&out, "x", 1, &err));
        assert_false(plm_base64_decode(bad[i], strlen(bad[i]), &out, &err));
        assert_int_equal(err.code, PLM_E_PROTOCOL);
        assert_int_equal(out.size, 1);
        assert_string_equal(out.bytes, "x");
        plm_buf_done(&out);
    }
    struct plm_buf out = PLM_BUF_INIT(100);
    struct plm_error err = {0};
    assert_false(plm_base64_decode("Zm\0v", 4, &out, &err));
    plm_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(hex_takes_lower_case_digits_only),
        cmocka_unit_test(base64_matches_the_standard_vectors),
        cmocka_unit_test(base64_skips_white_space_between_digits),
        cmocka_unit_test(bad_base64_leaves_the_buffer_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
