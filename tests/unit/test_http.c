#include "http_world.h"

static void answer_hello(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

static void answer_partly_then_hold(struct tiny_server *server, int fd)
{
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello");
    tiny_hold(server, fd);
}

static void answer_short(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello");
}

static void answer_reset(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_reset(fd);
}

static void answer_nothing(struct tiny_server *server, int fd)
{
    (void)server;
    (void)fd;
}

static void answer_twice_on_one_connection(struct tiny_server *server, int fd)
{
    answer_hello(server, fd);
    if (tiny_read_request(server, fd))
        answer_hello(server, fd);
}

static void answer_endless(struct tiny_server *server, int fd)
{
    (void)server;
    char piece[1024] = {0};
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        tiny_send(fd, piece, 1000);
}

static void plain_answer_arrives_whole(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    world_open(&w, answer_hello);
    world_get(&w, &r, (struct plm_http_request){0});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.body, "hello");
    assert_int_equal(r.received, 5);
    assert_int_equal(plm_http_client_received(w.client), 5);
    assert_string_equal(r.address, "127.0.0.1");
    assert_int_equal(r.error.code, PLM_OK);
    world_close(&w);
}

static void connection_is_used_again(void **state)
{
    (void)state;
    struct world w;
    struct record first = {0}, second = {0};
    world_open(&w, answer_twice_on_one_connection);
    world_get(&w, &first, (struct plm_http_request){0});
    world_get(&w, &second, (struct plm_http_request){0});
    assert_int_equal(second.end, PLM_HTTP_ANSWERED);
    assert_int_equal(atomic_load(&w.server.requests), 2);
    world_close(&w);
}

static void each_way_of_breaking_has_its_end(void **state)
{
    (void)state;
    static const struct {
        void (*answer)(struct tiny_server *server, int fd);
        enum plm_http_end end;
    } rows[] = {
        {answer_short, PLM_HTTP_SHORT},
        {answer_reset, PLM_HTTP_RESET},
        {answer_nothing, PLM_HTTP_RESET},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct world w;
        struct record r = {0};
        world_open(&w, rows[i].answer);
        world_get(&w, &r, (struct plm_http_request){0});
        assert_int_equal(r.end, rows[i].end);
        assert_int_equal(r.error.code, PLM_E_NETWORK);
        assert_non_null(strstr(r.error.msg, "127.0.0.1:"));
        world_close(&w);
    }
}

static void refused_connection_is_told(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    char url[256];
    world_open(&w, answer_hello);
    tiny_stop(&w.server);
    world_get(&w, &r, (struct plm_http_request){.url = tiny_url(&w.server, "/?secret", url)});
    assert_int_equal(r.end, PLM_HTTP_CONNECT);
    assert_null(strstr(r.error.msg, "secret"));
    plm_http_client_free(w.client);
    plm_loop_free(w.loop);
}

static void silent_connection_is_dropped_and_its_bytes_kept(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    struct plm_http_options options = world_defaults();
    options.stall_ms = 200;
    world_open_with(&w, options, answer_partly_then_hold);
    world_get(&w, &r, (struct plm_http_request){.sink = record_sink(&r)});
    assert_int_equal(r.end, PLM_HTTP_STALL);
    assert_int_equal(r.error.code, PLM_E_NETWORK);
    assert_int_equal(r.sunk, 5);
    assert_int_equal(r.received, 5);
    world_close(&w);
}

static void whole_exchange_has_a_time_limit(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    world_open(&w, answer_partly_then_hold);
    world_get(&w, &r, (struct plm_http_request){.timeout_ms = 100});
    assert_int_equal(r.end, PLM_HTTP_TIMEOUT);
    world_close(&w);
}

static void transfer_waiting_for_the_rate_is_not_stalled(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    struct plm_http_options options = world_defaults();
    options.stall_ms = 40;
    options.limit_rate = 100000; /* a piece of 16 KiB each 160 ms */
    world_open_with(&w, options, answer_endless);
    (void)world_start(&w, &r, (struct plm_http_request){.sink = record_sink(&r)});
    int64_t begin_ms = plm_loop_now(w.loop);
    while (!r.done && r.sunk < 60000)
        world_step(&w);
    assert_int_equal(r.done, 0);
    int64_t took_ms = plm_loop_now(w.loop) - begin_ms;
    assert_true(took_ms >= 200); /* burst and one piece of debt apart, 27 KB took their time */
    plm_http_client_limit(w.client, 0);
    world_run(&w, &r);
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.sunk, 1000000);
    assert_true(r.largest_piece <= 262144);
    world_close(&w);
}

static void sink_may_refuse_while_the_rate_holds_bytes_back(void **state)
{
    (void)state;
    struct world w;
    struct record r = {.fail_at = 50000};
    struct plm_http_options options = world_defaults();
    options.limit_rate = 1000000;
    world_open_with(&w, options, answer_endless);
    world_get(&w, &r, (struct plm_http_request){.sink = record_sink(&r)});
    assert_int_equal(r.end, PLM_HTTP_REFUSED);
    assert_int_equal(r.error.code, PLM_E_NOSPACE);
    world_close(&w);
}

/* Answers the first two connections together, piece by piece in turn. */
static void answer_both_at_once(struct tiny_server *server, int fd)
{
    tiny_hold(server, fd);
    if (server->held_count < 2)
        return;
    char piece[1000] = {0};
    for (int i = 0; i < 2; i++)
        tiny_say(server->held[i], "HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        tiny_send(server->held[i % 2], piece, sizeof(piece));
}

static void limited_transfers_share_the_rate(void **state)
{
    (void)state;
    struct world w;
    struct record a = {0}, b = {0};
    struct plm_http_options options = world_defaults();
    options.limit_rate = 1000000;
    world_open_with(&w, options, answer_both_at_once);
    (void)world_start(&w, &a, (struct plm_http_request){.sink = record_sink(&a)});
    (void)world_start(&w, &b, (struct plm_http_request){.sink = record_sink(&b)});
    while (a.sunk < 200000 && b.sunk < 200000)
        world_step(&w);
    assert_true(a.sunk > 150000 && b.sunk > 150000);
    plm_http_client_limit(w.client, 0);
    while (!a.done || !b.done)
        world_step(&w);
    assert_int_equal(a.sunk + b.sunk, 1000000);
    world_close(&w);
}

struct canceller {
    struct record record;
    struct plm_http_transfer *self, *other;
};

static void cancel_other_when_done(void *ctx, const struct plm_http_outcome *outcome)
{
    struct canceller *c = ctx;
    record_done(&c->record, outcome);
    plm_http_cancel(c->other);
    plm_http_cancel(c->self); /* in its own done(): nothing */
}

static void start_cancelling_pair(struct world *w, struct canceller pair[2])
{
    char url[256];
    struct plm_error err = {0};
    struct plm_http_request request = {
        .method = "GET", .url = tiny_url(&w->server, "/", url), .body_max = 100};
    for (int i = 0; i < 2; i++)
        assert_true(plm_http_start(w->client, &request, cancel_other_when_done, &pair[i],
                                   &pair[i].self, &err));
    pair[0].other = pair[1].self;
    pair[1].other = pair[0].self;
}

static void done_may_cancel_a_transfer_that_ended_in_the_same_step(void **state)
{
    (void)state;
    struct world w;
    struct canceller pair[2] = {0};
    world_open(&w, answer_hello);
    start_cancelling_pair(&w, pair);
    while (!pair[0].record.done && !pair[1].record.done)
        world_step(&w);
    for (int i = 0; i < 3; i++) {
        struct plm_error err = {0};
        assert_true(plm_loop_step(w.loop, 0, &err));
    }
    assert_int_equal(pair[0].record.done + pair[1].record.done, 1);
    world_close(&w);
}

static void stalled_transfers_may_cancel_each_other(void **state)
{
    (void)state;
    struct world w;
    struct canceller pair[2] = {0};
    struct plm_http_options options = world_defaults();
    options.stall_ms = 60;
    world_open_with(&w, options, answer_partly_then_hold);
    start_cancelling_pair(&w, pair);
    while (!pair[0].record.done && !pair[1].record.done)
        world_step(&w);
    assert_int_equal(pair[0].record.done + pair[1].record.done, 1);
    assert_null(w.client->first);
    world_close(&w);
}

struct restarter {
    struct world *world;
    struct record record;
};

static void start_another_when_done(void *ctx, const struct plm_http_outcome *outcome)
{
    struct restarter *r = ctx;
    assert_int_equal(outcome->end, PLM_HTTP_ANSWERED);
    (void)world_start(r->world, &r->record, (struct plm_http_request){0});
}

static void done_may_start_the_next_request(void **state)
{
    (void)state;
    struct world w;
    struct restarter r = {.world = &w};
    char url[256];
    struct plm_error err = {0};
    struct plm_http_transfer *t;
    world_open(&w, answer_hello);
    struct plm_http_request request = {
        .method = "GET", .url = tiny_url(&w.server, "/", url), .body_max = 100};
    assert_true(plm_http_start(w.client, &request, start_another_when_done, &r, &t, &err));
    world_run(&w, &r.record);
    assert_string_equal(r.record.body, "hello");
    world_close(&w);
}

static void freeing_the_client_cancels_quietly(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    world_open(&w, answer_partly_then_hold);
    (void)world_start(&w, &r, (struct plm_http_request){0});
    world_step(&w);
    world_close(&w);
    assert_int_equal(r.done, 0);
}

static void unusable_proxy_is_refused_without_showing_its_password(void **state)
{
    (void)state;
    struct plm_loop *loop;
    struct plm_http_client *client = NULL;
    struct plm_error err = {0};
    struct plm_http_options options = world_defaults();
    options.proxy = "gopher://me:hidden@proxy:70";
    assert_true(plm_loop_new(&loop, &err));
    assert_false(plm_http_client_new(loop, &options, &client, &err));
    assert_int_equal(err.code, PLM_E_USAGE);
    assert_null(strstr(err.msg, "hidden"));
    plm_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_answer_arrives_whole),
        cmocka_unit_test(connection_is_used_again),
        cmocka_unit_test(each_way_of_breaking_has_its_end),
        cmocka_unit_test(refused_connection_is_told),
        cmocka_unit_test(silent_connection_is_dropped_and_its_bytes_kept),
        cmocka_unit_test(whole_exchange_has_a_time_limit),
        cmocka_unit_test(transfer_waiting_for_the_rate_is_not_stalled),
        cmocka_unit_test(sink_may_refuse_while_the_rate_holds_bytes_back),
        cmocka_unit_test(limited_transfers_share_the_rate),
        cmocka_unit_test(done_may_cancel_a_transfer_that_ended_in_the_same_step),
        cmocka_unit_test(stalled_transfers_may_cancel_each_other),
        cmocka_unit_test(done_may_start_the_next_request),
        cmocka_unit_test(freeing_the_client_cancels_quietly),
        cmocka_unit_test(unusable_proxy_is_refused_without_showing_its_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
