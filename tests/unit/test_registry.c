#include "session_world.h"

#define MANIFEST "{\"schemaVersion\":2}"
#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct got {
    bool over;
    struct plm_error error;
    char body[64];
    bool has_sums;
    size_t count;
};

static void on_manifest(void *ctx, const struct plm_http_outcome *answer,
                        const struct plm_error *error)
{
    struct got *got = ctx;
    got->over = true;
    if (error)
        got->error = *error;
    else
        (void)snprintf(got->body, sizeof(got->body), "%s", answer->body.bytes);
}

static void on_chunksums(void *ctx, const struct plm_chunksum *sums, size_t count)
{
    struct got *got = ctx;
    got->over = true;
    got->has_sums = sums != NULL;
    got->count = count;
}

static struct got get_manifest(struct world *world, const struct plm_digest *digest)
{
    struct got got = {.over = false};
    struct plm_error err = {0};
    assert_true(plm_registry_get_manifest(world->registry, digest, on_manifest, &got, &err));
    world_run(world, &got.over);
    return got;
}

static struct got get_chunksums(struct world *world)
{
    struct got got = {.over = false};
    struct plm_error err = {0};
    struct plm_descriptor blob = {.size = 150};
    assert_true(plm_digest_parse(A, strlen(A), &blob.digest, &err));
    assert_true(plm_registry_get_chunksums(world->registry, &blob, on_chunksums, &got, &err));
    world_run(world, &got.over);
    return got;
}

static struct plm_digest manifest_digest(void)
{
    struct plm_digest digest;
    struct plm_error err = {0};
    assert_true(plm_digest_of(MANIFEST, strlen(MANIFEST), &digest, &err));
    return digest;
}

/* The manifest, with what the registry says of its digest: nothing, the truth, a lie, or nonsense.
 */
static void serve_manifest(void *ctx, const struct server *server, const struct seen *request,
                           struct plm_buf *out)
{
    char headers[256] = "", text[PLM_DIGEST_TEXT];
    struct plm_digest digest;
    struct plm_error err = {0};
    (void)server;
    (void)ctx;
    if (!plm_digest_of(MANIFEST, strlen(MANIFEST), &digest, &err))
        abort();
    (void)plm_digest_format(&digest, text);
    if (strstr(request->target, "/manifests/lie"))
        (void)snprintf(headers, sizeof(headers), "Docker-Content-Digest: " A "\r\n");
    else if (strstr(request->target, "/manifests/truth"))
        (void)snprintf(headers, sizeof(headers), "Docker-Content-Digest: %s\r\n", text);
    else if (strstr(request->target, "/manifests/nonsense"))
        (void)snprintf(headers, sizeof(headers), "Docker-Content-Digest: md5:7\r\n");
    else if (strstr(request->target, "/manifests/gzip"))
        (void)snprintf(headers, sizeof(headers), "Content-Encoding: gzip\r\n");
    else if (strstr(request->target, "/manifests/none")) {
        reply(out, 404, "", "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}");
        return;
    }
    reply(out, 200, headers, MANIFEST);
}

static void answer_nothing(void *ctx, const struct server *server, const struct seen *request,
                           struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 200, "", "");
}

static void the_manifest_is_asked_for_by_tag_or_digest(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, serve_manifest, answer_nothing);
    struct got got = get_manifest(&world, NULL);
    assert_int_equal(got.error.code, PLM_OK);
    assert_string_equal(got.body, MANIFEST);
    const struct seen *request = server_seen(&world.registry_server, 0);
    assert_string_equal(request->target, "/v2/alice/tiny/manifests/latest");
    assert_string_equal(sent_header(request, "Accept"), PLM_MANIFEST_ACCEPT);
    assert_string_equal(sent_header(request, "User-Agent"), "ollama/0.0.0 test");
    assert_string_equal(sent_header(request, "Authorization"), "");

    struct plm_digest digest = manifest_digest();
    char target[256], text[PLM_DIGEST_TEXT];
    got = get_manifest(&world, &digest);
    assert_int_equal(got.error.code, PLM_OK);
    (void)snprintf(target, sizeof(target), "/v2/alice/tiny/manifests/%s",
                   plm_digest_format(&digest, text));
    assert_string_equal(server_seen(&world.registry_server, 1)->target, target);
    assert_string_equal(plm_registry_host(world.registry), world.registry_server.host);
    world_close(&world);
}

static void a_manifest_must_have_the_digest_that_is_said(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, serve_manifest, answer_nothing);
    static const char *const fine[] = {"truth", "nonsense"};
    for (size_t i = 0; i < PLM_COUNT(fine); i++) {
        (void)strcpy(world.registry->ref.tag, fine[i]);
        assert_int_equal(get_manifest(&world, NULL).error.code, PLM_OK);
    }
    (void)strcpy(world.registry->ref.tag, "lie");
    struct got got = get_manifest(&world, NULL);
    assert_int_equal(got.error.code, PLM_E_INTEGRITY);
    assert_int_equal(server_count_of(&world.registry_server, "/v2/alice/tiny/manifests/lie"), 3);

    struct plm_digest digest = manifest_digest();
    digest.sha256[0] ^= 1;
    got = get_manifest(&world, &digest);
    assert_int_equal(got.error.code, PLM_E_INTEGRITY);
    world_close(&world);
}

static void a_missing_model_is_named(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, serve_manifest, answer_nothing);
    (void)strcpy(world.registry->ref.tag, "none");
    struct got got = get_manifest(&world, NULL);
    assert_int_equal(got.error.code, PLM_E_NOT_FOUND);
    assert_non_null(strstr(got.error.msg, "alice/tiny:none"));
    assert_int_equal(server_count(&world.registry_server), 1);
    world_close(&world);
}

static void a_compressed_manifest_is_refused(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, serve_manifest, answer_nothing);
    (void)strcpy(world.registry->ref.tag, "gzip");
    assert_int_equal(get_manifest(&world, NULL).error.code, PLM_E_PROTOCOL);
    world_close(&world);
}

static const char *const endpoints[] = {"", A " 0-99\n", "{\"chunks\":[]}"};

static void serve_chunksums(void *ctx, const struct server *server, const struct seen *request,
                            struct plm_buf *out)
{
    (void)ctx;
    (void)request;
    if (server->count == 1)
        reply(out, 503, "", "");
    else if (server->count == 2)
        reply(out, 200, "", A " 0-99\n" A " 100-149\n");
    else if (server->count == 3)
        reply(out, 404, "", "");
    else
        reply(out, 200, "", endpoints[server->count % PLM_COUNT(endpoints)]);
}

static void chunk_digests_never_fail_a_pull(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, serve_chunksums, answer_nothing);
    struct got got = get_chunksums(&world);
    assert_true(got.has_sums);
    assert_int_equal(got.count, 2);
    assert_string_equal(server_seen(&world.registry_server, 1)->target,
                        "/v2/alice/tiny/chunksums/" A);
    for (size_t i = 0; i < 4; i++) {
        got = get_chunksums(&world);
        assert_false(got.has_sums);
        assert_int_equal(got.count, 0);
        assert_int_equal(server_count(&world.registry_server), 3 + i);
    }
    world_close(&world);
}

static void fail_always(void *ctx, const struct server *server, const struct seen *request,
                        struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, 500, "", "");
}

static void a_broken_endpoint_of_chunk_digests_is_given_up(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, fail_always, answer_nothing);
    assert_false(get_chunksums(&world).has_sums);
    assert_int_equal(server_count(&world.registry_server), 3);
    world_close(&world);
}

static void the_scheme_follows_the_reference_and_the_option(void **state)
{
    (void)state;
    static const struct {
        enum plm_scheme scheme;
        bool typed, insecure;
        const char *expected;
        bool unchecked;
    } rows[] = {
        {PLM_SCHEME_HTTPS, false, false, "https", false},
        {PLM_SCHEME_HTTPS, false, true, "http", false},
        {PLM_SCHEME_HTTPS, true, true, "https", false},
        {PLM_SCHEME_HTTP, true, false, "http", false},
        {PLM_SCHEME_HTTPS_INSECURE, true, true, "https", true},
    };
    struct world world;
    world_open(&world, answer_nothing, answer_nothing);
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_ref ref = world.registry->ref;
        ref.scheme = rows[i].scheme;
        ref.scheme_typed = rows[i].typed;
        const struct plm_registry_options options = {.insecure = rows[i].insecure};
        struct plm_registry *registry = NULL;
        struct plm_error err = {0};
        assert_true(plm_registry_new(world.http, &ref, &options, &registry, &err));
        assert_string_equal(registry->origin.scheme, rows[i].expected);
        assert_true(registry->insecure_tls == rows[i].unchecked);
        plm_registry_free(registry);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manifest_is_asked_for_by_tag_or_digest),
        cmocka_unit_test(a_manifest_must_have_the_digest_that_is_said),
        cmocka_unit_test(a_missing_model_is_named),
        cmocka_unit_test(a_compressed_manifest_is_refused),
        cmocka_unit_test(chunk_digests_never_fail_a_pull),
        cmocka_unit_test(a_broken_endpoint_of_chunk_digests_is_given_up),
        cmocka_unit_test(the_scheme_follows_the_reference_and_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
