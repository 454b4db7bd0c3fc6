#include "http_world.h"

#include "os/os.h"

#include <stdlib.h>

#define FILE_SIZE (3u << 20)
#define SLOW_MS 20 /* for each piece of a server that is slow */

/* What the server's thread saw; read after the answer. */
static struct {
    size_t size;
    unsigned sum;
} seen;

static struct {
    uint64_t passed;
    unsigned restarts;
} told;

static size_t declared(const struct tiny_server *server)
{
    const char *at = strstr(server->request, "Content-Length: ");
    return at ? strtoul(at + 16, NULL, 10) : 0;
}

static void take_body(struct tiny_server *server, int fd)
{
    char piece[16384];
    const char *rest = strstr(server->request, "\r\n\r\n") + 4;
    size_t length = declared(server);
    seen.size = strlen(rest);
    seen.sum = 0;
    for (; *rest; rest++)
        seen.sum += (unsigned char)*rest;
    while (seen.size < length) {
        ssize_t got = recv(fd, piece, sizeof(piece), 0);
        if (got <= 0)
            return;
        for (ssize_t i = 0; i < got; i++)
            seen.sum += (unsigned char)piece[i];
        seen.size += (size_t)got;
    }
}

static void answer_taken(struct tiny_server *server, int fd)
{
    take_body(server, fd);
    tiny_say(fd, "HTTP/1.1 202 A\r\nContent-Length: 0\r\nDocker-Upload-Location: /next\r\n"
                 "Range: 0-99\r\n\r\n");
}

static void answer_with_leave(struct tiny_server *server, int fd)
{
    if (strstr(server->request, "Expect: 100-continue"))
        tiny_say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    answer_taken(server, fd);
}

static void answer_elsewhere(struct tiny_server *server, int fd)
{
    (void)server;
    tiny_say(fd, "HTTP/1.1 307 T\r\nContent-Length: 0\r\nLocation: http://store/x\r\n\r\n");
}

static void answer_never_reading(struct tiny_server *server, int fd)
{
    tiny_hold(server, fd);
}

/* Takes a little at a time, so that the client's socket is full, or the body is all in it, for many
 * times as long as a stall lasts, while bytes leave it all the time. */
static void answer_slowly(struct tiny_server *server, int fd)
{
    char piece[8192];
    size_t length = declared(server);
    seen.size = strlen(strstr(server->request, "\r\n\r\n") + 4);
    while (seen.size < length) {
        struct timespec wait = {.tv_nsec = SLOW_MS * 1000000};
        (void)nanosleep(&wait, NULL);
        ssize_t got = recv(fd, piece, sizeof(piece), 0);
        if (got <= 0)
            return;
        seen.size += (size_t)got;
    }
    tiny_say(fd, "HTTP/1.1 201 C\r\nContent-Length: 0\r\n\r\n");
}

static void answer_late(struct tiny_server *server, int fd)
{
    take_body(server, fd);
    struct timespec wait = {.tv_nsec = 350000000}; /* longer than a stall, shorter than four */
    (void)nanosleep(&wait, NULL);
    tiny_say(fd, "HTTP/1.1 201 C\r\nContent-Length: 0\r\n\r\n");
}

static void count(void *ctx, uint64_t at, const void *bytes, size_t length)
{
    (void)ctx;
    (void)bytes;
    told.restarts += at == 0;
    told.passed = at + length;
}

/* A file without NULs: what came with the head is taken out of it as a text. */
static int make_file(void)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    for (unsigned i = 0; i < FILE_SIZE; i++)
        (void)fputc((int)(i / 3 % 255 + 1), file);
    assert_int_equal(fflush(file), 0);
    int fd = dup(fileno(file));
    assert_int_equal(fclose(file), 0);
    return fd;
}

static unsigned sum_of(unsigned start, unsigned end)
{
    unsigned sum = 0;
    for (unsigned i = start; i < end; i++)
        sum += i / 3 % 255 + 1;
    return sum;
}

static struct plm_http_body body_of(int fd, uint64_t start, uint64_t length)
{
    told.passed = told.restarts = 0;
    return (struct plm_http_body){
        .is_set = true, .fd = fd, .start = start, .length = length, .passed = count};
}

static void a_body_out_of_memory_arrives_with_its_type(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    world_open(&w, answer_taken);
    world_get(&w, &r,
              (struct plm_http_request){
                  .method = "PUT",
                  .headers = "Content-Range: 0-2\nX-Signed: a: b\n",
                  .body = {.is_set = true, .type = "text/x", .bytes = "abc", .length = 3}});
    assert_int_equal(r.status, 202);
    assert_int_equal(seen.size, 3);
    assert_int_equal(seen.sum, 'a' + 'b' + 'c');
    assert_non_null(strstr(w.server.request, "PUT /x HTTP/1.1\r\n"));
    assert_non_null(strstr(w.server.request, "Content-Type: text/x\r\n"));
    assert_non_null(strstr(w.server.request, "Content-Range: 0-2\r\n"));
    assert_non_null(strstr(w.server.request, "X-Signed: a: b\r\n"));
    assert_null(strstr(w.server.request, "Expect"));
    world_close(&w);
}

static void an_empty_body_says_that_it_is_empty(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    world_open(&w, answer_taken);
    world_get(&w, &r,
              (struct plm_http_request){.method = "POST", .body = {.is_set = true, .bytes = ""}});
    assert_int_equal(r.status, 202);
    assert_non_null(strstr(w.server.request, "POST /x HTTP/1.1\r\n"));
    assert_non_null(strstr(w.server.request, "Content-Length: 0\r\n"));
    world_close(&w);
}

static void a_stretch_of_a_file_is_sent_and_counted(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    int fd = make_file();
    world_open(&w, answer_with_leave);
    struct plm_http_body body = body_of(fd, 1000, FILE_SIZE - 5000);
    body.expect = true;
    world_get(&w, &r, (struct plm_http_request){.method = "PATCH", .body = body});
    assert_int_equal(r.status, 202);
    assert_int_equal(seen.size, FILE_SIZE - 5000);
    assert_int_equal(seen.sum, sum_of(1000, FILE_SIZE - 4000));
    assert_int_equal(told.passed, FILE_SIZE - 5000);
    assert_int_equal(told.restarts, 1);
    assert_int_equal(plm_http_client_sent(w.client), FILE_SIZE - 5000);
    world_close(&w);
    (void)close(fd);
}

static void nothing_is_sent_where_the_server_sends_it_elsewhere(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    int fd = make_file();
    world_open(&w, answer_elsewhere);
    struct plm_http_body body = body_of(fd, 0, FILE_SIZE);
    body.expect = true;
    world_get(&w, &r, (struct plm_http_request){.method = "PATCH", .body = body});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.status, 307);
    assert_string_equal(r.location, "http://store/x");
    assert_int_equal(told.passed, 0);
    world_close(&w);
    (void)close(fd);
}

static void a_file_that_became_shorter_ends_the_request(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    int fd = make_file();
    world_open(&w, answer_taken);
    world_get(&w, &r,
              (struct plm_http_request){.method = "PATCH", .body = body_of(fd, 10, FILE_SIZE)});
    assert_int_equal(r.end, PLM_HTTP_REFUSED);
    assert_int_equal(r.error.code, PLM_E_IO);
    world_close(&w);
    (void)close(fd);
}

static void a_server_that_does_not_read_is_a_stall(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    int fd = make_file();
    struct plm_http_options options = world_defaults();
    options.stall_ms = 100;
    world_open_with(&w, options, answer_never_reading);
    world_get(&w, &r,
              (struct plm_http_request){
                  .method = "PATCH", .body = body_of(fd, 0, FILE_SIZE), .patience = 100});
    assert_int_equal(r.end, PLM_HTTP_STALL);
    assert_true(told.passed < FILE_SIZE); /* what waits in the kernel is not counted as sent */
    world_close(&w);
    (void)close(fd);
}

/* 30 pieces: less than the client's socket takes in at once. */
static void bytes_that_leave_the_system_are_no_stall(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    int fd = make_file(), small = 4096;
    struct plm_http_options options = world_defaults();
    options.stall_ms = 10 * SLOW_MS;
    world_open_with(&w, options, answer_slowly);
    assert_int_equal(
        setsockopt(w.server.fd, SOL_SOCKET, SO_RCVBUF, &small, (socklen_t)sizeof(small)), 0);
    world_get(&w, &r,
              (struct plm_http_request){.method = "PATCH", .body = body_of(fd, 0, 240u << 10)});
    assert_int_equal(r.end, PLM_HTTP_ANSWERED);
    assert_int_equal(r.status, 201);
    assert_int_equal(seen.size, 240u << 10);
    world_close(&w);
    (void)close(fd);
}

static void a_server_may_take_its_time_once_it_has_all(void **state)
{
    (void)state;
    struct world w;
    struct plm_http_options options = world_defaults();
    options.stall_ms = 100;
    for (unsigned patience = 1; patience <= 20; patience += 19) {
        struct record r = {0};
        world_open_with(&w, options, answer_late);
        world_get(&w, &r,
                  (struct plm_http_request){.method = "PUT",
                                            .body = {.is_set = true, .bytes = "abc", .length = 3},
                                            .patience = patience});
        assert_int_equal(r.end, patience == 1 ? PLM_HTTP_STALL : PLM_HTTP_ANSWERED);
        world_close(&w);
    }
}

static void sending_keeps_to_the_rate(void **state)
{
    (void)state;
    struct world w;
    struct record r = {0};
    int fd = make_file();
    struct plm_http_options options = world_defaults();
    options.limit_rate = 1u << 20;
    world_open_with(&w, options, answer_taken);
    int64_t began = plm_os_monotonic_ms();
    world_get(&w, &r,
              (struct plm_http_request){.method = "PATCH", .body = body_of(fd, 0, 768u << 10)});
    assert_int_equal(r.status, 202);
    assert_int_equal(seen.sum, sum_of(0, 768u << 10));
    /* 768 KiB at 1 MiB/s, less a burst of 100 ms. */
    assert_true(plm_os_monotonic_ms() - began >= 600);
    world_close(&w);
    (void)close(fd);
}

static void a_header_with_a_line_break_is_not_sent(void **state)
{
    (void)state;
    struct world w;
    struct plm_error err = {0};
    struct plm_http_transfer *transfer = NULL;
    char url[256];
    world_open(&w, answer_taken);
    const char *const bad[] = {"X: a\rEvil: b\n", "no colon\n"};
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        err = (struct plm_error){0};
        struct plm_http_request request = {
            .method = "PUT", .url = tiny_url(&w.server, "/", url), .headers = bad[i]};
        assert_false(plm_http_start(w.client, &request, record_done, NULL, &transfer, &err));
        assert_int_equal(err.code, PLM_E_PROTOCOL);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_out_of_memory_arrives_with_its_type),
        cmocka_unit_test(an_empty_body_says_that_it_is_empty),
        cmocka_unit_test(a_stretch_of_a_file_is_sent_and_counted),
        cmocka_unit_test(nothing_is_sent_where_the_server_sends_it_elsewhere),
        cmocka_unit_test(a_file_that_became_shorter_ends_the_request),
        cmocka_unit_test(a_server_that_does_not_read_is_a_stall),
        cmocka_unit_test(bytes_that_leave_the_system_are_no_stall),
        cmocka_unit_test(a_server_may_take_its_time_once_it_has_all),
        cmocka_unit_test(sending_keeps_to_the_rate),
        cmocka_unit_test(a_header_with_a_line_break_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
