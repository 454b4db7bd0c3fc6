/* The tests' registry: manifests by tag, blobs by range. */
#include "registry.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE ((size_t)64 << 10)
#define REQUEST_MAX 8192

struct connection {
    struct registry *registry;
    int fd;
};

static bool send_all(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false; /* the client has left */
        at += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool read_request(int fd, char request[REQUEST_MAX])
{
    size_t used = 0;
    request[0] = '\0';
    while (!strstr(request, "\r\n\r\n")) {
        ssize_t got =
            used < REQUEST_MAX - 1 ? recv(fd, request + used, REQUEST_MAX - 1 - used, 0) : -1;
        if (got <= 0)
            return false;
        used += (size_t)got;
        request[used] = '\0';
    }
    return true;
}

static void answer(int fd, int status, const char *body)
{
    char head[256];
    int length = snprintf(head, sizeof(head),
                          "HTTP/1.1 %d Some\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                          status, strlen(body));
    if (send_all(fd, head, (size_t)length))
        (void)send_all(fd, body, strlen(body));
}

static const struct model_blob *find_blob(const struct registry *registry, const char *request)
{
    for (size_t v = 0; v < MODEL_VERSIONS; v++)
        for (size_t i = 0; i < MODEL_BLOBS; i++) {
            char digest[PLM_DIGEST_TEXT];
            if (strstr(request,
                       plm_digest_format(&registry->models[v].blobs[i].want.digest, digest)))
                return &registry->models[v].blobs[i];
        }
    return NULL;
}

/* How much of this piece may be served. */
static size_t take_room(struct registry *registry, const struct model_blob *blob, size_t length)
{
    int64_t room = atomic_load(&registry->large_room);
    if (room < 0 || blob->want.size < (1u << 20))
        return length;
    int64_t left = atomic_fetch_sub(&registry->large_room, (int64_t)length);
    if (left < (int64_t)length)
        atomic_store(&registry->large_room, 0);
    return left >= (int64_t)length ? length : left > 0 ? (size_t)left : 0;
}

static void send_blob(struct registry *registry, int fd, const struct model_blob *blob,
                      const char *request)
{
    unsigned long long first = 0, end = blob->want.size, last;
    char head[256];
    unsigned char *piece = malloc(PIECE);
    const char *range = strcasestr(request, "\r\nRange: bytes=");
    bool partial = range && sscanf(range, "%*[^=]=%llu-%llu", &first, &last) == 2 &&
                   first <= last && last < blob->want.size;
    if (partial)
        end = last + 1;
    int length =
        snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %llu\r\n",
                 partial ? "206 Partial Content" : "200 OK", end - first);
    if (partial)
        length += snprintf(head + length, sizeof(head) - (size_t)length,
                           "Content-Range: bytes %llu-%llu/%llu\r\n", first, end - 1,
                           (unsigned long long)blob->want.size);
    length += snprintf(head + length, sizeof(head) - (size_t)length, "\r\n");
    bool ok = piece && send_all(fd, head, (size_t)length);
    while (ok && first < end) {
        size_t want = end - first < PIECE ? (size_t)(end - first) : PIECE;
        size_t part = take_room(registry, blob, want);
        model_bytes(blob, first, piece, part);
        ok = send_all(fd, piece, part) && part == want;
        atomic_fetch_add(&registry->served, part);
        first += part;
    }
    free(piece);
}

const char *registry_name(enum model_version version)
{
    static const char *const names[MODEL_VERSIONS] = {
        [MODEL_FIRST] = "first", [MODEL_NEXT] = "next", [MODEL_LARGE] = "large"};
    return names[version];
}

static void send_manifest(struct registry *registry, int fd, const char *request)
{
    unsigned version =
        strstr(request, "/" REGISTRY_TAG "/") ? atomic_load(&registry->version) : MODEL_VERSIONS;
    for (unsigned v = 0; v < MODEL_VERSIONS; v++) {
        char part[32];
        (void)snprintf(part, sizeof(part), "/%s/", registry_name((enum model_version)v));
        version = strstr(request, part) ? v : version;
    }
    if (version < MODEL_VERSIONS)
        answer(fd, 200, registry->models[version].manifest);
    else
        answer(fd, 404, "{}");
}

static void *serve(void *ctx)
{
    struct connection *connection = ctx;
    struct registry *registry = connection->registry;
    char request[REQUEST_MAX];
    if (read_request(connection->fd, request)) {
        const struct model_blob *blob = find_blob(registry, request);
        if (strstr(request, "/manifests/latest "))
            send_manifest(registry, connection->fd, request);
        else if (blob && strstr(request, "/blobs/"))
            send_blob(registry, connection->fd, blob, request);
        else
            answer(connection->fd, 404, "{}");
    }
    (void)close(connection->fd);
    free(connection);
    return NULL;
}

static void run(struct registry *registry, int listener)
{
    pthread_attr_t detached;
    (void)pthread_attr_init(&detached);
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        struct connection *connection = malloc(sizeof(*connection));
        pthread_t thread;
        if (!connection)
            abort();
        *connection = (struct connection){registry, fd};
        if (pthread_create(&thread, &detached, serve, connection) != 0)
            abort();
    }
}

pid_t registry_start(struct registry *registry)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 || listen(listener, 64) != 0)
        abort();
    registry->port = ntohs(address.sin_port);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            run(registry, listener);
        _exit(0);
    }
    (void)close(listener);
    return child;
}
