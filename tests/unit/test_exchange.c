#include "session_world.h"

#include "net/exchange.h"

struct got {
    bool over;
    enum plm_retry_action action;
    struct plm_error error;
    char body[256];
    char url[512];
};

static void on_done(void *ctx, const struct plm_exchange_result *result)
{
    struct got *got = ctx;
    got->over = true;
    got->action = result->verdict.action;
    if (result->error)
        got->error = *result->error;
    if (result->outcome && result->outcome->body.size > 0)
        (void)snprintf(got->body, sizeof(got->body), "%s", result->outcome->body.bytes);
    (void)snprintf(got->url, sizeof(got->url), "%.511s", result->url);
}

static void begin(struct world *world, struct plm_exchange *exchange, const char *target,
                  struct got *got)
{
    char url[512];
    struct plm_error err = {0};
    memset(got, 0, sizeof(*got));
    (void)snprintf(url, sizeof(url), "http://%s%s", world->registry_server.host, target);
    const struct plm_exchange_request request = {.url = url, .what = "thing", .body_max = 200};
    assert_true(plm_exchange_start(exchange, world->registry, &request, on_done, got, &err));
}

static struct got get(struct world *world, const char *target)
{
    static struct plm_exchange exchange;
    struct got got;
    begin(world, &exchange, target, &got);
    world_run(world, &got.over);
    return got;
}

/* /hop/N redirects N times within the registry, then says "there". */
static void hop(void *ctx, const struct server *server, const struct seen *request,
                struct plm_buf *out)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    (void)ctx;
    int left = atoi(request->target + strlen("/hop/"));
    char headers[128];
    if (left == 0) {
        reply(out, 200, "", "there");
        return;
    }
    /* absolute and relative by turns */
    (void)snprintf(headers, sizeof(headers),
                   left % 2 ? "Location: %d\r\n" : "Location: /hop/%d\r\n", left - 1);
    reply(out, statuses[server->count % 5], headers, "moved");
}

static void answer_nothing(void *ctx, const struct server *server, const struct seen *request,
                           struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 200, "", "other");
}

static void ten_redirects_are_followed_and_no_more(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, hop, answer_nothing);
    struct got got = get(&world, "/hop/10");
    assert_int_equal(got.action, PLM_RETRY_ACCEPT);
    assert_string_equal(got.body, "there");
    assert_non_null(strstr(got.url, "/hop/0"));
    assert_int_equal(server_count(&world.registry_server), 11);
    got = get(&world, "/hop/11");
    assert_int_equal(got.action, PLM_RETRY_FAIL);
    assert_int_equal(got.error.code, PLM_E_PROTOCOL);
    assert_non_null(strstr(got.error.msg, "more than 10 times"));
    assert_int_equal(server_count(&world.registry_server), 22);
    world_close(&world);
}

static void misdirect(void *ctx, const struct server *server, const struct seen *request,
                      struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    if (is_target(request, "/nowhere"))
        reply(out, 307, "", "");
    else if (is_target(request, "/file"))
        reply(out, 307, "Location: file:///etc/passwd\r\n", "");
    else if (is_target(request, "/odd"))
        reply(out, 300, "", "");
    else
        reply(out, 204, "", "");
}

static void a_redirect_must_lead_somewhere(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, misdirect, answer_nothing);
    static const char *const targets[] = {"/nowhere", "/file", "/odd", "/empty"};
    for (size_t i = 0; i < PLM_COUNT(targets); i++) {
        struct got got = get(&world, targets[i]);
        assert_int_equal(got.action, PLM_RETRY_FAIL);
        assert_true(got.error.code != PLM_OK);
        assert_int_equal(server_count(&world.registry_server), i + 1);
    }
    world_close(&world);
}

/* Wants a token; /away leads to the other server, /never is never satisfied, /basic wants a
 * password. */
static void guard(void *ctx, const struct server *server, const struct seen *request,
                  struct plm_buf *out)
{
    struct world *world = ctx;
    if (is_below(request, "/token"))
        reply(out, 200, "", "{\"token\":\"t0k\"}");
    else if (is_target(request, "/basic"))
        reply(out, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
    else if (is_target(request, "/never") ||
             strcmp(sent_header(request, "Authorization"), "Bearer t0k") != 0)
        reply_challenge(out, server->host);
    else if (is_target(request, "/away"))
        reply_location(out, 302, world->other_server.host, "/target");
    else
        reply(out, 200, "", "inside");
}

static void a_challenge_is_answered_once_and_the_token_kept(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, guard, answer_nothing);
    struct got got = get(&world, "/a");
    assert_string_equal(got.body, "inside");
    assert_int_equal(server_count(&world.registry_server), 3);
    got = get(&world, "/b");
    assert_string_equal(got.body, "inside");
    assert_int_equal(server_count(&world.registry_server), 4);
    assert_int_equal(world.refreshes, 0);
    world_close(&world);
}

static void many_challenged_at_once_share_one_token(void **state)
{
    (void)state;
    enum { MANY = 5 };
    struct world world;
    struct plm_exchange *exchanges = calloc(MANY, sizeof(*exchanges));
    struct got got[MANY];
    assert_non_null(exchanges);
    world_open(&world, guard, answer_nothing);
    for (size_t i = 0; i < MANY; i++)
        begin(&world, &exchanges[i], "/a", &got[i]);
    for (size_t i = 0; i < MANY; i++) {
        world_run(&world, &got[i].over);
        assert_string_equal(got[i].body, "inside");
    }
    assert_int_equal(server_count_of(&world.registry_server, "/token"), 1);
    world_close(&world);
    free(exchanges);
}

static void an_endless_401_ends(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, guard, answer_nothing);
    struct got got = get(&world, "/never");
    assert_int_equal(got.action, PLM_RETRY_FAIL);
    assert_int_equal(got.error.code, PLM_E_AUTH);
    assert_int_equal(got.error.http_status, 401);
    assert_int_equal(server_count_of(&world.registry_server, "/never"), 2);
    assert_int_equal(server_count_of(&world.registry_server, "/token"), 1);
    got = get(&world, "/never");
    assert_int_equal(got.error.code, PLM_E_AUTH);
    assert_int_equal(server_count_of(&world.registry_server, "/never"), 4);
    assert_int_equal(world.refreshes, 1);
    world_close(&world);
}

static void a_password_cannot_be_sent(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, guard, answer_nothing);
    struct got got = get(&world, "/basic");
    assert_int_equal(got.error.code, PLM_E_AUTH);
    assert_non_null(strstr(got.error.msg, "user name and password"));
    world_close(&world);
}

static void a_redirect_to_another_origin_drops_the_token(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, guard, answer_nothing);
    struct got got = get(&world, "/away");
    assert_string_equal(got.body, "other");
    const struct seen *request = server_seen(&world.other_server, 0);
    assert_string_equal(sent_header(request, "Authorization"), "");
    assert_null(strstr(sent_header(request, "User-Agent"), "ollama"));
    world_close(&world);
}

static void refuse_target(void *ctx, const struct server *server, const struct seen *request,
                          struct plm_buf *out)
{
    (void)ctx;
    (void)request;
    static const int statuses[] = {401, 403, 404, 410};
    reply(out, statuses[(server->count - 1) % 4],
          "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:1/steal\"\r\n", "");
}

static void a_target_that_refuses_is_resolved_again(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, guard, refuse_target);
    for (int i = 0; i < 4; i++) {
        struct got got = get(&world, "/away");
        assert_int_equal(got.action, PLM_RETRY_RERESOLVE);
        assert_true(got.error.code != PLM_OK);
    }
    assert_int_equal(server_count_of(&world.registry_server, "/token"), 1);
    world_close(&world);
}

static void be_busy_once(void *ctx, const struct server *server, const struct seen *request,
                         struct plm_buf *out)
{
    (void)ctx;
    (void)request;
    if (server->count == 1)
        reply(out, 429, "Retry-After: 1\r\n", "");
    else
        reply(out, 200, "", "now");
}

static void retry_after_holds_the_host_back(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, be_busy_once, answer_nothing);
    struct got got = get(&world, "/a");
    int64_t start = plm_os_monotonic_ms();
    assert_int_equal(got.action, PLM_RETRY_LATER);
    got = get(&world, "/b");
    assert_string_equal(got.body, "now");
    assert_in_range(plm_os_monotonic_ms() - start, 900, 10000);
    world_close(&world);
}

static void a_cancelled_exchange_stays_silent(void **state)
{
    (void)state;
    struct world world;
    static struct plm_exchange sent, held, waiting;
    struct got got[3], last;
    struct plm_error err = {0};
    world_open(&world, guard, answer_nothing);
    begin(&world, &sent, "/a", &got[0]);
    plm_exchange_cancel(&sent);
    plm_exchange_cancel(&sent);

    begin(&world, &waiting, "/a", &got[1]);
    while (!waiting.waiter.link)
        assert_true(plm_loop_step(world.loop, 20, &err));
    plm_exchange_cancel(&waiting);

    static struct plm_http_outcome busy = {.end = PLM_HTTP_ANSWERED,
                                           .head = {.status = 429, .retry_after_ms = 60000}};
    struct plm_hosts before = world.registry->hosts;
    plm_hosts_note(&world.registry->hosts, world.registry_server.host, &busy,
                   plm_loop_now(world.loop));
    begin(&world, &held, "/a", &got[2]);
    assert_true(held.timer.armed);
    plm_exchange_cancel(&held);
    assert_false(held.timer.armed);
    world.registry->hosts = before;

    last = get(&world, "/b");
    assert_string_equal(last.body, "inside");
    assert_false(got[0].over || got[1].over || got[2].over);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_redirects_are_followed_and_no_more),
        cmocka_unit_test(a_redirect_must_lead_somewhere),
        cmocka_unit_test(a_challenge_is_answered_once_and_the_token_kept),
        cmocka_unit_test(many_challenged_at_once_share_one_token),
        cmocka_unit_test(an_endless_401_ends),
        cmocka_unit_test(a_password_cannot_be_sent),
        cmocka_unit_test(a_redirect_to_another_origin_drops_the_token),
        cmocka_unit_test(a_target_that_refuses_is_resolved_again),
        cmocka_unit_test(retry_after_holds_the_host_back),
        cmocka_unit_test(a_cancelled_exchange_stays_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
