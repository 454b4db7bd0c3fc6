/* A loop, a client and the record of one exchange, for the tests of the HTTP client. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/http_private.h"
#include "tiny_server.h"

struct world {
    struct plm_loop *loop;
    struct plm_http_client *client;
    struct tiny_server server;
};

/* What came of a request; strings are cut. */
struct record {
    int done;
    enum plm_http_end end;
    struct plm_error error;
    int status;
    bool has_length, has_range, malformed;
    struct plm_span range;
    uint64_t length, total, received;
    char location[64], address[64], body[4096];
    size_t body_size;
    /* the sink's side */
    int begins;
    bool refuse_begin;
    size_t enough_at, fail_at; /* 0: never */
    size_t sunk;
    size_t largest_piece;
};

static inline bool record_begin(void *ctx, const struct plm_http_head *head, struct plm_error *err)
{
    struct record *r = ctx;
    r->begins++;
    if (head->status != 200 && head->status != 206)
        return plm_fail(err, PLM_E_INTERNAL, "begin saw status %d", head->status);
    return r->refuse_begin ? plm_fail(err, PLM_E_PROTOCOL, "not this one") : true;
}

static inline bool record_write(void *ctx, const void *bytes, size_t length, struct plm_error *err)
{
    struct record *r = ctx;
    (void)bytes;
    r->sunk += length;
    if (length > r->largest_piece)
        r->largest_piece = length;
    if (r->fail_at && r->sunk >= r->fail_at)
        return plm_fail(err, PLM_E_NOSPACE, "disk full");
    if (r->enough_at && r->sunk >= r->enough_at) {
        err->code = PLM_E_INTERRUPTED;
        return false;
    }
    return true;
}

static inline struct plm_http_sink record_sink(struct record *r)
{
    return (struct plm_http_sink){.begin = record_begin, .write = record_write, .ctx = r};
}

static inline void record_text(char *out, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);
    memcpy(out, text, length);
    out[length] = '\0';
}

static inline void record_done(void *ctx, const struct plm_http_outcome *outcome)
{
    struct record *r = ctx;
    r->done++;
    r->end = outcome->end;
    r->error = outcome->error;
    r->status = outcome->head.status;
    r->has_length = outcome->head.has_length;
    r->length = outcome->head.length;
    r->has_range = outcome->head.has_range;
    r->range = outcome->head.range;
    r->total = outcome->head.total;
    r->malformed = outcome->head.malformed;
    r->received = outcome->received;
    r->body_size = outcome->body.size;
    record_text(r->location, sizeof(r->location), outcome->head.location);
    record_text(r->address, sizeof(r->address), outcome->remote_address);
    record_text(r->body, sizeof(r->body), outcome->body.bytes ? outcome->body.bytes : "");
}

static inline struct plm_http_options world_defaults(void)
{
    return (struct plm_http_options){.user_agent = "pullama/test",
                                     .proxy = "",
                                     .connect_ms = 5000,
                                     .stall_ms = 20000,
                                     .max_connections = 4};
}

static inline void world_open_with(struct world *w, struct plm_http_options options,
                                   void (*answer)(struct tiny_server *server, int fd))
{
    struct plm_error err = {0};
    memset(w, 0, sizeof(*w));
    assert_true(plm_loop_new(&w->loop, &err));
    assert_true(plm_http_client_new(w->loop, &options, &w->client, &err));
    assert_true(tiny_start(&w->server, answer));
}

static inline void world_open(struct world *w, void (*answer)(struct tiny_server *server, int fd))
{
    world_open_with(w, world_defaults(), answer);
}

static inline void world_close(struct world *w)
{
    plm_http_client_free(w->client);
    plm_loop_free(w->loop);
    tiny_stop(&w->server);
}

static inline void world_step(struct world *w)
{
    struct plm_error err = {0};
    if (!plm_loop_step(w->loop, 1000, &err))
        fail_msg("%s", err.msg);
}

static inline void world_run(struct world *w, const struct record *r)
{
    int64_t end_ms = plm_loop_now(w->loop) + 20000;
    while (!r->done && plm_loop_now(w->loop) < end_ms)
        world_step(w);
    assert_int_equal(r->done, 1);
}

static inline struct plm_http_transfer *world_start(struct world *w, struct record *r,
                                                    struct plm_http_request request)
{
    char url[256];
    struct plm_error err = {0};
    struct plm_http_transfer *t = NULL;
    if (!request.method)
        request.method = "GET";
    if (!request.url)
        request.url = tiny_url(&w->server, "/x", url);
    if (!request.body_max)
        request.body_max = 64u << 10;
    if (!plm_http_start(w->client, &request, record_done, r, &t, &err))
        fail_msg("%s", err.msg);
    return t;
}

/* One whole exchange. */
static inline void world_get(struct world *w, struct record *r, struct plm_http_request request)
{
    (void)world_start(w, r, request);
    world_run(w, r);
}
