/**
 * One HTTP request on the loop: sent, with a body out of memory or a file, its answer's head parsed and bounded, its
 * body given to a sink.
 *
 * Redirects are not followed and nothing is retried here: each request is one exchange on the wire.
 * HTTP/1.1 only (measured: HTTP/2 gains nothing for blobs). Content-Encoding is never asked for. Loop thread only.
 */
#pragma once

#include "base/buf.h"
#include "base/span.h"
#include "net/loop.h"

struct plm_http_client;

struct plm_http_options {
    const char *user_agent;
    const char *ca_file;   /**< or NULL: $SSL_CERT_FILE, then the system's bundle */
    const char *proxy;     /**< or NULL: from the environment by net/url.c's rules */
    unsigned ip_version;         /**< 4 or 6: addresses of that kind alone; 0: any */
    const char *const *resolves; /**< `HOST:PORT:ADDRESS[,ADDRESS]…`, each; copied */
    size_t resolve_count;
    int64_t connect_ms;    /**< resolve + connect + TLS; 0: 16 s */
    int64_t stall_ms;      /**< no byte either way for so long ends a transfer */
    uint64_t limit_rate;   /**< bytes per second over all transfers; 0: none */
    unsigned max_connections; /**< connections kept open when idle */
};

PLM_MUST bool plm_http_client_new(struct plm_loop *loop, const struct plm_http_options *options,
                                  struct plm_http_client **out, struct plm_error *err);
void plm_http_client_free(struct plm_http_client *client);
struct plm_loop *plm_http_client_loop(struct plm_http_client *client);
/** Payload bytes received by all transfers so far. */
uint64_t plm_http_client_received(const struct plm_http_client *client);
/** Body bytes that all transfers so far gave to the network. */
uint64_t plm_http_client_sent(const struct plm_http_client *client);
/** Changes the rate for all transfers from now on. */
void plm_http_client_limit(struct plm_http_client *client, uint64_t bytes_per_second);

/** Longest URL that is handled, with NUL. */
#define PLM_URL_MAX 8192
/** All header lines of one answer together. */
#define PLM_HTTP_HEADERS_MAX (256u << 10)

/** The head of an answer. Strings are "" when the header is absent; they live as long as the outcome. */
struct plm_http_head {
    int status;
    bool has_length;
    uint64_t length; /**< Content-Length */
    bool has_range;  /**< a well-formed `Content-Range: bytes S-E/T` */
    struct plm_span range;
    bool has_total; /**< T was a number, not `*` */
    uint64_t total;
    bool malformed; /**< Content-Length or Content-Range present and not well-formed, or contradictory */
    bool encoded;   /**< Content-Encoding other than identity */
    int64_t retry_after_ms; /**< -1 absent; from seconds or a date; at most 24 h */
    char location[PLM_URL_MAX];
    char content_location[PLM_URL_MAX];
    char upload_location[PLM_URL_MAX]; /**< Docker-Upload-Location */
    char direct_url[PLM_URL_MAX];      /**< X-Direct-Upload-URL */
    bool has_taken;  /**< a `Range: 0-E` of an upload session */
    uint64_t taken;  /**< E + 1; 1 may mean 0, for `0-0` is said of an empty session too */
    char content_type[128];
    char docker_digest[80];
    struct plm_buf challenges; /**< all WWW-Authenticate values, one a line */
    struct plm_buf signed_headers; /**< each X-Signed-Header-NAME as a line `NAME: value` */
};

/** Where a body goes. */
struct plm_http_sink {
    /** Called once, before the first byte; false refuses the body (the transfer ends with *err). */
    bool (*begin)(void *ctx, const struct plm_http_head *head, struct plm_error *err);
    /** Called for each piece (at most 256 KiB). False ends the transfer with *err. PLM_E_INTERRUPTED with an
     *  empty message means "enough": the outcome then has `enough` set and counts as no failure. */
    bool (*write)(void *ctx, const void *bytes, size_t length, struct plm_error *err);
    void *ctx;
};

/** A body to send: out of memory, or a stretch of a file. */
struct plm_http_body {
    bool is_set;       /**< an empty body is one, too */
    const char *type;  /**< Content-Type, or NULL */
    const void *bytes; /**< borrowed until the end; NULL: from fd */
    int fd;            /**< borrowed until the end */
    uint64_t start;    /**< where the body begins in the file */
    uint64_t length;
    bool expect; /**< asks the server before it sends, and waits a second for its leave */
    /** Told of each piece (at most 128 KiB) that goes to the network, in order. @p at counts from the body's first byte:
     *  an exchange that makes a request again begins at 0 again. May be NULL. */
    void (*passed)(void *ctx, uint64_t at, const void *bytes, size_t length);
    void *ctx;
};

/** A certificate, in the library's words; whoever sent it wrote them. */
struct plm_http_certificate {
    char subject[256], issuer[256], expires[64];
};
#define PLM_HTTP_CHAIN_MAX 8

/** What an exchange that was observed showed of the way. Times are since its start; 0: not reached. */
struct plm_http_sight {
    int64_t lookup_us, connect_us, tls_us, answer_us;
    const char *proxy; /**< redacted; "" when there is none */
    struct plm_http_certificate chain[PLM_HTTP_CHAIN_MAX]; /**< the server's own first */
    size_t chain_length; /**< 0: no TLS, or its certificate was refused */
};

struct plm_http_request {
    const char *method;        /**< "GET", "HEAD", … */
    const char *url;
    const char *accept;        /**< or NULL */
    const char *authorization; /**< whole header value, or NULL */
    bool send_user_agent;      /**< registry and token requests: yes; redirect targets: a neutral one */
    bool insecure_tls;         /**< no certificate checks */
    bool has_range;
    struct plm_span range;
    size_t body_max;           /**< cap of the collected body; used when sink.write is NULL */
    int64_t timeout_ms;        /**< whole exchange, but not the body of a 200 that goes to the sink; 0: none */
    const char *headers;       /**< more of them, each a line `NAME: value\n`; or NULL */
    struct plm_http_body body;
    unsigned patience; /**< so many stall times may pass without a byte once the request was sent whole; 0: one */
    bool observe;        /**< on a connection of its own, and the outcome has a sight */
    const char *address; /**< with observe: connects to this IP address alone, whatever the name says; or NULL */
    /** Not NULL: nothing is sent, no connection is made; tells each address at which one would be tried (those of
     *  the proxy, where there is one). The end is then CONNECT, or DNS when there are none. */
    void (*found)(void *ctx, const char *address);
    void *found_ctx;
    struct plm_http_sink sink; /**< gets the body of 200 and 206 only; others are collected, at most 64 KiB */
};

enum plm_http_end {
    PLM_HTTP_ANSWERED,  /**< a whole answer came; look at head.status */
    PLM_HTTP_ENOUGH,    /**< the sink had enough */
    PLM_HTTP_REFUSED,   /**< the sink failed; error says why */
    PLM_HTTP_DNS,       /**< name not resolved */
    PLM_HTTP_CONNECT,   /**< refused, unreachable, proxy failed */
    PLM_HTTP_RESET,     /**< connection lost, empty reply */
    PLM_HTTP_SHORT,     /**< body ended before Content-Length */
    PLM_HTTP_TIMEOUT,   /**< connect or whole-exchange time is over */
    PLM_HTTP_STALL,     /**< no byte for stall_ms */
    PLM_HTTP_TLS,       /**< handshake broke (transient) */
    PLM_HTTP_BAD_CERT,  /**< certificate refused (permanent) */
    PLM_HTTP_MALFORMED, /**< not HTTP, head too large, body over its cap (permanent) */
    PLM_HTTP_FAILED,    /**< anything else (permanent) */
};

struct plm_http_outcome {
    enum plm_http_end end;
    struct plm_error error; /**< set unless ANSWERED or ENOUGH */
    struct plm_http_head head;
    struct plm_buf body;      /**< collected body; of an error answer at most 64 KiB */
    uint64_t received;        /**< body bytes on the wire in this exchange */
    uint64_t sent;            /**< body bytes that were given to the network; what it did with them is not known */
    const char *url;          /**< that was asked; borrowed during the call of done() */
    char remote_address[64];  /**< "" when not connected */
    const struct plm_http_sight *sight; /**< when that was asked for; borrowed likewise */
};

struct plm_http_transfer;

/**
 * Starts a request; everything in @p request is copied. @p done is called once from plm_loop_step(), never from here;
 * the outcome is borrowed during the call.
 */
PLM_MUST bool plm_http_start(struct plm_http_client *client, const struct plm_http_request *request,
                             void (*done)(void *ctx, const struct plm_http_outcome *outcome),
                             void *ctx, struct plm_http_transfer **out, struct plm_error *err);

/** Ends a request without calling done. NULL is nothing. May be called from done of another transfer, never from a sink. */
void plm_http_cancel(struct plm_http_transfer *transfer);

/** Where the network library was built to look for certificate authorities; NULL: nowhere. */
void plm_http_authorities(const char **file, const char **folder);
