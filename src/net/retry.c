/* The retry rules: which ends and statuses pass with time, which ask for another way, and which are
 * final. */
#include "net/retry.h"

#include "net/error_text.h"

#define BACKOFF_FIRST_MS 500
#define BACKOFF_MOST_MS 120000
#define BACKOFF_LEAST_MS 50
#define BACKOFF_DOUBLINGS 8 /* 500 ms doubled so often is past the most */

/* What all parts of a judgement look at. */
struct question {
    enum plm_peer peer;
    const struct plm_http_outcome *outcome;
    const char *what;
    const char *host;
    struct plm_error *err;
};

static struct plm_retry_verdict verdict(enum plm_retry_action action, enum plm_retry_reason reason)
{
    return (struct plm_retry_verdict){action, reason, -1};
}

/* The answer as an error: "manifest: registry.example.org answered 404: no such model". */
static void tell(const struct question *q, enum plm_code code)
{
    struct plm_error *err = q->err;
    if (!err || err->code != PLM_OK)
        return;
    char said[PLM_ERROR_ANSWER_TEXT];
    int status = q->outcome->head.status;
    (void)plm_error_answer_text(&q->outcome->body, said);
    if (status == 412 && q->peer == PLM_PEER_REGISTRY)
        (void)plm_fail(err, code, "%s: %s says that this client is too old (412)%s%s", q->what,
                       q->host, *said ? ": " : "", said);
    else
        (void)plm_fail(err, code, "%s: %s answered %d%s%s", q->what, q->host, status,
                       *said ? ": " : "", said);
    err->http_status = status;
}

static struct plm_retry_verdict fail_with(const struct question *q, enum plm_code code)
{
    tell(q, code);
    return verdict(PLM_RETRY_FAIL, PLM_RETRY_SERVER_ERROR);
}

static struct plm_retry_verdict later(const struct question *q, enum plm_retry_reason reason)
{
    tell(q, PLM_E_NETWORK);
    struct plm_retry_verdict v = verdict(PLM_RETRY_LATER, reason);
    v.retry_after_ms = q->outcome->head.retry_after_ms;
    return v;
}

static struct plm_retry_verdict accept_content(const struct question *q)
{
    const struct plm_http_head *head = &q->outcome->head;
    if (!head->malformed && !head->encoded)
        return verdict(PLM_RETRY_ACCEPT, PLM_RETRY_CONNECTION);
    (void)plm_fail(q->err, PLM_E_PROTOCOL, "%s: %s sent %s", q->what, q->host,
                   head->malformed ? "contradictory or malformed lengths"
                                   : "a compressed body that was not asked for");
    if (q->err)
        q->err->http_status = head->status;
    return verdict(PLM_RETRY_FAIL, PLM_RETRY_SERVER_ERROR);
}

static struct plm_retry_verdict judge_refusal(const struct question *q)
{
    int status = q->outcome->head.status;
    if (q->peer == PLM_PEER_TARGET &&
        (status == 401 || status == 403 || status == 404 || status == 410)) {
        tell(q, PLM_E_HTTP);
        return verdict(PLM_RETRY_RERESOLVE, PLM_RETRY_REDIRECT);
    }
    if (status == 401 && q->peer == PLM_PEER_REGISTRY) {
        tell(q, PLM_E_AUTH);
        return verdict(PLM_RETRY_REAUTH, PLM_RETRY_TOKEN);
    }
    switch (status) {
    case 401:
    case 403:
    case 407:
        return fail_with(q, PLM_E_AUTH);
    case 404:
        return fail_with(q, q->peer == PLM_PEER_REGISTRY ? PLM_E_NOT_FOUND : PLM_E_HTTP);
    case 408:
        return later(q, PLM_RETRY_TIMEOUT);
    case 412:
        return fail_with(q, q->peer == PLM_PEER_REGISTRY ? PLM_E_UNSUPPORTED : PLM_E_HTTP);
    case 425:
        return later(q, PLM_RETRY_SERVER_ERROR);
    case 429:
        return later(q, PLM_RETRY_RATE_LIMITED);
    default:
        return fail_with(q, PLM_E_HTTP);
    }
}

static struct plm_retry_verdict judge_status(const struct question *q)
{
    int status = q->outcome->head.status;
    switch (status / 100) {
    case 2:
        return accept_content(q);
    case 3:
        if (status <= 303 ? status >= 301 : status == 307 || status == 308)
            return verdict(PLM_RETRY_ACCEPT, PLM_RETRY_CONNECTION);
        return fail_with(q, PLM_E_PROTOCOL);
    case 4:
        return judge_refusal(q);
    case 5:
        return later(q, PLM_RETRY_SERVER_ERROR);
    default:
        return fail_with(q, PLM_E_PROTOCOL);
    }
}

/* An exchange that broke: the outcome's own error, in the caller's place unless one stands there.
 */
static void pass_on(const struct question *q, enum plm_code code)
{
    const struct plm_error *from = &q->outcome->error;
    if (!q->err || q->err->code != PLM_OK)
        return;
    *q->err = *from;
    if (from->code == PLM_OK)
        (void)plm_fail(q->err, code, "%s: the exchange with %s failed", q->what, q->host);
    else if (q->outcome->end != PLM_HTTP_REFUSED)
        (void)plm_prefix(q->err, "%s", q->what);
    if (code == PLM_E_NETWORK)
        q->err->code = code;
}

struct plm_retry_verdict plm_retry_judge(enum plm_peer peer, const struct plm_http_outcome *outcome,
                                         const char *what, const char *host, struct plm_error *err)
{
    /* Ends that pass with time; all others are final. */
    static const struct {
        bool transient;
        enum plm_retry_reason reason;
    } ends[] = {
        [PLM_HTTP_DNS] = {true, PLM_RETRY_DNS},
        [PLM_HTTP_CONNECT] = {true, PLM_RETRY_CONNECTION},
        [PLM_HTTP_RESET] = {true, PLM_RETRY_CONNECTION},
        [PLM_HTTP_SHORT] = {true, PLM_RETRY_SHORT_BODY},
        [PLM_HTTP_TIMEOUT] = {true, PLM_RETRY_TIMEOUT},
        [PLM_HTTP_STALL] = {true, PLM_RETRY_STALL},
        [PLM_HTTP_TLS] = {true, PLM_RETRY_TLS},
        [PLM_HTTP_BAD_CERT] = {false, PLM_RETRY_TLS},
        [PLM_HTTP_FAILED] = {false, PLM_RETRY_CONNECTION},
    };
    const struct question q = {peer, outcome, what, host, err};
    if (outcome->end == PLM_HTTP_ENOUGH)
        return verdict(PLM_RETRY_ACCEPT, PLM_RETRY_CONNECTION);
    if (outcome->end == PLM_HTTP_ANSWERED)
        return judge_status(&q);
    bool transient = ends[outcome->end].transient;
    pass_on(&q, transient ? PLM_E_NETWORK : PLM_E_INTERNAL);
    return verdict(transient ? PLM_RETRY_LATER : PLM_RETRY_FAIL, ends[outcome->end].reason);
}

int64_t plm_retry_delay(int attempt, uint64_t random)
{
    int doublings = attempt < 0 ? 0 : attempt;
    if (doublings > BACKOFF_DOUBLINGS)
        doublings = BACKOFF_DOUBLINGS;
    uint64_t most = (uint64_t)BACKOFF_FIRST_MS << doublings;
    if (most > BACKOFF_MOST_MS)
        most = BACKOFF_MOST_MS;
    int64_t delay = (int64_t)(1 + random % most);
    return delay > BACKOFF_LEAST_MS ? delay : BACKOFF_LEAST_MS;
}
