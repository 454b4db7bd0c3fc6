/** What the files behind net/token.h share. */
#pragma once

#include "net/challenge.h"
#include "net/token.h"

/** What a request for a token shows. */
enum plm_token_proof {
    PLM_PROOF_NONE,
    PLM_PROOF_SIGNATURE,
    PLM_PROOF_PASSWORD,
    PLM_PROOF_REFRESH, /**< a form with the user's identity token */
};

struct plm_tokens {
    struct plm_token_options options;
    char registry_host[PLM_AUTHORITY_MAX];
    bool *gone; /* set when freed while those who wait are told */

    struct plm_buf bearer; /* the whole header value; empty: no token */
    uint64_t generation;
    int64_t expires_ms; /* loop time; 0: unknown */
    /* what became of the credential; what the token in hand was got with */
    bool credential_tried, credential_refused, credential_kept_back;

    /* the exchange under way */
    bool running, signature_refused;
    bool at_once; /* no request is needed: those who wait are told in the next step */
    struct plm_challenge challenge;
    struct plm_url realm; /* where the request goes now */
    char realm_host[PLM_AUTHORITY_MAX];
    char url[PLM_URL_MAX];
    struct plm_buf proof; /* Authorization of the request to the realm; empty: anonymous. Of
                           * PLM_PROOF_REFRESH: the request's body */
    enum plm_token_proof proof_kind;
    struct plm_error key_error;
    unsigned redirects;
    struct plm_timer timer;
    struct plm_http_transfer *transfer;
    struct plm_token_waiter *waiting, *told;
};

/** Sets where the next request goes. A registry on https never gets its tokens over plain http. */
PLM_MUST bool plm_tokens_aim(struct plm_tokens *tokens, const char *url, struct plm_error *err);
/** Aims at the challenge's realm and shows it nothing. */
PLM_MUST bool plm_tokens_prepare_anonymous(struct plm_tokens *tokens, struct plm_error *err);
/** Aims at the challenge's realm and shows it what it may see: credentials, or else a signature. */
PLM_MUST bool plm_tokens_prepare(struct plm_tokens *tokens, struct plm_error *err);
/** Whether what the user keeps for the registry was shown. */
static inline bool plm_tokens_showed_credential(const struct plm_tokens *tokens)
{
    return tokens->proof_kind == PLM_PROOF_PASSWORD || tokens->proof_kind == PLM_PROOF_REFRESH;
}
/** Says why the realm gives no token, after it refused an anonymous request or credentials. */
void plm_tokens_explain(const struct plm_tokens *tokens, int status, struct plm_error *err);
/** Answers a challenge without asking a realm, where that is possible. */
bool plm_tokens_use_directly(struct plm_tokens *tokens, const struct plm_challenge *challenge);
/** Says why a challenge of the registry cannot be met. Gives false. */
bool plm_tokens_cannot(const struct plm_tokens *tokens, const struct plm_challenge *challenge,
                       struct plm_error *err);
