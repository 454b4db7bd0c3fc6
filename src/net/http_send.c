/* Outgoing bytes: a request's body, out of memory or a file, under the rate limit. */
#include "net/http_private.h"

#include "os/os.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PIECE (128L << 10)
#define PIECE_LIMITED ((size_t)16 << 10)
#define LEAVE_MS 1000L
/* Bytes that may wait in the kernel for their turn on the wire. Megabytes there would be counted as
 * sent, and make a slow connection look like a silent one. */
#define UNSENT_MAX (256 << 10)

static size_t fail(struct plm_http_transfer *t)
{
    t->outcome.end = PLM_HTTP_REFUSED;
    t->decided = true;
    return CURL_READFUNC_ABORT;
}

static bool read_piece(struct plm_http_transfer *t, char *out, size_t length)
{
    const struct plm_http_body *body = &t->body;
    struct plm_error *err = &t->outcome.error;
    size_t got = 0;
    if (body->bytes) {
        memcpy(out, (const char *)body->bytes + t->body_at, length);
        return true;
    }
    if (!plm_os_read_at(body->fd, out, length, body->start + t->body_at, &got, err))
        return false;
    return got == length || plm_fail(err, PLM_E_IO, "the file became shorter while it was sent");
}

static size_t on_read(char *out, size_t one, size_t room, void *ctx)
{
    struct plm_http_transfer *t = ctx;
    uint64_t left = t->body.length - t->body_at;
    size_t most = t->client->rate.per_second ? PIECE_LIMITED : (size_t)PIECE;
    size_t length = one * room < most ? one * room : most; /* one is always 1 */
    t->active_ms = plm_loop_now(t->client->loop);
    if (length > left)
        length = (size_t)left;
    if (length == 0)
        return 0;
    if (plm_http_is_held_back(t, length))
        return CURL_READFUNC_PAUSE;
    if (!read_piece(t, out, length))
        return fail(t);
    if (t->body.passed)
        t->body.passed(t->body.ctx, t->body_at, out, length);
    t->body_at += length;
    t->outcome.sent += length;
    t->client->sent += length;
    return length;
}

/* The library makes a request again by itself when a kept connection turns out to be dead. Not once
 * bytes of a body went out: what became of them is for others to find out first. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct plm_http_transfer *t = ctx;
    return origin == SEEK_SET && offset == 0 && t->body_at == 0 ? CURL_SEEKFUNC_OK
                                                                : CURL_SEEKFUNC_FAIL;
}

/* A number that comes again takes its old place, so that those of closed sockets do not push out
 * those of open ones. */
static void note_socket(struct plm_http_client *client, int socket)
{
    size_t place = 0;
    while (place < PLM_HTTP_SOCKETS && client->sockets[place] != socket)
        place++;
    if (place == PLM_HTTP_SOCKETS)
        client->sockets[client->next_socket++ % PLM_HTTP_SOCKETS] = socket;
}

int plm_http_on_socket(void *ctx, curl_socket_t socket, curlsocktype purpose)
{
    (void)purpose;
    note_socket(((struct plm_http_transfer *)ctx)->client, socket);
#ifdef TCP_NOTSENT_LOWAT
    int most = UNSENT_MAX;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most)); /* a hint */
#endif
    return CURL_SOCKOPT_OK;
}

/* A number may belong to another file by now: its ports tell. */
void plm_http_find_socket(struct plm_http_transfer *t, int local_port, int remote_port)
{
    const struct plm_http_client *client = t->client;
    t->socket = -1;
    t->queued = 0;
    for (size_t i = 0; i < PLM_HTTP_SOCKETS && t->socket < 0; i++) {
        int socket = client->sockets[i];
        if (socket >= 0 && plm_os_has_ports(socket, (uint16_t)local_port, (uint16_t)remote_port))
            t->socket = socket;
    }
}

void plm_http_look_at_queue(struct plm_http_transfer *t)
{
    uint64_t queued;
    if (t->socket < 0 || t->body_at == 0 || !plm_os_unacknowledged(t->socket, &queued))
        return;
    if (queued < t->queued)
        t->active_ms = plm_loop_now(t->client->loop);
    t->queued = queued;
}

#define SET(ok, easy, option, value)                                                               \
    ((ok) = (ok) && curl_easy_setopt(easy, option, value) == CURLE_OK)

bool plm_http_set_body(struct plm_http_transfer *t)
{
    CURL *easy = t->easy;
    bool ok = t->body.length <= INT64_MAX;
    SET(ok, easy, CURLOPT_UPLOAD, 1L);
    SET(ok, easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->body.length);
    SET(ok, easy, CURLOPT_UPLOAD_BUFFERSIZE, PIECE);
    SET(ok, easy, CURLOPT_EXPECT_100_TIMEOUT_MS, LEAVE_MS);
    SET(ok, easy, CURLOPT_READFUNCTION, on_read);
    SET(ok, easy, CURLOPT_READDATA, t);
    SET(ok, easy, CURLOPT_SEEKFUNCTION, on_seek);
    SET(ok, easy, CURLOPT_SEEKDATA, t);
    return ok;
}
