/* URLs: what is accepted as one, where a redirect may lead, and when a signature ends. */
#include "net/url.h"

#include "pullama/text.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static void free_curlu(CURLU **handle)
{
    curl_url_cleanup(*handle);
}

static void free_text(char **text)
{
    curl_free(*text);
}

static bool is_clean(const char *text, bool space_allowed)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < ' ' || *c == 0x7f || (*c == ' ' && !space_allowed))
            return false;
    }
    return true;
}

static bool has_part(CURLU *handle, CURLUPart part)
{
    plm_auto(free_text) char *text = NULL;
    return curl_url_get(handle, part, &text, 0) == CURLUE_OK;
}

static bool copy_host(CURLU *handle, char *out, size_t size)
{
    plm_auto(free_text) char *host = NULL;
    if (curl_url_get(handle, CURLUPART_HOST, &host, 0) != CURLUE_OK || !*host ||
        strlen(host) >= size)
        return false;
    for (char *c = host; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    }
    memcpy(out, host, strlen(host) + 1);
    return true;
}

static bool read_parts(CURLU *handle, struct plm_url *url)
{
    plm_auto(free_text) char *scheme = NULL;
    plm_auto(free_text) char *port_text = NULL;
    uint64_t port;
    if (curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(handle, CURLUPART_PORT, &port_text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return false;
    if (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)
        return false;
    if (!plm_text_u64(port_text, strlen(port_text), &port) || port == 0 || port > UINT16_MAX)
        return false;
    (void)snprintf(url->scheme, sizeof(url->scheme), "%s", scheme[4] ? "https" : "http");
    url->port = (uint16_t)port;
    return copy_host(handle, url->host, sizeof(url->host));
}

/* The library decodes a host name after it has looked at it: then what we compare is not what was
 * written, and `%31.2` is no address. A zone, in brackets, may have it. */
static bool has_encoded_host(const char *text)
{
    const char *host = strchr(text, ':');
    if (!host)
        return false;
    host += 1 + strspn(host + 1, "/");
    return *host != '[' && memchr(host, '%', strcspn(host, "/?#"));
}

bool plm_url_parse(const char *text, struct plm_url *out, struct plm_error *err)
{
    if (strlen(text) >= PLM_URL_MAX)
        return plm_fail(err, PLM_E_PROTOCOL, "a URL is longer than %d bytes", PLM_URL_MAX - 1);
    if (!is_clean(text, false))
        return plm_fail(err, PLM_E_PROTOCOL, "a URL has a space or control character in it");
    plm_auto(free_curlu) CURLU *handle = curl_url();
    if (!handle)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a URL");
    struct plm_url url = {0};
    char shown[PLM_ERROR_TEXT / 2];
    if (curl_url_set(handle, CURLUPART_URL, text, 0) != CURLUE_OK || has_encoded_host(text) ||
        !read_parts(handle, &url))
        return plm_fail(err, PLM_E_PROTOCOL, "no usable http or https URL: %s",
                        plm_url_redacted(text, shown, sizeof(shown)));
    if (has_part(handle, CURLUPART_USER) || has_part(handle, CURLUPART_PASSWORD))
        return plm_fail(err, PLM_E_PROTOCOL, "user name or password in a URL: %s",
                        plm_url_redacted(text, shown, sizeof(shown)));
    *out = url;
    return true;
}

bool plm_url_same_origin(const struct plm_url *a, const struct plm_url *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 && a->port == b->port;
}

bool plm_url_is_hugging_face(const struct plm_url *url)
{
    return strcmp(url->scheme, "https") == 0 && url->port == 443 &&
           (strcmp(url->host, "huggingface.co") == 0 || strcmp(url->host, "hf.co") == 0);
}

bool plm_url_same_party(const struct plm_url *a, const struct plm_url *b)
{
    return plm_url_same_origin(a, b) || (plm_url_is_hugging_face(a) && plm_url_is_hugging_face(b));
}

void plm_url_authority(const struct plm_url *url, char *out, size_t size)
{
    unsigned standard = strcmp(url->scheme, "https") == 0 ? 443 : 80;
    if (url->port == standard)
        (void)snprintf(out, size, "%s", url->host);
    else
        (void)snprintf(out, size, "%s:%u", url->host, (unsigned)url->port);
}

bool plm_url_redirect(const char *base, const char *location, char out[PLM_URL_MAX],
                      struct plm_error *err)
{
    struct plm_url from, to;
    if (!plm_url_parse(base, &from, err))
        return false;
    if (!*location)
        return plm_fail(err, PLM_E_PROTOCOL, "%s redirects without saying where", from.host);
    if (strlen(location) >= PLM_URL_MAX || !is_clean(location, true))
        return plm_fail(err, PLM_E_PROTOCOL, "%s redirects to an unusable place", from.host);
    plm_auto(free_curlu) CURLU *handle = curl_url();
    plm_auto(free_text) char *target = NULL;
    if (!handle)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a URL");
    /* The encoding of spaces and 8-bit bytes is what the library's own redirects do. */
    if (curl_url_set(handle, CURLUPART_URL, base, 0) != CURLUE_OK ||
        curl_url_set(handle, CURLUPART_URL, location, CURLU_URLENCODE | CURLU_ALLOW_SPACE) !=
            CURLUE_OK ||
        curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
        curl_url_get(handle, CURLUPART_URL, &target, 0) != CURLUE_OK)
        return plm_fail(err, PLM_E_PROTOCOL, "%s redirects to an unusable place", from.host);
    if (!plm_url_parse(target, &to, err))
        return plm_prefix(err, "redirect from %s", from.host);
    if (strcmp(from.scheme, "https") == 0 && strcmp(to.scheme, "https") != 0)
        return plm_fail(err, PLM_E_PROTOCOL, "%s redirects from https to http", from.host);
    memcpy(out, target, strlen(target) + 1); /* its length was checked by the parse */
    return true;
}

const char *plm_url_redacted(const char *url, char *out, size_t size)
{
    static const CURLUPart secret[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
                                       CURLUPART_QUERY, CURLUPART_FRAGMENT};
    plm_auto(free_curlu) CURLU *handle = curl_url();
    plm_auto(free_text) char *text = NULL;
    bool ok = handle && curl_url_set(handle, CURLUPART_URL, url,
                                     CURLU_DEFAULT_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
    for (size_t i = 0; ok && i < PLM_COUNT(secret); i++)
        ok = curl_url_set(handle, secret[i], NULL, 0) == CURLUE_OK;
    if (!ok || curl_url_get(handle, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return plm_text_printable("(unreadable URL)", out, size);
    return plm_text_printable(text, out, size);
}

bool plm_url_is_address(const char *text, size_t length)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof(copy))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return inet_pton(AF_INET, copy, bytes) == 1 || inet_pton(AF_INET6, copy, bytes) == 1;
}
