/**
 * Bearer tokens of a session: kept, and fetched when the registry challenges.
 *
 * A user name and password are shown to the realm, wherever it is, if they may go there; else a
 * realm on the registry's own host is asked with a signature by the user's key, then without one,
 * and any other host only without. A Basic challenge, and a token that the user gave, need no
 * realm. Requests that are challenged at the same time share one exchange. Loop thread only.
 */
#pragma once

#include "net/credentials.h"
#include "net/hosts.h"
#include "net/retry.h"
#include "net/url.h"

/** Borrowed for the life of the tokens. */
struct plm_token_options {
    struct plm_http_client *http;
    struct plm_hosts *hosts;
    const struct plm_url *origin;            /**< of the registry */
    const char *key_path;                    /**< or NULL: never sign */
    const struct plm_credential *credential; /**< or NULL: none was looked for */
    bool insecure_tls;                       /**< no certificate checks at the registry's origin */
    int64_t timeout_ms;
};

/** One that waits for a token; embedded in its owner, who leaves before it goes away. */
struct plm_token_waiter {
    /** Called once, when the token is there (action ACCEPT, error NULL) or cannot be had. May free
     * anything. */
    void (*ready)(void *ctx, const struct plm_retry_verdict *verdict,
                  const struct plm_error *error);
    void *ctx;
    struct plm_token_waiter *next, **link; /**< link is NULL while not waiting */
};

enum plm_token_renewal {
    PLM_TOKEN_DIRECT,  /**< the user's credentials are the answer; nobody has to be asked */
    PLM_TOKEN_STARTED, /**< an exchange for this challenge begins */
    PLM_TOKEN_JOINED,  /**< one for the same challenge is under way */
    PLM_TOKEN_BEHIND,  /**< one for another challenge is under way; its token may not do */
};

struct plm_tokens;
PLM_MUST bool plm_tokens_new(const struct plm_token_options *options, struct plm_tokens **out,
                             struct plm_error *err);
/** Cancels the exchange under way; nobody who waits is told. */
void plm_tokens_free(struct plm_tokens *tokens);
/** The value for `Authorization`, or NULL. Borrowed until the next call. *generation tells tokens
 * apart. */
const char *plm_tokens_authorization(struct plm_tokens *tokens, uint64_t *generation);
uint64_t plm_tokens_generation(const struct plm_tokens *tokens);
/**
 * Gets a token for what a 401 of the registry says in WWW-Authenticate (@p challenges, one a line).
 * False, and no waiting, with PLM_E_AUTH or PLM_E_PROTOCOL for a challenge that cannot be met.
 */
PLM_MUST bool plm_tokens_renew(struct plm_tokens *tokens, const char *challenges,
                               struct plm_token_waiter *waiter, enum plm_token_renewal *renewal,
                               struct plm_error *err);
void plm_token_leave(struct plm_token_waiter *waiter);
/** Whether the token in hand is the user's credential or was got by it. False, with PLM_E_AUTH,
 * when it was got without, because the credential may not go to the realm. */
PLM_MUST bool plm_tokens_credential_shown(const struct plm_tokens *tokens, bool *shown,
                                          struct plm_error *err);
/** Says that the registry refused @p what although it got a fresh token. */
void plm_tokens_refused(const struct plm_tokens *tokens, const char *what, struct plm_error *err);
/** Adds to a refusal which credentials were shown, or why there were none. */
void plm_tokens_annotate(const struct plm_tokens *tokens, struct plm_error *err);
