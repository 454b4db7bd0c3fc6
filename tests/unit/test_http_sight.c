#include "http_world.h"

#define ADDRESSES_MAX 8

struct list {
    char items[ADDRESSES_MAX][64];
    size_t count;
};

static struct plm_http_sight seen;
static bool is_direct;
static bool has_sight;

static void answer_hello(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

static void on_found(void *ctx, const char *address)
{
    struct list *list = ctx;
    assert_true(list->count < ADDRESSES_MAX);
    (void)snprintf(list->items[list->count++], sizeof(list->items[0]), "%s", address);
}

static void keep_sight(void *ctx, const struct plm_http_outcome *outcome)
{
    has_sight = outcome->sight != NULL;
    if (has_sight) {
        seen = *outcome->sight;
        is_direct = !seen.proxy[0]; /* it lives as long as the outcome */
    }
    record_done(ctx, outcome);
}

static void run(struct world *w, struct record *r, const char *host,
                struct plm_http_request request)
{
    char url[128];
    struct plm_error err = {0};
    struct plm_http_transfer *transfer = NULL;
    (void)snprintf(url, sizeof(url), "http://%s:%u/v2/", host, (unsigned)w->server.port);
    request.method = "GET";
    request.url = url;
    request.body_max = 1024;
    if (!plm_http_start(w->client, &request, keep_sight, r, &transfer, &err))
        fail_msg("%s", err.msg);
    world_run(w, r);
}

static void all_addresses_are_told_and_none_is_connected_to(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    struct list list = {0};
    struct plm_http_options options = world_defaults();
    char way[128];
    const char *const ways[] = {way};
    world_open_with(&w, options, answer_hello);
    plm_http_client_free(w.client);
    (void)snprintf(way, sizeof(way), "both.test:%u:127.0.0.1,127.0.0.2,::1",
                   (unsigned)w.server.port);
    options.resolves = ways;
    options.resolve_count = 1;
    struct plm_error err = {0};
    assert_true(plm_http_client_new(w.loop, &options, &w.client, &err));
    run(&w, &r, "both.test", (struct plm_http_request){.found = on_found, .found_ctx = &list});
    assert_int_equal(r.end, PLM_HTTP_CONNECT);
    assert_int_equal(list.count, 3);
    for (size_t i = 0; i < 3; i++) {
        bool is_known = strcmp(list.items[i], "127.0.0.1") == 0 ||
                        strcmp(list.items[i], "127.0.0.2") == 0 ||
                        strcmp(list.items[i], "::1") == 0;
        assert_true(is_known);
    }
    assert_int_equal(atomic_load(&w.server.requests), 0);
    world_close(&w);
}

static void a_name_without_addresses_is_told_as_such(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    struct list list = {0};
    world_open(&w, answer_hello);
    run(&w, &r, "nowhere.invalid",
        (struct plm_http_request){.found = on_found, .found_ctx = &list});
    assert_int_equal(r.end, PLM_HTTP_DNS);
    assert_int_equal(list.count, 0);
    world_close(&w);
}

static void an_address_is_asked_whatever_the_name_says(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    world_open(&w, answer_hello);
    run(&w, &r, "nowhere.invalid",
        (struct plm_http_request){.observe = true, .address = "127.0.0.1"});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.address, "127.0.0.1");
    assert_non_null(strstr(w.server.request, "Host: nowhere.invalid:"));
    assert_true(has_sight);
    assert_true(seen.connect_us > 0);
    assert_true(seen.answer_us >= seen.connect_us);
    assert_int_equal(seen.tls_us, 0);
    assert_int_equal(seen.chain_length, 0);
    assert_true(is_direct);
    world_close(&w);
}

static void what_was_observed_says_nothing_to_later_requests(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0}, again = {0};
    world_open(&w, answer_hello);
    run(&w, &r, "nowhere.invalid",
        (struct plm_http_request){.observe = true, .address = "127.0.0.1"});
    run(&w, &again, "nowhere.invalid", (struct plm_http_request){0});
    assert_int_equal(again.end, PLM_HTTP_DNS);
    assert_false(has_sight);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_addresses_are_told_and_none_is_connected_to),
        cmocka_unit_test(a_name_without_addresses_is_told_as_such),
        cmocka_unit_test(an_address_is_asked_whatever_the_name_says),
        cmocka_unit_test(what_was_observed_says_nothing_to_later_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
