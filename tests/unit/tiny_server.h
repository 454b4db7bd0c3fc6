/* A server on 127.0.0.1 for one test: a thread that answers each connection by a script. */
#pragma once

#include "os/thread.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TINY_HELD_MAX 16

struct tiny_server {
    int fd;
    uint16_t port;
    struct plm_thread thread;
    /* Answers one request; more of the same connection are read with tiny_read_request(). */
    void (*answer)(struct tiny_server *server, int fd);
    char request[8192]; /* the last one; read it after its answer has come */
    atomic_int requests;
    int held[TINY_HELD_MAX]; /* connections that stay open until the end */
    int held_count;
};

static inline bool tiny_read_request(struct tiny_server *server, int fd)
{
    size_t used = 0;
    server->request[0] = '\0';
    while (!strstr(server->request, "\r\n\r\n")) {
        if (used == sizeof(server->request) - 1)
            return false;
        ssize_t got = recv(fd, server->request + used, sizeof(server->request) - 1 - used, 0);
        if (got <= 0)
            return false;
        used += (size_t)got;
        server->request[used] = '\0';
    }
    atomic_fetch_add(&server->requests, 1);
    return true;
}

static inline void tiny_send(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the client has left */
        at += sent;
        length -= (size_t)sent;
    }
}

static inline void tiny_say(int fd, const char *text)
{
    tiny_send(fd, text, strlen(text));
}

/* Leaves the connection open, silent, until the server stops. */
static inline void tiny_hold(struct tiny_server *server, int fd)
{
    if (server->held_count < TINY_HELD_MAX)
        server->held[server->held_count++] = dup(fd);
}

/* Makes the coming close a reset. */
static inline void tiny_reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static inline void *tiny_run(void *ctx)
{
    struct tiny_server *server = ctx;
    for (;;) {
        int fd = accept(server->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        if (tiny_read_request(server, fd))
            server->answer(server, fd);
        (void)close(fd);
    }
}

static inline bool tiny_start(struct tiny_server *server,
                              void (*answer)(struct tiny_server *server, int fd))
{
    memset(server, 0, sizeof(*server));
    server->answer = answer;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct plm_error err = {0};
    if (server->fd < 0 || bind(server->fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(server->fd, (struct sockaddr *)&address, &size) != 0 ||
        listen(server->fd, 16) != 0)
        return false;
    server->port = ntohs(address.sin_port);
    return plm_thread_start(&server->thread, tiny_run, server, &err);
}

static inline void tiny_stop(struct tiny_server *server)
{
    (void)shutdown(server->fd, SHUT_RDWR);
    plm_thread_join(&server->thread);
    (void)close(server->fd);
    for (int i = 0; i < server->held_count; i++)
        (void)close(server->held[i]);
}

static inline const char *tiny_url(const struct tiny_server *server, const char *path,
                                   char out[256])
{
    (void)snprintf(out, 256, "http://127.0.0.1:%u%s", (unsigned)server->port, path);
    return out;
}
