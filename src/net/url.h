/** URLs: parts, origins, redirect policy, expiry of signatures, proxies from the environment. Pure but for getenv. */
#pragma once

#include "net/http.h"

struct plm_url {
    char scheme[8]; /**< "http" or "https", lower case */
    char host[PLM_URL_MAX / 16]; /**< lower case, IPv6 in brackets */
    uint16_t port;  /**< explicit or the scheme's default */
};
/** Only http and https; no user info, no control characters. PLM_E_PROTOCOL otherwise. */
PLM_MUST bool plm_url_parse(const char *text, struct plm_url *out, struct plm_error *err);
bool plm_url_same_origin(const struct plm_url *a, const struct plm_url *b);
/** True for an IPv4 or IPv6 address of exactly @p length bytes, in brackets or without. */
bool plm_url_is_address(const char *text, size_t length);
/** True for addresses of this machine and for `localhost`; names are not resolved. */
bool plm_url_is_loopback(const struct plm_url *url);
/** True for https at hf.co and huggingface.co: two names of one registry. */
bool plm_url_is_hugging_face(const struct plm_url *url);
/** The same origin, or both Hugging Face: what may see the same credentials. */
bool plm_url_same_party(const struct plm_url *a, const struct plm_url *b);
/** `host` or `host:port` as it stands in the URL (port only when not the default). */
void plm_url_authority(const struct plm_url *url, char *out, size_t size);
/** Resolves @p location (absolute, `//host/…`, `/path`, `?query`, relative) against @p base, by the library. Refuses
 *  other schemes and https → http with PLM_E_PROTOCOL. */
PLM_MUST bool plm_url_redirect(const char *base, const char *location, char out[PLM_URL_MAX],
                               struct plm_error *err);
/** Unix milliseconds at which a signed URL ends (X-Amz-Date + X-Amz-Expires, X-Goog-*, Expires=, se=), or 0 when unknown. */
int64_t plm_url_expiry_ms(const char *url);
/** The URL without user info and query, safe for messages and logs. */
const char *plm_url_redacted(const char *url, char *out, size_t size);
/** Proxy for @p url from HTTPS_PROXY/https_proxy, HTTP_PROXY/http_proxy, ALL_PROXY/all_proxy minus NO_PROXY (suffix, port, CIDR, *);
 *  loopback hosts never use a proxy from the environment. NULL: none. Borrowed from the environment. */
const char *plm_url_env_proxy(const struct plm_url *url);
/** True for what can be given to the library as a proxy: host with or without scheme http, https, socks4(a), socks5(h). */
bool plm_url_is_proxy(const char *text);
