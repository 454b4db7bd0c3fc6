#include "http_world.h"

static void answer_empty(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static bool make_client(struct plm_loop *loop, const char *resolve, struct plm_http_client **out,
                        struct plm_error *err)
{
    const struct plm_http_options options = {
        .proxy = "", .resolves = &resolve, .resolve_count = 1};
    return plm_http_client_new(loop, &options, out, err);
}

static void a_way_names_host_port_and_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"host:80:127.0.0.1", true},
        {"a.b.c:65535:127.0.0.1,::1", true},
        {"host:80:[::1]", true},
        {"host:80:2001:db8::1", true},
        {"host:80", false},
        {"host:80:", false},
        {"host:0:127.0.0.1", false},
        {"host:65536:127.0.0.1", false},
        {":80:127.0.0.1", false},
        {"host:x:127.0.0.1", false},
        {"host:80:name", false},
        {"host:80:127.0.0.1,", false},
        {"host:80:127.0.0.1, ::1", false},
        {"*:80:127.0.0.1", false},
        {"-host:80:127.0.0.1", false},
        {"+host:80:127.0.0.1", false},
        {"", false},
    };
    struct plm_loop *loop = NULL;
    struct plm_error err = {0};
    assert_true(plm_loop_new(&loop, &err));
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_http_client *client = NULL;
        err = (struct plm_error){0};
        assert_int_equal(make_client(loop, rows[i].text, &client, &err), rows[i].good);
        if (!rows[i].good) {
            assert_int_equal(err.code, PLM_E_USAGE);
            assert_non_null(strstr(err.msg, rows[i].text));
        }
        plm_http_client_free(client);
    }
    plm_loop_free(loop);
}

static void get(struct world *w, const char *url, struct record *r)
{
    *r = (struct record){0};
    world_get(w, r, (struct plm_http_request){.url = url});
}

static void a_given_address_is_used_and_remembered(void **state)
{
    (void)state;
    struct world w;
    struct record r;
    char way[64], url[64];
    struct plm_error err = {0};
    world_open(&w, answer_empty);
    (void)snprintf(way, sizeof(way), "registry.test:%d:127.0.0.1", w.server.port);
    (void)snprintf(url, sizeof(url), "http://registry.test:%d/x", w.server.port);
    plm_http_client_free(w.client);
    w.client = NULL;
    assert_true(make_client(w.loop, way, &w.client, &err));
    get(&w, url, &r);
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_string_equal(r.address, "127.0.0.1");
    assert_string_equal(w.client->ways[0].address, "127.0.0.1");
    world_close(&w);
}

static void an_address_that_fails_is_looked_up_again(void **state)
{
    (void)state;
    struct world w;
    struct record r;
    char url[64];
    world_open(&w, answer_empty);
    (void)snprintf(url, sizeof(url), "http://localhost:%d/x", w.server.port);
    struct plm_http_way *way = &w.client->ways[0];
    (void)snprintf(way->place, sizeof(way->place), "localhost:%d", w.server.port);
    (void)snprintf(way->address, sizeof(way->address), "127.0.0.2"); /* where nobody listens */
    get(&w, url, &r);
    assert_int_equal(r.end, PLM_HTTP_CONNECT);
    assert_string_equal(way->address, "");
    get(&w, url, &r);
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_string_equal(r.address, "127.0.0.1");
    world_close(&w);
}

static void numbers_and_proxies_are_not_remembered(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    world_open(&w, answer_empty);
    world_get(&w, &r, (struct plm_http_request){0}); /* of http://127.0.0.1:port */
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_string_equal(w.client->ways[0].place, "");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_way_names_host_port_and_addresses),
        cmocka_unit_test(a_given_address_is_used_and_remembered),
        cmocka_unit_test(an_address_that_fails_is_looked_up_again),
        cmocka_unit_test(numbers_and_proxies_are_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
