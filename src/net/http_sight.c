/* What a single exchange shows of the way to its host: addresses, times, certificates. */
#include "net/http_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(ok, easy, option, value)                                                               \
    ((ok) = (ok) && curl_easy_setopt(easy, option, value) == CURLE_OK)

/* Tells the address and refuses it: the library then goes on with the next one, and nothing is
 * sent to any. */
static curl_socket_t on_address(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct plm_http_transfer *t = ctx;
    char text[INET6_ADDRSTRLEN] = "";
    const void *bytes = NULL;
    (void)purpose;
    if (address->family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)&address->addr)->sin_addr;
    else if (address->family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)&address->addr)->sin6_addr;
    if (bytes && inet_ntop(address->family, bytes, text, sizeof(text)))
        t->found(t->found_ctx, text);
    return CURL_SOCKET_BAD;
}

static bool set_address(struct plm_http_transfer *t, const char *address, const struct plm_url *url)
{
    char entry[2 * sizeof(t->place) + 80];
    bool is_v6 = strchr(address, ':') != NULL;
    (void)snprintf(entry, sizeof(entry), "%s:%u:%s%s%s:%u", url->host, (unsigned)url->port,
                   is_v6 ? "[" : "", address, is_v6 ? "]" : "", (unsigned)url->port);
    t->connect_to = curl_slist_append(NULL, entry);
    return t->connect_to &&
           curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, t->connect_to) == CURLE_OK;
}

bool plm_http_set_sight(struct plm_http_transfer *t, const struct plm_http_request *request,
                        const struct plm_url *url)
{
    CURL *easy = t->easy;
    bool ok = true;
    if (request->found) {
        t->found = request->found;
        t->found_ctx = request->found_ctx;
        SET(ok, easy, CURLOPT_OPENSOCKETFUNCTION, on_address);
        SET(ok, easy, CURLOPT_OPENSOCKETDATA, t);
    }
    if (!request->observe && !request->found)
        return ok;
    t->sight = calloc(1, sizeof(*t->sight));
    SET(ok, easy, CURLOPT_FRESH_CONNECT, 1L);
    SET(ok, easy, CURLOPT_FORBID_REUSE, 1L);
    SET(ok, easy, CURLOPT_CERTINFO, 1L);
    return ok && t->sight && (!request->address || set_address(t, request->address, url));
}

static int64_t time_of(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    return curl_easy_getinfo(easy, what, &us) == CURLE_OK && us > 0 ? (int64_t)us : 0;
}

/* Entries are `Name:value`. */
static void take_field(char *out, size_t size, const char *entry, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(entry, name, length) == 0)
        (void)snprintf(out, size, "%s", entry + length);
}

static void take_certificate(struct plm_http_certificate *out, const struct curl_slist *entry)
{
    for (; entry; entry = entry->next) {
        take_field(out->subject, sizeof(out->subject), entry->data, "Subject:");
        take_field(out->issuer, sizeof(out->issuer), entry->data, "Issuer:");
        take_field(out->expires, sizeof(out->expires), entry->data, "Expire date:");
    }
}

void plm_http_take_sight(struct plm_http_transfer *t)
{
    struct plm_http_sight *sight = t->sight;
    const struct curl_certinfo *chain = NULL;
    if (!sight)
        return;
    sight->lookup_us = time_of(t->easy, CURLINFO_NAMELOOKUP_TIME_T);
    sight->connect_us = time_of(t->easy, CURLINFO_CONNECT_TIME_T);
    sight->tls_us = time_of(t->easy, CURLINFO_APPCONNECT_TIME_T);
    sight->answer_us = time_of(t->easy, CURLINFO_STARTTRANSFER_TIME_T);
    sight->proxy = t->proxy;
    if (curl_easy_getinfo(t->easy, CURLINFO_CERTINFO, &chain) == CURLE_OK && chain) {
        for (int i = 0; i < chain->num_of_certs && i < PLM_HTTP_CHAIN_MAX; i++)
            take_certificate(&sight->chain[sight->chain_length++], chain->certinfo[i]);
    }
    t->outcome.sight = sight;
}
