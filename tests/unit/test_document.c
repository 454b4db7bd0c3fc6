#include "session_world.h"

#include "net/document.h"

/* On the heap, as the session wants it; what came is kept outside. */
struct wish {
    struct got *got;
    bool frees_session;
};
struct got {
    bool over;
    struct plm_error error;
    char body[64];
    unsigned checked, mismatches; /* how often check() says that the bytes are wrong */
    struct world *world;
};

static void on_document(void *ctx, const struct plm_http_outcome *answer,
                        const struct plm_error *error)
{
    const struct wish *wish = ctx;
    struct got *got = wish->got;
    got->over = true;
    if (error)
        got->error = *error;
    else
        (void)snprintf(got->body, sizeof(got->body), "%s", answer->body.bytes);
    if (wish->frees_session) {
        plm_registry_free(got->world->registry);
        got->world->registry = NULL;
    }
}

static bool check(void *ctx, const struct plm_http_outcome *answer, struct plm_error *err)
{
    const struct wish *wish = ctx;
    (void)answer;
    if (wish->got->checked++ < wish->got->mismatches)
        return plm_fail(err, PLM_E_INTEGRITY, "wrong bytes");
    return true;
}

static void ask(struct world *world, struct got *got, int64_t patience_ms, bool frees_session)
{
    char url[128];
    struct plm_error err = {0};
    struct wish *wish = calloc(1, sizeof(*wish));
    assert_non_null(wish);
    *wish = (struct wish){.got = got, .frees_session = frees_session};
    got->world = world;
    (void)snprintf(url, sizeof(url), "http://%s/doc", world->registry_server.host);
    const struct plm_document_request request = {
        .url = url,
        .what = "document",
        .body_max = 50,
        .max_retries = 2,
        .patience_ms = patience_ms,
        .check = check,
        .done = on_document,
        .ctx = wish,
    };
    assert_true(plm_document_start(world->registry, &request, &err));
}

static void fetch(struct world *world, struct got *got)
{
    ask(world, got, 100, false);
    world_run(world, &got->over);
}

static void answer_document(void *ctx, const struct server *server, const struct seen *request,
                            struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 200, "", "text");
}

static void fail_twice(void *ctx, const struct server *server, const struct seen *request,
                       struct plm_buf *out)
{
    struct plm_error err = {0};
    if (server->count == 1)
        reply(out, 503, "", "busy");
    else if (server->count == 2)
        assert_true(plm_buf_printf(out, &err, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"));
    else
        answer_document(ctx, server, request, out);
}

static void transient_failures_are_retried(void **state)
{
    (void)state;
    struct world world;
    struct got got = {.over = false};
    world_open(&world, fail_twice, answer_document);
    fetch(&world, &got);
    assert_int_equal(got.error.code, PLM_OK);
    assert_string_equal(got.body, "text");
    assert_int_equal(server_count(&world.registry_server), 3);
    assert_int_equal(world.retries, 2);
    assert_int_equal(world.last_notice.attempt, 2);
    assert_int_equal(world.last_notice.max_attempts, 2);
    assert_int_equal(world.last_notice.reason, PLM_RETRY_SHORT_BODY);
    world_close(&world);
}

static void fail_always(void *ctx, const struct server *server, const struct seen *request,
                        struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 502, "", "{\"errors\":[{\"code\":\"X\",\"message\":\"no backend\"}]}");
}

static void retries_end_with_the_last_cause(void **state)
{
    (void)state;
    struct world world;
    struct got got = {.over = false};
    world_open(&world, fail_always, answer_document);
    fetch(&world, &got);
    assert_int_equal(got.error.code, PLM_E_NETWORK);
    assert_int_equal(got.error.http_status, 502);
    assert_non_null(strstr(got.error.msg, "502"));
    assert_non_null(strstr(got.error.msg, "tried 3 times"));
    assert_int_equal(server_count(&world.registry_server), 3);
    world_close(&world);
}

static void refuse_for_good(void *ctx, const struct server *server, const struct seen *request,
                            struct plm_buf *out)
{
    static const int statuses[] = {400, 403, 404, 410, 451};
    (void)ctx;
    (void)request;
    reply(out, statuses[(server->count - 1) % PLM_COUNT(statuses)], "", "");
}

static void permanent_failures_are_final(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, refuse_for_good, answer_document);
    for (size_t i = 0; i < 5; i++) {
        struct got got = {.over = false};
        fetch(&world, &got);
        assert_true(got.error.code != PLM_OK && got.error.code != PLM_E_NETWORK);
        assert_int_equal(server_count(&world.registry_server), i + 1);
    }
    assert_int_equal(world.retries, 0);
    world_close(&world);
}

static void wrong_bytes_are_asked_for_twice_again(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, answer_document, answer_document);
    struct got healed = {.mismatches = 2}, bad = {.mismatches = 3};
    fetch(&world, &healed);
    assert_int_equal(healed.error.code, PLM_OK);
    assert_int_equal(server_count(&world.registry_server), 3);
    fetch(&world, &bad);
    assert_int_equal(bad.error.code, PLM_E_INTEGRITY);
    assert_int_equal(server_count(&world.registry_server), 6);
    world_close(&world);
}

static void send_too_much(void *ctx, const struct server *server, const struct seen *request,
                          struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 200, "", "this is more than the fifty bytes that are wanted here");
}

static void a_large_document_is_refused(void **state)
{
    (void)state;
    struct world world;
    struct got got = {.over = false};
    world_open(&world, send_too_much, answer_document);
    fetch(&world, &got);
    assert_int_equal(got.error.code, PLM_E_LIMIT);
    assert_int_equal(server_count(&world.registry_server), 1);
    world_close(&world);
}

static void send_away(void *ctx, const struct server *server, const struct seen *request,
                      struct plm_buf *out)
{
    struct world *world = ctx;
    (void)server;
    (void)request;
    reply_location(out, 307, world->other_server.host, "/gone");
}

static void forbid(void *ctx, const struct server *server, const struct seen *request,
                   struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 403, "", "expired");
}

static void a_target_that_refuses_is_resolved_five_times(void **state)
{
    (void)state;
    struct world world;
    struct got got = {.over = false};
    world_open(&world, send_away, forbid);
    fetch(&world, &got);
    assert_true(got.error.code != PLM_OK);
    assert_int_equal(server_count(&world.registry_server), 6);
    assert_int_equal(world.refreshes, 5);
    world_close(&world);
}

static void ask_for_patience(void *ctx, const struct server *server, const struct seen *request,
                             struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 503, "Retry-After: 3600\r\n", "");
}

static void patience_has_its_limit(void **state)
{
    (void)state;
    struct world world;
    struct got got = {.over = false};
    world_open(&world, ask_for_patience, answer_document);
    ask(&world, &got, 2000, false);
    world_run(&world, &got.over);
    assert_int_equal(got.error.code, PLM_E_NETWORK);
    assert_int_equal(server_count(&world.registry_server), 1);
    world_close(&world);
}

static void a_freed_session_stays_silent(void **state)
{
    (void)state;
    struct world world;
    struct got sent = {.over = false}, delayed = {.over = false};
    struct plm_error err = {0};
    world_open(&world, ask_for_patience, answer_document);
    ask(&world, &delayed, 0, false);
    while (world.retries == 0)
        assert_true(plm_loop_step(world.loop, 20, &err));
    ask(&world, &sent, 0, false);
    plm_registry_free(world.registry);
    world.registry = NULL;
    assert_true(plm_loop_step(world.loop, 0, &err));
    assert_false(sent.over || delayed.over);
    world_close(&world);
}

static void done_may_free_the_session(void **state)
{
    (void)state;
    struct world world;
    struct got got = {.over = false}, other = {.over = false};
    world_open(&world, answer_document, answer_document);
    ask(&world, &got, 0, true);
    ask(&world, &other, 0, true);
    while (!got.over && !other.over) {
        struct plm_error err = {0};
        assert_true(plm_loop_step(world.loop, 20, &err));
    }
    assert_false(got.over && other.over);
    assert_null(world.registry);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transient_failures_are_retried),
        cmocka_unit_test(retries_end_with_the_last_cause),
        cmocka_unit_test(permanent_failures_are_final),
        cmocka_unit_test(wrong_bytes_are_asked_for_twice_again),
        cmocka_unit_test(a_large_document_is_refused),
        cmocka_unit_test(a_target_that_refuses_is_resolved_five_times),
        cmocka_unit_test(patience_has_its_limit),
        cmocka_unit_test(a_freed_session_stays_silent),
        cmocka_unit_test(done_may_free_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
