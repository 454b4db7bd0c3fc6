/* The HTTP client: starts, ends and cancels transfers, watches for stalls, and shares out the rate.
 */
#include "net/http_private.h"

#include "net/url.h"
#include "os/os.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_DEFAULT_MS 16000 /* half of it for an address that has others behind it */
#define STALL_CHECK_MAX_MS 250
#define STALL_CHECK_MIN_MS 10

static void link_last(struct plm_http_transfer *t)
{
    struct plm_http_client *client = t->client;
    t->next = NULL;
    t->prev = client->last;
    if (client->last)
        client->last->next = t;
    else
        client->first = t;
    client->last = t;
    client->count++;
}

static void unlink_transfer(struct plm_http_transfer *t)
{
    struct plm_http_client *client = t->client;
    if (t->prev)
        t->prev->next = t->next;
    else
        client->first = t->next;
    if (t->next)
        t->next->prev = t->prev;
    else
        client->last = t->prev;
    client->count--;
}

static void release(struct plm_http_transfer *t)
{
    if (t->easy)
        curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->resolves);
    curl_slist_free_all(t->connect_to);
    free(t->sight);
    plm_http_head_done(&t->outcome.head);
    plm_buf_done(&t->outcome.body);
    free(t);
}

static void detach(struct plm_http_transfer *t)
{
    t->ending = true;
    if (t->client->gathering == t)
        t->client->gathering = NULL;
    unlink_transfer(t);
    (void)curl_multi_remove_handle(plm_loop_multi(t->client->loop), t->easy);
    if (!t->client->count)
        plm_timer_stop(t->client->loop, &t->client->stall_check);
}

/* Settles outcome.end from curl's code, unless a callback or the stall timer did so. */
static void conclude(struct plm_http_transfer *t, CURLcode code)
{
    struct plm_http_outcome *outcome = &t->outcome;
    const char *address = NULL;
    if (curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &outcome->url) != CURLE_OK ||
        !outcome->url)
        outcome->url = "";
    if (curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address &&
        strlen(address) < sizeof(outcome->remote_address))
        memcpy(outcome->remote_address, address, strlen(address) + 1);
    plm_http_take_sight(t);
    if (!t->sent && code != CURLE_OK)
        plm_http_way_lost(t);
    if (t->decided)
        return;
    if (code == CURLE_OK && t->reader.complete) {
        outcome->end = PLM_HTTP_ANSWERED;
        return;
    }
    struct plm_http_facts facts = {
        .host = t->authority,
        .proxy = t->proxy,
        .ca_file = t->client->ca_file,
        .detail = t->detail,
        .reading_head = t->sent && !t->reader.complete,
    };
    long connects = 1;
    (void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &facts.connect_status);
    (void)curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    facts.reused = connects == 0;
    if (code == CURLE_OK)
        code = CURLE_WEIRD_SERVER_REPLY; /* an end without a final head */
    outcome->end = plm_http_end_of(code, &facts, &outcome->error);
}

static void finish(struct plm_http_transfer *t, CURLcode code)
{
    plm_http_give_out(t->client);
    conclude(t, code);
    detach(t);
    t->done(t->ctx, &t->outcome);
    release(t);
}

static void on_finished(void *ctx, CURL *easy, CURLcode code)
{
    (void)ctx;
    char *transfer = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer) == CURLE_OK && transfer)
        finish((struct plm_http_transfer *)(void *)transfer, code);
}

/* All connections have had their turn: ends those whose sinks said no when the library no longer
 * asked. */
static void on_moved(void *ctx)
{
    struct plm_http_client *client = ctx;
    plm_http_give_out(client);
    while (client->has_decided) {
        struct plm_http_transfer *t = client->first;
        while (t && !t->decided)
            t = t->next;
        if (t) /* its done() may change the list anywhere */
            finish(t, CURLE_WRITE_ERROR);
        else
            client->has_decided = false;
    }
}

static bool is_stalled(const struct plm_http_transfer *t)
{
    const struct plm_http_client *client = t->client;
    int64_t most = client->stall_ms;
    bool is_answer_due = t->body_at == t->body.length && !t->reader.complete;
    if (is_answer_due && t->patience > 1 && most < INT64_MAX / t->patience)
        most *= t->patience;
    return t->sent && !t->paused && plm_loop_now(client->loop) - t->active_ms >= most;
}

static void start_stall_check(struct plm_http_client *client)
{
    int64_t every = client->stall_ms / 4;
    if (every > STALL_CHECK_MAX_MS)
        every = STALL_CHECK_MAX_MS;
    if (every < STALL_CHECK_MIN_MS)
        every = STALL_CHECK_MIN_MS;
    plm_timer_start(client->loop, &client->stall_check, every);
}

static void on_stall_check(void *ctx)
{
    struct plm_http_client *client = ctx;
    struct plm_http_transfer *t = client->first;
    while (t) {
        plm_http_look_at_queue(t);
        if (!is_stalled(t)) { /* NOLINT(clang-analyzer-unix.Malloc): who ends is off the list */
            t = t->next;
            continue;
        }
        t->outcome.end = PLM_HTTP_STALL;
        t->decided = true;
        (void)plm_fail(&t->outcome.error, PLM_E_NETWORK, "no byte from %s for %lld ms",
                       t->authority, (long long)(plm_loop_now(client->loop) - t->active_ms));
        finish(t, CURLE_OPERATION_TIMEDOUT);
        t = client->first; /* done() may have changed the list anywhere */
    }
    if (client->count)
        start_stall_check(client);
}

static struct plm_http_transfer *next_paused(struct plm_http_client *client)
{
    for (struct plm_http_transfer *t = client->first; t; t = t->next) {
        if (t->paused && t->round != client->round)
            return t;
    }
    return NULL;
}

/* Round robin: whoever had a turn goes to the end of the list, and gets one turn in a round. */
static void on_resume(void *ctx)
{
    struct plm_http_client *client = ctx;
    int64_t now_ms = plm_loop_now(client->loop);
    struct plm_http_transfer *t;
    client->round++;
    while (plm_rate_may_pass(&client->rate, now_ms) && (t = next_paused(client))) {
        t->round = client->round;
        unlink_transfer(t);
        link_last(t);
        t->paused = false;
        t->active_ms = now_ms;
        t->quantum = plm_rate_share(&client->rate, client->count);
        /* Delivers what curl holds back at once, so the sink's verdict may come out here. */
        CURLcode code = curl_easy_pause(t->easy, CURLPAUSE_CONT);
        if (code != CURLE_OK)
            finish(t, code);
    }
    on_moved(client);
    for (t = client->first; t; t = t->next) {
        if (t->paused && !client->resume.armed)
            plm_timer_start(client->loop, &client->resume, plm_rate_wait_ms(&client->rate, now_ms));
    }
}

static bool copy_text(const char *text, char **out, struct plm_error *err)
{
    if (!text)
        return true;
    *out = strdup(text);
    return *out || plm_fail(err, PLM_E_NOMEM, "no memory for the HTTP client");
}

static bool copy_options(struct plm_http_client *client, const struct plm_http_options *options,
                         struct plm_error *err)
{
    const char *ca_file = options->ca_file ? options->ca_file : getenv("SSL_CERT_FILE");
    if (ca_file && !*ca_file)
        ca_file = NULL;
    if (options->proxy && *options->proxy && !plm_url_is_proxy(options->proxy)) {
        char shown[256];
        return plm_fail(err, PLM_E_USAGE,
                        "'%s' is not usable as a proxy; it is written as "
                        "http://HOST:PORT, https://… or socks5h://…",
                        plm_url_redacted(options->proxy, shown, sizeof(shown)));
    }
    unsigned connections = options->max_connections ? options->max_connections : 1;
    client->connect_ms = options->connect_ms > 0 ? options->connect_ms : CONNECT_DEFAULT_MS;
    client->stall_ms = options->stall_ms > 0 ? options->stall_ms : INT64_MAX;
    if (curl_multi_setopt(plm_loop_multi(client->loop), CURLMOPT_MAXCONNECTS, (long)connections) !=
        CURLM_OK)
        return plm_fail(err, PLM_E_INTERNAL, "the HTTP library does not take our settings");
    return copy_text(options->user_agent, &client->user_agent, err) &&
           copy_text(ca_file, &client->ca_file, err) &&
           copy_text(options->proxy, &client->proxy, err) &&
           plm_http_set_ways(client, options, err);
}

bool plm_http_client_new(struct plm_loop *loop, const struct plm_http_options *options,
                         struct plm_http_client **out, struct plm_error *err)
{
    struct plm_http_client *client = calloc(1, sizeof(*client));
    if (!client)
        return plm_fail(err, PLM_E_NOMEM, "no memory for the HTTP client");
    client->loop = loop;
    for (size_t i = 0; i < PLM_HTTP_SOCKETS; i++)
        client->sockets[i] = -1;
    client->stall_check = (struct plm_timer){.fire = on_stall_check, .ctx = client};
    client->resume = (struct plm_timer){.fire = on_resume, .ctx = client};
    if (!plm_http_gather_init(client, err) || !copy_options(client, options, err)) {
        plm_http_client_free(client);
        return false;
    }
    plm_rate_set(&client->rate, options->limit_rate, plm_loop_now(loop));
    plm_loop_on_transfers(loop, on_moved, on_finished, client);
    *out = client;
    return true;
}

void plm_http_client_free(struct plm_http_client *client)
{
    if (!client)
        return;
    while (client->first)
        plm_http_cancel(client->first);
    plm_timer_stop(client->loop, &client->resume);
    plm_timer_stop(client->loop, &client->stall_check);
    plm_loop_on_transfers(client->loop, NULL, NULL, NULL);
    free(client->gathered);
    free(client->user_agent);
    free(client->ca_file);
    free(client->proxy);
    curl_slist_free_all(client->resolves);
    free(client);
}

struct plm_loop *plm_http_client_loop(struct plm_http_client *client)
{
    return client->loop;
}

uint64_t plm_http_client_received(const struct plm_http_client *client)
{
    return client->received;
}

uint64_t plm_http_client_sent(const struct plm_http_client *client)
{
    return client->sent;
}

void plm_http_client_limit(struct plm_http_client *client, uint64_t bytes_per_second)
{
    plm_rate_set(&client->rate, bytes_per_second, plm_loop_now(client->loop));
    /* Their buffers were made for another rate. */
    for (struct plm_http_transfer *t = client->first; t; t = t->next)
        (void)curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
    plm_timer_start(client->loop, &client->resume, 0); /* whoever waits, waits by the new rate */
}

bool plm_http_start(struct plm_http_client *client, const struct plm_http_request *request,
                    void (*done)(void *ctx, const struct plm_http_outcome *outcome), void *ctx,
                    struct plm_http_transfer **out, struct plm_error *err)
{
    struct plm_http_transfer *t = calloc(1, sizeof(*t));
    if (!t)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a request");
    t->client = client;
    t->sink = request->sink;
    t->body_max = request->body_max;
    t->body = request->body;
    t->patience = request->patience;
    t->socket = -1;
    t->done = done;
    t->ctx = ctx;
    t->active_ms = plm_loop_now(client->loop);
    t->quantum = plm_rate_share(&client->rate, client->count + 1);
    plm_head_start(&t->reader, &t->outcome.head, plm_os_unix_ms());
    t->easy = curl_easy_init();
    if (!t->easy) {
        release(t);
        return plm_fail(err, PLM_E_NOMEM, "no memory for a request");
    }
    if (!plm_http_setup(t, request, err)) {
        release(t);
        return false;
    }
    CURLMcode code = curl_multi_add_handle(plm_loop_multi(client->loop), t->easy);
    if (code != CURLM_OK) {
        release(t);
        return plm_fail(err, code == CURLM_OUT_OF_MEMORY ? PLM_E_NOMEM : PLM_E_INTERNAL,
                        "start a request: %s", curl_multi_strerror(code));
    }
    link_last(t);
    if (!client->stall_check.armed && client->stall_ms < INT64_MAX)
        start_stall_check(client);
    *out = t;
    return true;
}

void plm_http_cancel(struct plm_http_transfer *t)
{
    if (!t || t->ending) /* ending: from its own done() */
        return;
    detach(t);
    release(t);
}
