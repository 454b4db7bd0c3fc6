/* Proxies from the environment: which variable speaks for a URL, and what NO_PROXY takes out, by
 * Go's rules. */
#include "net/url.h"

#include "pullama/text.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct address {
    bool is_known; /* the host is an IP address */
    size_t length; /* 4 or 16 bytes */
    uint8_t bytes[16];
};

static struct address address_of(const char *text)
{
    struct address a = {0};
    if (inet_pton(AF_INET, text, a.bytes) == 1)
        a.length = 4;
    else if (inet_pton(AF_INET6, text, a.bytes) == 1)
        a.length = 16;
    a.is_known = a.length > 0;
    return a;
}

static bool is_loopback(const char *host, const struct address *address)
{
    static const uint8_t six[16] = {[15] = 1};
    if (address->is_known)
        return address->length == 4 ? address->bytes[0] == 127
                                    : memcmp(address->bytes, six, sizeof(six)) == 0;
    size_t length = strlen(host);
    static const char suffix[] = ".localhost";
    return strcmp(host, suffix + 1) == 0 ||
           (length > sizeof(suffix) - 1 &&
            strcmp(host + length - (sizeof(suffix) - 1), suffix) == 0);
}

static bool is_in_network(const struct address *address, char *entry)
{
    char *slash = strchr(entry, '/');
    if (!slash || !address->is_known)
        return false;
    *slash = '\0';
    struct address network = address_of(entry);
    *slash = '/';
    uint64_t bits;
    if (network.length != address->length || !plm_text_u64(slash + 1, strlen(slash + 1), &bits) ||
        bits > network.length * 8)
        return false;
    size_t whole = (size_t)bits / 8;
    if (memcmp(network.bytes, address->bytes, whole) != 0)
        return false;
    if (bits % 8 == 0)
        return true;
    uint8_t mask = (uint8_t)(0xff00u >> (bits % 8));
    return ((network.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

/* Cuts `:port` and brackets off an entry. False when a port stands there that is not the URL's. */
static bool strip_port(char **entry, uint16_t port)
{
    char *text = *entry;
    char *colon;
    if (*text == '[') {
        char *close = strchr(text, ']');
        if (!close || (close[1] && close[1] != ':'))
            return false;
        *close = '\0';
        *entry = text + 1;
        colon = close[1] ? close + 1 : NULL;
    } else {
        colon = strchr(text, ':');
        if (colon && strchr(colon + 1, ':'))
            return true; /* a bare IPv6 address */
    }
    if (!colon)
        return true;
    uint64_t wanted;
    *colon = '\0';
    return plm_text_u64(colon + 1, strlen(colon + 1), &wanted) && wanted == port;
}

static bool matches(char *entry, const char *host, const struct address *address, uint16_t port)
{
    if (strcmp(entry, "*") == 0 || is_in_network(address, entry))
        return true;
    if (!strip_port(&entry, port) || !*entry)
        return false;
    struct address other = address_of(entry);
    if (other.is_known || address->is_known)
        return other.length == address->length &&
               memcmp(other.bytes, address->bytes, sizeof(other.bytes)) == 0;
    if (strncmp(entry, "*.", 2) == 0)
        entry++;
    bool subdomains_only = *entry == '.';
    const char *domain = subdomains_only ? entry + 1 : entry;
    size_t host_length = strlen(host), length = strlen(domain);
    if (length == 0 || length > host_length)
        return false;
    const char *tail = host + host_length - length;
    if (strcasecmp(tail, domain) != 0)
        return false;
    return tail == host ? !subdomains_only : tail[-1] == '.';
}

static const char *variable(const char *upper, const char *lower)
{
    const char *value = upper ? getenv(upper) : NULL;
    if (!value || !*value)
        value = getenv(lower);
    return value && *value ? value : NULL;
}

static bool is_excepted(const char *host, const struct address *address, uint16_t port)
{
    const char *list = variable("NO_PROXY", "no_proxy");
    static const char separators[] = ", \t";
    while (list && *list) {
        list += strspn(list, separators);
        size_t length = strcspn(list, separators);
        char entry[PLM_URL_MAX / 16];
        if (length > 0 && length < sizeof(entry)) {
            memcpy(entry, list, length);
            entry[length] = '\0';
            if (matches(entry, host, address, port))
                return true;
        }
        list += length;
    }
    return false;
}

/* Copies the host without an IPv6 address's brackets. */
static void copy_bare_host(const struct plm_url *url, char out[sizeof(url->host)])
{
    size_t length = strlen(url->host);
    bool bracketed = url->host[0] == '[' && length > 2;
    memcpy(out, url->host + bracketed, length - bracketed + 1u);
    if (bracketed)
        out[length - 2] = '\0';
}

bool plm_url_is_loopback(const struct plm_url *url)
{
    char host[sizeof(url->host)];
    copy_bare_host(url, host);
    struct address address = address_of(host);
    return is_loopback(host, &address);
}

const char *plm_url_env_proxy(const struct plm_url *url)
{
    char host[sizeof(url->host)];
    copy_bare_host(url, host);
    struct address address = address_of(host);
    if (is_loopback(host, &address) || is_excepted(host, &address, url->port))
        return NULL;
    const char *proxy;
    if (strcmp(url->scheme, "https") == 0)
        proxy = variable("HTTPS_PROXY", "https_proxy");
    else /* under CGI, HTTP_PROXY is a header that the client chose */
        proxy = variable(getenv("REQUEST_METHOD") ? NULL : "HTTP_PROXY", "http_proxy");
    return proxy ? proxy : variable("ALL_PROXY", "all_proxy");
}

bool plm_url_is_proxy(const char *text)
{
    static const char *const schemes[] = {"http",    "https",  "socks4",
                                          "socks4a", "socks5", "socks5h"};
    CURLU *handle = curl_url();
    char *scheme = NULL, *host = NULL;
    bool usable = false;
    if (handle &&
        curl_url_set(handle, CURLUPART_URL, text,
                     CURLU_DEFAULT_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host) {
        for (size_t i = 0; i < PLM_COUNT(schemes); i++)
            usable = usable || strcasecmp(scheme, schemes[i]) == 0;
    }
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(handle);
    return usable;
}
