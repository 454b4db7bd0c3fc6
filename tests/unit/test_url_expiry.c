#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/url.h"

static void every_kind_of_signature_is_dated(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        int64_t seconds;
    } rows[] = {
        {"https://a/x?X-Amz-Date=20231114T221320Z&X-Amz-Expires=900&X-Amz-Signature=f", 1700000900},
        {"https://a/x?x=1&X-Goog-Expires=60&X-Goog-Date=20231114T221320Z", 1700000060},
        {"https://a/x?Expires=1700000000&Signature=a", 1700000000},
        {"https://a/x?sv=1&se=2023-11-14T22%3A13%3A20Z&sig=x", 1700000000},
        {"https://a/x?se=2023-11-14T22:13Z", 1699999980},
        {"https://a/x?se=2023-11-14", 1699920000},
        {"https://a/x?X-Amz-Date=20231114T221320Z&X-Amz-Expires=900&Expires=1700000000",
         1700000000},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++)
        assert_int_equal(plm_url_expiry_ms(rows[i].url), rows[i].seconds * 1000);
}

static void what_cannot_be_read_is_unknown(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "",
        "https://a/x",
        "https://a/x?",
        "https://a/Expires=1700000000",
        "https://a/x?Expires=",
        "https://a/x?Expires=-1",
        "https://a/x?Expires=99999999999999999999",
        "https://a/x?Expires=soon",
        "https://a/x#?y&Expires=",
        "https://a/x?NotExpires=1700000000",
        "https://a/x?X-Amz-Expires=900",
        "https://a/x?X-Amz-Date=20231114T221320Z",
        "https://a/x?X-Amz-Date=20231314T221320Z&X-Amz-Expires=900",
        "https://a/x?X-Amz-Date=20231114T221320&X-Amz-Expires=900",
        "https://a/x?se=2023-11-14T22",
        "https://a/x?se=00000000000000000000000000000000000000000000000000000000000000000000000000",
        "https://a/x?Expires=%",
        "https://a/x?Expires=%3",
        "https://a/x?Expires=%00",
        "https://a/x?se=%3A%3A&se=2023-11-14",
    };
    for (size_t i = 0; i < PLM_COUNT(urls); i++)
        assert_int_equal(plm_url_expiry_ms(urls[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_signature_is_dated),
        cmocka_unit_test(what_cannot_be_read_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
