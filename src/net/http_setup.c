/* A request's options: everything that the library is told about one exchange, defaults never
 * trusted. */
#include "net/http_private.h"

#include "net/url.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define NEUTRAL_AGENT "pullama"
#define BUFFER_MOST (512L << 10) /* measured: worth x2.3 over 16 KiB at 4 connections */
#define BUFFER_ALL (2560u << 10) /* beyond a few, each gets its part of so much */
#define BUFFER_LEAST (64L << 10)
#define AHEAD_SHARERS 8u
#define IDLE_SECONDS 60L /* load balancers close idle connections after about so long */
#define HEADERS_MAX (64u << 10)

/* Options fail only for want of memory or in a library built without them; one look at the end is
 * enough. */
#define SET(ok, easy, option, value)                                                               \
    ((ok) = (ok) && curl_easy_setopt(easy, option, value) == CURLE_OK)

long plm_http_buffer_bytes(size_t count)
{
    if (count < BUFFER_ALL / BUFFER_MOST)
        return BUFFER_MOST;
    long share = (long)(BUFFER_ALL / (count + 1));
    return share > BUFFER_LEAST ? share : BUFFER_LEAST;
}

static bool has_line_break(const char *text)
{
    return text && strpbrk(text, "\r\n") != NULL;
}

static bool set_transport(struct plm_http_transfer *t, const struct plm_http_request *request)
{
    CURL *easy = t->easy;
    bool ok = true;
    SET(ok, easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(ok, easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(ok, easy, CURLOPT_HTTP09_ALLOWED, 0L);
    SET(ok, easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(ok, easy, CURLOPT_IPRESOLVE, t->client->family);
    SET(ok, easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(ok, easy, CURLOPT_NOSIGNAL, 1L);
    SET(ok, easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(ok, easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
    SET(ok, easy, CURLOPT_BUFFERSIZE, plm_http_buffer_bytes(t->client->count));
    SET(ok, easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->client->connect_ms);
    SET(ok, easy, CURLOPT_TIMEOUT_MS, (long)(request->timeout_ms > 0 ? request->timeout_ms : 0));
    SET(ok, easy, CURLOPT_NOPROGRESS, 1L);
#if CURL_AT_LEAST_VERSION(7, 87, 0)
    SET(ok, easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a resolver that hangs */
#endif
    return ok;
}

/* Without this the system takes in megabytes on each connection before the rate is felt: the link
 * would be full for as long as if there were no limit. */
static int prepare_socket(void *ctx, curl_socket_t socket, curlsocktype purpose)
{
    const struct plm_http_client *client = ((struct plm_http_transfer *)ctx)->client;
    unsigned most = client->count > AHEAD_SHARERS ? (unsigned)client->count : AHEAD_SHARERS;
    int bytes = plm_rate_ahead(&client->rate, most);
    if (bytes > 0)
        (void)setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)); /* a hint */
    return plm_http_on_socket(ctx, socket, purpose); /* any of them may send a body later */
}

static bool set_callbacks(struct plm_http_transfer *t)
{
    CURL *easy = t->easy;
    bool ok = true;
    SET(ok, easy, CURLOPT_PRIVATE, t);
    SET(ok, easy, CURLOPT_ERRORBUFFER, t->detail);
    SET(ok, easy, CURLOPT_HEADERFUNCTION, plm_http_on_header);
    SET(ok, easy, CURLOPT_HEADERDATA, t);
    SET(ok, easy, CURLOPT_WRITEFUNCTION, plm_http_on_body);
    SET(ok, easy, CURLOPT_WRITEDATA, t);
    SET(ok, easy, CURLOPT_PREREQFUNCTION, plm_http_on_sending);
    SET(ok, easy, CURLOPT_PREREQDATA, t);
    SET(ok, easy, CURLOPT_SOCKOPTFUNCTION, prepare_socket);
    SET(ok, easy, CURLOPT_SOCKOPTDATA, t);
    return ok && (!t->body.is_set || plm_http_set_body(t));
}

static bool set_tls(struct plm_http_transfer *t, bool insecure)
{
    CURL *easy = t->easy;
    bool ok = true;
    SET(ok, easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(ok, easy, CURLOPT_SSL_VERIFYPEER, insecure ? 0L : 1L);
    SET(ok, easy, CURLOPT_SSL_VERIFYHOST, insecure ? 0L : 2L);
    if (t->client->ca_file) {
        SET(ok, easy, CURLOPT_CAINFO, t->client->ca_file);
        SET(ok, easy, CURLOPT_PROXY_CAINFO, t->client->ca_file);
    }
    return ok;
}

/* Set in every case, so that the library never looks into the environment by its own rules. */
static bool set_proxy(struct plm_http_transfer *t, const struct plm_url *url, struct plm_error *err)
{
    const char *proxy = t->client->proxy ? t->client->proxy : plm_url_env_proxy(url);
    if (!proxy)
        proxy = "";
    if (*proxy) {
        (void)plm_url_redacted(proxy, t->proxy, sizeof(t->proxy));
        if (!plm_url_is_proxy(proxy)) /* the library would print it whole, password included */
            return plm_fail(err, PLM_E_USAGE, "not usable as a proxy: %s", t->proxy);
    }
    CURL *easy = t->easy;
    bool ok = true;
    SET(ok, easy, CURLOPT_PROXY, proxy);
    SET(ok, easy, CURLOPT_NOPROXY, "");
    SET(ok, easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(ok, easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* a proxy gets none of ours */
    return ok;
}

static bool add_header(struct plm_http_transfer *t, const char *name, const char *value,
                       struct plm_error *err)
{
    struct plm_buf line = PLM_BUF_INIT(64u << 10);
    struct curl_slist *list = NULL;
    if (plm_buf_printf(&line, err, "%s: %s", name, value)) {
        list = curl_slist_append(t->headers, line.bytes);
        if (!list)
            (void)plm_fail(err, PLM_E_NOMEM, "no memory for a request");
    }
    if (line.bytes)
        memset(line.bytes, 0, line.size); /* it may hold a credential */
    plm_buf_done(&line);
    if (!list)
        return false;
    t->headers = list;
    return true;
}

/* Lines `NAME: value\n`; a value may have come from the network. */
static bool add_lines(struct plm_http_transfer *t, const char *lines, struct plm_error *err)
{
    struct plm_buf name = PLM_BUF_INIT(HEADERS_MAX);
    bool ok = true;
    while (ok && *lines) {
        size_t length = strcspn(lines, "\n");
        const char *colon = memchr(lines, ':', length);
        plm_buf_clear(&name);
        ok = colon && plm_buf_append(&name, lines, length, err);
        if (ok) {
            char *value = name.bytes + (colon - lines);
            *value++ = '\0';
            value += strspn(value, " ");
            ok = !has_line_break(value) && add_header(t, name.bytes, value, err);
        }
        lines += length + (lines[length] == '\n');
    }
    plm_buf_done(&name);
    return ok || plm_fail(err, PLM_E_PROTOCOL, "a header for %s is malformed", t->authority);
}

static bool add_body_headers(struct plm_http_transfer *t, struct plm_error *err)
{
    if (!t->body.is_set)
        return true;
    /* Without a word of ours the library asks before each large body. An empty value keeps it from
     * that. */
    return (!t->body.type || add_header(t, "Content-Type", t->body.type, err)) &&
           (t->body.expect ? add_header(t, "Expect", "100-continue", err)
                           : add_header(t, "Expect", "", err));
}

static bool set_method(struct plm_http_transfer *t, const char *method)
{
    bool ok = true;
    t->is_head_request = strcmp(method, "HEAD") == 0;
    if (t->is_head_request)
        SET(ok, t->easy, CURLOPT_NOBODY, 1L);
    else if (strcmp(method, "GET") == 0)
        SET(ok, t->easy, CURLOPT_HTTPGET, 1L);
    else
        SET(ok, t->easy, CURLOPT_CUSTOMREQUEST, method);
    return ok;
}

static bool set_request(struct plm_http_transfer *t, const struct plm_http_request *request,
                        struct plm_error *err)
{
    if (has_line_break(request->accept) || has_line_break(request->authorization))
        return plm_fail(err, PLM_E_PROTOCOL, "a header for %s has a line break", t->authority);
    if (request->accept && !add_header(t, "Accept", request->accept, err))
        return false;
    if (request->authorization && !add_header(t, "Authorization", request->authorization, err))
        return false;
    if ((request->headers && !add_lines(t, request->headers, err)) || !add_body_headers(t, err))
        return false;
    bool ok = set_method(t, request->method);
    SET(ok, t->easy, CURLOPT_URL, request->url);
    SET(ok, t->easy, CURLOPT_HTTPHEADER, t->headers);
    SET(ok, t->easy, CURLOPT_USERAGENT,
        request->send_user_agent && t->client->user_agent ? t->client->user_agent : NEUTRAL_AGENT);
    if (request->has_range) {
        char range[48];
        (void)snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, request->range.start,
                       request->range.end - 1);
        SET(ok, t->easy, CURLOPT_RANGE, range);
    }
    return ok || plm_fail(err, PLM_E_NOMEM, "no memory for a request");
}

bool plm_http_setup(struct plm_http_transfer *t, const struct plm_http_request *request,
                    struct plm_error *err)
{
    struct plm_url url;
    if (!plm_url_parse(request->url, &url, err))
        return false;
    if (request->has_range && request->range.end <= request->range.start)
        return plm_fail(err, PLM_E_INTERNAL, "an empty range was asked for");
    plm_url_authority(&url, t->authority, sizeof(t->authority));
    if (!set_transport(t, request) || !set_callbacks(t) || !set_tls(t, request->insecure_tls) ||
        !set_proxy(t, &url, err) || !plm_http_set_sight(t, request, &url) ||
        (!request->address && !plm_http_set_way(t, &url)))
        return plm_fail(err, PLM_E_INTERNAL, "the HTTP library does not take our settings");
    return set_request(t, request, err);
}
