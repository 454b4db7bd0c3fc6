/* The ends of transfers: what each of the library's codes means for us, in words for people. */
#include "net/http_private.h"

#include "pullama/text.h"

#include <string.h>

struct meaning {
    CURLcode code;
    enum plm_http_end end;
    enum plm_code error;
    const char *text; /* "<text> <host>" */
};

static const struct meaning meanings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, PLM_HTTP_DNS, PLM_E_NETWORK, "cannot find the address of"},
    {CURLE_COULDNT_RESOLVE_PROXY, PLM_HTTP_DNS, PLM_E_NETWORK, "cannot find the proxy for"},
    {CURLE_COULDNT_CONNECT, PLM_HTTP_CONNECT, PLM_E_NETWORK, "cannot connect to"},
    {CURLE_PROXY, PLM_HTTP_CONNECT, PLM_E_NETWORK, "the proxy does not connect to"},
    {CURLE_INTERFACE_FAILED, PLM_HTTP_CONNECT, PLM_E_NETWORK, "cannot connect to"},
    {CURLE_GOT_NOTHING, PLM_HTTP_RESET, PLM_E_NETWORK, "no answer from"},
    {CURLE_RECV_ERROR, PLM_HTTP_RESET, PLM_E_NETWORK, "connection lost to"},
    {CURLE_SEND_ERROR, PLM_HTTP_RESET, PLM_E_NETWORK, "connection lost to"},
    {CURLE_SEND_FAIL_REWIND, PLM_HTTP_RESET, PLM_E_NETWORK, "connection lost to"},
    {CURLE_PARTIAL_FILE, PLM_HTTP_SHORT, PLM_E_NETWORK, "the body ended too early from"},
    {CURLE_OPERATION_TIMEDOUT, PLM_HTTP_TIMEOUT, PLM_E_NETWORK, "time is over for"},
    {CURLE_SSL_CONNECT_ERROR, PLM_HTTP_TLS, PLM_E_NETWORK, "the TLS handshake failed with"},
    {CURLE_PEER_FAILED_VERIFICATION, PLM_HTTP_BAD_CERT, PLM_E_TLS, "untrusted certificate of"},
    {CURLE_SSL_ISSUER_ERROR, PLM_HTTP_BAD_CERT, PLM_E_TLS, "untrusted certificate of"},
    {CURLE_SSL_INVALIDCERTSTATUS, PLM_HTTP_BAD_CERT, PLM_E_TLS, "untrusted certificate of"},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, PLM_HTTP_BAD_CERT, PLM_E_TLS, "untrusted certificate of"},
    {CURLE_SSL_CERTPROBLEM, PLM_HTTP_BAD_CERT, PLM_E_TLS, "certificate problem with"},
    {CURLE_SSL_CLIENTCERT, PLM_HTTP_BAD_CERT, PLM_E_TLS, "a client certificate is wanted by"},
    {CURLE_SSL_CIPHER, PLM_HTTP_BAD_CERT, PLM_E_TLS, "no common cipher with"},
    {CURLE_WEIRD_SERVER_REPLY, PLM_HTTP_MALFORMED, PLM_E_PROTOCOL, "malformed answer from"},
    {CURLE_UNSUPPORTED_PROTOCOL, PLM_HTTP_MALFORMED, PLM_E_PROTOCOL, "no HTTP answer from"},
    {CURLE_BAD_CONTENT_ENCODING, PLM_HTTP_MALFORMED, PLM_E_PROTOCOL, "malformed answer from"},
#if CURL_AT_LEAST_VERSION(8, 6, 0)
    {CURLE_TOO_LARGE, PLM_HTTP_MALFORMED, PLM_E_LIMIT, "an answer beyond all limits from"},
#endif
    {CURLE_OUT_OF_MEMORY, PLM_HTTP_FAILED, PLM_E_NOMEM, "out of memory in the exchange with"},
};

static const struct meaning unknown = {CURLE_OK, PLM_HTTP_FAILED, PLM_E_INTERNAL,
                                       "the exchange failed with"};

static const struct meaning *meaning_of(CURLcode code)
{
    for (size_t i = 0; i < PLM_COUNT(meanings); i++) {
        if (meanings[i].code == code)
            return &meanings[i];
    }
    return &unknown;
}

enum plm_http_end plm_http_end_of(CURLcode code, const struct plm_http_facts *facts,
                                  struct plm_error *err)
{
    if (facts->connect_status >= 300) {
        (void)plm_fail(err, PLM_E_NETWORK, "proxy %s refused to connect to %s: it answered %ld%s",
                       facts->proxy, facts->host, facts->connect_status,
                       facts->connect_status == 407 ? " (wants user name and password)" : "");
        return PLM_HTTP_CONNECT;
    }
    if (code == CURLE_SSL_CACERT_BADFILE) {
        (void)plm_fail(err, PLM_E_TLS, "cannot read certificate authorities from %s",
                       facts->ca_file ? facts->ca_file : "the system's bundle");
        return PLM_HTTP_FAILED;
    }
    if (code == CURLE_OUT_OF_MEMORY && facts->reading_head) {
        /* The library's word for a header line beyond its own limit of 100 KiB. */
        (void)plm_fail(err, PLM_E_LIMIT, "%s sent a header line that is too large", facts->host);
        return PLM_HTTP_MALFORMED;
    }
    if (code == CURLE_SSL_CONNECT_ERROR && strstr(facts->detail, "wrong version number")) {
        /* What OpenSSL says when the answer to its hello begins with "HTTP/". */
        (void)plm_fail(err, PLM_E_TLS, "%s does not speak TLS", facts->host);
        return PLM_HTTP_FAILED;
    }
    if (code == CURLE_UNSUPPORTED_PROTOCOL && facts->reused && facts->reading_head) {
        /* What was left of the answer before: a new connection has nothing of it. */
        (void)plm_fail(err, PLM_E_NETWORK, "%s sent no HTTP answer on a connection that was kept",
                       facts->host);
        return PLM_HTTP_RESET;
    }
    const struct meaning *meaning = meaning_of(code);
    char detail[CURL_ERROR_SIZE];
    (void)plm_text_printable(facts->detail[0] ? facts->detail : curl_easy_strerror(code), detail,
                             sizeof(detail));
    (void)plm_fail(err, meaning->error, "%s %s%s%s (%s)", meaning->text, facts->host,
                   facts->proxy[0] ? " through proxy " : "", facts->proxy, detail);
    return meaning->end;
}
