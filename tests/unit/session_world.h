/* A session with a scripted registry, and a second server for whatever is not the registry. */
#pragma once

#include "scratch.h"
#include "scripted_server.h"

#include "net/session.h"
#include "net/sshkey.h"
#include "os/os.h"

/* Longer than any of these tests takes; only a broken one gets there. */
#define WORLD_PATIENCE_MS 20000

struct world {
    struct server registry_server, other_server;
    struct plm_loop *loop;
    struct plm_http_client *http;
    struct plm_registry *registry;
    char key_path[512]; /* no key there until world_make_key() */
    struct plm_sshkey key;
    struct plm_credential credential; /* none until world_keep_password() */
    unsigned retries, refreshes;
    struct plm_event_retry last_notice; /* its texts are gone */
};

typedef void answer_fn(void *ctx, const struct server *server, const struct seen *request,
                       struct plm_buf *out);

static inline void world_notice(void *ctx, const struct plm_event_retry *retry, bool refresh)
{
    struct world *world = ctx;
    world->last_notice = *retry;
    *(refresh ? &world->refreshes : &world->retries) += 1;
}

static inline void world_open(struct world *world, answer_fn *registry, answer_fn *other)
{
    memset(world, 0, sizeof(*world));
    assert_int_equal(scratch_make(NULL), 0);
    (void)snprintf(world->key_path, sizeof(world->key_path), "%s/id_ed25519", scratch_path);
    server_start(&world->registry_server, registry, world);
    server_start(&world->other_server, other, world);
    struct plm_error err = {0};
    const struct plm_http_options options = {
        .user_agent = "ollama/0.0.0 test", .stall_ms = 10000, .max_connections = 4};
    assert_true(plm_loop_new(&world->loop, &err));
    assert_true(plm_http_client_new(world->loop, &options, &world->http, &err));
    struct plm_ref ref = {.scheme = PLM_SCHEME_HTTP, .scheme_typed = true};
    (void)strcpy(ref.host, world->registry_server.host);
    (void)strcpy(ref.ns, "alice");
    (void)strcpy(ref.model, "tiny");
    (void)strcpy(ref.tag, "latest");
    const struct plm_registry_options session = {
        .key_path = world->key_path,
        .credential = &world->credential,
        .max_retries = 2,
        .timeout_ms = WORLD_PATIENCE_MS,
        .notice = world_notice,
        .notice_ctx = world,
    };
    assert_true(plm_registry_new(world->http, &ref, &session, &world->registry, &err));
}

static inline void world_close(struct world *world)
{
    plm_registry_free(world->registry);
    plm_http_client_free(world->http);
    plm_loop_free(world->loop);
    plm_credential_wipe(&world->credential);
    server_done(&world->registry_server);
    server_done(&world->other_server);
    assert_int_equal(scratch_drop(NULL), 0);
}

static inline void world_keep_password(struct world *world)
{
    struct plm_error err = {0};
    assert_true(plm_credential_of_password("ann", "pw", "the test", &world->credential, &err));
}

static inline void world_make_key(struct world *world)
{
    struct plm_error err = {0};
    struct plm_buf text = PLM_BUF_INIT(4096);
    assert_true(plm_sshkey_generate(&world->key, &err));
    assert_true(plm_sshkey_private_text(&world->key, &text, &err));
    FILE *file = fopen(world->key_path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.bytes, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
    plm_buf_done(&text);
}

/* Steps the loop until *flag. */
static inline void world_run(struct world *world, const bool *flag)
{
    struct plm_error err = {0};
    int64_t end = plm_os_monotonic_ms() + WORLD_PATIENCE_MS;
    while (!*flag) {
        assert_true(plm_loop_step(world->loop, 20, &err));
        if (plm_os_monotonic_ms() > end)
            fail_msg("nothing happened for %d ms", WORLD_PATIENCE_MS);
    }
}

/* A Bearer challenge of the registry with this realm host. */
static inline void reply_challenge(struct plm_buf *out, const char *realm_host)
{
    char headers[512];
    (void)snprintf(headers, sizeof(headers),
                   "WWW-Authenticate: Bearer realm=\"http://%s/token\",service=\"svc\","
                   "scope=\"repository:alice/tiny:pull\"\r\n",
                   realm_host);
    reply(out, 401, headers, "");
}

static inline void reply_location(struct plm_buf *out, int status, const char *host,
                                  const char *target)
{
    char headers[1024];
    (void)snprintf(headers, sizeof(headers), "Location: http://%s%s\r\n", host, target);
    reply(out, status, headers, "");
}
