/**
 * One request of a session, from the first sending to the final answer: holds hosts back, follows
 * redirects (at most 10, never from https to http; method and body stay), and answers one challenge
 * of the registry. It retries nothing.
 *
 * Embedded in its owner. It keeps no pointer to itself once `done` is called, so `done` may free
 * the owner.
 */
#pragma once

#include "net/session.h"

/** The pointers are borrowed until the end, but for url, which is copied. */
struct plm_exchange_request {
    const char *url;
    const char *method; /**< NULL: GET */
    const char *what;   /**< for messages: "manifest", "blob", … */
    const char *accept; /**< or NULL */
    bool is_target;     /**< url is where an earlier redirect led, not the registry's own */
    bool has_range;
    struct plm_span range;
    size_t body_max;
    struct plm_http_sink sink;
    bool any_success; /**< accepts every 2xx, not only 200 and 206 */
    bool hands_over;  /**< accepts 307 with Docker-Upload-Location: the bytes are to go elsewhere */
    bool anonymous;   /**< never with our credentials, wherever it goes */
    bool untimed;     /**< no limit for the whole exchange: the stall clock alone counts */
    const char *headers;       /**< as in struct plm_http_request */
    struct plm_http_body body; /**< likewise */
    unsigned patience;         /**< likewise */
};

struct plm_exchange_result {
    struct plm_retry_verdict verdict; /**< ACCEPT: a status as asked for, or the sink had enough */
    const struct plm_error *error;    /**< NULL when accepted */
    const struct plm_http_outcome *outcome; /**< of the last request, or NULL */
    const char *host;                       /**< that was asked last */
    const char *url;                        /**< that was asked last */
};

struct plm_exchange {
    struct plm_registry *registry; /**< NULL while nothing is under way */
    struct plm_exchange_request request;
    char url[PLM_URL_MAX]; /**< where the request is now; the final one once the sink begins */
    char host[PLM_AUTHORITY_MAX];
    bool at_origin, at_target;
    unsigned redirects, refusals;
    bool renewed; /**< a token was fetched for this exchange's challenge */
    uint64_t generation;
    struct plm_timer timer;
    struct plm_token_waiter waiter;
    struct plm_http_transfer *transfer;
    void (*done)(void *ctx, const struct plm_exchange_result *result);
    void *ctx;
};

/** On failure nothing is under way and done is not called; it is never called from here. */
PLM_MUST bool plm_exchange_start(struct plm_exchange *exchange, struct plm_registry *registry,
                                 const struct plm_exchange_request *request,
                                 void (*done)(void *ctx, const struct plm_exchange_result *result),
                                 void *ctx, struct plm_error *err);
/** Ends it without calling done. An exchange that was never started, or is over, is nothing. */
void plm_exchange_cancel(struct plm_exchange *exchange);
