/* Bearer tokens: answers the registry's challenge by asking the realm, and tells all who wait. */
#include "net/token_private.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX (64u << 10) /* of the realm's whole answer */
#define REDIRECTS_MAX 10
#define PROOF_MAX (32u << 10)
#define EXPIRY_MARGIN_MS 10000

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
    tokens->running = tokens->at_once = false;
    plm_buf_wipe(&tokens->proof);
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
    bool is_form = tokens->proof_kind == PLM_PROOF_REFRESH;
    bool is_shown = tokens->proof.size > 0 && !is_form;
    const struct plm_http_request request = {
        .method = is_form ? "POST" : "GET",
        .url = tokens->url,
        .authorization = is_shown ? tokens->proof.bytes : NULL,
        .body = {.is_set = is_form,
                 .type = "application/x-www-form-urlencoded",
                 .bytes = tokens->proof.bytes,
                 .length = is_form ? tokens->proof.size : 0},
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
    if (tokens->at_once) {
        finish(tokens, (struct plm_retry_verdict){PLM_RETRY_ACCEPT, PLM_RETRY_TOKEN, -1}, NULL);
        return;
    }
    if (!send_request(tokens, &err))
        fail(tokens, &err);
}

static bool start(struct plm_tokens *tokens, struct plm_error *err)
{
    tokens->redirects = 0;
    tokens->signature_refused = false;
    tokens->key_error = (struct plm_error){0};
    return plm_tokens_prepare(tokens, err) && send_request(tokens, err);
}

bool plm_tokens_renew(struct plm_tokens *tokens, const char *challenges,
                      struct plm_token_waiter *waiter, enum plm_token_renewal *renewal,
                      struct plm_error *err)
{
    struct plm_challenge challenge;
    plm_challenge_parse(challenges, &challenge);
    bool direct = !tokens->running && plm_tokens_use_directly(tokens, &challenge);
    if (challenge.scheme != PLM_AUTH_BEARER && !direct && !tokens->at_once)
        return plm_tokens_cannot(tokens, &challenge, err);
    if (direct) {
        tokens->challenge = challenge;
        tokens->running = tokens->at_once = true;
        plm_timer_start(plm_http_client_loop(tokens->options.http), &tokens->timer, 0);
        *renewal = PLM_TOKEN_DIRECT;
    } else if (tokens->running) {
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

/* A realm may give each refresh token one use: what comes with the answer is good for the next. */
static void take_identity(const struct plm_tokens *tokens, const struct plm_json *root)
{
    const char *next = plm_json_text(plm_json_get(root, "refresh_token"));
    const struct plm_credential *credential = tokens->options.credential;
    struct plm_buf fresh = PLM_BUF_INIT(TOKEN_MAX);
    struct plm_error ignored = {0};
    if (tokens->proof_kind != PLM_PROOF_REFRESH || !next || !is_sendable(next) ||
        !plm_buf_reserve(&fresh, strlen(next), &ignored) ||
        !plm_buf_append(&fresh, next, strlen(next), &ignored)) {
        plm_buf_wipe(&fresh);
        return;
    }
    plm_buf_wipe(credential->identity);
    *credential->identity = fresh;
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
        plm_buf_wipe(&tokens->bearer);
        ok = plm_buf_printf(&tokens->bearer, err, "Bearer %s", token);
        if (!ok)
            plm_buf_wipe(&tokens->bearer);
        set_expiry(tokens, plm_json_get(root, "expires_in"));
        take_identity(tokens, root);
        tokens->generation++;
    }
    plm_json_free(root);
    return ok;
}

static bool follow(struct plm_tokens *tokens, const struct plm_http_outcome *outcome,
                   struct plm_error *err)
{
    char next[PLM_URL_MAX];
    struct plm_url from = tokens->realm;
    if (tokens->proof_kind == PLM_PROOF_REFRESH)
        return plm_fail(err, PLM_E_PROTOCOL,
                        "%s redirects a request with a refresh token, which is not sent on",
                        tokens->realm_host);
    if (outcome->head.location[0] == '\0' || tokens->redirects == REDIRECTS_MAX)
        return plm_fail(err, PLM_E_PROTOCOL, "%s redirects a request for a token %s",
                        tokens->realm_host,
                        tokens->redirects == REDIRECTS_MAX ? "more than 10 times" : "to nowhere");
    if (!plm_url_redirect(tokens->url, outcome->head.location, next, err) ||
        !plm_tokens_aim(tokens, next, err))
        return false;
    tokens->redirects++;
    if (!plm_url_same_origin(&from, &tokens->realm)) {
        plm_buf_wipe(&tokens->proof);
        tokens->proof_kind = PLM_PROOF_NONE;
    }
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
        bool was_signed = tokens->proof_kind == PLM_PROOF_SIGNATURE;
        tokens->signature_refused = tokens->signature_refused || was_signed;
        if (was_signed && plm_tokens_prepare_anonymous(tokens, &err) && send_request(tokens, &err))
            return;
        if (err.code == PLM_OK)
            plm_tokens_explain(tokens, status, &err);
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
        plm_buf_wipe(&tokens->bearer);
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
    tokens->proof = PLM_BUF_INIT(PROOF_MAX);
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
    plm_buf_wipe(&tokens->bearer);
    plm_buf_wipe(&tokens->proof);
    free(tokens);
}
