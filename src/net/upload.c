/* The small requests of an upload: blob there?, session, offset, commit, manifest. */
#include "net/upload.h"

#include "net/document.h"
#include "net/upload_url.h"
#include "net/url.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX (64u << 10)
#define URL_MAX (PLM_BASE_URL_MAX + 64 + 3 * PLM_REF_PART_MAX + 2 * PLM_DIGEST_TEXT)
/* A registry may read all of a blob again before it answers a commit. */
#define COMMIT_PATIENCE 20
#define OPEN_PATIENCE 2

enum step { STEP_LOOK, STEP_OPEN, STEP_ASK, STEP_DROP, STEP_COMMIT, STEP_MANIFEST };

struct question {
    enum step step;
    const struct plm_registry *registry;
    struct plm_digest digest;
    char headers[96];
    bool direct;
    plm_upload_fn done;
    void *ctx;
};

/* ---- answers ---- */

bool plm_upload_is_lost(const struct plm_http_outcome *outcome)
{
    if (!outcome || outcome->end != PLM_HTTP_ANSWERED)
        return false;
    int status = outcome->head.status;
    return status == 400 || status == 404 || status == 405 || status == 409 || status == 410 ||
           status == 416 || status == 422;
}

bool plm_upload_read_session(const struct plm_http_outcome *outcome, char session[PLM_URL_MAX],
                             struct plm_upload_answer *answer, struct plm_error *err)
{
    const struct plm_http_head *head = &outcome->head;
    if (head->malformed)
        return plm_fail(err, PLM_E_PROTOCOL, "an answer about an upload has malformed headers");
    if (!plm_upload_session_url(outcome->url, head, session, err))
        return false;
    answer->session = session;
    answer->has_taken = head->has_taken;
    answer->taken = head->taken;
    return true;
}

static bool read_opened(const struct question *q, const struct plm_http_outcome *outcome,
                        char session[PLM_URL_MAX], char target[PLM_URL_MAX],
                        struct plm_upload_answer *answer, struct plm_error *err)
{
    const struct plm_http_head *head = &outcome->head;
    if (head->status == 201) {
        answer->said = PLM_SAID_HAS;
        return true;
    }
    if (!plm_upload_read_session(outcome, session, answer, err))
        return false;
    if (!*session)
        return plm_fail(err, PLM_E_PROTOCOL, "%s opened an upload without saying where",
                        q->registry->ref.host);
    answer->has_taken = false;
    if (q->direct && head->direct_url[0]) {
        if (!plm_url_redirect(outcome->url, head->direct_url, target, err))
            return plm_prefix(err, "direct upload");
        answer->said = PLM_SAID_ELSEWHERE;
        answer->target = target;
        answer->headers = head->signed_headers.size > 0 ? head->signed_headers.bytes : NULL;
    }
    return true;
}

static bool check_stored(const struct question *q, const struct plm_http_outcome *outcome,
                         struct plm_error *err)
{
    const char *said = outcome->head.docker_digest;
    struct plm_digest digest;
    struct plm_error ignored = {0};
    char text[PLM_DIGEST_TEXT];
    if (plm_digest_parse(said, strlen(said), &digest, &ignored) &&
        !plm_digest_equal(&digest, &q->digest))
        return plm_fail(err, PLM_E_INTEGRITY, "%s stored the %s %s under another digest, %s",
                        q->registry->ref.host, q->step == STEP_MANIFEST ? "manifest" : "blob",
                        plm_digest_format(&q->digest, text), said);
    return true;
}

static bool read_success(const struct question *q, const struct plm_http_outcome *outcome,
                         char session[PLM_URL_MAX], char target[PLM_URL_MAX],
                         struct plm_upload_answer *answer, struct plm_error *err)
{
    switch (q->step) {
    case STEP_LOOK:
        answer->said = PLM_SAID_HAS;
        return true;
    case STEP_OPEN:
        answer->said = PLM_SAID_GOES_ON;
        return read_opened(q, outcome, session, target, answer, err);
    case STEP_ASK:
        answer->said = PLM_SAID_GOES_ON;
        return plm_upload_read_session(outcome, session, answer, err);
    case STEP_DROP:
        answer->said = PLM_SAID_LOST;
        return true;
    case STEP_COMMIT:
    case STEP_MANIFEST:
        answer->said = PLM_SAID_HAS;
        return check_stored(q, outcome, err);
    }
    return false;
}

/* A registry sends to its object store only for what is there; that this store does not let us look
 * says nothing against it. */
static enum plm_upload_said read_failure(const struct question *q,
                                         const struct plm_http_outcome *outcome,
                                         const struct plm_error *error)
{
    bool answered = outcome && outcome->end == PLM_HTTP_ANSWERED;
    int status = answered ? outcome->head.status : 0;
    switch (q->step) {
    case STEP_LOOK:
        if (status == 404 || status == 410)
            return PLM_SAID_LACKS;
        return (status == 401 || status == 403) && error->code == PLM_E_HTTP ? PLM_SAID_HAS
                                                                             : PLM_SAID_FAILED;
    case STEP_ASK:
    case STEP_COMMIT:
        return plm_upload_is_lost(outcome) ? PLM_SAID_LOST : PLM_SAID_FAILED;
    case STEP_DROP:
        return status == 404 || status == 410 ? PLM_SAID_LOST : PLM_SAID_FAILED;
    case STEP_OPEN:
    case STEP_MANIFEST:
        break;
    }
    return PLM_SAID_FAILED;
}

static void on_document(void *ctx, const struct plm_http_outcome *outcome,
                        const struct plm_error *error)
{
    const struct question *q = ctx;
    char session[PLM_URL_MAX] = "", target[PLM_URL_MAX] = "";
    struct plm_error err = {0};
    struct plm_upload_answer answer = {
        .session = session, .retry_after_ms = -1, .host = q->registry->ref.host};
    if (error) {
        answer.said = read_failure(q, outcome, error);
        err = *error;
        if (answer.said == PLM_SAID_LOST && outcome->body.size > 0 &&
            strstr(outcome->body.bytes, "DIGEST_INVALID"))
            err.code = PLM_E_INTEGRITY;
    } else if (!read_success(q, outcome, session, target, &answer, &err)) {
        answer.said = PLM_SAID_FAILED;
    }
    answer.error = &err;
    q->done(q->ctx, &answer);
}

/* ---- questions ---- */

static bool start(struct plm_registry *registry, const struct question *question,
                  struct plm_document_request *request, struct plm_error *err)
{
    struct question *q = malloc(sizeof(*q));
    if (!q)
        return plm_fail(err, PLM_E_NOMEM, "%s", request->what);
    *q = *question;
    q->registry = registry;
    request->headers = q->headers[0] ? q->headers : NULL;
    request->body_max = ANSWER_MAX;
    request->any_success = true;
    request->max_retries = registry->options.max_retries;
    request->done = on_document;
    request->ctx = q;
    return plm_document_start(registry, request, err);
}

bool plm_registry_look(struct plm_registry *registry, const struct plm_digest *digest,
                       plm_upload_fn done, void *ctx, struct plm_error *err)
{
    char url[URL_MAX], text[PLM_DIGEST_TEXT];
    (void)snprintf(url, sizeof(url), "%s/blobs/%s", registry->base_url,
                   plm_digest_format(digest, text));
    const struct question q = {.step = STEP_LOOK, .done = done, .ctx = ctx};
    struct plm_document_request request = {.url = url, .method = "HEAD", .what = "blob"};
    return start(registry, &q, &request, err);
}

bool plm_registry_open_upload(struct plm_registry *registry, const struct plm_upload_wish *wish,
                              plm_upload_fn done, void *ctx, struct plm_error *err)
{
    char url[URL_MAX], text[PLM_DIGEST_TEXT], query[URL_MAX - PLM_BASE_URL_MAX - 16] = "";
    const char *hex = plm_digest_format(&wish->digest, text) + 7;
    struct question q = {.step = STEP_OPEN, .direct = wish->direct, .done = done, .ctx = ctx};
    if (wish->direct) {
        (void)snprintf(q.headers, sizeof(q.headers),
                       "X-Redirect-Uploads: 2\nX-Content-Length: %" PRIu64 "\n", wish->size);
        (void)snprintf(query, sizeof(query), "?digest=sha256%%3A%s", hex);
    } else if (wish->from) {
        /* Names of repositories need no encoding but for their slash. */
        (void)snprintf(query, sizeof(query), "?from=%.*s%%2F%s&mount=sha256%%3A%s",
                       (int)strcspn(wish->from, "/"), wish->from,
                       wish->from + strcspn(wish->from, "/") + 1, hex);
    }
    (void)snprintf(url, sizeof(url), "%s/blobs/uploads/%s", registry->base_url, query);
    struct plm_document_request request = {.url = url,
                                           .method = "POST",
                                           .what = "upload",
                                           .body = {.is_set = true, .bytes = ""},
                                           .patience = OPEN_PATIENCE};
    return start(registry, &q, &request, err);
}

bool plm_registry_ask_upload(struct plm_registry *registry, const char *session, plm_upload_fn done,
                             void *ctx, struct plm_error *err)
{
    const struct question q = {.step = STEP_ASK, .done = done, .ctx = ctx};
    struct plm_document_request request = {.url = session, .what = "upload"};
    return start(registry, &q, &request, err);
}

bool plm_registry_drop_upload(struct plm_registry *registry, const char *session,
                              plm_upload_fn done, void *ctx, struct plm_error *err)
{
    const struct question q = {.step = STEP_DROP, .done = done, .ctx = ctx};
    struct plm_document_request request = {.url = session, .method = "DELETE", .what = "upload"};
    return start(registry, &q, &request, err);
}

bool plm_registry_commit_upload(struct plm_registry *registry, const char *session,
                                const struct plm_digest *digest, const char *etag,
                                plm_upload_fn done, void *ctx, struct plm_error *err)
{
    char url[PLM_URL_MAX];
    if (!plm_upload_commit_url(session, digest, etag, url, err))
        return false;
    const struct question q = {.step = STEP_COMMIT, .digest = *digest, .done = done, .ctx = ctx};
    struct plm_document_request request = {
        .url = url,
        .method = "PUT",
        .what = "upload",
        .body = {.is_set = true, .type = "application/octet-stream", .bytes = ""},
        .patience = COMMIT_PATIENCE,
    };
    return start(registry, &q, &request, err);
}

bool plm_registry_put_manifest(struct plm_registry *registry, const void *bytes, size_t size,
                               const char *media, const struct plm_digest *digest,
                               plm_upload_fn done, void *ctx, struct plm_error *err)
{
    char url[URL_MAX];
    (void)snprintf(url, sizeof(url), "%s/manifests/%s", registry->base_url, registry->ref.tag);
    const struct question q = {.step = STEP_MANIFEST, .digest = *digest, .done = done, .ctx = ctx};
    struct plm_document_request request = {
        .url = url,
        .method = "PUT",
        .what = "manifest",
        .body = {.is_set = true, .type = media, .bytes = bytes, .length = size},
        .patience = COMMIT_PATIENCE,
    };
    return start(registry, &q, &request, err);
}
