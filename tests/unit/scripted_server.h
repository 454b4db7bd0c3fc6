/* A scripted HTTP server on 127.0.0.1 for one test: it records each request, and a function of the
 * test answers. */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "os/thread.h"

#define SEEN_MAX 256

struct seen {
    char head[4096]; /* request line and header lines */
    char target[1024];
};

struct server {
    int fd;
    uint16_t port;
    char host[32]; /* 127.0.0.1:port */
    struct plm_thread thread;
    struct plm_mutex lock;
    struct seen *seen;
    size_t count;
    /* Called on the server's thread for each request; out is sent as it is, then the connection is
     * closed. */
    void (*answer)(void *ctx, const struct server *server, const struct seen *request,
                   struct plm_buf *out);
    void *ctx;
};

/* The value of a request's header, "" when absent. The text lives until the next call but three. */
static inline const char *sent_header(const struct seen *request, const char *name)
{
    static __thread char values[4][1024];
    static __thread unsigned next;
    char *value = values[next++ % 4], line[64];
    value[0] = '\0';
    (void)snprintf(line, sizeof(line), "\r\n%s: ", name);
    const char *at = strcasestr(request->head, line);
    if (at) {
        at += strlen(line);
        (void)snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at, "\r"), at);
    }
    return value;
}

static inline bool is_target(const struct seen *request, const char *target)
{
    return strcmp(request->target, target) == 0;
}

static inline bool is_below(const struct seen *request, const char *prefix)
{
    return strncmp(request->target, prefix, strlen(prefix)) == 0;
}

/* Appends a whole answer; headers are whole lines with CRLF. */
static inline void reply(struct plm_buf *out, int status, const char *headers, const char *body)
{
    struct plm_error err = {0};
    if (!plm_buf_printf(out, &err,
                        "HTTP/1.1 %d Some\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
                        status, headers, strlen(body), body))
        abort();
}

/* Answers the request's range of the text with 206. */
static inline void reply_range(struct plm_buf *out, const struct seen *request, const char *text)
{
    unsigned long first = 0, last = 0;
    char headers[128], part[4096];
    if (sscanf(sent_header(request, "Range"), "bytes=%lu-%lu", &first, &last) != 2 ||
        last >= strlen(text)) {
        reply(out, 416, "", "");
        return;
    }
    (void)snprintf(headers, sizeof(headers), "Content-Range: bytes %lu-%lu/%zu\r\n", first, last,
                   strlen(text));
    (void)snprintf(part, sizeof(part), "%.*s", (int)(last - first + 1), text + first);
    reply(out, 206, headers, part);
}

/* Reads what of a request's body did not come with its head, of which so many bytes were read. */
static inline bool skip_body(int fd, const struct seen *seen, size_t used)
{
    const char *end = strstr(seen->head, "\r\n\r\n") + 4;
    size_t got = used - (size_t)(end - seen->head);
    size_t length = strtoul(sent_header(seen, "Content-Length"), NULL, 10);
    char piece[512];
    while (got < length) {
        ssize_t more = recv(fd, piece, sizeof(piece), 0);
        if (more <= 0)
            return false;
        got += (size_t)more;
    }
    return true;
}

static inline bool read_request(int fd, struct seen *seen)
{
    size_t used = 0;
    while (used + 1 < sizeof(seen->head)) {
        ssize_t got = recv(fd, seen->head + used, sizeof(seen->head) - 1 - used, 0);
        if (got <= 0)
            return false;
        used += (size_t)got;
        seen->head[used] = '\0';
        if (strstr(seen->head, "\r\n\r\n"))
            return sscanf(seen->head, "%*s %1023s", seen->target) == 1 && skip_body(fd, seen, used);
    }
    return false;
}

static inline void *server_run(void *ctx)
{
    struct server *server = ctx;
    for (int fd; (fd = accept(server->fd, NULL, NULL)) >= 0; close(fd)) {
        struct seen seen;
        if (!read_request(fd, &seen))
            continue;
        plm_mutex_lock(&server->lock);
        if (server->count < SEEN_MAX)
            server->seen[server->count++] = seen;
        plm_mutex_unlock(&server->lock);
        struct plm_buf out = PLM_BUF_INIT(1u << 20);
        server->answer(server->ctx, server, &seen, &out);
        for (size_t sent = 0; sent < out.size;) {
            ssize_t part = send(fd, out.bytes + sent, out.size - sent, MSG_NOSIGNAL);
            if (part <= 0)
                break;
            sent += (size_t)part;
        }
        plm_buf_done(&out);
    }
    return NULL;
}

static inline void server_start(struct server *server,
                                void (*answer)(void *ctx, const struct server *server,
                                               const struct seen *request, struct plm_buf *out),
                                void *ctx)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    struct plm_error err = {0};
    memset(server, 0, sizeof(*server));
    server->answer = answer;
    server->ctx = ctx;
    server->seen = calloc(SEEN_MAX, sizeof(*server->seen));
    assert_non_null(server->seen);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->fd >= 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->fd, 64), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    (void)snprintf(server->host, sizeof(server->host), "127.0.0.1:%u", server->port);
    plm_mutex_init(&server->lock);
    assert_true(plm_thread_start(&server->thread, server_run, server, &err));
}

static inline void server_done(struct server *server)
{
    (void)shutdown(server->fd, SHUT_RDWR);
    plm_thread_join(&server->thread);
    close(server->fd);
    plm_mutex_done(&server->lock);
    free(server->seen);
}

static inline size_t server_count(struct server *server)
{
    plm_mutex_lock(&server->lock);
    size_t count = server->count;
    plm_mutex_unlock(&server->lock);
    return count;
}

/* How many requests for targets that begin so were seen. */
static inline size_t server_count_of(struct server *server, const char *prefix)
{
    size_t found = 0;
    plm_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->count; i++)
        found += is_below(&server->seen[i], prefix);
    plm_mutex_unlock(&server->lock);
    return found;
}

/* The request with that number; entries never change once counted. */
static inline const struct seen *server_seen(struct server *server, size_t at)
{
    assert_true(at < server_count(server));
    return &server->seen[at];
}
