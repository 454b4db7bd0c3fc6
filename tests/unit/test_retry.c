#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/retry.h"

static struct plm_http_outcome answer(int status, const char *body)
{
    struct plm_http_outcome o = {.end = PLM_HTTP_ANSWERED};
    o.head.status = status;
    o.head.retry_after_ms = -1;
    o.body = PLM_BUF_INIT(65536);
    struct plm_error err = {0};
    assert_true(plm_buf_append(&o.body, body, strlen(body), &err));
    return o;
}

static struct plm_retry_verdict judge(enum plm_peer peer, struct plm_http_outcome *o,
                                      struct plm_error *err)
{
    *err = (struct plm_error){0};
    struct plm_retry_verdict v = plm_retry_judge(peer, o, "manifest", "reg.example", err);
    plm_buf_done(&o->body);
    return v;
}

static void every_status_has_its_verdict(void **state)
{
    (void)state;
    enum { R = 1 << PLM_PEER_REGISTRY, K = 1 << PLM_PEER_TOKEN, T = 1 << PLM_PEER_TARGET };
    static const struct {
        int from, to, peers;
        enum plm_retry_action action;
        enum plm_code code;
    } rows[] = {
        {200, 299, R | K | T, PLM_RETRY_ACCEPT, PLM_OK},
        {300, 300, R | K | T, PLM_RETRY_FAIL, PLM_E_PROTOCOL},
        {301, 303, R | K | T, PLM_RETRY_ACCEPT, PLM_OK},
        {304, 306, R | K | T, PLM_RETRY_FAIL, PLM_E_PROTOCOL},
        {307, 308, R | K | T, PLM_RETRY_ACCEPT, PLM_OK},
        {309, 399, R | K | T, PLM_RETRY_FAIL, PLM_E_PROTOCOL},
        {400, 400, R | K | T, PLM_RETRY_FAIL, PLM_E_HTTP},
        {401, 401, R, PLM_RETRY_REAUTH, PLM_E_AUTH},
        {401, 401, K, PLM_RETRY_FAIL, PLM_E_AUTH},
        {401, 401, T, PLM_RETRY_RERESOLVE, PLM_E_HTTP},
        {402, 402, R | K | T, PLM_RETRY_FAIL, PLM_E_HTTP},
        {403, 403, R | K, PLM_RETRY_FAIL, PLM_E_AUTH},
        {403, 403, T, PLM_RETRY_RERESOLVE, PLM_E_HTTP},
        {404, 404, R, PLM_RETRY_FAIL, PLM_E_NOT_FOUND},
        {404, 404, K, PLM_RETRY_FAIL, PLM_E_HTTP},
        {404, 404, T, PLM_RETRY_RERESOLVE, PLM_E_HTTP},
        {405, 406, R | K | T, PLM_RETRY_FAIL, PLM_E_HTTP},
        {407, 407, R | K | T, PLM_RETRY_FAIL, PLM_E_AUTH},
        {408, 408, R | K | T, PLM_RETRY_LATER, PLM_E_NETWORK},
        {409, 409, R | K | T, PLM_RETRY_FAIL, PLM_E_HTTP},
        {410, 410, R | K, PLM_RETRY_FAIL, PLM_E_HTTP},
        {410, 410, T, PLM_RETRY_RERESOLVE, PLM_E_HTTP},
        {411, 411, R | K | T, PLM_RETRY_FAIL, PLM_E_HTTP},
        {412, 412, R, PLM_RETRY_FAIL, PLM_E_UNSUPPORTED},
        {412, 412, K | T, PLM_RETRY_FAIL, PLM_E_HTTP},
        {413, 424, R | K | T, PLM_RETRY_FAIL, PLM_E_HTTP},
        {425, 425, R | K | T, PLM_RETRY_LATER, PLM_E_NETWORK},
        {426, 428, R | K | T, PLM_RETRY_FAIL, PLM_E_HTTP},
        {429, 429, R | K | T, PLM_RETRY_LATER, PLM_E_NETWORK},
        {430, 499, R | K | T, PLM_RETRY_FAIL, PLM_E_HTTP},
        {500, 599, R | K | T, PLM_RETRY_LATER, PLM_E_NETWORK},
        {600, 999, R | K | T, PLM_RETRY_FAIL, PLM_E_PROTOCOL},
    };
    int judged = 0;
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        for (int status = rows[i].from; status <= rows[i].to; status++) {
            for (int peer = PLM_PEER_REGISTRY; peer <= PLM_PEER_TARGET; peer++) {
                if (!(rows[i].peers & 1 << peer))
                    continue;
                struct plm_http_outcome o = answer(status, "");
                struct plm_error err;
                struct plm_retry_verdict v = judge((enum plm_peer)peer, &o, &err);
                if (v.action != rows[i].action || err.code != rows[i].code)
                    fail_msg("%d from %d: action %d, code %d", status, peer, v.action, err.code);
                assert_int_equal(err.http_status, err.code == PLM_OK ? 0 : status);
                judged++;
            }
        }
    }
    assert_int_equal(judged, 800 * 3);
}

static void every_end_has_its_verdict(void **state)
{
    (void)state;
    static const struct {
        enum plm_http_end end;
        enum plm_retry_action action;
        enum plm_retry_reason reason;
        enum plm_code given, wanted;
    } rows[] = {
        {PLM_HTTP_DNS, PLM_RETRY_LATER, PLM_RETRY_DNS, PLM_E_NETWORK, PLM_E_NETWORK},
        {PLM_HTTP_CONNECT, PLM_RETRY_LATER, PLM_RETRY_CONNECTION, PLM_E_NETWORK, PLM_E_NETWORK},
        {PLM_HTTP_RESET, PLM_RETRY_LATER, PLM_RETRY_CONNECTION, PLM_E_NETWORK, PLM_E_NETWORK},
        {PLM_HTTP_SHORT, PLM_RETRY_LATER, PLM_RETRY_SHORT_BODY, PLM_E_NETWORK, PLM_E_NETWORK},
        {PLM_HTTP_TIMEOUT, PLM_RETRY_LATER, PLM_RETRY_TIMEOUT, PLM_E_NETWORK, PLM_E_NETWORK},
        {PLM_HTTP_STALL, PLM_RETRY_LATER, PLM_RETRY_STALL, PLM_E_NETWORK, PLM_E_NETWORK},
        {PLM_HTTP_TLS, PLM_RETRY_LATER, PLM_RETRY_TLS, PLM_E_TLS, PLM_E_NETWORK},
        {PLM_HTTP_BAD_CERT, PLM_RETRY_FAIL, PLM_RETRY_TLS, PLM_E_TLS, PLM_E_TLS},
        {PLM_HTTP_MALFORMED, PLM_RETRY_FAIL, PLM_RETRY_CONNECTION, PLM_E_LIMIT, PLM_E_LIMIT},
        {PLM_HTTP_REFUSED, PLM_RETRY_FAIL, PLM_RETRY_CONNECTION, PLM_E_NOSPACE, PLM_E_NOSPACE},
        {PLM_HTTP_FAILED, PLM_RETRY_FAIL, PLM_RETRY_CONNECTION, PLM_E_NOMEM, PLM_E_NOMEM},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_http_outcome o = {.end = rows[i].end};
        struct plm_error err;
        (void)plm_fail(&o.error, rows[i].given, "it broke");
        struct plm_retry_verdict v = judge(PLM_PEER_TARGET, &o, &err);
        assert_int_equal(v.action, rows[i].action);
        assert_int_equal(v.reason, rows[i].reason);
        assert_int_equal(v.retry_after_ms, -1);
        assert_int_equal(err.code, rows[i].wanted);
        assert_string_equal(err.msg,
                            rows[i].end == PLM_HTTP_REFUSED ? "it broke" : "manifest: it broke");
    }
    struct plm_http_outcome enough = {.end = PLM_HTTP_ENOUGH};
    struct plm_error err;
    assert_int_equal(judge(PLM_PEER_TARGET, &enough, &err).action, PLM_RETRY_ACCEPT);
    assert_int_equal(err.code, PLM_OK);
}

static void server_is_quoted_safely(void **state)
{
    (void)state;
    struct plm_error err;
    struct plm_http_outcome o =
        answer(404, "{\"errors\":[{\"code\":\"X\",\"message\":\"no \\u001b[31mred\"}]}");
    (void)judge(PLM_PEER_REGISTRY, &o, &err);
    assert_non_null(strstr(err.msg, "manifest: reg.example answered 404: no "));
    assert_null(strchr(err.msg, '\033'));
    o = answer(412, "{\"error\":\"get a newer one\"}");
    (void)judge(PLM_PEER_REGISTRY, &o, &err);
    assert_non_null(strstr(err.msg, "too old (412): get a newer one"));
}

static void retry_after_is_passed_on_with_transient_answers(void **state)
{
    (void)state;
    struct plm_error err;
    struct plm_http_outcome o = answer(429, "");
    o.head.retry_after_ms = 7000;
    struct plm_retry_verdict v = judge(PLM_PEER_REGISTRY, &o, &err);
    assert_int_equal(v.retry_after_ms, 7000);
    assert_int_equal(v.reason, PLM_RETRY_RATE_LIMITED);
}

static void content_with_malformed_head_is_refused(void **state)
{
    (void)state;
    struct plm_error err;
    struct plm_http_outcome o = answer(206, "");
    o.head.malformed = true;
    assert_int_equal(judge(PLM_PEER_TARGET, &o, &err).action, PLM_RETRY_FAIL);
    assert_int_equal(err.code, PLM_E_PROTOCOL);
    o = answer(200, "");
    o.head.encoded = true;
    assert_int_equal(judge(PLM_PEER_TARGET, &o, &err).action, PLM_RETRY_FAIL);
    assert_int_equal(err.code, PLM_E_PROTOCOL);
}

static void first_error_is_not_overwritten(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_http_outcome o = answer(404, ""), broken = {.end = PLM_HTTP_RESET};
    (void)plm_fail(&err, PLM_E_IO, "first");
    (void)plm_retry_judge(PLM_PEER_REGISTRY, &o, "x", "h", &err);
    (void)plm_retry_judge(PLM_PEER_REGISTRY, &broken, "x", "h", &err);
    assert_string_equal(err.msg, "first");
    assert_int_equal(plm_retry_judge(PLM_PEER_REGISTRY, &broken, "x", "h", NULL).action,
                     PLM_RETRY_LATER);
    plm_buf_done(&o.body);
}

static void delay_stays_in_its_bounds(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    for (int attempt = -1; attempt < 70; attempt++) {
        int64_t most = attempt <= 0 ? 500 : attempt < 8 ? 500 << attempt : 120000;
        int64_t largest = 0;
        for (int i = 0; i < 2000; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            int64_t delay = plm_retry_delay(attempt, random);
            assert_true(delay >= 50 && delay <= most);
            largest = delay > largest ? delay : largest;
        }
        assert_true(largest > most / 2);
    }
    assert_int_equal(plm_retry_delay(INT32_MAX, UINT64_MAX), UINT64_MAX % 120000 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_verdict),
        cmocka_unit_test(every_end_has_its_verdict),
        cmocka_unit_test(server_is_quoted_safely),
        cmocka_unit_test(retry_after_is_passed_on_with_transient_answers),
        cmocka_unit_test(content_with_malformed_head_is_refused),
        cmocka_unit_test(first_error_is_not_overwritten),
        cmocka_unit_test(delay_stays_in_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
