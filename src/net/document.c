/* Small requests of a session: made again after transient failures, checked, handed over. */
#include "net/document.h"

#include "os/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOLVES_MAX 5
#define MISMATCHES_MAX 2

struct plm_document {
    struct plm_registry *registry;
    struct plm_document_request request;
    char url[PLM_URL_MAX];
    struct plm_exchange exchange;
    struct plm_timer timer;
    int retries, resolves, mismatches;
    struct plm_document *next, **link;
};

static void on_done(void *ctx, const struct plm_exchange_result *result);

static void document_free(struct plm_document *document)
{
    if (document->link) {
        *document->link = document->next;
        if (document->next)
            document->next->link = document->link;
    }
    plm_timer_stop(document->registry->loop, &document->timer);
    plm_exchange_cancel(&document->exchange);
    free(document->request.ctx);
    free(document);
}

/* done() may free the session: the document is off its list before, and not looked at after. */
static void finish(struct plm_document *document, const struct plm_http_outcome *answer,
                   const struct plm_error *error)
{
    plm_document_fn done = document->request.done;
    void *ctx = document->request.ctx;
    document->request.ctx = NULL;
    document_free(document);
    done(ctx, answer, error);
    free(ctx);
}

static bool start(struct plm_document *document, struct plm_error *err)
{
    const struct plm_exchange_request request = {
        .url = document->url,
        .method = document->request.method,
        .what = document->request.what,
        .accept = document->request.accept,
        .body_max = document->request.body_max,
        .any_success = document->request.any_success,
        .headers = document->request.headers,
        .body = document->request.body,
        .patience = document->request.patience,
    };
    return plm_exchange_start(&document->exchange, document->registry, &request, on_done, document,
                              err);
}

static void on_time(void *ctx)
{
    struct plm_document *document = ctx;
    struct plm_error err = {0};
    if (!start(document, &err))
        finish(document, NULL, &err);
}

/* ---- what comes after a failure ---- */

static int64_t choose_delay(int attempt)
{
    uint64_t random = 0;
    struct plm_error ignored = {0};
    if (!plm_os_random(&random, sizeof(random), &ignored))
        random = (uint64_t)plm_os_monotonic_ms(); /* jitter needs no secrecy */
    return plm_retry_delay(attempt, random);
}

static int64_t shorten(const struct plm_document *document, int64_t delay_ms)
{
    int64_t patience = document->request.patience_ms;
    return patience > 0 && delay_ms > patience ? patience : delay_ms;
}

static void give_up(struct plm_document *document, const struct plm_http_outcome *answer,
                    const struct plm_error *cause)
{
    struct plm_error err = {
        .code = PLM_E_NETWORK, .sys_errno = cause->sys_errno, .http_status = cause->http_status};
    int length = snprintf(err.msg, sizeof(err.msg), "%.400s", cause->msg);
    if (document->retries > 0 && length > 0)
        (void)snprintf(err.msg + length, sizeof(err.msg) - (size_t)length, " (tried %d times)",
                       document->retries + 1);
    finish(document, answer, &err);
}

static void tell(const struct plm_document *document, const struct plm_exchange_result *result,
                 struct plm_event_retry retry)
{
    retry.what = document->request.what;
    retry.host = result->host;
    retry.retry_after = result->verdict.retry_after_ms >= 0;
    plm_registry_notice(document->registry, &retry, result->verdict.action == PLM_RETRY_RERESOLVE);
}

static void retry_later(struct plm_document *document, const struct plm_exchange_result *result)
{
    int64_t asked = result->verdict.retry_after_ms, patience = document->request.patience_ms;
    if (document->retries >= document->request.max_retries || (patience > 0 && asked > patience)) {
        give_up(document, result->outcome, result->error);
        return;
    }
    int64_t delay = shorten(document, choose_delay(document->retries++));
    if (delay < asked)
        delay = asked;
    tell(document, result,
         (struct plm_event_retry){.reason = result->verdict.reason,
                                  .detail = result->error->msg,
                                  .attempt = document->retries,
                                  .max_attempts = document->request.max_retries,
                                  .delay_ms = delay,
                                  .http_status = result->error->http_status});
    plm_timer_start(document->registry->loop, &document->timer, delay);
}

static void resolve_again(struct plm_document *document, const struct plm_exchange_result *result)
{
    if (document->resolves == RESOLVES_MAX) {
        finish(document, result->outcome, result->error);
        return;
    }
    document->resolves++;
    tell(document, result,
         (struct plm_event_retry){.reason = PLM_RETRY_REDIRECT,
                                  .detail = result->error->msg,
                                  .attempt = document->resolves,
                                  .max_attempts = RESOLVES_MAX,
                                  .http_status = result->error->http_status});
    plm_timer_start(document->registry->loop, &document->timer, 0);
}

static void settle(struct plm_document *document, const struct plm_exchange_result *result)
{
    struct plm_error err = {0};
    const struct plm_document_request *request = &document->request;
    if (!request->check || request->check(request->ctx, result->outcome, &err)) {
        finish(document, result->outcome, NULL);
        return;
    }
    if (err.code != PLM_E_INTEGRITY || document->mismatches == MISMATCHES_MAX) {
        finish(document, result->outcome, &err);
        return;
    }
    /* What stands between us and the registry may have spoilt it: a cache, a proxy. */
    int64_t delay = shorten(document, choose_delay(0));
    document->mismatches++;
    document->retries = 0;
    tell(document, result,
         (struct plm_event_retry){.reason = result->verdict.reason,
                                  .detail = err.msg,
                                  .attempt = document->mismatches,
                                  .max_attempts = MISMATCHES_MAX,
                                  .delay_ms = delay});
    plm_timer_start(document->registry->loop, &document->timer, delay);
}

static void on_done(void *ctx, const struct plm_exchange_result *result)
{
    struct plm_document *document = ctx;
    switch (result->verdict.action) {
    case PLM_RETRY_ACCEPT:
        settle(document, result);
        return;
    case PLM_RETRY_LATER:
        retry_later(document, result);
        return;
    case PLM_RETRY_RERESOLVE:
        resolve_again(document, result);
        return;
    case PLM_RETRY_REAUTH:
    case PLM_RETRY_FAIL:
        break;
    }
    finish(document, result->outcome, result->error);
}

bool plm_document_start(struct plm_registry *registry, const struct plm_document_request *request,
                        struct plm_error *err)
{
    struct plm_document *document = calloc(1, sizeof(*document));
    if (!document) {
        free(request->ctx);
        return plm_fail(err, PLM_E_NOMEM, "%s", request->what);
    }
    document->registry = registry;
    document->request = *request;
    document->timer = (struct plm_timer){.fire = on_time, .ctx = document};
    int length = snprintf(document->url, sizeof(document->url), "%s", request->url);
    bool fits = length >= 0 && (size_t)length < sizeof(document->url);
    if (!fits)
        (void)plm_fail(err, PLM_E_LIMIT, "the URL of the %s is too long", request->what);
    if (!fits || !start(document, err)) {
        document_free(document);
        return false;
    }
    document->next = registry->documents;
    document->link = &registry->documents;
    if (document->next)
        document->next->link = &document->next;
    registry->documents = document;
    return true;
}

void plm_documents_cancel(struct plm_registry *registry)
{
    while (registry->documents)
        document_free(registry->documents); /* NOLINT(clang-analyzer-unix.Malloc): off the list */
}
