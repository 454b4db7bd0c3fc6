#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static size_t decode(const char *text, uint32_t *code)
{
    return plm_utf8_decode(text, strlen(text), code);
}

static void characters_of_every_length_are_decoded(void **state)
{
    (void)state;
    uint32_t code = 0;
    assert_int_equal(decode("a", &code), 1);
    assert_int_equal(code, 'a');
    assert_int_equal(decode("\xC3\xA9x", &code), 2);
    assert_int_equal(code, 0xE9);
    assert_int_equal(decode("\xE2\x82\xAC", &code), 3);
    assert_int_equal(code, 0x20AC);
    assert_int_equal(decode("\xF4\x8F\xBF\xBF", &code), 4);
    assert_int_equal(code, 0x10FFFF);
    assert_int_equal(plm_utf8_decode("", 1, &code), 1);
    assert_int_equal(code, 0);
}

static void bad_forms_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",             /* continuation alone */
        "\xC0\x80",         /* overlong NUL */
        "\xC1\xBF",         /* overlong */
        "\xE0\x9F\xBF",     /* overlong */
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xED\xA0\x80",     /* surrogate */
        "\xF4\x90\x80\x80", /* past U+10FFFF */
        "\xF8\x88\x80\x80\x80",
        "\xFF",
        "\xE2\x82",
        "\xE2\x82x",
        "\xC3",
    };
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        uint32_t code = 7;
        assert_int_equal(decode(bad[i], &code), 0);
        assert_int_equal(code, 7);
    }
}

static void steering_characters_are_unsafe(void **state)
{
    (void)state;
    static const uint32_t unsafe[] = {0,      0x1B,   0x1F,   0x7F,   0x80,   0x9B,   0x9F,  0x061C,
                                      0x200E, 0x200F, 0x2028, 0x202A, 0x202E, 0x2066, 0x2069};
    static const uint32_t safe[] = {' ', '~', 0xA0, 0xE9, 0x200D, 0x2030, 0x206A, 0x1F600};
    for (size_t i = 0; i < PLM_COUNT(unsafe); i++)
        assert_true(plm_utf8_is_unsafe(unsafe[i]));
    for (size_t i = 0; i < PLM_COUNT(safe); i++)
        assert_false(plm_utf8_is_unsafe(safe[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_of_every_length_are_decoded),
        cmocka_unit_test(bad_forms_are_refused),
        cmocka_unit_test(steering_characters_are_unsafe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
