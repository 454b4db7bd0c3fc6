/** What to do after an exchange: a pure function of what happened. */
#pragma once

#include "net/http.h"
#include "pullama/event.h"

/** Who was asked. */
enum plm_peer {
    PLM_PEER_REGISTRY, /**< the registry itself: manifest, blob location, chunk digests */
    PLM_PEER_TOKEN,    /**< a token realm */
    PLM_PEER_TARGET,   /**< where a redirect led (object store, CDN) */
};

enum plm_retry_action {
    PLM_RETRY_ACCEPT,    /**< status is 2xx or a redirect: go on */
    PLM_RETRY_LATER,     /**< transient: again after the delay */
    PLM_RETRY_REAUTH,    /**< 401 from the registry: get a token, then again */
    PLM_RETRY_RERESOLVE, /**< the redirect target refused: ask the registry again */
    PLM_RETRY_FAIL,      /**< permanent; error is filled */
};

struct plm_retry_verdict {
    enum plm_retry_action action;
    enum plm_retry_reason reason;
    int64_t retry_after_ms; /**< -1, or what the server asked for */
};

/** Classifies one outcome by product rules: connection, DNS, TLS handshake, timeout, 408, 425, 429, 5xx and short bodies are transient. */
struct plm_retry_verdict plm_retry_judge(enum plm_peer peer,
                                         const struct plm_http_outcome *outcome,
                                         const char *what, const char *host,
                                         struct plm_error *err);

/**
 * Full-jitter backoff: uniform in (0, min(120 s, 0.5 s × 2^attempt)], at least 50 ms. @p attempt counts from 0;
 * @p random is any uniform 64-bit number.
 */
int64_t plm_retry_delay(int attempt, uint64_t random);
