/** What the files of the HTTP client share; for src/net/http*.c and their tests alone. */
#pragma once

#include "net/http_head.h"
#include "net/rate.h"
#include "net/url.h"

/* A host:port that answered, and at which of its addresses. */
struct plm_http_way {
    char place[PLM_URL_MAX / 16 + 8]; /* "" when the slot is free */
    char address[64];                 /* "": none that works is known any more */
};
#define PLM_HTTP_WAYS 16
/* Twice as many as there are connections: two kinds of addresses may be tried for each. */
#define PLM_HTTP_SOCKETS 128

struct plm_http_client {
    struct plm_loop *loop;
    char *user_agent;
    char *ca_file;               /* NULL: the library's own */
    char *proxy;                 /* NULL: from the environment; "": none */
    struct curl_slist *resolves; /* names whose addresses the user gave */
    long family;                 /* CURL_IPRESOLVE_… */
    struct plm_http_way ways[PLM_HTTP_WAYS];
    size_t next_way; /* the slot that is taken next */
    int64_t connect_ms;
    int64_t stall_ms;
    uint64_t received, sent;
    int sockets[PLM_HTTP_SOCKETS]; /* that were opened last, some closed again since; -1: none */
    size_t next_socket;
    struct plm_http_transfer *first, *last; /* the one that was resumed longest ago stands first */
    size_t count;
    struct plm_timer stall_check;
    struct plm_timer resume;
    struct plm_rate rate;
    uint64_t round; /* of resuming */
    struct plm_http_transfer *gathering; /* whose bytes wait in `gathered`; NULL: nobody's */
    char *gathered;
    size_t gathered_length;
    bool has_decided; /* a sink has said no to bytes of a transfer that still runs */
};

struct plm_http_transfer {
    struct plm_http_client *client;
    struct plm_http_transfer *next, *prev;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *resolves; /* the client's, and the way that is known */
    struct curl_slist *connect_to;
    struct plm_http_sight *sight; /* owned; NULL unless it is observed */
    void (*found)(void *ctx, const char *address);
    void *found_ctx;
    struct plm_http_sink sink;
    struct plm_http_body body;
    uint64_t body_at; /* bytes of it that the library has taken */
    int socket;       /* of its connection; -1: not known */
    uint64_t queued;  /* of these, what the other side had not acknowledged at the last look */
    unsigned patience;
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
    char place[PLM_URL_MAX / 16 + 8]; /* host:port; "" when the way is not ours to remember */
    char proxy[256];                  /* redacted, for messages; "" when none */
    char detail[CURL_ERROR_SIZE];
};

/* http_way.c */

/** Checks and copies what the options say of names and addresses. PLM_E_USAGE names a wrong one. */
PLM_MUST bool plm_http_set_ways(struct plm_http_client *client,
                                const struct plm_http_options *options, struct plm_error *err);

/**
 * Sets the addresses that a transfer may use, by the user's word and by what has worked: a dead
 * address, or a dead kind of them, is waited for once and not by each connection.
 */
PLM_MUST bool plm_http_set_way(struct plm_http_transfer *transfer, const struct plm_url *url);
/** The address that answered the connection of a transfer. */
void plm_http_way_found(struct plm_http_transfer *transfer, const char *address);
/** A transfer got no connection: its host's address is looked up again. */
void plm_http_way_lost(const struct plm_http_transfer *transfer);

/* http_setup.c */

/** Size of the receive buffer of one more transfer, when there are @p count. */
long plm_http_buffer_bytes(size_t count);
/** Checks the request and sets every option of transfer->easy; fills authority and proxy. */
PLM_MUST bool plm_http_setup(struct plm_http_transfer *transfer,
                             const struct plm_http_request *request, struct plm_error *err);

/* http_send.c */

/** Sets the options for the request's body. */
PLM_MUST bool plm_http_set_body(struct plm_http_transfer *transfer);
int plm_http_on_socket(void *ctx, curl_socket_t socket, curlsocktype purpose);
/** Finds the socket of a connection that is about to carry a request: before that, the library does
 * not tell. */
void plm_http_find_socket(struct plm_http_transfer *transfer, int local_port, int remote_port);
/** Asks the system what became of the bytes that it took over: those that left count as moved,
 * though it takes no more of them yet. To be called every now and then. */
void plm_http_look_at_queue(struct plm_http_transfer *transfer);

/* http_body.c: what curl calls; they record, and never add or remove transfers */

/** True when @p length more bytes must wait, by the rate or because others have their turn: the
 * transfer is then marked as paused, and will be resumed. */
bool plm_http_is_held_back(struct plm_http_transfer *transfer, size_t length);

size_t plm_http_on_header(char *bytes, size_t one, size_t length, void *ctx);
size_t plm_http_on_body(char *bytes, size_t one, size_t length, void *ctx);
int plm_http_on_sending(void *ctx, char *remote_ip, char *local_ip, int remote_port,
                        int local_port);

/* http_gather.c */

PLM_MUST bool plm_http_gather_init(struct plm_http_client *client, struct plm_error *err);
/**
 * Takes bytes for the sink of a transfer, and gives out those of another. False when the sink has
 * had enough, or refused an earlier piece: `decided` and the outcome's end are set then.
 */
bool plm_http_gather(struct plm_http_transfer *transfer, const char *bytes, size_t length);
/** Gives what waits to its sink. Before the loop goes on to anything else: a kill must not find more
 * bytes outside the file than the library itself had. */
void plm_http_give_out(struct plm_http_client *client);

/* http_sight.c */

/** Sets what an observed request needs; nothing for others. */
PLM_MUST bool plm_http_set_sight(struct plm_http_transfer *transfer,
                                 const struct plm_http_request *request, const struct plm_url *url);
/** Fills the outcome's sight, at the end. */
void plm_http_take_sight(struct plm_http_transfer *transfer);

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
