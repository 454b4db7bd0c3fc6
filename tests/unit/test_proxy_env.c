#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/url.h"

static int clear_environment(void **state)
{
    static const char *const names[] = {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY",
                                        "http_proxy",  "ALL_PROXY",   "all_proxy",
                                        "NO_PROXY",    "no_proxy",    "REQUEST_METHOD"};
    (void)state;
    for (size_t i = 0; i < PLM_COUNT(names); i++)
        (void)unsetenv(names[i]);
    return 0;
}

static const char *proxy_for(const char *text)
{
    struct plm_url url;
    struct plm_error err = {0};
    if (!plm_url_parse(text, &url, &err))
        fail_msg("%s", err.msg);
    const char *proxy = plm_url_env_proxy(&url);
    return proxy ? proxy : "none";
}

static void each_scheme_has_its_variable(void **state)
{
    (void)state;
    assert_string_equal(proxy_for("https://a.example/"), "none");
    (void)setenv("all_proxy", "http://all", 1);
    assert_string_equal(proxy_for("https://a.example/"), "http://all");
    (void)setenv("https_proxy", "http://lower", 1);
    (void)setenv("HTTP_PROXY", "http://plain", 1);
    assert_string_equal(proxy_for("https://a.example/"), "http://lower");
    assert_string_equal(proxy_for("http://a.example/"), "http://plain");
    (void)setenv("HTTPS_PROXY", "http://upper", 1);
    assert_string_equal(proxy_for("https://a.example/"), "http://upper");
    (void)setenv("HTTPS_PROXY", "", 1);
    assert_string_equal(proxy_for("https://a.example/"), "http://lower");
}

static void cgi_clients_choose_no_proxy(void **state)
{
    (void)state;
    (void)setenv("HTTP_PROXY", "http://evil", 1);
    (void)setenv("REQUEST_METHOD", "GET", 1);
    assert_string_equal(proxy_for("http://a.example/"), "none");
    (void)setenv("http_proxy", "http://good", 1);
    assert_string_equal(proxy_for("http://a.example/"), "http://good");
}

static void loopback_never_uses_a_proxy(void **state)
{
    (void)state;
    (void)setenv("ALL_PROXY", "http://p", 1);
    assert_string_equal(proxy_for("http://localhost:5000/"), "none");
    assert_string_equal(proxy_for("http://reg.localhost/"), "none");
    assert_string_equal(proxy_for("http://127.8.9.1/"), "none");
    assert_string_equal(proxy_for("http://[::1]:5000/"), "none");
    assert_string_equal(proxy_for("http://128.0.0.1/"), "http://p");
    assert_string_equal(proxy_for("http://[::2]/"), "http://p");
    assert_string_equal(proxy_for("http://notlocalhost/"), "http://p");
}

static void exceptions_follow_go(void **state)
{
    (void)state;
    static const struct {
        const char *list, *url;
        bool excepted;
    } rows[] = {
        {"a.example", "https://a.example/", true},
        {"a.example", "https://x.a.example/", true},
        {"a.example", "https://xa.example/", false},
        {"A.Example", "https://a.EXAMPLE/", true},
        {".a.example", "https://x.a.example/", true},
        {".a.example", "https://a.example/", false},
        {"*.a.example", "https://x.a.example/", true},
        {"*.a.example", "https://a.example/", false},
        {"a.example:8443", "https://a.example:8443/", true},
        {"a.example:8443", "https://a.example/", false},
        {"a.example:443", "https://a.example/", true},
        {"b.example, a.example", "https://a.example/", true},
        {"b.example,,a.example,", "https://a.example/", true},
        {"*", "https://a.example/", true},
        {"", "https://a.example/", false},
        {".", "https://a.example/", false},
        {"10.1.2.3", "https://10.1.2.3/", true},
        {"10.1.2.3:80", "https://10.1.2.3/", false},
        {"0.1.2.3", "https://10.1.2.3/", false},
        {"10.0.0.0/8", "https://10.200.0.1/", true},
        {"10.0.0.0/9", "https://10.200.0.1/", false},
        {"10.128.0.0/9", "https://10.200.0.1/", true},
        {"10.0.0.0/33", "https://10.0.0.0/", false},
        {"10.0.0.0/", "https://10.0.0.0/", false},
        {"0.0.0.0/0", "https://10.0.0.1/", true},
        {"10.0.0.0/8", "https://ten.example/", false},
        {"fd00::/8", "https://[fd12::1]/", true},
        {"fd00::/8", "https://[fe12::1]/", false},
        {"fd12::1", "https://[fd12::1]:8/", true},
        {"[fd12::1]", "https://[fd12::1]/", true},
        {"[fd12::1]:8", "https://[fd12::1]:8/", true},
        {"[fd12::1]:9", "https://[fd12::1]:8/", false},
        {"[fd12::1", "https://[fd12::1]/", false},
        {"0.0.0.0/0", "https://[fd12::1]/", false},
    };
    (void)setenv("ALL_PROXY", "http://p", 1);
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        (void)setenv("NO_PROXY", rows[i].list, 1);
        bool excepted = strcmp(proxy_for(rows[i].url), "none") == 0;
        if (excepted != rows[i].excepted)
            fail_msg("NO_PROXY=%s for %s", rows[i].list, rows[i].url);
    }
}

static void only_known_kinds_of_proxy_are_usable(void **state)
{
    (void)state;
    static const char *const good[] = {"http://p:3128", "p:3128", "https://u:x@p", "socks5h://p:1",
                                       "SOCKS5://p"};
    static const char *const bad[] = {"",        "gopher://p", "file:///p",
                                      "http://", "http://p:x", "http://p p"};
    for (size_t i = 0; i < PLM_COUNT(good); i++) {
        if (!plm_url_is_proxy(good[i]))
            fail_msg("refused: %s", good[i]);
    }
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        if (plm_url_is_proxy(bad[i]))
            fail_msg("accepted: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_scheme_has_its_variable, clear_environment),
        cmocka_unit_test_setup(cgi_clients_choose_no_proxy, clear_environment),
        cmocka_unit_test_setup(loopback_never_uses_a_proxy, clear_environment),
        cmocka_unit_test_setup(exceptions_follow_go, clear_environment),
        cmocka_unit_test(only_known_kinds_of_proxy_are_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
