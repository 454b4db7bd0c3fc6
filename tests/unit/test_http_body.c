#include "http_world.h"

/* Each answer below is a whole connection; the last line of its head says what is special about it.
 */
static void answer_range(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"
                 "HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n"
                 "Content-Range: bytes 2-5/10\r\n\r\ncdef");
}

static void answer_missing(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope");
}

static void answer_empty(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void answer_chunked(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n2\r\nde\r\n0\r\nHTTP/1.1 404 x: y\r\n\r\n");
}

static void answer_by_http_1_0(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
}

static void answer_more_than_declared(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef");
}

static void answer_head_only(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
}

static void answer_nonsense(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "SSH-2.0-OpenSSH_9.0\r\n");
}

static void answer_bad_length(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\nabc");
}

static void answer_switching(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nabc");
}

static void answer_many_headers(struct tiny_server *server, int fd)
{
    (void)server;
    char line[1024];
    memset(line, 'v', sizeof(line));
    memcpy(line, "X-Any: ", 7);
    memcpy(line + sizeof(line) - 2, "\r\n", 2);
    tiny_say(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 400; i++)
        tiny_send(fd, line, sizeof(line));
}

static void answer_long_header(struct tiny_server *server, int fd)
{
    (void)server;
    char piece[1024];
    memset(piece, 'v', sizeof(piece));
    tiny_say(fd, "HTTP/1.1 200 OK\r\nX-Any: ");
    for (int i = 0; i < 400; i++)
        tiny_send(fd, piece, sizeof(piece));
}

static void send_mebibytes(int fd, int count)
{
    char piece[16384];
    memset(piece, 'z', sizeof(piece));
    for (int i = 0; i < count * 64; i++)
        tiny_send(fd, piece, sizeof(piece));
}

static void answer_mebibyte(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
    send_mebibytes(fd, 1);
}

static void answer_endless_error(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 500 Oops\r\n\r\n");
    send_mebibytes(fd, 64);
}

static struct record get_with_sink(void (*answer)(struct tiny_server *server, int fd),
                                   struct record r)
{
    struct world w;
    world_open(&w, answer);
    world_get(&w, &r, (struct plm_http_request){.sink = record_sink(&r)});
    world_close(&w);
    return r;
}

static struct record get(void (*answer)(struct tiny_server *server, int fd),
                         struct plm_http_request request)
{
    struct world w;
    struct record r = {0};
    world_open(&w, answer);
    world_get(&w, &r, request);
    world_close(&w);
    return r;
}

static void partial_content_goes_to_the_sink(void **state)
{
    (void)state;
    struct record r = get_with_sink(answer_range, (struct record){0});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.begins, 1);
    assert_int_equal(r.sunk, 4);
    assert_true(r.has_range);
    assert_int_equal(r.range.start, 2);
    assert_int_equal(r.range.end, 6);
    assert_int_equal(r.total, 10);
    assert_int_equal(r.body_size, 0);
}

static void error_body_never_reaches_the_sink(void **state)
{
    (void)state;
    struct record r = get_with_sink(answer_missing, (struct record){0});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.status, 404);
    assert_int_equal(r.begins, 0);
    assert_int_equal(r.sunk, 0);
    assert_string_equal(r.body, "nope");
}

static void empty_content_is_begun_too(void **state)
{
    (void)state;
    struct record r = get_with_sink(answer_empty, (struct record){0});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.begins, 1);
    assert_int_equal(r.sunk, 0);
}

static void sink_may_refuse_the_head_before_any_byte(void **state)
{
    (void)state;
    struct record r = get_with_sink(answer_range, (struct record){.refuse_begin = true});
    assert_int_equal(r.end, PLM_HTTP_REFUSED);
    assert_int_equal(r.error.code, PLM_E_PROTOCOL);
    assert_string_equal(r.error.msg, "not this one");
    assert_int_equal(r.sunk, 0);
}

static void sink_may_have_enough(void **state)
{
    (void)state;
    struct record r = get_with_sink(answer_mebibyte, (struct record){.enough_at = 100000});
    assert_int_equal(r.end, PLM_HTTP_ENOUGH);
    assert_int_equal(r.error.code, PLM_OK);
    assert_true(r.sunk >= 100000 && r.sunk < 100000 + 262144); /* one gathered piece more */
}

static void failing_sink_ends_the_transfer_with_its_error(void **state)
{
    (void)state;
    struct record r = get_with_sink(answer_mebibyte, (struct record){.fail_at = 1});
    assert_int_equal(r.end, PLM_HTTP_REFUSED);
    assert_int_equal(r.error.code, PLM_E_NOSPACE);
    assert_string_equal(r.error.msg, "disk full");
}

static void body_over_its_cap_is_refused(void **state)
{
    (void)state;
    struct record r = get(answer_mebibyte, (struct plm_http_request){.body_max = 1048575});
    assert_int_equal(r.end, PLM_HTTP_MALFORMED);
    assert_int_equal(r.error.code, PLM_E_LIMIT);
    r = get(answer_mebibyte, (struct plm_http_request){.body_max = 1048576});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.body_size, 1048576);
}

static void endless_error_body_is_cut_and_not_waited_for(void **state)
{
    (void)state;
    struct record r = get(answer_endless_error, (struct plm_http_request){.body_max = 10});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.status, 500);
    assert_int_equal(r.body_size, 65536);
    assert_true(r.received < 2u << 20);
}

static void head_request_has_no_body(void **state)
{
    (void)state;
    struct record r = get(answer_head_only, (struct plm_http_request){.method = "HEAD"});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_true(r.has_length);
    assert_int_equal(r.length, 1000000);
    assert_int_equal(r.received, 0);
}

static void every_framing_of_a_body_is_understood(void **state)
{
    (void)state;
    struct record r = get(answer_chunked, (struct plm_http_request){0});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.body, "abcde");
    r = get(answer_by_http_1_0, (struct plm_http_request){0});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_string_equal(r.body, "until the end");
    assert_false(r.has_length);
    r = get(answer_more_than_declared, (struct plm_http_request){0});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_string_equal(r.body, "abc");
}

static void what_is_not_http_is_malformed(void **state)
{
    (void)state;
    static void (*const answers[])(struct tiny_server * server, int fd) = {
        answer_nonsense,     answer_bad_length,  answer_switching,
        answer_many_headers, answer_long_header,
    };
    for (size_t i = 0; i < PLM_COUNT(answers); i++) {
        struct record r = get(answers[i], (struct plm_http_request){0});
        if (r.end != PLM_HTTP_MALFORMED)
            fail_msg("answer %zu ended as %d: %s", i, r.end, r.error.msg);
        assert_true(r.error.code == PLM_E_PROTOCOL || r.error.code == PLM_E_LIMIT);
    }
}

static atomic_bool is_reused;

/* Refuses the first request, and would answer another one on that connection. */
static void answer_refusing(struct tiny_server *server, int fd)
{
    bool is_first = atomic_load(&server->requests) == 1;
    tiny_say(fd, is_first ? "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
                          : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (is_first && tiny_read_request(server, fd)) {
        atomic_store(&is_reused, true);
        tiny_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

static void a_refusing_server_gets_its_connection_back(void **state)
{
    (void)state;
    struct world w;
    struct record refused = {0}, answered = {0};
    atomic_store(&is_reused, false);
    world_open(&w, answer_refusing);
    world_get(&w, &refused, (struct plm_http_request){0});
    assert_int_equal(refused.status, 503);
    world_get(&w, &answered, (struct plm_http_request){0});
    assert_int_equal(answered.status, 200);
    assert_false(atomic_load(&is_reused));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusing_server_gets_its_connection_back),
        cmocka_unit_test(partial_content_goes_to_the_sink),
        cmocka_unit_test(error_body_never_reaches_the_sink),
        cmocka_unit_test(empty_content_is_begun_too),
        cmocka_unit_test(sink_may_refuse_the_head_before_any_byte),
        cmocka_unit_test(sink_may_have_enough),
        cmocka_unit_test(failing_sink_ends_the_transfer_with_its_error),
        cmocka_unit_test(body_over_its_cap_is_refused),
        cmocka_unit_test(endless_error_body_is_cut_and_not_waited_for),
        cmocka_unit_test(head_request_has_no_body),
        cmocka_unit_test(every_framing_of_a_body_is_understood),
        cmocka_unit_test(what_is_not_http_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
