#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/url.h"

static void parts_are_normalised(void **state)
{
    (void)state;
    static const struct {
        const char *text, *scheme, *host, *authority;
        unsigned port;
    } rows[] = {
        {"https://Registry.Example/v2/", "https", "registry.example", "registry.example", 443},
        {"HTTP://a.example:8080", "http", "a.example", "a.example:8080", 8080},
        {"https://a.example:443/x", "https", "a.example", "a.example", 443},
        {"http://a.example:443/x", "http", "a.example", "a.example:443", 443},
        {"http://[::1]:5000/x?y#z", "http", "[::1]", "[::1]:5000", 5000},
        {"http://127.0.0.1/", "http", "127.0.0.1", "127.0.0.1", 80},
        {"http://127.1/%41?%41", "http", "127.0.0.1", "127.0.0.1", 80},
        {"http://[fe80::1%25eth0]:81/", "http", "[fe80::1]", "[fe80::1]:81", 81},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_url url;
        struct plm_error err = {0};
        char authority[64];
        assert_true(plm_url_parse(rows[i].text, &url, &err));
        plm_url_authority(&url, authority, sizeof(authority));
        assert_string_equal(url.scheme, rows[i].scheme);
        assert_string_equal(url.host, rows[i].host);
        assert_string_equal(authority, rows[i].authority);
        assert_int_equal(url.port, rows[i].port);
    }
}

static void what_is_no_plain_web_url_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "a.example",
        "/path",
        "ftp://a.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https://user@a.example/",
        "https://user:secret@a.example/",
        "https://:secret@a/",
        "https://a.example:0/",
        "https://a.example:99999/",
        "https://a.example:x/",
        "https://a.example/\r\nX: y",
        "https://a.example/a b",
        "https://a\x7f.example/",
        "https://a.example/\t",
        "https:// a.example/",
        "https://a%7f.example/",
        "https://a%1b.example/",
        "https://a%2541.example/",
        "http://%31%32%37.1/",
        "http:/%61/",
    };
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        struct plm_url url = {.port = 7};
        struct plm_error err = {0};
        if (plm_url_parse(texts[i], &url, &err))
            fail_msg("accepted: %s", texts[i]);
        assert_int_equal(err.code, PLM_E_PROTOCOL);
        assert_int_equal(url.port, 7);
        assert_null(strstr(err.msg, "secret"));
    }
}

static void overlong_url_is_refused(void **state)
{
    (void)state;
    static const char start[] = "https://a.example/";
    char text[PLM_URL_MAX + 1];
    struct plm_url url;
    struct plm_error err = {0};
    memset(text, 'a', sizeof(text));
    memcpy(text, start, sizeof(start) - 1);
    text[PLM_URL_MAX - 1] = '\0';
    assert_true(plm_url_parse(text, &url, &err));
    text[PLM_URL_MAX - 1] = 'a';
    text[PLM_URL_MAX] = '\0';
    assert_false(plm_url_parse(text, &url, &err));
}

static void origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"https://a.example/x", "https://A.example:443/y?z", true},
        {"https://a.example/", "http://a.example/", false},
        {"https://a.example/", "https://b.example/", false},
        {"https://a.example/", "https://a.example:444/", false},
        {"https://a.example/", "https://x.a.example/", false},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_url a, b;
        struct plm_error err = {0};
        assert_true(plm_url_parse(rows[i].a, &a, &err));
        assert_true(plm_url_parse(rows[i].b, &b, &err));
        assert_int_equal(plm_url_same_origin(&a, &b), rows[i].same);
    }
}

static void redirects_resolve_as_browsers_do(void **state)
{
    (void)state;
    static const char base[] = "https://a.example/v2/x/blobs/1?token=2";
    static const struct {
        const char *location, *target;
    } rows[] = {
        {"https://b.example/y?sig=%2F", "https://b.example/y?sig=%2F"},
        {"//b.example:8443/y", "https://b.example:8443/y"},
        {"/y", "https://a.example/y"},
        {"2", "https://a.example/v2/x/blobs/2"},
        {"../z", "https://a.example/v2/x/z"},
        {"?q=1", "https://a.example/v2/x/blobs/1?q=1"},
        {"/y#part", "https://a.example/y"},
        {"/a b", "https://a.example/a%20b"},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        char out[PLM_URL_MAX];
        struct plm_error err = {0};
        if (!plm_url_redirect(base, rows[i].location, out, &err))
            fail_msg("%s: %s", rows[i].location, err.msg);
        assert_string_equal(out, rows[i].target);
    }
}

static void dangerous_redirects_are_refused(void **state)
{
    (void)state;
    static const char base[] = "https://a.example/x";
    static const char *const locations[] = {
        "",
        "http://a.example/x",
        "http://b.example/x",
        "file:///etc/passwd",
        "gopher://b.example/",
        "https://user:secret@b.example/",
        "//user@b.example/",
        "/x\r\nSet-Cookie: a",
        "https://b.example/\x01",
    };
    for (size_t i = 0; i < PLM_COUNT(locations); i++) {
        char out[PLM_URL_MAX] = "kept";
        struct plm_error err = {0};
        if (plm_url_redirect(base, locations[i], out, &err))
            fail_msg("accepted: %s", locations[i]);
        assert_int_equal(err.code, PLM_E_PROTOCOL);
        assert_string_equal(out, "kept");
        assert_null(strstr(err.msg, "secret"));
    }
}

static void http_may_become_https(void **state)
{
    (void)state;
    char out[PLM_URL_MAX];
    struct plm_error err = {0};
    assert_true(plm_url_redirect("http://a.example/x", "https://a.example/x", out, &err));
    assert_true(plm_url_redirect("http://a.example/x", "http://b.example/x", out, &err));
}

static void redacted_url_has_no_secret(void **state)
{
    (void)state;
    char out[128];
    assert_string_equal(
        plm_url_redacted("https://me:hidden@a.example:8/p?X-Sig=hidden#f", out, sizeof(out)),
        "https://a.example:8/p");
    assert_string_equal(plm_url_redacted("socks5://me:hidden@p.example:1080", out, sizeof(out)),
                        "socks5://p.example:1080/");
    assert_null(strstr(plm_url_redacted("me:hidden@p.example:3128", out, sizeof(out)), "hidden"));
    assert_null(
        strstr(plm_url_redacted("https://me:hidden@ bad host/", out, sizeof(out)), "hidden"));
    assert_null(strstr(plm_url_redacted("", out, sizeof(out)), "hidden"));
}

static void two_names_of_one_party_and_this_machine_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"https://hf.co/x", "https://huggingface.co/", true},
        {"https://hf.co/", "https://hf.co:443/y", true},
        {"http://hf.co/", "http://huggingface.co/", false},
        {"https://hf.co/", "https://huggingface.co:444/", false},
        {"https://hf.co/", "https://cdn.hf.co/", false},
        {"https://a.example/", "https://b.example/", false},
    };
    static const char *const ours[] = {"http://127.0.0.1/", "http://127.9.9.9:81/", "http://[::1]/",
                                       "https://localhost/", "http://a.localhost/"};
    static const char *const others[] = {"http://128.0.0.1/", "http://[::2]/",
                                         "http://localhost.x/", "http://xlocalhost/"};
    struct plm_url a, b;
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        assert_true(plm_url_parse(rows[i].a, &a, NULL) && plm_url_parse(rows[i].b, &b, NULL));
        assert_int_equal(plm_url_same_party(&a, &b), rows[i].same);
    }
    for (size_t i = 0; i < PLM_COUNT(ours); i++) {
        assert_true(plm_url_parse(ours[i], &a, NULL));
        assert_true(plm_url_is_loopback(&a));
    }
    for (size_t i = 0; i < PLM_COUNT(others); i++) {
        assert_true(plm_url_parse(others[i], &a, NULL));
        assert_false(plm_url_is_loopback(&a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_normalised),
        cmocka_unit_test(what_is_no_plain_web_url_is_refused),
        cmocka_unit_test(overlong_url_is_refused),
        cmocka_unit_test(origin_is_scheme_host_and_port),
        cmocka_unit_test(redirects_resolve_as_browsers_do),
        cmocka_unit_test(dangerous_redirects_are_refused),
        cmocka_unit_test(http_may_become_https),
        cmocka_unit_test(redacted_url_has_no_secret),
        cmocka_unit_test(two_names_of_one_party_and_this_machine_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
