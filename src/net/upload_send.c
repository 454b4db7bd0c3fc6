/* The large requests of an upload: stretches of a blob, out of its file, and what became of them.
 */
#include "net/exchange.h"
#include "net/upload.h"
#include "net/upload_url.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ANSWER_MAX (64u << 10)
/* The server may still have to move what it took to where it belongs. */
#define PATIENCE 4

struct plm_send {
    struct plm_exchange exchange;
    enum plm_send_kind kind;
    char *headers; /* owned */
    plm_upload_fn done;
    void *ctx;
};

static void send_free(struct plm_send *send)
{
    plm_exchange_cancel(&send->exchange);
    free(send->headers);
    free(send);
}

void plm_send_cancel(struct plm_send *send)
{
    if (send)
        send_free(send);
}

/* ---- the answer ---- */

static enum plm_upload_said read_success(const struct plm_send *send,
                                         const struct plm_http_outcome *outcome,
                                         char session[PLM_URL_MAX], char target[PLM_URL_MAX],
                                         struct plm_upload_answer *answer, struct plm_error *err)
{
    const struct plm_http_head *head = &outcome->head;
    if (head->status != 307 && outcome->sent < send->exchange.request.body.length) {
        (void)plm_fail(err, PLM_E_NETWORK, "blob: an answer came before all was sent");
        return PLM_SAID_LATER;
    }
    if (send->kind != PLM_SEND_PATCH)
        return PLM_SAID_HAS;
    if (!plm_upload_read_session(outcome, session, answer, err))
        return PLM_SAID_FAILED;
    if (head->status != 307)
        return PLM_SAID_GOES_ON;
    if (!head->location[0]) {
        (void)plm_fail(err, PLM_E_PROTOCOL, "an upload is sent on without saying where to");
        return PLM_SAID_FAILED;
    }
    if (!plm_url_redirect(outcome->url, head->location, target, err))
        return PLM_SAID_FAILED;
    answer->has_taken = false;
    answer->target = target;
    return PLM_SAID_ELSEWHERE;
}

static enum plm_upload_said read_failure(const struct plm_send *send,
                                         const struct plm_exchange_result *result)
{
    const struct plm_http_outcome *outcome = result->outcome;
    bool answered = outcome && outcome->end == PLM_HTTP_ANSWERED;
    if (result->verdict.action == PLM_RETRY_LATER)
        return PLM_SAID_LATER;
    if (result->verdict.action == PLM_RETRY_RERESOLVE)
        return send->kind == PLM_SEND_STORE ? PLM_SAID_EXPIRED : PLM_SAID_LOST;
    if (answered && outcome->head.status == 413)
        return PLM_SAID_TOO_LARGE;
    if (answered && outcome->head.status == 416 && send->kind == PLM_SEND_PATCH)
        return PLM_SAID_LATER; /* the registry stands elsewhere than we think */
    return send->kind != PLM_SEND_STORE && plm_upload_is_lost(outcome) ? PLM_SAID_LOST
                                                                       : PLM_SAID_FAILED;
}

static void on_done(void *ctx, const struct plm_exchange_result *result)
{
    struct plm_send *send = ctx;
    char session[PLM_URL_MAX] = "", target[PLM_URL_MAX] = "";
    struct plm_error err = {0};
    struct plm_upload_answer answer = {
        .session = session,
        .target = target,
        .error = &err,
        .reason = result->verdict.reason,
        .retry_after_ms = result->verdict.retry_after_ms,
        .host = result->host,
    };
    if (result->verdict.action == PLM_RETRY_ACCEPT) {
        answer.said = read_success(send, result->outcome, session, target, &answer, &err);
    } else {
        err = *result->error;
        answer.said = read_failure(send, result);
    }
    /* The host's name lies in the exchange, which goes now. */
    char host[PLM_AUTHORITY_MAX];
    (void)snprintf(host, sizeof(host), "%s", result->host);
    answer.host = host;
    plm_upload_fn done = send->done;
    void *done_ctx = send->ctx;
    send_free(send);
    done(done_ctx, &answer);
}

/* ---- the request ---- */

/* These would change how the request is framed, or whom it names; no store has to sign them for us.
 */
static bool is_ours(const char *line, size_t length)
{
    static const char *const names[] = {
        "Host",   "Content-Length", "Transfer-Encoding", "Connection",
        "Expect", "Cookie",         "Authorization",     "Proxy-Authorization"};
    for (size_t i = 0; i < PLM_COUNT(names); i++)
        if (strlen(names[i]) == length && strncasecmp(names[i], line, length) == 0)
            return true;
    return false;
}

static bool add_headers(struct plm_buf *all, const char *lines, bool *typed, struct plm_error *err)
{
    bool ok = true;
    while (ok && *lines) {
        size_t length = strcspn(lines, "\n"), name = strcspn(lines, ":\n");
        *typed = *typed || (name == 12 && strncasecmp(lines, "Content-Type", name) == 0);
        if (!is_ours(lines, name))
            ok = plm_buf_append(all, lines, length, err) && plm_buf_append(all, "\n", 1, err);
        lines += length + (lines[length] == '\n');
    }
    return ok;
}

static bool make_headers(struct plm_send *send, const struct plm_send_request *request, bool *typed,
                         struct plm_error *err)
{
    struct plm_buf all = PLM_BUF_INIT(64u << 10);
    bool ok = true;
    if (request->kind == PLM_SEND_PATCH)
        ok = plm_buf_printf(&all, err,
                            "Content-Range: %" PRIu64 "-%" PRIu64 "\nX-Redirect-Uploads: 1\n",
                            request->span.start, request->span.end > 0 ? request->span.end - 1 : 0);
    else if (request->headers)
        ok = add_headers(&all, request->headers, typed, err);
    send->headers = ok ? plm_buf_take(&all) : NULL;
    plm_buf_done(&all);
    return ok && (send->headers || plm_fail(err, PLM_E_NOMEM, "upload"));
}

bool plm_send_start(struct plm_registry *registry, const struct plm_send_request *request,
                    plm_upload_fn done, void *ctx, struct plm_send **out, struct plm_error *err)
{
    char url[PLM_URL_MAX];
    bool typed = false, stores = request->kind == PLM_SEND_STORE;
    struct plm_send *send = calloc(1, sizeof(*send));
    if (!send)
        return plm_fail(err, PLM_E_NOMEM, "upload");
    *send = (struct plm_send){.kind = request->kind, .done = done, .ctx = ctx};
    bool ok = make_headers(send, request, &typed, err) &&
              (request->kind != PLM_SEND_WHOLE ||
               plm_upload_commit_url(request->url, request->digest, NULL, url, err));
    const struct plm_exchange_request exchange = {
        .url = request->kind == PLM_SEND_WHOLE ? url : request->url,
        .method = request->kind == PLM_SEND_PATCH ? "PATCH" : "PUT",
        .what = "blob",
        .is_target = stores,
        .anonymous = stores,
        .any_success = true,
        .hands_over = request->kind == PLM_SEND_PATCH,
        .untimed = stores,
        .body_max = ANSWER_MAX,
        .headers = send->headers,
        .body = {.is_set = true,
                 .type = typed ? NULL : "application/octet-stream",
                 .fd = request->fd,
                 .start = request->span.start,
                 .length = plm_span_length(request->span),
                 .expect = request->expect,
                 .passed = request->passed,
                 .ctx = ctx},
        .patience = PATIENCE,
    };
    if (!ok || !plm_exchange_start(&send->exchange, registry, &exchange, on_done, send, err)) {
        free(send->headers);
        free(send);
        return false;
    }
    *out = send;
    return true;
}
