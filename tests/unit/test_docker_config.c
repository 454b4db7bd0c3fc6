#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/docker_config.h"

/* YW5uOnB3 is ann:pw */
#define PAIR "{\"auth\":\"YW5uOnB3\"}"

static struct plm_url url_of(const char *text)
{
    struct plm_url url;
    assert_true(plm_url_parse(text, &url, NULL));
    return url;
}

static struct plm_json *parse(const char *text)
{
    struct plm_json *config = NULL;
    struct plm_error err = {0};
    if (!plm_docker_config_parse(text, strlen(text), &config, &err))
        fail_msg("%s: %s", text, err.msg);
    return config;
}

static bool find(const char *text, const char *registry, struct plm_docker_entry *out,
                 struct plm_error *err)
{
    struct plm_json *config = parse(text);
    struct plm_url url = url_of(registry);
    bool ok = plm_docker_config_find(config, &url, true, out, err);
    plm_json_wipe(config);
    return ok;
}

static void a_key_means_its_registry_and_no_other(void **state)
{
    (void)state;
    static const struct {
        const char *key, *registry;
        bool same;
    } rows[] = {
        {"r.example", "https://r.example/", true},
        {"R.Example", "https://r.example/", true},
        {"https://r.example", "https://r.example/", true},
        {"https://r.example/", "https://r.example/", true},
        {"https://r.example/v1/", "https://r.example/", true},
        {"https://r.example/v2/", "https://r.example/", true},
        {"r.example:443", "https://r.example/", true},
        {"r.example:5000", "http://r.example:5000/", true},
        {"http://r.example:5000", "https://r.example:5000/", true},
        {"[::1]:5000", "http://[::1]:5000/", true},
        {"https://index.docker.io/v1/", "https://registry-1.docker.io/", true},
        {"docker.io", "https://index.docker.io/", true},
        {"r.example", "https://r.example:5000/", false},
        {"r.example:5000", "https://r.example/", false},
        {"r.example:80", "https://r.example/", false},
        {"r.example:05000x", "https://r.example:5000/", false},
        {"r.example/team", "https://r.example/", false},
        {"sub.r.example", "https://r.example/", false},
        {"r.example.org", "https://r.example/", false},
        {"", "https://r.example/", false},
        {"https://", "https://r.example/", false},
        {":443", "https://r.example/", false},
        {"ftp://r.example", "https://r.example/", false},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        char text[200];
        struct plm_docker_entry entry;
        struct plm_error err = {0};
        (void)snprintf(text, sizeof(text), "{\"auths\":{\"%s\":" PAIR "}}", rows[i].key);
        assert_true(find(text, rows[i].registry, &entry, &err));
        if ((entry.kind == PLM_DOCKER_PASSWORD) != rows[i].same)
            fail_msg("%s for %s", rows[i].key, rows[i].registry);
        if (rows[i].same)
            assert_string_equal(entry.secret.bytes, "ann:pw");
        plm_docker_entry_wipe(&entry);
    }
}

static void a_key_without_scheme_comes_first(void **state)
{
    (void)state;
    struct plm_docker_entry entry;
    struct plm_error err = {0};
    assert_true(find("{\"auths\":{\"https://r.example/v1/\":{\"auth\":\"eDp5\"},\"r.example\":" PAIR
                     ",\"https://r.example\":{\"auth\":\"eDp5\"}}}",
                     "https://r.example/", &entry, &err));
    assert_string_equal(entry.key, "r.example");
    assert_string_equal(entry.secret.bytes, "ann:pw");
    plm_docker_entry_wipe(&entry);
}

static void what_an_entry_may_hold(void **state)
{
    (void)state;
    static const struct {
        const char *entry;
        enum plm_docker_kind kind;
        const char *secret;
    } rows[] = {
        {"{}", PLM_DOCKER_NOTHING, NULL},
        {"{\"auth\":\"\"}", PLM_DOCKER_NOTHING, NULL},
        {"{\"auth\":null}", PLM_DOCKER_NOTHING, NULL},
        {"7", PLM_DOCKER_NOTHING, NULL},
        {"{\"auth\":\"YW5uOnB3AAA=\"}", PLM_DOCKER_PASSWORD, "ann:pw"},
        {"{\"auth\":\"YW5uOmE6Yg==\"}", PLM_DOCKER_PASSWORD, "ann:a:b"},
        {"{\"username\":\"ann\",\"password\":\"pw\"}", PLM_DOCKER_PASSWORD, "ann:pw"},
        {"{\"registrytoken\":\"tok\"}", PLM_DOCKER_BEARER, "tok"},
        {"{\"auth\":\"YW5uOg==\",\"identitytoken\":\"x\"}", PLM_DOCKER_IDENTITY, "x"},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        char text[200];
        struct plm_docker_entry entry;
        struct plm_error err = {0};
        (void)snprintf(text, sizeof(text), "{\"auths\":{\"r.example\":%s}}", rows[i].entry);
        if (!find(text, "https://r.example/", &entry, &err))
            fail_msg("%s: %s", text, err.msg);
        assert_int_equal(entry.kind, rows[i].kind);
        assert_string_equal(entry.secret.bytes ? entry.secret.bytes : "",
                            rows[i].secret ? rows[i].secret : "");
        plm_docker_entry_wipe(&entry);
    }
}

static void what_cannot_be_used_is_refused_without_being_quoted(void **state)
{
    (void)state;
    static const char *const entries[] = {
        "\"auths\":{\"r.example\":{\"auth\":\"c2VjcmV0\"}}",     /* no colon */
        "\"auths\":{\"r.example\":{\"auth\":\"OnNlY3JldA==\"}}", /* no name */
        "\"auths\":{\"r.example\":{\"auth\":\"YQBiOmM=\"}}",     /* a NUL inside */
        "\"auths\":{\"r.example\":{\"auth\":\"YTpiCmM=\"}}",     /* a newline */
        "\"auths\":{\"r.example\":{\"auth\":\"secret%\"}}",
        "\"auths\":{\"r.example\":{\"username\":\"a:b\",\"password\":\"secret\"}}",
        "\"credHelpers\":{\"r.example\":\"../secret\"}",
        "\"credHelpers\":{\"r.example\":\"a b\"}",
        "\"credHelpers\":{\"r.example\":\"..\"}",
        "\"credHelpers\":{\"r.example\":7}",
        "\"credsStore\":\"$(secret)\"",
        "\"credsStore\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""};
    for (size_t i = 0; i < PLM_COUNT(entries); i++) {
        char text[200];
        struct plm_docker_entry entry = {.kind = PLM_DOCKER_BEARER};
        struct plm_error err = {0};
        (void)snprintf(text, sizeof(text), "{%s}", entries[i]);
        if (find(text, "https://r.example/", &entry, &err))
            fail_msg("%s", text);
        assert_int_equal(err.code, PLM_E_PROTOCOL);
        assert_null(strstr(err.msg, "secret"));
        assert_int_equal(entry.kind, PLM_DOCKER_BEARER); /* untouched */
        assert_true(find(text, "https://other.example/", &entry, &err) ||
                    strstr(text, "credsStore"));
        if (entry.kind != PLM_DOCKER_BEARER)
            plm_docker_entry_wipe(&entry);
    }
}

static void helpers_are_named_for_one_registry_or_for_all(void **state)
{
    (void)state;
    static const char text[] = "{\"credHelpers\":{\"r.example\":\"own\"},\"credsStore\":\"all\"}";
    struct plm_docker_entry entry;
    struct plm_error err = {0};
    assert_true(find(text, "https://r.example/", &entry, &err));
    assert_string_equal(entry.helper, "own");
    assert_true(entry.helper_is_own);
    assert_true(find(text, "https://docker.io/", &entry, &err));
    assert_string_equal(entry.helper, "all");
    assert_false(entry.helper_is_own);
    assert_string_equal(entry.server, "https://index.docker.io/v1/");
}

static void hostile_files_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "{", "[]", "7", "null", "{\"a\":1,\"a\":2}", "{} {}", "{\"auths\":\xff}"};
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        struct plm_json *config = NULL;
        struct plm_error err = {0};
        assert_false(plm_docker_config_parse(texts[i], strlen(texts[i]), &config, &err));
        assert_null(config);
    }
    char deep[200] = "";
    struct plm_json *config = NULL;
    struct plm_error err = {0};
    memset(deep, '[', sizeof(deep) - 1);
    assert_false(plm_docker_config_parse(deep, strlen(deep), &config, &err));
    assert_int_equal(err.code, PLM_E_LIMIT);
}

static void change(const char *before, const char *user, const char *after)
{
    struct plm_json *config = parse(before);
    struct plm_url url = url_of("https://r.example/");
    struct plm_docker_entry entry;
    struct plm_error err = {0};
    char *text = NULL;
    assert_true(plm_docker_config_find(config, &url, false, &entry, &err));
    if (!user)
        (void)plm_docker_config_forget(config, &entry);
    else if (entry.helper[0])
        assert_true(plm_docker_config_set_helped(config, &entry, &err));
    else
        assert_true(plm_docker_config_set(config, &entry, user, "pw", &err));
    assert_true(plm_json_dump(config, &text, &err));
    assert_string_equal(text, after);
    free(text);
    plm_json_wipe(config);
}

static void a_change_keeps_order_and_everything_else(void **state)
{
    (void)state;
    change("{}", "ann", "{\"auths\":{\"r.example\":" PAIR "}}");
    change("{\"z\":1,\"auths\":{\"b\":{\"auth\":\"x\"},\"https://r.example/v1/"
           "\":{\"auth\":\"old\",\"email\":\"e\","
           "\"identitytoken\":\"t\"},\"a\":{}},\"y\":[1.5,null]}",
           "ann",
           "{\"z\":1,\"auths\":{\"b\":{\"auth\":\"x\"},\"https://r.example/v1/\":{\"email\":\"e\","
           "\"auth\":\"YW5uOnB3\"},\"a\":{}},\"y\":[1.5,null]}");
    change("{\"credsStore\":\"s\"}", "ann", "{\"credsStore\":\"s\",\"auths\":{\"r.example\":{}}}");
    change("{\"credsStore\":\"s\",\"auths\":{\"r.example\":" PAIR "}}", "ann",
           "{\"credsStore\":\"s\",\"auths\":{\"r.example\":{}}}");
    change("{\"auths\":{\"r.example\":" PAIR ",\"b\":{}},\"c\":1}", NULL,
           "{\"auths\":{\"b\":{}},\"c\":1}");
    change("{\"auths\":{\"b\":{}}}", NULL, "{\"auths\":{\"b\":{}}}");
}

static void the_path_comes_from_the_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", "/home/u", 1), 0);
    assert_int_equal(unsetenv("DOCKER_CONFIG"), 0);
    char *path = plm_docker_config_path();
    assert_string_equal(path, "/home/u/.docker/config.json");
    free(path);
    assert_int_equal(setenv("DOCKER_CONFIG", "/else", 1), 0);
    path = plm_docker_config_path();
    assert_string_equal(path, "/else/config.json");
    free(path);
    assert_int_equal(unsetenv("DOCKER_CONFIG"), 0);
    assert_int_equal(unsetenv("HOME"), 0);
    assert_null(plm_docker_config_path());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_means_its_registry_and_no_other),
        cmocka_unit_test(a_key_without_scheme_comes_first),
        cmocka_unit_test(what_an_entry_may_hold),
        cmocka_unit_test(what_cannot_be_used_is_refused_without_being_quoted),
        cmocka_unit_test(helpers_are_named_for_one_registry_or_for_all),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(a_change_keeps_order_and_everything_else),
        cmocka_unit_test(the_path_comes_from_the_environment),
    };
    return cmocka_run_group_tests_name("docker_config", tests, NULL, NULL);
}
