#include "session_world.h"

#include "net/token_private.h"

#define PASSWORD "Basic YW5uOnB3"

struct wait {
    struct plm_token_waiter waiter;
    bool over;
    enum plm_retry_action action;
    struct plm_error error;
};

static void on_ready(void *ctx, const struct plm_retry_verdict *verdict,
                     const struct plm_error *error)
{
    struct wait *wait = ctx;
    wait->over = true;
    wait->action = verdict->action;
    if (error)
        wait->error = *error;
}

/* Asks for a token and waits for it, when there is something to wait for. */
static bool renew(struct world *world, struct wait *wait, const char *challenge,
                  enum plm_token_renewal *renewal)
{
    memset(wait, 0, sizeof(*wait));
    wait->waiter = (struct plm_token_waiter){.ready = on_ready, .ctx = wait};
    if (!plm_tokens_renew(world->registry->tokens, challenge, &wait->waiter, renewal, &wait->error))
        return false;
    world_run(world, &wait->over);
    return wait->action == PLM_RETRY_ACCEPT;
}

static const char *challenge_of(const struct server *realm)
{
    static char text[256];
    (void)snprintf(text, sizeof(text), "Bearer realm=\"http://%s/token\",service=\"svc\"",
                   realm->host);
    return text;
}

static const char *authorization(struct world *world)
{
    uint64_t generation;
    return plm_tokens_authorization(world->registry->tokens, &generation);
}

static bool is_shown(struct world *world)
{
    bool shown = false;
    struct plm_error err = {0};
    assert_true(plm_tokens_credential_shown(world->registry->tokens, &shown, &err));
    return shown;
}

static void give_token(void *ctx, const struct server *server, const struct seen *request,
                       struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 200, "", "{\"token\":\"t0k\"}");
}

static void refuse(void *ctx, const struct server *server, const struct seen *request,
                   struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 401, "", "no");
}

static void send_elsewhere(void *ctx, const struct server *server, const struct seen *request,
                           struct plm_buf *out)
{
    const struct world *world = ctx;
    (void)server;
    (void)request;
    reply_location(out, 307, world->other_server.host, "/token");
}

static void a_basic_challenge_needs_no_realm(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    enum plm_token_renewal renewal;
    world_open(&world, refuse, refuse);
    world_keep_password(&world);
    assert_true(renew(&world, &wait, "Basic realm=x", &renewal));
    assert_int_equal(renewal, PLM_TOKEN_DIRECT);
    assert_string_equal(authorization(&world), PASSWORD);
    assert_true(is_shown(&world));
    assert_int_equal(server_count(&world.registry_server), 0);
    /* refused: said once, with its source, and not shown again */
    assert_false(renew(&world, &wait, "Basic realm=x", &renewal));
    assert_int_equal(wait.error.code, PLM_E_AUTH);
    assert_non_null(strstr(wait.error.msg, "the test"));
    assert_null(authorization(&world));
    world_close(&world);
}

static void without_a_password_the_way_to_one_is_told(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    enum plm_token_renewal renewal;
    world_open(&world, refuse, refuse);
    (void)strcpy(world.credential.problem, "the file is broken");
    assert_false(renew(&world, &wait, "Basic realm=x", &renewal));
    assert_int_equal(wait.error.code, PLM_E_AUTH);
    assert_non_null(strstr(wait.error.msg, "pullama login "));
    assert_non_null(strstr(wait.error.msg, "the file is broken"));
    world_close(&world);
}

static void a_realm_is_shown_the_password_and_not_the_key(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    enum plm_token_renewal renewal;
    world_open(&world, give_token, give_token);
    world_make_key(&world);
    world_keep_password(&world);
    assert_false(is_shown(&world));
    assert_true(renew(&world, &wait, challenge_of(&world.registry_server), &renewal));
    assert_string_equal(sent_header(server_seen(&world.registry_server, 0), "Authorization"),
                        PASSWORD);
    assert_true(is_shown(&world));
    assert_string_equal(authorization(&world), "Bearer t0k");
    /* one elsewhere too: both are on this machine */
    assert_true(renew(&world, &wait, challenge_of(&world.other_server), &renewal));
    assert_string_equal(sent_header(server_seen(&world.other_server, 0), "Authorization"),
                        PASSWORD);
    world_close(&world);
}

static void a_realm_that_redirects_takes_it_no_further(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    enum plm_token_renewal renewal;
    world_open(&world, send_elsewhere, give_token);
    world_keep_password(&world);
    assert_true(renew(&world, &wait, challenge_of(&world.registry_server), &renewal));
    assert_string_equal(sent_header(server_seen(&world.other_server, 0), "Authorization"), "");
    assert_false(is_shown(&world)); /* anyone would have got this token */
    world_close(&world);
}

static void a_password_that_was_kept_back_is_told_of_though_there_is_a_token(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    enum plm_token_renewal renewal;
    bool shown = true;
    struct plm_error err = {0};
    world_open(&world, give_token, give_token);
    world_keep_password(&world);
    /* the realm is on this machine, and the registry, as far as its name tells, is not */
    (void)strcpy(world.registry->origin.host, "r.example");
    assert_true(renew(&world, &wait, challenge_of(&world.other_server), &renewal));
    assert_string_equal(sent_header(server_seen(&world.other_server, 0), "Authorization"), "");
    assert_false(plm_tokens_credential_shown(world.registry->tokens, &shown, &err));
    assert_int_equal(err.code, PLM_E_AUTH);
    assert_non_null(strstr(err.msg, "may not go"));
    assert_non_null(strstr(err.msg, world.other_server.host));
    assert_true(shown);
    world_close(&world);
}

static void a_refused_password_is_told_with_its_source(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    enum plm_token_renewal renewal;
    world_open(&world, refuse, refuse);
    world_keep_password(&world);
    world_make_key(&world);
    assert_false(renew(&world, &wait, challenge_of(&world.registry_server), &renewal));
    assert_int_equal(wait.error.code, PLM_E_AUTH);
    assert_int_equal(wait.error.http_status, 401);
    assert_non_null(strstr(wait.error.msg, "refused the credentials from the test"));
    assert_int_equal(server_count(&world.registry_server), 1); /* nothing else is tried */
    world_close(&world);
}

static void a_refused_token_of_the_user_leaves_the_key(void **state)
{
    (void)state;
    struct world world;
    struct wait wait;
    enum plm_token_renewal renewal;
    world_open(&world, give_token, refuse);
    world_make_key(&world);
    world_keep_password(&world);
    world.credential.kind = PLM_CREDENTIAL_BEARER;
    assert_true(renew(&world, &wait, challenge_of(&world.registry_server), &renewal));
    assert_int_equal(renewal, PLM_TOKEN_DIRECT);
    assert_true(renew(&world, &wait, challenge_of(&world.registry_server), &renewal));
    assert_int_equal(renewal, PLM_TOKEN_STARTED);
    assert_string_equal(authorization(&world), "Bearer t0k");
    assert_non_null(
        strchr(sent_header(server_seen(&world.registry_server, 0), "Authorization"), ':'));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_basic_challenge_needs_no_realm),
        cmocka_unit_test(without_a_password_the_way_to_one_is_told),
        cmocka_unit_test(a_realm_is_shown_the_password_and_not_the_key),
        cmocka_unit_test(a_realm_that_redirects_takes_it_no_further),
        cmocka_unit_test(a_password_that_was_kept_back_is_told_of_though_there_is_a_token),
        cmocka_unit_test(a_refused_password_is_told_with_its_source),
        cmocka_unit_test(a_refused_token_of_the_user_leaves_the_key),
    };
    return cmocka_run_group_tests_name("token_proof", tests, NULL, NULL);
}
