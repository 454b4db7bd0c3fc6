#include "session_world.h"

#define BLOB "0123456789abcdefghij"
#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BLOB_TARGET "/v2/alice/tiny/blobs/" DIGEST

struct got {
    bool over, complete;
    enum plm_retry_action action;
    enum plm_retry_reason reason;
    struct plm_error error;
    uint64_t received;
    unsigned begun;
    int status;
    size_t enough_after; /* 0: takes all */
    char bytes[64];
    struct plm_source **frees; /* freed when told */
};

static bool on_begin(void *ctx, const struct plm_http_head *head, struct plm_error *err)
{
    struct got *got = ctx;
    got->begun++;
    got->status = head->status;
    if (got->enough_after == SIZE_MAX)
        return plm_fail(err, PLM_E_NOSPACE, "the disk is full");
    return true;
}

static bool on_write(void *ctx, const void *bytes, size_t length, struct plm_error *err)
{
    struct got *got = ctx;
    assert_true(strlen(got->bytes) + length < sizeof(got->bytes));
    (void)strncat(got->bytes, bytes, length);
    if (got->enough_after > 0 && strlen(got->bytes) >= got->enough_after)
        return plm_fail(err, PLM_E_INTERRUPTED, "%s", "");
    return true;
}

static void on_fetched(void *ctx, const struct plm_fetch_result *result)
{
    struct got *got = ctx;
    got->over = true;
    got->complete = result->complete;
    got->action = result->action;
    got->reason = result->reason;
    got->received = result->received;
    if (result->error)
        got->error = *result->error;
    if (got->frees) {
        plm_source_free(*got->frees);
        *got->frees = NULL;
    }
}

static struct plm_source *make_source(struct world *world)
{
    struct plm_descriptor blob = {.size = strlen(BLOB)};
    struct plm_source *source = NULL;
    struct plm_error err = {0};
    assert_true(plm_digest_parse(DIGEST, strlen(DIGEST), &blob.digest, &err));
    assert_true(plm_source_new(world->registry, &blob, &source, &err));
    return source;
}

static struct plm_fetch *begin(struct plm_source *source, uint64_t start, uint64_t end,
                               struct got *got)
{
    struct plm_fetch *fetch = NULL;
    struct plm_error err = {0};
    const struct plm_http_sink sink = {.begin = on_begin, .write = on_write, .ctx = got};
    assert_true(plm_source_fetch(source, (struct plm_span){start, end}, sink, on_fetched, got,
                                 &fetch, &err));
    return fetch;
}

static struct got fetch_span(struct world *world, struct plm_source *source, uint64_t start,
                             uint64_t end)
{
    struct got got = {.over = false};
    (void)begin(source, start, end, &got);
    world_run(world, &got.over);
    return got;
}

/* The registry redirects to a target with a number, so that each resolution can be told apart. */
static void redirect(void *ctx, const struct server *server, const struct seen *request,
                     struct plm_buf *out)
{
    struct world *world = ctx;
    char target[64];
    (void)request;
    (void)snprintf(target, sizeof(target), "/target/%zu", server->count);
    reply_location(out, 307, world->other_server.host, target);
}

static void serve(void *ctx, const struct server *server, const struct seen *request,
                  struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    reply_range(out, request, BLOB);
}

static void the_target_is_resolved_once_and_kept(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, redirect, serve);
    struct plm_source *source = make_source(&world);
    assert_true(plm_source_is_unresolved(source));
    assert_string_equal(plm_source_host(source), world.registry_server.host);
    struct got got = fetch_span(&world, source, 0, 10);
    assert_true(got.complete);
    assert_string_equal(got.bytes, "0123456789");
    assert_int_equal(got.received, 10);
    assert_int_equal(got.begun, 1);
    assert_int_equal(got.status, 206);
    assert_false(plm_source_is_unresolved(source));
    assert_string_equal(plm_source_host(source), world.other_server.host);

    got = fetch_span(&world, source, 10, 20);
    assert_string_equal(got.bytes, "abcdefghij");
    assert_int_equal(server_count(&world.registry_server), 1);
    assert_int_equal(server_count_of(&world.other_server, "/target/1"), 2);
    assert_string_equal(server_seen(&world.registry_server, 0)->target, BLOB_TARGET);
    const struct seen *request = server_seen(&world.other_server, 1);
    assert_string_equal(sent_header(request, "Authorization"), "");
    assert_string_equal(sent_header(request, "Range"), "bytes=10-19");
    plm_source_free(source);
    world_close(&world);
}

static void a_registry_that_serves_the_bytes_is_the_source(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, serve, serve);
    struct plm_source *source = make_source(&world);
    struct got got = fetch_span(&world, source, 3, 5);
    assert_string_equal(got.bytes, "34");
    assert_false(plm_source_is_unresolved(source));
    assert_string_equal(plm_source_host(source), world.registry_server.host);
    assert_int_equal(server_count(&world.other_server), 0);
    plm_source_free(source);
    world_close(&world);
}

/* The first target works once, then it is over; all others work. */
static void serve_first_target_once(void *ctx, const struct server *server,
                                    const struct seen *request, struct plm_buf *out)
{
    if (is_target(request, "/target/1") && server->count > 1)
        reply(out, 403, "", "expired");
    else
        serve(ctx, server, request, out);
}

static void a_refused_target_is_forgotten(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, redirect, serve_first_target_once);
    struct plm_source *source = make_source(&world);
    assert_true(fetch_span(&world, source, 0, 1).complete);
    struct got first = {.over = false}, second = {.over = false};
    (void)begin(source, 1, 2, &first);
    (void)begin(source, 2, 3, &second);
    world_run(&world, &first.over);
    world_run(&world, &second.over);
    assert_int_equal(first.action, PLM_RETRY_RERESOLVE);
    assert_int_equal(second.action, PLM_RETRY_RERESOLVE);
    assert_int_equal(first.reason, PLM_RETRY_REDIRECT);
    assert_int_equal(first.begun, 0);
    assert_int_equal(first.error.http_status, 403);
    assert_int_equal(world.refreshes, 1);
    assert_true(plm_source_is_unresolved(source));
    struct got got = fetch_span(&world, source, 1, 2);
    assert_true(got.complete);
    assert_int_equal(server_count(&world.registry_server), 2);
    assert_int_equal(server_count_of(&world.other_server, "/target/2"), 1);
    plm_source_free(source);
    world_close(&world);
}

/* A signature whose last ten seconds begin in a moment. */
static void redirect_for_a_moment(void *ctx, const struct server *server,
                                  const struct seen *request, struct plm_buf *out)
{
    struct world *world = ctx;
    char target[64];
    (void)request;
    (void)snprintf(target, sizeof(target), "/target/%zu?Expires=%lld", server->count,
                   (long long)(plm_os_unix_ms() / 1000 + (server->count == 1 ? 12 : 3600)));
    reply_location(out, 302, world->other_server.host, target);
}

static void a_target_is_resolved_again_before_its_signature_ends(void **state)
{
    (void)state;
    struct world world;
    struct plm_error err = {0};
    world_open(&world, redirect_for_a_moment, serve);
    struct plm_source *source = make_source(&world);
    assert_true(fetch_span(&world, source, 0, 1).complete);
    int64_t start = plm_os_monotonic_ms();
    while (!plm_source_is_unresolved(source)) {
        assert_true(plm_loop_step(world.loop, 20, &err));
        assert_true(plm_os_monotonic_ms() - start < 5000);
    }
    assert_true(fetch_span(&world, source, 1, 2).complete);
    assert_int_equal(server_count(&world.registry_server), 2);
    assert_int_equal(server_count_of(&world.other_server, "/target/2?"), 1);
    assert_int_equal(world.refreshes, 0);
    assert_true(fetch_span(&world, source, 2, 3).complete);
    assert_int_equal(server_count(&world.registry_server), 2);
    plm_source_free(source);
    world_close(&world);
}

static void redirect_expired(void *ctx, const struct server *server, const struct seen *request,
                             struct plm_buf *out)
{
    struct world *world = ctx;
    (void)server;
    (void)request;
    reply_location(out, 302, world->other_server.host, "/target?Expires=1000000000");
}

static void a_wrong_clock_does_not_make_a_target_useless(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, redirect_expired, serve);
    struct plm_source *source = make_source(&world);
    assert_true(fetch_span(&world, source, 0, 1).complete);
    assert_false(plm_source_is_unresolved(source));
    assert_true(fetch_span(&world, source, 1, 2).complete);
    assert_int_equal(server_count(&world.registry_server), 1);
    plm_source_free(source);
    world_close(&world);
}

static void serve_badly(void *ctx, const struct server *server, const struct seen *request,
                        struct plm_buf *out)
{
    struct plm_error err = {0};
    (void)ctx;
    (void)request;
    if (server->count == 1)
        reply(out, 500, "", "error pages are no content");
    else if (server->count == 2)
        reply(out, 416, "", "");
    else if (server->count == 3)
        assert_true(plm_buf_printf(out, &err,
                                   "HTTP/1.1 206 Some\r\nContent-Range: bytes 0-9/20\r\n"
                                   "Content-Length: 10\r\n\r\n0123"));
    else
        reply(out, 429, "Retry-After: 40\r\n", "");
}

static void failures_leave_the_decision_to_the_chunk(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, serve_badly, serve);
    struct plm_source *source = make_source(&world);
    struct got got = fetch_span(&world, source, 0, 10);
    assert_int_equal(got.action, PLM_RETRY_LATER);
    assert_int_equal(got.reason, PLM_RETRY_SERVER_ERROR);
    assert_int_equal(got.begun, 0);
    got = fetch_span(&world, source, 0, 10);
    assert_int_equal(got.action, PLM_RETRY_FAIL);
    got = fetch_span(&world, source, 0, 10);
    assert_int_equal(got.action, PLM_RETRY_LATER);
    assert_int_equal(got.reason, PLM_RETRY_SHORT_BODY);
    assert_string_equal(got.bytes, "0123");
    assert_int_equal(got.received, 4);
    got = fetch_span(&world, source, 0, 10);
    assert_int_equal(got.reason, PLM_RETRY_RATE_LIMITED);
    assert_int_equal(world.retries + world.refreshes, 0);
    plm_source_free(source);
    world_close(&world);
}

static void a_sink_may_have_enough_or_refuse(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, serve, serve);
    struct plm_source *source = make_source(&world);
    struct got enough = {.enough_after = 1}, refused = {.enough_after = SIZE_MAX};
    (void)begin(source, 0, 10, &enough);
    world_run(&world, &enough.over);
    assert_true(enough.complete);
    (void)begin(source, 0, 10, &refused);
    world_run(&world, &refused.over);
    assert_false(refused.complete);
    assert_int_equal(refused.action, PLM_RETRY_FAIL);
    assert_int_equal(refused.error.code, PLM_E_NOSPACE);
    assert_int_equal(refused.received, 0);
    plm_source_free(source);
    world_close(&world);
}

static void cancelled_fetches_stay_silent(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, redirect, serve);
    struct plm_source *source = make_source(&world);
    struct got cancelled = {.over = false}, freed = {.over = false};
    plm_fetch_cancel(begin(source, 0, 1, &cancelled));
    plm_fetch_cancel(NULL);
    assert_true(fetch_span(&world, source, 1, 2).complete);
    (void)begin(source, 2, 3, &freed);
    plm_source_free(source);
    source = make_source(&world);
    assert_true(fetch_span(&world, source, 3, 4).complete);
    assert_false(cancelled.over || freed.over);
    plm_source_free(source);
    world_close(&world);
}

static void done_may_free_the_source(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, redirect, serve);
    struct plm_source *source = make_source(&world);
    struct got first = {.frees = &source}, second = {.frees = &source};
    (void)begin(source, 0, 1, &first);
    (void)begin(source, 1, 2, &second);
    while (!first.over && !second.over) {
        struct plm_error err = {0};
        assert_true(plm_loop_step(world.loop, 20, &err));
    }
    assert_false(first.over && second.over);
    assert_null(source);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_is_resolved_once_and_kept),
        cmocka_unit_test(a_registry_that_serves_the_bytes_is_the_source),
        cmocka_unit_test(a_refused_target_is_forgotten),
        cmocka_unit_test(a_target_is_resolved_again_before_its_signature_ends),
        cmocka_unit_test(a_wrong_clock_does_not_make_a_target_useless),
        cmocka_unit_test(failures_leave_the_decision_to_the_chunk),
        cmocka_unit_test(a_sink_may_have_enough_or_refuse),
        cmocka_unit_test(cancelled_fetches_stay_silent),
        cmocka_unit_test(done_may_free_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
