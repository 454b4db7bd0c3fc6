/* The way to a host: the addresses that the user gave, and those that were seen to work. */
#include "net/http_private.h"

#include "pullama/text.h"

#include <stdio.h>
#include <string.h>

#define SHOWN 96

/* HOST:PORT:ADDR[,ADDR]… */
static bool is_way(const char *text)
{
    size_t host = strcspn(text, ":");
    if (host == 0 || text[host] != ':' || strspn(text, "+-*[") > 0)
        return false;
    const char *port = text + host + 1;
    size_t digits = strcspn(port, ":");
    uint64_t number;
    if (port[digits] != ':' || !plm_text_u64(port, digits, &number) || number < 1 || number > 65535)
        return false;
    const char *address = port + digits + 1;
    for (;;) {
        size_t length = strcspn(address, ",");
        if (!plm_url_is_address(address, length))
            return false;
        if (address[length] == '\0')
            return true;
        address += length + 1;
    }
}

bool plm_http_set_ways(struct plm_http_client *client, const struct plm_http_options *options,
                       struct plm_error *err)
{
    client->family = options->ip_version == 4   ? CURL_IPRESOLVE_V4
                     : options->ip_version == 6 ? CURL_IPRESOLVE_V6
                                                : CURL_IPRESOLVE_WHATEVER;
    for (size_t i = 0; i < options->resolve_count; i++) {
        char shown[SHOWN];
        const char *text = options->resolves[i];
        if (!is_way(text))
            return plm_fail(err, PLM_E_USAGE,
                            "'%s' does not say where a host is; write HOST:PORT:ADDRESS",
                            plm_text_printable(text, shown, sizeof(shown)));
        struct curl_slist *list = curl_slist_append(client->resolves, text);
        if (!list)
            return plm_fail(err, PLM_E_NOMEM, "no memory for the HTTP client");
        client->resolves = list;
    }
    return true;
}

static struct plm_http_way *find_way(struct plm_http_client *client, const char *place)
{
    for (size_t i = 0; i < PLM_HTTP_WAYS; i++) {
        if (place[0] && strcmp(client->ways[i].place, place) == 0)
            return &client->ways[i];
    }
    return NULL;
}

static bool add_entry(struct plm_http_transfer *t, const char *text)
{
    struct curl_slist *list = curl_slist_append(t->resolves, text);
    if (list)
        t->resolves = list;
    return list != NULL;
}

bool plm_http_set_way(struct plm_http_transfer *t, const struct plm_url *url)
{
    struct plm_http_client *client = t->client;
    char entry[sizeof(t->place) + sizeof(client->ways[0].address) + 4];
    bool is_name = !plm_url_is_address(url->host, strlen(url->host));
    bool is_direct = t->proxy[0] == '\0'; /* else it is the proxy whose address is seen */
    for (const struct curl_slist *item = client->resolves; item; item = item->next) {
        if (!add_entry(t, item->data))
            return false;
    }
    if (is_name && is_direct)
        (void)snprintf(t->place, sizeof(t->place), "%s:%u", url->host, (unsigned)url->port);
    struct plm_http_way *way = find_way(client, t->place);
    if (way && way->address[0]) {
        (void)snprintf(entry, sizeof(entry), "%s:%s", way->place, way->address);
        if (!add_entry(t, entry))
            return false;
    } else if (way) { /* else the library would keep to the address that is dead */
        (void)snprintf(entry, sizeof(entry), "-%s", way->place);
        *way = (struct plm_http_way){0};
        if (!client->resolves && !add_entry(t, entry))
            return false;
    }
    return !t->resolves || curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolves) == CURLE_OK;
}

void plm_http_way_found(struct plm_http_transfer *t, const char *address)
{
    struct plm_http_client *client = t->client;
    if (!t->place[0] || !address || !plm_url_is_address(address, strlen(address)))
        return;
    struct plm_http_way *way = find_way(client, t->place);
    if (!way) {
        way = &client->ways[client->next_way++ % PLM_HTTP_WAYS];
        (void)snprintf(way->place, sizeof(way->place), "%s", t->place);
    }
    (void)snprintf(way->address, sizeof(way->address), "%s", address);
}

void plm_http_way_lost(const struct plm_http_transfer *t)
{
    struct plm_http_way *way = find_way(t->client, t->place);
    if (way)
        way->address[0] = '\0';
}
