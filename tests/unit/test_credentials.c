#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/credentials.h"
#include "program_scripts.h"

static int begin(void **state)
{
    if (scratch_make(state) != 0 || unsetenv("HF_TOKEN") != 0)
        return -1;
    return setenv("DOCKER_CONFIG", scratch_path, 1);
}

static void put_config(const char *text)
{
    FILE *file = fopen(scratch_file("config.json"), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct plm_credential find(const char *registry)
{
    struct plm_credential c;
    struct plm_url url;
    assert_true(plm_url_parse(registry, &url, NULL));
    plm_credential_find(&url, false, NULL, &c);
    return c;
}

static void the_hubs_token_is_for_its_two_names_over_checked_tls(void **state)
{
    (void)state;
    static const struct {
        const char *registry;
        bool insecure_tls, has;
    } rows[] = {
        {"https://huggingface.co/v2/", false, true}, {"https://hf.co/v2/", false, true},
        {"https://HF.co:443/v2/", false, true},      {"https://hf.co/v2/", true, false},
        {"http://hf.co/v2/", false, false},          {"https://hf.co:8443/v2/", false, false},
        {"https://x.hf.co/v2/", false, false},       {"https://hf.co.evil.example/", false, false},
        {"https://xhf.co/", false, false},           {"https://registry.ollama.ai/", false, false},
    };
    assert_int_equal(setenv("HF_TOKEN", " hf_abc\n", 1), 0);
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_credential c;
        struct plm_url url;
        assert_true(plm_url_parse(rows[i].registry, &url, NULL));
        plm_credential_find(&url, rows[i].insecure_tls, NULL, &c);
        if ((c.kind == PLM_CREDENTIAL_BEARER) != rows[i].has)
            fail_msg("%s", rows[i].registry);
        if (rows[i].has)
            assert_string_equal(c.header.bytes, "Bearer hf_abc");
        plm_credential_wipe(&c);
    }
}

static void a_token_that_would_break_a_header_is_a_problem(void **state)
{
    (void)state;
    static const char *const values[] = {"a b", "a\r\nX: y", "\x01", "\xc3\xa9"};
    for (size_t i = 0; i < PLM_COUNT(values); i++) {
        assert_int_equal(setenv("HF_TOKEN", values[i], 1), 0);
        struct plm_credential c = find("https://hf.co/");
        assert_int_equal(c.kind, PLM_CREDENTIAL_NONE);
        assert_true(c.is_warning);
        assert_null(strstr(c.problem, values[i]));
    }
}

static void a_password_becomes_a_basic_header(void **state)
{
    (void)state;
    put_config("{\"auths\":{\"r.example\":{\"auth\":\"YW5uOnB3\"}}}");
    struct plm_credential c = find("https://r.example/");
    assert_int_equal(c.kind, PLM_CREDENTIAL_PASSWORD);
    assert_string_equal(c.header.bytes, "Basic YW5uOnB3");
    assert_string_equal(c.source, scratch_file("config.json"));
    plm_credential_wipe(&c);
    assert_int_equal(c.kind, PLM_CREDENTIAL_NONE);
    c = find("https://other.example/");
    assert_int_equal(c.kind, PLM_CREDENTIAL_NONE);
    assert_string_equal(c.problem, "");
}

static void no_file_is_no_problem_and_a_broken_one_is_named(void **state)
{
    (void)state;
    struct plm_credential c = find("https://r.example/");
    assert_string_equal(c.problem, "");
    put_config("{");
    c = find("https://r.example/");
    assert_true(c.is_warning);
    assert_non_null(strstr(c.problem, scratch_file("config.json")));
    put_config("{\"auths\":{\"r.example\":{\"identitytoken\":\"hid den\"}}}");
    c = find("https://r.example/");
    assert_true(c.is_warning);
    assert_non_null(strstr(c.problem, "identity token"));
    assert_null(strstr(c.problem, "hid"));
    plm_credential_wipe(&c);
}

static void an_identity_token_is_kept_for_the_realm(void **state)
{
    (void)state;
    script_make("docker-credential-t",
                "echo '{\"Username\":\"<token>\",\"Secret\":\"of-helper\"}'");
    put_config("{\"credsStore\":\"t\",\"auths\":{\"r.example\":{\"identitytoken\":\"of-file\"}}}");
    struct plm_credential c = find("https://r.example/");
    assert_int_equal(c.kind, PLM_CREDENTIAL_IDENTITY);
    assert_string_equal(c.identity->bytes, "of-helper");
    assert_int_equal(c.header.size, 0);
    plm_credential_wipe(&c);
    assert_null(c.identity);
    put_config("{\"auths\":{\"r.example\":{\"auth\":\"YW5uOg==\",\"identitytoken\":\"of-file\"}}}");
    c = find("https://r.example/");
    assert_int_equal(c.kind, PLM_CREDENTIAL_IDENTITY);
    assert_string_equal(c.identity->bytes, "of-file");
    plm_credential_wipe(&c);
}

static void a_helper_comes_before_the_file(void **state)
{
    (void)state;
    script_make("docker-credential-t", "echo '{\"Username\":\"bob\",\"Secret\":\"pw\"}'");
    put_config("{\"credsStore\":\"t\",\"auths\":{\"r.example\":{\"auth\":\"YW5uOnB3\"}}}");
    struct plm_credential c = find("https://r.example/");
    assert_string_equal(c.header.bytes, "Basic Ym9iOnB3");
    assert_string_equal(c.source, "docker-credential-t");
    plm_credential_wipe(&c);
    script_make("docker-credential-t", "exit 1");
    c = find("https://r.example/");
    assert_string_equal(c.header.bytes, "Basic YW5uOnB3");
    plm_credential_wipe(&c);
}

static void plain_text_goes_to_the_same_host_alone(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *realm;
        bool may;
    } rows[] = {
        {"https://r.example/", "https://auth.example/", true},
        {"https://r.example/", "http://r.example/", false},
        {"http://r.example:5000/", "https://auth.example/", true},
        {"http://r.example:5000/", "http://r.example:5001/", true},
        {"http://r.example:5000/", "http://auth.example/", false},
        {"http://127.0.0.1:5000/", "http://localhost:5001/", true},
        {"http://r.example/", "http://127.0.0.1/", false},
        {"http://127.0.0.1/", "http://r.example/", false},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_url origin, realm;
        assert_true(plm_url_parse(rows[i].origin, &origin, NULL));
        assert_true(plm_url_parse(rows[i].realm, &realm, NULL));
        if (plm_credential_may_go(&origin, &realm) != rows[i].may)
            fail_msg("%s to %s", rows[i].origin, rows[i].realm);
    }
}

static void what_was_typed_is_checked(void **state)
{
    (void)state;
    struct plm_credential c;
    struct plm_error err = {0};
    assert_true(plm_credential_of_password("ann", "pw", "here", &c, &err));
    assert_string_equal(c.header.bytes, "Basic YW5uOnB3");
    plm_credential_wipe(&c);
    assert_false(plm_credential_of_password("a:b", "pw", "here", &c, &err));
    assert_int_equal(err.code, PLM_E_USAGE);
    err = (struct plm_error){0};
    assert_false(plm_credential_of_password("a", "", "here", &c, &err));
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, begin, scratch_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(the_hubs_token_is_for_its_two_names_over_checked_tls),
        WITH_SCRATCH(a_token_that_would_break_a_header_is_a_problem),
        WITH_SCRATCH(a_password_becomes_a_basic_header),
        WITH_SCRATCH(no_file_is_no_problem_and_a_broken_one_is_named),
        WITH_SCRATCH(an_identity_token_is_kept_for_the_realm),
        WITH_SCRATCH(a_helper_comes_before_the_file),
        WITH_SCRATCH(plain_text_goes_to_the_same_host_alone),
        WITH_SCRATCH(what_was_typed_is_checked),
    };
    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
