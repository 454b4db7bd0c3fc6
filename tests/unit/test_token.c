#include "session_world.h"

#include <openssl/evp.h>

#include "base/encode.h"

#define EMPTY_HASH                                                                                 \
    "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ=="

struct wait {
    struct plm_token_waiter waiter;
    bool over;
    enum plm_retry_action action;
    struct plm_error error;
    struct plm_registry **frees; /* freed when told */
};

static void on_ready(void *ctx, const struct plm_retry_verdict *verdict,
                     const struct plm_error *error)
{
    struct wait *wait = ctx;
    wait->over = true;
    wait->action = verdict->action;
    if (error)
        wait->error = *error;
    if (wait->frees) {
        plm_registry_free(*wait->frees);
        *wait->frees = NULL;
    }
}

static enum plm_token_renewal renew(struct world *world, struct wait *wait, const char *challenge)
{
    enum plm_token_renewal renewal = PLM_TOKEN_BEHIND;
    struct plm_error err = {0};
    memset(wait, 0, sizeof(*wait));
    wait->waiter = (struct plm_token_waiter){.ready = on_ready, .ctx = wait};
    if (!plm_tokens_renew(world->registry->tokens, challenge, &wait->waiter, &renewal, &err))
        fail_msg("%s", err.msg);
    return renewal;
}

static const char *challenge_of(const struct server *realm)
{
    static char text[256];
    (void)snprintf(text, sizeof(text),
                   "Bearer realm=\"http://%s/token\",service=\"svc\",scope=\"s\"", realm->host);
    return text;
}

static const char *authorization(struct world *world)
{
    uint64_t generation;
    return plm_tokens_authorization(world->registry->tokens, &generation);
}

static void give_token(void *ctx, const struct server *server, const struct seen *request,
                       struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 200, "", "{\"token\":\"t0k\"}");
}

static void give_token_unsigned(void *ctx, const struct server *server, const struct seen *request,
                                struct plm_buf *out)
{
    if (*sent_header(request, "Authorization"))
        reply(out, 401, "", "unknown key");
    else
        give_token(ctx, server, request, out);
}

static void refuse(void *ctx, const struct server *server, const struct seen *request,
                   struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 403, "", "no");
}

static void assert_signed(struct world *world, const struct seen *request)
{
    struct plm_error err = {0};
    struct plm_buf line = PLM_BUF_INIT(256), signature = PLM_BUF_INIT(128),
                   text = PLM_BUF_INIT(4096);
    assert_true(plm_sshkey_public_line(&world->key, &line, &err));
    const char *sent = sent_header(request, "Authorization"), *colon = strchr(sent, ':');
    assert_non_null(colon);
    assert_int_equal(colon - sent, 68);
    assert_memory_equal(sent, line.bytes + 12, 68);
    assert_true(plm_base64_decode(colon + 1, strlen(colon + 1), &signature, &err));
    assert_int_equal(signature.size, 64);
    assert_true(plm_buf_printf(&text, &err, "GET,http://%s%s,%s", world->registry_server.host,
                               request->target, EMPTY_HASH));
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, world->key.public_key, 32);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(md, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(md, (unsigned char *)signature.bytes, 64,
                                      (unsigned char *)text.bytes, text.size),
                     1);
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    plm_buf_done(&line);
    plm_buf_done(&signature);
    plm_buf_done(&text);
}

static void the_registrys_own_realm_gets_a_good_signature(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    world_open(&world, give_token, refuse);
    world_make_key(&world);
    assert_null(authorization(&world));
    assert_int_equal(renew(&world, &wait, challenge_of(&world.registry_server)), PLM_TOKEN_STARTED);
    world_run(&world, &wait.over);
    assert_int_equal(wait.action, PLM_RETRY_ACCEPT);
    assert_string_equal(authorization(&world), "Bearer t0k");
    const struct seen *request = server_seen(&world.registry_server, 0);
    assert_signed(&world, request);
    assert_true(is_below(request, "/token?nonce="));
    assert_non_null(strstr(request->target, "&scope=s&service=svc&ts="));
    assert_string_equal(sent_header(request, "User-Agent"), "ollama/0.0.0 test");
    world_close(&world);
}

static void two_signatures_never_share_a_nonce(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    world_open(&world, give_token, refuse);
    world_make_key(&world);
    for (int i = 0; i < 2; i++) {
        (void)renew(&world, &wait, challenge_of(&world.registry_server));
        world_run(&world, &wait.over);
    }
    assert_string_not_equal(server_seen(&world.registry_server, 0)->target,
                            server_seen(&world.registry_server, 1)->target);
    world_close(&world);
}

static void a_refused_signature_is_followed_by_an_anonymous_request(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    world_open(&world, give_token_unsigned, refuse);
    world_make_key(&world);
    (void)renew(&world, &wait, challenge_of(&world.registry_server));
    world_run(&world, &wait.over);
    assert_int_equal(wait.action, PLM_RETRY_ACCEPT);
    assert_int_equal(server_count(&world.registry_server), 2);
    assert_string_equal(server_seen(&world.registry_server, 1)->target,
                        "/token?scope=s&service=svc");
    world_close(&world);
}

static void a_realm_on_another_host_never_gets_a_signature(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    world_open(&world, refuse, give_token);
    world_make_key(&world);
    (void)renew(&world, &wait, challenge_of(&world.other_server));
    world_run(&world, &wait.over);
    assert_int_equal(wait.action, PLM_RETRY_ACCEPT);
    const struct seen *request = server_seen(&world.other_server, 0);
    assert_string_equal(sent_header(request, "Authorization"), "");
    assert_string_equal(request->target, "/token?scope=s&service=svc");
    assert_int_equal(server_count(&world.registry_server), 0);
    world_close(&world);
}

static void a_refusal_says_what_is_missing(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    world_open(&world, refuse, refuse);
    (void)renew(&world, &wait, challenge_of(&world.registry_server));
    world_run(&world, &wait.over);
    assert_int_equal(wait.action, PLM_RETRY_FAIL);
    assert_int_equal(wait.error.code, PLM_E_AUTH);
    assert_non_null(strstr(wait.error.msg, "there is none at"));
    assert_non_null(strstr(wait.error.msg, world.key_path));
    assert_int_equal(server_count(&world.registry_server), 1);

    world_make_key(&world);
    (void)renew(&world, &wait, challenge_of(&world.registry_server));
    world_run(&world, &wait.over);
    assert_non_null(strstr(wait.error.msg, "refused the key at"));
    assert_int_equal(server_count(&world.registry_server), 3);

    (void)renew(&world, &wait, challenge_of(&world.other_server));
    world_run(&world, &wait.over);
    assert_int_equal(wait.error.code, PLM_E_AUTH);
    assert_non_null(strstr(wait.error.msg, world.other_server.host));

    FILE *file = fopen(world.key_path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    (void)renew(&world, &wait, challenge_of(&world.registry_server));
    world_run(&world, &wait.over);
    assert_int_equal(wait.error.code, PLM_E_AUTH);
    assert_non_null(strstr(wait.error.msg, "no private key"));
    world_close(&world);
}

static void challenges_that_cannot_be_met_are_refused_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *challenge;
        enum plm_code code;
    } rows[] = {
        {"", PLM_E_AUTH},
        {"Basic realm=\"x\"", PLM_E_AUTH},
        {"Digest realm=\"x\"", PLM_E_AUTH},
        {"Bearer realm=\"ftp://h/t\"", PLM_E_PROTOCOL},
        {"Bearer realm=\"/token\"", PLM_E_PROTOCOL},
        {"Bearer realm=\"http://user@h/t\"", PLM_E_PROTOCOL},
    };
    struct world world;
    world_open(&world, refuse, refuse);
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct wait wait = {.over = false};
        enum plm_token_renewal renewal;
        struct plm_error err = {0};
        assert_false(plm_tokens_renew(world.registry->tokens, rows[i].challenge, &wait.waiter,
                                      &renewal, &err));
        assert_int_equal(err.code, rows[i].code);
    }
    world_close(&world);
}

static void a_registry_on_https_gets_no_token_over_http(void **state)
{
    (void)state;
    struct world world;
    struct wait wait = {.over = false};
    enum plm_token_renewal renewal;
    struct plm_error err = {0};
    world_open(&world, give_token, give_token);
    (void)strcpy(world.registry->origin.scheme, "https");
    assert_false(plm_tokens_renew(world.registry->tokens, challenge_of(&world.registry_server),
                                  &wait.waiter, &renewal, &err));
    assert_int_equal(err.code, PLM_E_PROTOCOL);
    assert_int_equal(server_count(&world.registry_server), 0);
    world_close(&world);
}

static void those_who_ask_at_once_share_one_exchange(void **state)
{
    (void)state;
    struct world world;
    struct wait waits[4];
    world_open(&world, give_token, refuse);
    const char *challenge = challenge_of(&world.registry_server);
    assert_int_equal(renew(&world, &waits[0], challenge), PLM_TOKEN_STARTED);
    assert_int_equal(renew(&world, &waits[1], challenge), PLM_TOKEN_JOINED);
    assert_int_equal(renew(&world, &waits[2], challenge), PLM_TOKEN_JOINED);
    assert_int_equal(renew(&world, &waits[3], "Bearer realm=\"http://h/other\""), PLM_TOKEN_BEHIND);
    plm_token_leave(&waits[1].waiter);
    world_run(&world, &waits[3].over);
    assert_true(waits[0].over && waits[2].over);
    assert_false(waits[1].over);
    assert_int_equal(server_count(&world.registry_server), 1);
    world_close(&world);
}

static void the_session_may_be_freed_by_the_first_who_is_told(void **state)
{
    (void)state;
    struct world world;
    struct wait first, second;
    world_open(&world, give_token, refuse);
    (void)renew(&world, &first, challenge_of(&world.registry_server));
    (void)renew(&world, &second, challenge_of(&world.registry_server));
    first.frees = &world.registry;
    world_run(&world, &first.over);
    assert_false(second.over);
    assert_null(world.registry);
    world_close(&world);
}

static const char *const answers[] = {
    "",
    "[]",
    "{}",
    "{\"token\":\"\"}",
    "{\"token\":7}",
    "{\"token\":\"a b\"}",
    "{\"token\":\"a\\r\\nX-Evil: 1\"}",
    "{\"token\":\"\\u00e4\"}",
};

static void give_bad_token(void *ctx, const struct server *server, const struct seen *request,
                           struct plm_buf *out)
{
    (void)ctx;
    (void)request;
    reply(out, 200, "", answers[(server->count - 1) % PLM_COUNT(answers)]);
}

static void an_unusable_token_is_a_protocol_error(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    world_open(&world, give_bad_token, refuse);
    for (size_t i = 0; i < PLM_COUNT(answers); i++) {
        (void)renew(&world, &wait, challenge_of(&world.registry_server));
        world_run(&world, &wait.over);
        assert_int_equal(wait.action, PLM_RETRY_FAIL);
        assert_int_equal(wait.error.code, PLM_E_PROTOCOL);
        assert_null(authorization(&world));
    }
    world_close(&world);
}

static void fail_for_a_while(void *ctx, const struct server *server, const struct seen *request,
                             struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 503, "Retry-After: 77\r\n", "busy");
}

static void a_busy_realm_is_a_reason_to_come_again_later(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    world_open(&world, fail_for_a_while, refuse);
    (void)renew(&world, &wait, challenge_of(&world.registry_server));
    world_run(&world, &wait.over);
    assert_int_equal(wait.action, PLM_RETRY_LATER);
    assert_true(wait.error.code != PLM_OK);
    assert_true(plm_hosts_wait(&world.registry->hosts, world.registry_server.host,
                               plm_loop_now(world.loop)) > 70000);
    world_close(&world);
}

static void give_short_token(void *ctx, const struct server *server, const struct seen *request,
                             struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 200, "", "{\"access_token\":\"brief\",\"expires_in\":1}");
}

static void an_access_token_is_used_until_it_expires(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    struct plm_error err = {0};
    world_open(&world, give_short_token, refuse);
    (void)renew(&world, &wait, challenge_of(&world.registry_server));
    world_run(&world, &wait.over);
    assert_string_equal(authorization(&world), "Bearer brief");
    int64_t start = plm_os_monotonic_ms();
    while (authorization(&world)) {
        assert_true(plm_loop_step(world.loop, 20, &err));
        assert_true(plm_os_monotonic_ms() - start < 5000);
    }
    world_close(&world);
}

static void redirect_to_other(void *ctx, const struct server *server, const struct seen *request,
                              struct plm_buf *out)
{
    struct world *world = ctx;
    (void)server;
    (void)request;
    reply_location(out, 307, world->other_server.host, "/elsewhere");
}

static void a_redirected_realm_loses_the_signature(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    world_open(&world, redirect_to_other, give_token);
    world_make_key(&world);
    (void)renew(&world, &wait, challenge_of(&world.registry_server));
    world_run(&world, &wait.over);
    assert_int_equal(wait.action, PLM_RETRY_ACCEPT);
    assert_signed(&world, server_seen(&world.registry_server, 0));
    assert_string_equal(sent_header(server_seen(&world.other_server, 0), "Authorization"), "");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_registrys_own_realm_gets_a_good_signature),
        cmocka_unit_test(two_signatures_never_share_a_nonce),
        cmocka_unit_test(a_refused_signature_is_followed_by_an_anonymous_request),
        cmocka_unit_test(a_realm_on_another_host_never_gets_a_signature),
        cmocka_unit_test(a_refusal_says_what_is_missing),
        cmocka_unit_test(challenges_that_cannot_be_met_are_refused_at_once),
        cmocka_unit_test(a_registry_on_https_gets_no_token_over_http),
        cmocka_unit_test(those_who_ask_at_once_share_one_exchange),
        cmocka_unit_test(the_session_may_be_freed_by_the_first_who_is_told),
        cmocka_unit_test(an_unusable_token_is_a_protocol_error),
        cmocka_unit_test(a_busy_realm_is_a_reason_to_come_again_later),
        cmocka_unit_test(an_access_token_is_used_until_it_expires),
        cmocka_unit_test(a_redirected_realm_loses_the_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
