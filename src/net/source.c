/* Where a blob's bytes come from: remembers the redirect target, and makes ranged requests to it.
 */
#include "net/exchange.h"

#include "os/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request must reach the target before its signature ends. */
#define EXPIRY_MARGIN_MS 10000

struct plm_source {
    struct plm_registry *registry;
    uint64_t size; /* of the blob */
    char blob_url[PLM_BASE_URL_MAX + 8 + PLM_DIGEST_TEXT];
    bool is_direct;     /* the registry serves the bytes itself */
    char *target;       /* owned; NULL while unknown */
    int64_t expires_ms; /* Unix time after which the target is not used; 0: unknown */
    char host[PLM_AUTHORITY_MAX];
    struct plm_fetch *fetches;
};

struct plm_fetch {
    struct plm_source *source;
    struct plm_exchange exchange;
    struct plm_http_sink sink;
    bool via_target; /* went to the known target at once */
    uint64_t received;
    plm_fetch_fn done;
    void *ctx;
    struct plm_fetch *next, **link;
};

/* ---- the location ---- */

static void forget_target(struct plm_source *source)
{
    free(source->target);
    source->target = NULL;
    source->expires_ms = 0;
    plm_url_authority(&source->registry->origin, source->host, sizeof(source->host));
}

/* A signature that seems to end at once tells of a wrong clock rather than of a useless target. */
static int64_t usable_until(const char *url)
{
    int64_t expiry = plm_url_expiry_ms(url);
    if (expiry == 0 || expiry - EXPIRY_MARGIN_MS <= plm_os_unix_ms())
        return 0;
    return expiry - EXPIRY_MARGIN_MS;
}

static void remember(struct plm_source *source, const char *url, const char *host)
{
    if (strcmp(url, source->blob_url) == 0) {
        source->is_direct = true;
        return;
    }
    source->is_direct = false;
    if (source->target && strcmp(source->target, url) == 0)
        return;
    char *copy = strdup(url);
    if (!copy)
        return; /* it is only looked up once more */
    free(source->target);
    source->target = copy;
    source->expires_ms = usable_until(url);
    (void)snprintf(source->host, sizeof(source->host), "%s", host);
}

static bool is_due(const struct plm_source *source)
{
    return source->target && source->expires_ms != 0 && plm_os_unix_ms() >= source->expires_ms;
}

/* ---- one ranged request ---- */

static bool fetch_begin(void *ctx, const struct plm_http_head *head, struct plm_error *err)
{
    struct plm_fetch *fetch = ctx;
    remember(fetch->source, fetch->exchange.url, fetch->exchange.host);
    return !fetch->sink.begin || fetch->sink.begin(fetch->sink.ctx, head, err);
}

static bool fetch_write(void *ctx, const void *bytes, size_t length, struct plm_error *err)
{
    struct plm_fetch *fetch = ctx;
    fetch->received += length;
    return fetch->sink.write(fetch->sink.ctx, bytes, length, err);
}

static void fetch_free(struct plm_fetch *fetch)
{
    if (fetch->link) {
        *fetch->link = fetch->next;
        if (fetch->next)
            fetch->next->link = fetch->link;
    }
    plm_exchange_cancel(&fetch->exchange);
    free(fetch);
}

/* Several chunks may find out at once that a target is over: it is dropped, and told of, once. */
static void drop_refused(struct plm_fetch *fetch, const struct plm_exchange_result *result)
{
    struct plm_source *source = fetch->source;
    bool is_current = source->target && strcmp(source->target, result->url) == 0;
    if (is_current)
        forget_target(source);
    else if (fetch->via_target)
        return;
    const struct plm_event_retry retry = {
        .reason = PLM_RETRY_REDIRECT,
        .what = "blob",
        .host = result->host,
        .detail = result->error->msg,
        .http_status = result->error->http_status,
    };
    plm_registry_notice(source->registry, &retry, true);
}

static void on_done(void *ctx, const struct plm_exchange_result *result)
{
    struct plm_fetch *fetch = ctx;
    /* cppcheck-suppress unreadVariable ; it is read through the result */
    struct plm_error error = {0};
    struct plm_fetch_result out = {
        .complete = result->verdict.action == PLM_RETRY_ACCEPT,
        .action = result->verdict.action,
        .reason = result->verdict.reason,
        .retry_after_ms = result->verdict.retry_after_ms,
        .received = fetch->received,
    };
    if (!out.complete) {
        error = *result->error;
        out.error = &error;
    }
    if (out.action == PLM_RETRY_RERESOLVE) {
        out.reason = PLM_RETRY_REDIRECT;
        drop_refused(fetch, result);
    }
    plm_fetch_fn done = fetch->done;
    void *done_ctx = fetch->ctx;
    fetch_free(fetch);
    done(done_ctx, &out);
}

bool plm_source_fetch(struct plm_source *source, struct plm_span span, struct plm_http_sink sink,
                      plm_fetch_fn done, void *ctx, struct plm_fetch **out, struct plm_error *err)
{
    if (is_due(source))
        forget_target(source);
    struct plm_fetch *fetch = calloc(1, sizeof(*fetch));
    if (!fetch)
        return plm_fail(err, PLM_E_NOMEM, "blob request");
    fetch->source = source;
    fetch->sink = sink;
    fetch->done = done;
    fetch->ctx = ctx;
    fetch->via_target = source->target != NULL;
    const struct plm_exchange_request request = {
        .url = source->target ? source->target : source->blob_url,
        .what = "blob",
        .is_target = fetch->via_target,
        .has_range = span.start > 0 || span.end < source->size,
        .range = span,
        .sink = {.begin = fetch_begin, .write = fetch_write, .ctx = fetch},
    };
    if (!plm_exchange_start(&fetch->exchange, source->registry, &request, on_done, fetch, err)) {
        free(fetch);
        return false;
    }
    fetch->next = source->fetches;
    fetch->link = &source->fetches;
    if (fetch->next)
        fetch->next->link = &fetch->next;
    source->fetches = fetch;
    *out = fetch;
    return true;
}

void plm_fetch_cancel(struct plm_fetch *fetch)
{
    if (fetch)
        fetch_free(fetch);
}

/* ---- the source ---- */

bool plm_source_new(struct plm_registry *registry, const struct plm_descriptor *blob,
                    struct plm_source **out, struct plm_error *err)
{
    struct plm_source *source = calloc(1, sizeof(*source));
    if (!source)
        return plm_fail(err, PLM_E_NOMEM, "blob source");
    char text[PLM_DIGEST_TEXT];
    source->registry = registry;
    source->size = blob->size;
    (void)snprintf(source->blob_url, sizeof(source->blob_url), "%s/blobs/%s", registry->base_url,
                   plm_digest_format(&blob->digest, text));
    plm_url_authority(&registry->origin, source->host, sizeof(source->host));
    *out = source;
    return true;
}

void plm_source_free(struct plm_source *source)
{
    if (!source)
        return;
    while (source->fetches)
        fetch_free(source->fetches); /* NOLINT(clang-analyzer-unix.Malloc): off the list */
    free(source->target);
    free(source);
}

const char *plm_source_host(const struct plm_source *source)
{
    return source->host;
}

bool plm_source_is_unresolved(const struct plm_source *source)
{
    return is_due(source) || (!source->target && !source->is_direct);
}
