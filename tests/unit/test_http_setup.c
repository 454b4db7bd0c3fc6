#include "http_world.h"

static void answer_empty(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void answer_wants_proxy_password(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
}

static void answer_tunnel_to_no_tls(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 Connected\r\n\r\nthis is no handshake at all, not even a bit");
}

static void answer_tunnel_to_silence(struct tiny_server *server, int fd)
{
    tiny_say(fd, "HTTP/1.1 200 Connected\r\n\r\n");
    tiny_hold(server, fd);
}

static void request_says_what_was_asked_and_no_more(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    world_open(&w, answer_empty);
    world_get(&w, &r,
              (struct plm_http_request){.accept = "application/json",
                                        .authorization = "Bearer abc",
                                        .send_user_agent = true,
                                        .has_range = true,
                                        .range = {100, 200}});
    const char *sent = w.server.request;
    assert_non_null(strstr(sent, "GET /x HTTP/1.1\r\n"));
    assert_non_null(strstr(sent, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(sent, "\r\nAuthorization: Bearer abc\r\n"));
    assert_non_null(strstr(sent, "\r\nUser-Agent: pullama/test\r\n"));
    assert_non_null(strstr(sent, "\r\nRange: bytes=100-199\r\n"));
    assert_null(strstr(sent, "Accept-Encoding"));
    assert_null(strstr(sent, "Cookie"));
    world_close(&w);
}

static void redirect_target_gets_a_neutral_agent_and_no_credential(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    world_open(&w, answer_empty);
    world_get(&w, &r, (struct plm_http_request){0});
    assert_non_null(strstr(w.server.request, "\r\nUser-Agent: pullama\r\n"));
    assert_null(strstr(w.server.request, "Authorization"));
    assert_null(strstr(w.server.request, "Range"));
    world_close(&w);
}

static void unsafe_requests_are_not_sent(void **state)
{
    (void)state;
    struct world w;
    char url[256];
    world_open(&w, answer_empty);
    (void)tiny_url(&w.server, "/", url);
    const struct plm_http_request requests[] = {
        {.url = "file:///etc/passwd"},
        {.url = "http://user:secret@127.0.0.1/"},
        {.url = "http://127.0.0.1/\r\nX: y"},
        {.url = url, .accept = "a\r\nX: y"},
        {.url = url, .authorization = "Bearer a\nX: y"},
        {.url = url, .has_range = true},
        {.url = url, .has_range = true, .range = {5, 4}},
    };
    for (size_t i = 0; i < PLM_COUNT(requests); i++) {
        struct plm_http_request request = requests[i];
        struct plm_http_transfer *t = NULL;
        struct plm_error err = {0};
        request.method = "GET";
        if (plm_http_start(w.client, &request, record_done, NULL, &t, &err))
            fail_msg("request %zu was sent", i);
        assert_null(t);
        assert_int_not_equal(err.code, PLM_OK);
    }
    assert_null(w.client->first);
    world_close(&w);
}

/* A client whose proxy is the tiny server. */
static void open_proxied(struct world *w, void (*answer)(struct tiny_server *server, int fd))
{
    char proxy[256];
    struct plm_http_options options = world_defaults();
    struct plm_error err = {0};
    world_open(w, answer);
    plm_http_client_free(w->client);
    (void)snprintf(proxy, sizeof(proxy), "http://me:hidden@127.0.0.1:%u", (unsigned)w->server.port);
    options.proxy = proxy;
    options.ca_file = "/nonexistent/authorities.pem";
    assert_true(plm_http_client_new(w->loop, &options, &w->client, &err));
}

static void plain_http_goes_through_the_proxy(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    open_proxied(&w, answer_empty);
    world_get(&w, &r, (struct plm_http_request){.url = "http://reg.example/v2/"});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_non_null(strstr(w.server.request, "GET http://reg.example/v2/ HTTP/1.1\r\n"));
    world_close(&w);
}

static void tunnel_carries_no_credential_of_the_registry(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    open_proxied(&w, answer_wants_proxy_password);
    world_get(&w, &r,
              (struct plm_http_request){.url = "https://reg.example/?sig=secret",
                                        .authorization = "Bearer secret",
                                        .insecure_tls = true});
    assert_non_null(strstr(w.server.request, "CONNECT reg.example:443 HTTP/1.1\r\n"));
    assert_null(strstr(w.server.request, "secret"));
    assert_int_equal(r.end, PLM_HTTP_CONNECT);
    assert_non_null(strstr(r.error.msg, "127.0.0.1"));
    assert_non_null(strstr(r.error.msg, "407"));
    assert_null(strstr(r.error.msg, "hidden"));
    assert_null(strstr(r.error.msg, "secret"));
    world_close(&w);
}

static void no_tls_behind_a_tunnel_is_said_at_once(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    open_proxied(&w, answer_tunnel_to_no_tls);
    world_get(&w, &r,
              (struct plm_http_request){.url = "https://reg.example/", .insecure_tls = true});
    assert_int_equal(r.end, PLM_HTTP_FAILED);
    assert_non_null(strstr(r.error.msg, "does not speak TLS"));
    assert_null(strstr(r.error.msg, "hidden"));
    world_close(&w);
}

static void unreadable_authorities_fail_for_good(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    open_proxied(&w, answer_tunnel_to_silence);
    world_get(&w, &r, (struct plm_http_request){.url = "https://reg.example/"});
    assert_int_equal(r.end, PLM_HTTP_FAILED);
    assert_int_equal(r.error.code, PLM_E_TLS);
    assert_non_null(strstr(r.error.msg, "/nonexistent/authorities.pem"));
    world_close(&w);
}

static void environment_decides_by_our_rules_alone(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    struct plm_http_options options = world_defaults();
    options.proxy = NULL;
    /* The library by itself would use this dead proxy for loopback too. */
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)unsetenv("no_proxy");
    (void)unsetenv("NO_PROXY");
    world_open_with(&w, options, answer_empty);
    world_get(&w, &r, (struct plm_http_request){0});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    struct record proxied = {0};
    world_get(&w, &proxied, (struct plm_http_request){.url = "http://reg.example/"});
    assert_int_equal(proxied.end, PLM_HTTP_CONNECT);
    (void)unsetenv("http_proxy");
    world_close(&w);
}

static void buffers_of_many_connections_stay_small(void **state)
{
    (void)state;
    long all = 0;
    for (size_t count = 0; count < 1000; count++) {
        long bytes = plm_http_buffer_bytes(count);
        assert_in_range(bytes, 64 << 10, 512 << 10);
        assert_true(count >= 4 || bytes == 512 << 10);
        all += count < 32 ? bytes : 0;
    }
    assert_in_range(all, 4 << 20, 8 << 20); /* of the 32 MiB that a pull may take */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_says_what_was_asked_and_no_more),
        cmocka_unit_test(redirect_target_gets_a_neutral_agent_and_no_credential),
        cmocka_unit_test(unsafe_requests_are_not_sent),
        cmocka_unit_test(plain_http_goes_through_the_proxy),
        cmocka_unit_test(tunnel_carries_no_credential_of_the_registry),
        cmocka_unit_test(no_tls_behind_a_tunnel_is_said_at_once),
        cmocka_unit_test(unreadable_authorities_fail_for_good),
        cmocka_unit_test(environment_decides_by_our_rules_alone),
        cmocka_unit_test(buffers_of_many_connections_stay_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
