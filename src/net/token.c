/* Bearer tokens: answers the registry's challenge by asking the realm, and tells all who wait. */
#include "net/token.h"

#include "base/encode.h"
#include "base/json.h"
#include "net/challenge.h"
#include "net/sshkey.h"
#include "os/os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX (64u << 10) /* of the realm's whole answer */
#define REDIRECTS_MAX 10
#define EXPIRY_MARGIN_MS 10000
/* Base64 of the hex text of SHA-256 of nothing: Ollama signs a body's hash, and a GET has none. */
#define EMPTY_BODY                                                                                 \
    "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ=="

struct plm_tokens {
    struct plm_token_options options;
    char registry_host[PLM_AUTHORITY_MAX];
    bool *gone; /* set when freed while those who wait are told */

    struct plm_buf bearer; /* the whole header value; empty: no token */
    uint64_t generation;
    int64_t expires_ms; /* loop time; 0: unknown */

    /* the exchange under way */
    bool running, signature_refused;
    struct plm_challenge challenge;
    struct plm_url realm; /* where the request goes now */
    char realm_host[PLM_AUTHORITY_MAX];
    char url[PLM_URL_MAX];
    struct plm_buf signature; /* Authorization of a signed request; empty: anonymous */
    struct plm_error key_error;
    unsigned redirects;
    struct plm_timer timer;
    struct plm_http_transfer *transfer;
    struct plm_token_waiter *waiting, *told;
};

/* ---- those who wait ---- */

static void join(struct plm_token_waiter **list, struct plm_token_waiter *waiter)
{
    while (*list)
        list = &(*list)->next;
    *list = waiter;
    waiter->next = NULL;
    waiter->link = list;
}

void plm_token_leave(struct plm_token_waiter *waiter)
{
    if (!waiter->link)
        return;
    *waiter->link = waiter->next;
    if (waiter->next)
        waiter->next->link = waiter->link;
    waiter->link = NULL;
}

static void leave_all(struct plm_token_waiter *const *list)
{
    while (*list)
        plm_token_leave(*list);
}

/* Any callback may free the tokens, or start the next exchange: those who join that one are not
 * told now. */
static void finish(struct plm_tokens *tokens, struct plm_retry_verdict verdict,
                   const struct plm_error *error)
{
    bool gone = false;
    /* cppcheck-suppress autoVariables ; taken back below, unless the tokens are gone */
    tokens->gone = &gone;
    tokens->running = false;
    plm_buf_clear(&tokens->signature);
    while (tokens->waiting) {
        struct plm_token_waiter *waiter = tokens->waiting;
        plm_token_leave(waiter);
        join(&tokens->told, waiter);
    }
    while (tokens->told) {
        struct plm_token_waiter *waiter = tokens->told;
        plm_token_leave(waiter);
        waiter->ready(waiter->ctx, &verdict, error);
        if (gone)
            return;
    }
    tokens->gone = NULL;
}

static void fail(struct plm_tokens *tokens, const struct plm_error *error)
{
    finish(tokens, (struct plm_retry_verdict){PLM_RETRY_FAIL, PLM_RETRY_TOKEN, -1}, error);
}

/* ---- the request ---- */

static void on_answer(void *ctx, const struct plm_http_outcome *outcome);
static void on_patience_over(void *ctx);

static bool send_request(struct plm_tokens *tokens, struct plm_error *err)
{
    const struct plm_token_options *options = &tokens->options;
    struct plm_loop *loop = plm_http_client_loop(options->http);
    int64_t wait = plm_hosts_wait(options->hosts, tokens->realm_host, plm_loop_now(loop));
    if (wait > 0) {
        plm_timer_start(loop, &tokens->timer, wait);
        return true;
    }
    const struct plm_http_request request = {
        .method = "GET",
        .url = tokens->url,
        .authorization = tokens->signature.size > 0 ? tokens->signature.bytes : NULL,
        .send_user_agent = true,
        .insecure_tls =
            options->insecure_tls && plm_url_same_origin(&tokens->realm, options->origin),
        .body_max = TOKEN_MAX,
        .timeout_ms = options->timeout_ms,
    };
    return plm_http_start(options->http, &request, on_answer, tokens, &tokens->transfer, err);
}

static void on_patience_over(void *ctx)
{
    struct plm_tokens *tokens = ctx;
    struct plm_error err = {0};
    if (!send_request(tokens, &err))
        fail(tokens, &err);
}

/* Sets where the next request goes. A registry on https never gets its tokens over plain http. */
static bool aim(struct plm_tokens *tokens, const char *url, struct plm_error *err)
{
    struct plm_url parts;
    if (!plm_url_parse(url, &parts, err))
        return plm_prefix(err, "token realm of %s", tokens->registry_host);
    if (strcmp(tokens->options.origin->scheme, "https") == 0 && strcmp(parts.scheme, "https") != 0)
        return plm_fail(err, PLM_E_PROTOCOL, "%s sends for a token to a plain http address",
                        tokens->registry_host);
    int length = snprintf(tokens->url, sizeof(tokens->url), "%s", url);
    if (length < 0 || (size_t)length >= sizeof(tokens->url))
        return plm_fail(err, PLM_E_LIMIT, "the token URL of %s is too long", tokens->registry_host);
    tokens->realm = parts;
    plm_url_authority(&parts, tokens->realm_host, sizeof(tokens->realm_host));
    return true;
}

static bool is_at_registry(const struct plm_tokens *tokens)
{
    return strcmp(tokens->realm_host, tokens->registry_host) == 0;
}

static bool write_signature(struct plm_tokens *tokens, const struct plm_sshkey *key,
                            const char *url, struct plm_error *err)
{
    struct plm_buf text = PLM_BUF_INIT(PLM_URL_MAX + 256), line = PLM_BUF_INIT(256);
    uint8_t signature[64];
    plm_buf_clear(&tokens->signature);
    bool ok = plm_buf_printf(&text, err, "GET,%s,%s", url, EMPTY_BODY) &&
              plm_sshkey_sign(key, text.bytes, text.size, signature, err) &&
              plm_sshkey_public_line(key, &line, err) &&
              /* the line's base64 is what stands behind its first space */
              plm_buf_printf(&tokens->signature, err, "%s:", strchr(line.bytes, ' ') + 1) &&
              plm_base64_encode(PLM_BASE64_STANDARD, signature, sizeof(signature),
                                &tokens->signature, err);
    plm_buf_done(&text);
    plm_buf_done(&line);
    return ok;
}

/* The URL of a signed request carries time and nonce, and the signature is over the URL's text. */
static bool prepare_signed(struct plm_tokens *tokens, const struct plm_sshkey *key,
                           struct plm_error *err)
{
    char ts[24];
    uint8_t random[16];
    (void)snprintf(ts, sizeof(ts), "%lld", (long long)(plm_os_unix_ms() / 1000));
    struct plm_buf nonce = PLM_BUF_INIT(32), url = PLM_BUF_INIT(PLM_URL_MAX);
    bool ok = plm_os_random(random, sizeof(random), err) &&
              plm_base64_encode(PLM_BASE64_URL_NO_PAD, random, sizeof(random), &nonce, err) &&
              plm_challenge_token_url(&tokens->challenge, ts, nonce.bytes, &url, err) &&
              aim(tokens, url.bytes, err) && write_signature(tokens, key, url.bytes, err);
    plm_buf_done(&nonce);
    plm_buf_done(&url);
    return ok;
}

/* Aims at the realm without time and nonce; its text is normalised on the way. */
static bool prepare_anonymous(struct plm_tokens *tokens, struct plm_error *err)
{
    struct plm_buf url = PLM_BUF_INIT(PLM_URL_MAX);
    plm_buf_clear(&tokens->signature);
    bool ok = plm_challenge_token_url(&tokens->challenge, NULL, NULL, &url, err) &&
              aim(tokens, url.bytes, err);
    plm_buf_done(&url);
    return ok;
}

static bool start(struct plm_tokens *tokens, struct plm_error *err)
{
    tokens->redirects = 0;
    tokens->signature_refused = false;
    tokens->key_error = (struct plm_error){0};
    if (!prepare_anonymous(tokens, err))
        return false;
    struct plm_sshkey key;
    if (tokens->options.key_path && is_at_registry(tokens) &&
        plm_sshkey_load(tokens->options.key_path, &key, &tokens->key_error)) {
        bool ok = prepare_signed(tokens, &key, err);
        plm_sshkey_wipe(&key);
        if (!ok)
            return false;
    }
    return send_request(tokens, err);
}

bool plm_tokens_renew(struct plm_tokens *tokens, const char *challenges,
                      struct plm_token_waiter *waiter, enum plm_token_renewal *renewal,
                      struct plm_error *err)
{
    struct plm_challenge challenge;
    plm_challenge_parse(challenges, &challenge);
    if (challenge.scheme == PLM_AUTH_NONE)
        return plm_fail(err, PLM_E_AUTH, "%s wants credentials, but does not say which",
                        tokens->registry_host);
    if (challenge.scheme == PLM_AUTH_BASIC)
        return plm_fail(err, PLM_E_AUTH,
                        "%s wants a user name and password, which this version cannot send",
                        tokens->registry_host);
    if (tokens->running) {
        bool same = strcmp(challenge.realm, tokens->challenge.realm) == 0 &&
                    strcmp(challenge.service, tokens->challenge.service) == 0 &&
                    strcmp(challenge.scope, tokens->challenge.scope) == 0;
        *renewal = same ? PLM_TOKEN_JOINED : PLM_TOKEN_BEHIND;
    } else {
        tokens->challenge = challenge;
        if (!start(tokens, err))
            return false;
        tokens->running = true;
        *renewal = PLM_TOKEN_STARTED;
    }
    join(&tokens->waiting, waiter);
    return true;
}

/* ---- the answer ---- */

static bool is_sendable(const char *token)
{
    for (const char *at = token; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
            return false;
    return *token != '\0';
}

static void set_expiry(struct plm_tokens *tokens, const struct plm_json *seconds)
{
    uint64_t life;
    tokens->expires_ms = 0;
    if (!plm_json_u64(seconds, &life) || life == 0 || life > INT32_MAX)
        return;
    int64_t life_ms = (int64_t)life * 1000;
    int64_t margin = life_ms / 2 < EXPIRY_MARGIN_MS ? life_ms / 2 : EXPIRY_MARGIN_MS;
    int64_t now = plm_loop_now(plm_http_client_loop(tokens->options.http));
    tokens->expires_ms = now + life_ms - margin;
}

static bool take_token(struct plm_tokens *tokens, const struct plm_http_outcome *outcome,
                       struct plm_error *err)
{
    struct plm_json *root = NULL;
    struct plm_error why = {0};
    if (!plm_json_parse(outcome->body.size > 0 ? outcome->body.bytes : "", outcome->body.size, 16,
                        &root, &why)) {
        if (why.code == PLM_E_NOMEM)
            return plm_fail(err, why.code, "token of %s: %s", tokens->realm_host, why.msg);
        /* The parser's own words would quote what stands there: a token, maybe. */
        return plm_fail(err, PLM_E_PROTOCOL,
                        "%s answered a request for a token with no usable JSON",
                        tokens->realm_host);
    }
    const char *token = plm_json_text(plm_json_get(root, "token"));
    if (!token || *token == '\0')
        token = plm_json_text(plm_json_get(root, "access_token"));
    bool ok = token && is_sendable(token);
    if (!ok) {
        (void)plm_fail(err, PLM_E_PROTOCOL, "%s answered without a usable token",
                       tokens->realm_host);
    } else {
        plm_buf_clear(&tokens->bearer);
        ok = plm_buf_printf(&tokens->bearer, err, "Bearer %s", token);
        if (!ok)
            plm_buf_clear(&tokens->bearer);
        set_expiry(tokens, plm_json_get(root, "expires_in"));
        tokens->generation++;
    }
    plm_json_free(root);
    return ok;
}

/* An anonymous request was refused: says why no better one was made. */
static void explain_refusal(const struct plm_tokens *tokens, int status, struct plm_error *err)
{
    const char *host = tokens->registry_host;
    const char *path = tokens->options.key_path;
    if (tokens->signature_refused) {
        (void)plm_fail(err, PLM_E_AUTH, "%s refused the key at %s", host, path);
    } else if (!is_at_registry(tokens)) {
        (void)plm_fail(err, PLM_E_AUTH,
                       "%s sends for a token to %s, which gives none without credentials, and a "
                       "signature goes to the registry's own host alone",
                       host, tokens->realm_host);
    } else if (!path || tokens->key_error.sys_errno == ENOENT) {
        (void)plm_fail(err, PLM_E_AUTH,
                       "%s needs a key, and there is none at %s; `pullama keygen` makes one", host,
                       path ? path : "any known place");
    } else {
        (void)plm_fail(err, PLM_E_AUTH, "%s needs a key: %s", host, tokens->key_error.msg);
    }
    err->http_status = status;
}

static bool follow(struct plm_tokens *tokens, const struct plm_http_outcome *outcome,
                   struct plm_error *err)
{
    char next[PLM_URL_MAX];
    struct plm_url from = tokens->realm;
    if (outcome->head.location[0] == '\0' || tokens->redirects == REDIRECTS_MAX)
        return plm_fail(err, PLM_E_PROTOCOL, "%s redirects a request for a token %s",
                        tokens->realm_host,
                        tokens->redirects == REDIRECTS_MAX ? "more than 10 times" : "to nowhere");
    if (!plm_url_redirect(tokens->url, outcome->head.location, next, err) ||
        !aim(tokens, next, err))
        return false;
    tokens->redirects++;
    if (!plm_url_same_origin(&from, &tokens->realm))
        plm_buf_clear(&tokens->signature);
    return send_request(tokens, err);
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void on_answer(void *ctx, const struct plm_http_outcome *outcome)
{
    struct plm_tokens *tokens = ctx;
    tokens->transfer = NULL;
    plm_hosts_note(tokens->options.hosts, tokens->realm_host, outcome,
                   plm_loop_now(plm_http_client_loop(tokens->options.http)));
    struct plm_error err = {0};
    int status = outcome->end == PLM_HTTP_ANSWERED ? outcome->head.status : 0;
    if (is_redirect(status)) {
        if (!follow(tokens, outcome, &err))
            fail(tokens, &err);
        return;
    }
    if (status == 400 || status == 401 || status == 403) {
        bool was_signed = tokens->signature.size > 0;
        tokens->signature_refused = tokens->signature_refused || was_signed;
        if (was_signed && prepare_anonymous(tokens, &err) && send_request(tokens, &err))
            return;
        if (err.code == PLM_OK)
            explain_refusal(tokens, status, &err);
        fail(tokens, &err);
        return;
    }
    struct plm_retry_verdict verdict =
        plm_retry_judge(PLM_PEER_TOKEN, outcome, "token", tokens->realm_host, &err);
    if (verdict.action == PLM_RETRY_ACCEPT && status == 200 && take_token(tokens, outcome, &err)) {
        finish(tokens, verdict, NULL);
        return;
    }
    if (err.code == PLM_OK)
        (void)plm_fail(&err, PLM_E_PROTOCOL, "%s answered %d to a request for a token",
                       tokens->realm_host, status);
    if (verdict.action != PLM_RETRY_LATER)
        verdict.action = PLM_RETRY_FAIL;
    finish(tokens, verdict, &err);
}

/* ---- the tokens ---- */

const char *plm_tokens_authorization(struct plm_tokens *tokens, uint64_t *generation)
{
    *generation = tokens->generation;
    if (tokens->expires_ms != 0 &&
        plm_loop_now(plm_http_client_loop(tokens->options.http)) >= tokens->expires_ms)
        plm_buf_clear(&tokens->bearer);
    return tokens->bearer.size > 0 ? tokens->bearer.bytes : NULL;
}

uint64_t plm_tokens_generation(const struct plm_tokens *tokens)
{
    return tokens->generation;
}

bool plm_tokens_new(const struct plm_token_options *options, struct plm_tokens **out,
                    struct plm_error *err)
{
    struct plm_tokens *tokens = calloc(1, sizeof(*tokens));
    if (!tokens)
        return plm_fail(err, PLM_E_NOMEM, "tokens");
    tokens->options = *options;
    tokens->bearer = PLM_BUF_INIT(TOKEN_MAX + 16);
    tokens->signature = PLM_BUF_INIT(512);
    tokens->timer = (struct plm_timer){.fire = on_patience_over, .ctx = tokens};
    plm_url_authority(options->origin, tokens->registry_host, sizeof(tokens->registry_host));
    *out = tokens;
    return true;
}

void plm_tokens_free(struct plm_tokens *tokens)
{
    if (!tokens)
        return;
    if (tokens->gone)
        *tokens->gone = true;
    leave_all(&tokens->waiting);
    leave_all(&tokens->told);
    plm_timer_stop(plm_http_client_loop(tokens->options.http), &tokens->timer);
    plm_http_cancel(tokens->transfer);
    plm_buf_done(&tokens->bearer);
    plm_buf_done(&tokens->signature);
    free(tokens);
}
