/** What the files of the HTTP client share; for src/net/http*.c and their tests alone. */
#pragma once

#include "net/http_head.h"
#include "net/rate.h"

struct plm_http_client {
    struct plm_loop *loop;
    char *user_agent;
    char *ca_file; /* NULL: the library's own */
    char *proxy;   /* NULL: from the environment; "": none */
    int64_t connect_ms;
    int64_t stall_ms;
    long buffer_bytes;
    uint64_t received;
    struct plm_http_transfer *first, *last; /* the one that was resumed longest ago stands first */
    size_t count;
    struct plm_timer stall_check;
    struct plm_timer resume;
    struct plm_rate rate;
    unsigned max_connections;
    uint64_t round; /* of resuming */
};

struct plm_http_transfer {
    struct plm_http_client *client;
    struct plm_http_transfer *next, *prev;
    CURL *easy;
    struct curl_slist *headers;
    struct plm_http_sink sink;
    size_t body_max;
    void (*done)(void *ctx, const struct plm_http_outcome *outcome);
    void *ctx;
    struct plm_head_reader reader;
    struct plm_http_outcome outcome;
    bool decided; /* a callback or timer has set outcome.end, whatever curl says */
    bool is_head_request;
    bool begun;   /* the final head was shown to whom it concerns */
    bool to_sink; /* begin() took the body */
    bool sent;    /* the connection stands: the stall clock runs */
    bool paused;  /* by the rate limit, or until the loop has seen to everything else */
    bool ending;
    uint64_t round;
    uint64_t quantum; /* bytes that may pass before others have their turn */
    int64_t active_ms;
    char authority[PLM_URL_MAX / 16 + 8];
    char proxy[256]; /* redacted, for messages; "" when none */
    char detail[CURL_ERROR_SIZE];
};

/* http_setup.c */

/** Checks the request and sets every option of transfer->easy; fills authority and proxy. */
PLM_MUST bool plm_http_setup(struct plm_http_transfer *transfer,
                             const struct plm_http_request *request, struct plm_error *err);

/* http_body.c: what curl calls; they record, and never add or remove transfers */

size_t plm_http_on_header(char *bytes, size_t one, size_t length, void *ctx);
size_t plm_http_on_body(char *bytes, size_t one, size_t length, void *ctx);
int plm_http_on_sending(void *ctx, char *remote_ip, char *local_ip, int remote_port,
                        int local_port);

/* http_end.c */

/** What an end of a transfer is judged by, besides curl's code. */
struct plm_http_facts {
    const char *host;  /**< host[:port] */
    const char *proxy; /**< "" when none */
    const char *ca_file;
    const char *detail;  /**< the library's own words, or "" */
    long connect_status; /**< what a proxy answered to CONNECT, or 0 */
    bool reused;         /**< the connection had carried an answer before */
    bool reading_head;   /**< request sent, answer's head not complete */
};
/** Maps and explains a code other than CURLE_OK; @p err is filled. */
enum plm_http_end plm_http_end_of(CURLcode code, const struct plm_http_facts *facts,
                                  struct plm_error *err);
