/* One request of a session: patience, redirects and the registry's challenge, up to the final
 * answer. */
#include "net/exchange.h"

#include <stdio.h>
#include <string.h>

#define REDIRECTS_MAX 10
/* One refusal without a token, one with a token that others renewed meanwhile, one with our own. */
#define REFUSALS_MAX 3

static void on_answer(void *ctx, const struct plm_http_outcome *outcome);

/* The last thing that touches the exchange. */
static void finish(struct plm_exchange *x, struct plm_retry_verdict verdict,
                   const struct plm_error *error, const struct plm_http_outcome *outcome)
{
    const struct plm_exchange_result result = {
        .verdict = verdict,
        .error = verdict.action == PLM_RETRY_ACCEPT ? NULL : error,
        .outcome = outcome,
        .host = x->host,
        .url = x->url,
    };
    x->registry = NULL;
    x->done(x->ctx, &result);
}

static void fail(struct plm_exchange *x, const struct plm_error *error,
                 const struct plm_http_outcome *outcome)
{
    finish(x, (struct plm_retry_verdict){PLM_RETRY_FAIL, PLM_RETRY_CONNECTION, -1}, error, outcome);
}

/* ---- sending ---- */

static bool send_request(struct plm_exchange *x, struct plm_error *err)
{
    struct plm_registry *registry = x->registry;
    struct plm_url url;
    if (!plm_url_parse(x->url, &url, err))
        return false;
    plm_url_authority(&url, x->host, sizeof(x->host));
    x->at_origin = plm_url_same_party(&url, &registry->origin);
    int64_t wait = plm_hosts_wait(&registry->hosts, x->host, plm_loop_now(registry->loop));
    if (wait > 0) {
        plm_timer_start(registry->loop, &x->timer, wait);
        return true;
    }
    const char *authorization = x->at_origin && !x->request.anonymous
                                    ? plm_tokens_authorization(registry->tokens, &x->generation)
                                    : NULL;
    const struct plm_http_request request = {
        .method = x->request.method ? x->request.method : "GET",
        .url = x->url,
        .accept = x->request.accept,
        .authorization = authorization,
        .send_user_agent = x->at_origin,
        .insecure_tls = registry->insecure_tls && plm_url_same_origin(&url, &registry->origin),
        .has_range = x->request.has_range,
        .range = x->request.range,
        .body_max = x->request.body_max,
        .timeout_ms = x->request.untimed ? 0 : registry->options.timeout_ms,
        .sink = x->request.sink,
        .headers = x->request.headers,
        .body = x->request.body,
        .patience = x->request.patience,
    };
    return plm_http_start(registry->http, &request, on_answer, x, &x->transfer, err);
}

static void on_patience_over(void *ctx)
{
    struct plm_exchange *x = ctx;
    struct plm_error err = {0};
    if (!send_request(x, &err))
        fail(x, &err, NULL);
}

/* ---- redirects ---- */

static bool is_redirect(const struct plm_exchange *x, const struct plm_http_head *head, int status)
{
    if (status == 307 && x->request.hands_over && head->upload_location[0])
        return false;
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void tell_of_move(const struct plm_exchange *x, int status)
{
    const struct plm_registry_options *options = &x->registry->options;
    struct plm_url to;
    struct plm_error ignored = {0};
    char host[PLM_AUTHORITY_MAX];
    if (!options->moved || !plm_url_parse(x->url, &to, &ignored))
        return;
    plm_url_authority(&to, host, sizeof(host));
    options->moved(options->notice_ctx, x->host, host, status);
}

static bool follow(struct plm_exchange *x, const struct plm_http_head *head, struct plm_error *err)
{
    char next[PLM_URL_MAX];
    if (head->status == 303 && x->request.body.is_set)
        return plm_fail(err, PLM_E_PROTOCOL, "%s answered 303 to the %s, which would lose its body",
                        x->host, x->request.what);
    if (x->redirects == REDIRECTS_MAX)
        return plm_fail(err, PLM_E_PROTOCOL, "%s redirects the %s more than %d times", x->host,
                        x->request.what, REDIRECTS_MAX);
    if (head->location[0] == '\0')
        return plm_fail(err, PLM_E_PROTOCOL, "%s redirects the %s without saying where to", x->host,
                        x->request.what);
    if (!plm_url_redirect(x->url, head->location, next, err))
        return plm_prefix(err, "redirect of %s", x->host);
    memcpy(x->url, next, strlen(next) + 1);
    tell_of_move(x, head->status);
    x->redirects++;
    x->at_target = true;
    return send_request(x, err);
}

/* ---- the registry's challenge ---- */

static void tell_of_renewal(const struct plm_exchange *x)
{
    const struct plm_event_retry retry = {
        .reason = PLM_RETRY_TOKEN,
        .what = "token",
        .host = x->host,
        .detail = "the registry wants a new token",
        .http_status = 401,
    };
    plm_registry_notice(x->registry, &retry, true);
}

static bool authenticate(struct plm_exchange *x, const struct plm_http_outcome *outcome,
                         struct plm_error *err)
{
    struct plm_tokens *tokens = x->registry->tokens;
    uint64_t now = plm_tokens_generation(tokens);
    x->refusals++;
    if (x->refusals <= REFUSALS_MAX && now != x->generation)
        return send_request(x, err);
    if (x->renewed || x->refusals > REFUSALS_MAX) {
        plm_tokens_refused(tokens, x->request.what, err);
        err->http_status = outcome->head.status;
        return false;
    }
    enum plm_token_renewal renewal;
    const struct plm_buf *challenges = &outcome->head.challenges;
    if (!plm_tokens_renew(tokens, challenges->size > 0 ? challenges->bytes : "", &x->waiter,
                          &renewal, err)) {
        err->http_status = outcome->head.status;
        return false;
    }
    x->renewed = renewal == PLM_TOKEN_STARTED || renewal == PLM_TOKEN_JOINED;
    if (renewal == PLM_TOKEN_STARTED && now > 0)
        tell_of_renewal(x);
    return true;
}

static void on_token(void *ctx, const struct plm_retry_verdict *verdict,
                     const struct plm_error *error)
{
    struct plm_exchange *x = ctx;
    if (verdict->action != PLM_RETRY_ACCEPT) {
        finish(x, *verdict, error, NULL);
        return;
    }
    struct plm_error err = {0};
    if (!send_request(x, &err))
        fail(x, &err, NULL);
}

/* ---- the answer ---- */

static bool is_wanted(const struct plm_exchange *x, int status)
{
    return status == 200 || status == 206 || (x->request.any_success && status / 100 == 2) ||
           (x->request.hands_over && status == 307);
}

static void judge(struct plm_exchange *x, const struct plm_http_outcome *outcome)
{
    struct plm_error err = {0};
    enum plm_peer peer = x->at_target || !x->at_origin ? PLM_PEER_TARGET : PLM_PEER_REGISTRY;
    struct plm_retry_verdict verdict =
        plm_retry_judge(peer, outcome, x->request.what, x->host, &err);
    int status = outcome->head.status;
    if (err.code == PLM_E_AUTH && x->at_origin)
        plm_tokens_annotate(x->registry->tokens, &err);
    if (outcome->end == PLM_HTTP_ENOUGH)
        verdict.action = PLM_RETRY_ACCEPT;
    else if (verdict.action == PLM_RETRY_REAUTH ||
             (verdict.action == PLM_RETRY_ACCEPT && !is_wanted(x, status)))
        verdict.action = PLM_RETRY_FAIL;
    if (verdict.action != PLM_RETRY_ACCEPT && err.code == PLM_OK) {
        (void)plm_fail(&err, PLM_E_PROTOCOL, "%s answered %d to a request for the %s", x->host,
                       status, x->request.what);
        err.http_status = status;
    }
    finish(x, verdict, &err, outcome);
}

static void on_answer(void *ctx, const struct plm_http_outcome *outcome)
{
    struct plm_exchange *x = ctx;
    x->transfer = NULL;
    plm_hosts_note(&x->registry->hosts, x->host, outcome, plm_loop_now(x->registry->loop));
    int status = outcome->end == PLM_HTTP_ANSWERED ? outcome->head.status : 0;
    bool is_challenge = status == 401 && x->at_origin && !x->request.anonymous &&
                        (!x->at_target || outcome->head.challenges.size > 0);
    if (!is_redirect(x, &outcome->head, status) && !is_challenge) {
        judge(x, outcome);
        return;
    }
    struct plm_error err = {0};
    bool ok = is_challenge ? authenticate(x, outcome, &err) : follow(x, &outcome->head, &err);
    if (!ok)
        fail(x, &err, outcome);
}

/* ---- start and end ---- */

bool plm_exchange_start(struct plm_exchange *exchange, struct plm_registry *registry,
                        const struct plm_exchange_request *request,
                        void (*done)(void *ctx, const struct plm_exchange_result *result),
                        void *ctx, struct plm_error *err)
{
    size_t length = strlen(request->url);
    if (length >= sizeof(exchange->url))
        return plm_fail(err, PLM_E_LIMIT, "the URL of the %s is too long", request->what);
    memset(exchange, 0, sizeof(*exchange));
    exchange->registry = registry;
    exchange->request = *request;
    exchange->at_target = request->is_target;
    exchange->timer = (struct plm_timer){.fire = on_patience_over, .ctx = exchange};
    exchange->waiter = (struct plm_token_waiter){.ready = on_token, .ctx = exchange};
    exchange->done = done;
    exchange->ctx = ctx;
    memcpy(exchange->url, request->url, length + 1);
    if (!send_request(exchange, err)) {
        exchange->registry = NULL;
        return false;
    }
    return true;
}

void plm_exchange_cancel(struct plm_exchange *exchange)
{
    if (!exchange->registry)
        return;
    plm_timer_stop(exchange->registry->loop, &exchange->timer);
    plm_token_leave(&exchange->waiter);
    plm_http_cancel(exchange->transfer);
    exchange->transfer = NULL;
    exchange->registry = NULL;
}
