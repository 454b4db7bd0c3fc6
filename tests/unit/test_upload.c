#include "session_world.h"

#include "net/upload.h"

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* One answer of the registry, as text. */
static int answer_status;
static const char *answer_headers, *answer_body;

static void on_registry(void *ctx, const struct server *server, const struct seen *request,
                        struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, answer_status, answer_headers, answer_body);
}

struct said {
    bool over;
    enum plm_upload_said said;
    struct plm_error error;
    char session[256], target[256], headers[256];
    bool has_taken;
    uint64_t taken;
};

static void on_answer(void *ctx, const struct plm_upload_answer *answer)
{
    struct said *said = ctx;
    said->over = true;
    said->said = answer->said;
    said->error = *answer->error;
    said->has_taken = answer->has_taken;
    said->taken = answer->taken;
    (void)snprintf(said->session, sizeof(said->session), "%s", answer->session);
    (void)snprintf(said->target, sizeof(said->target), "%s", answer->target ? answer->target : "");
    (void)snprintf(said->headers, sizeof(said->headers), "%s",
                   answer->headers ? answer->headers : "");
}

static struct plm_digest digest(void)
{
    struct plm_digest digest;
    struct plm_error err = {0};
    assert_true(plm_digest_parse(DIGEST, strlen(DIGEST), &digest, &err));
    return digest;
}

static void answers(int status, const char *headers, const char *body)
{
    answer_status = status;
    answer_headers = headers;
    answer_body = body;
}

static struct said look(struct world *world)
{
    struct said said = {0};
    struct plm_error err = {0};
    struct plm_digest of = digest();
    assert_true(plm_registry_look(world->registry, &of, on_answer, &said, &err));
    world_run(world, &said.over);
    return said;
}

static struct said open_upload(struct world *world, const char *from, bool direct)
{
    struct said said = {0};
    struct plm_error err = {0};
    const struct plm_upload_wish wish = {
        .digest = digest(), .size = 1000, .from = from, .direct = direct};
    assert_true(plm_registry_open_upload(world->registry, &wish, on_answer, &said, &err));
    world_run(world, &said.over);
    return said;
}

static struct said ask(struct world *world)
{
    struct said said = {0};
    struct plm_error err = {0};
    char url[256];
    (void)snprintf(url, sizeof(url), "http://%s/u/7?_state=a", world->registry_server.host);
    assert_true(plm_registry_ask_upload(world->registry, url, on_answer, &said, &err));
    world_run(world, &said.over);
    return said;
}

static struct said commit(struct world *world, const char *etag)
{
    struct said said = {0};
    struct plm_error err = {0};
    struct plm_digest of = digest();
    char url[256];
    (void)snprintf(url, sizeof(url), "http://%s/u/7?_state=a", world->registry_server.host);
    assert_true(
        plm_registry_commit_upload(world->registry, url, &of, etag, on_answer, &said, &err));
    world_run(world, &said.over);
    return said;
}

static const char *last_request(struct world *world)
{
    return server_seen(&world->registry_server, server_count(&world->registry_server) - 1)->head;
}

static void a_blob_is_there_or_not(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum plm_upload_said said;
        enum plm_code code;
    } rows[] = {{200, PLM_SAID_HAS, PLM_OK},        {404, PLM_SAID_LACKS, 0},
                {410, PLM_SAID_LACKS, 0},           {403, PLM_SAID_FAILED, PLM_E_AUTH},
                {418, PLM_SAID_FAILED, PLM_E_HTTP}, {405, PLM_SAID_FAILED, PLM_E_HTTP}};
    struct world world;
    world_open(&world, on_registry, on_registry);
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        answers(rows[i].status, "", "");
        struct said said = look(&world);
        assert_int_equal(said.said, rows[i].said);
        if (said.said == PLM_SAID_FAILED)
            assert_int_equal(said.error.code, rows[i].code);
    }
    assert_non_null(strstr(last_request(&world), "HEAD /v2/alice/tiny/blobs/" DIGEST));
    world_close(&world);
}

static void a_session_is_opened_where_the_registry_says(void **state)
{
    (void)state;
    struct world world;
    char expected[128];
    world_open(&world, on_registry, on_registry);
    answers(202, "Location: /u/7?_state=a%2Fb\r\nRange: 0-0\r\n", "");
    struct said said = open_upload(&world, NULL, false);
    (void)snprintf(expected, sizeof(expected), "http://%s/u/7?_state=a%%2Fb",
                   world.registry_server.host);
    assert_int_equal(said.said, PLM_SAID_GOES_ON);
    assert_string_equal(said.session, expected);
    assert_false(said.has_taken);
    assert_non_null(strstr(last_request(&world), "POST /v2/alice/tiny/blobs/uploads/ HTTP"));
    answers(202, "", "");
    said = open_upload(&world, NULL, false);
    assert_int_equal(said.said, PLM_SAID_FAILED);
    assert_int_equal(said.error.code, PLM_E_PROTOCOL);
    world_close(&world);
}

static void a_blob_is_mounted_or_a_session_opened_instead(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, on_registry, on_registry);
    answers(201, "Location: /v2/alice/tiny/blobs/" DIGEST "\r\n", "");
    assert_int_equal(open_upload(&world, "bob/base", false).said, PLM_SAID_HAS);
    assert_non_null(strstr(last_request(&world), "/uploads/?from=bob%2Fbase&mount=sha256%3Aaaaa"));
    answers(202, "Location: /u/8\r\n", "");
    assert_int_equal(open_upload(&world, "bob/base", false).said, PLM_SAID_GOES_ON);
    world_close(&world);
}

static void the_direct_form_brings_an_address_and_headers(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, on_registry, on_registry);
    answers(202,
            "Location: /u/7\r\nX-Direct-Upload-URL: https://store.example/x?sig=y\r\n"
            "X-Signed-Header-X-Amz-Checksum: q==\r\n",
            "");
    struct said said = open_upload(&world, NULL, true);
    assert_int_equal(said.said, PLM_SAID_ELSEWHERE);
    assert_string_equal(said.target, "https://store.example/x?sig=y");
    assert_string_equal(said.headers, "X-Amz-Checksum: q==\n");
    const char *request = last_request(&world);
    assert_non_null(strstr(request, "/uploads/?digest=sha256%3Aaaaa"));
    assert_non_null(strstr(request, "X-Redirect-Uploads: 2\r\n"));
    assert_non_null(strstr(request, "X-Content-Length: 1000\r\n"));
    /* Who did not ask for it does not want it. */
    assert_int_equal(open_upload(&world, NULL, false).said, PLM_SAID_GOES_ON);
    world_close(&world);
}

static void a_session_tells_how_far_it_is_or_is_lost(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, on_registry, on_registry);
    answers(204, "Range: 0-499\r\nLocation: /u/7?_state=b\r\n", "");
    struct said said = ask(&world);
    assert_int_equal(said.said, PLM_SAID_GOES_ON);
    assert_true(said.has_taken);
    assert_int_equal(said.taken, 500);
    assert_non_null(strstr(said.session, "/u/7?_state=b"));
    static const int lost[] = {400, 404, 405, 409, 410, 416, 422};
    for (size_t i = 0; i < PLM_COUNT(lost); i++) {
        answers(lost[i], "", "{\"errors\":[{\"code\":\"X\",\"message\":\"gone\"}]}");
        said = ask(&world);
        assert_int_equal(said.said, PLM_SAID_LOST);
        assert_non_null(strstr(said.error.msg, "gone"));
    }
    answers(403, "", "");
    assert_int_equal(ask(&world).said, PLM_SAID_FAILED);
    world_close(&world);
}

static void a_commit_carries_digest_and_etag(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, on_registry, on_registry);
    answers(201, "Docker-Content-Digest: " DIGEST "\r\n", "");
    assert_int_equal(commit(&world, "ff-2").said, PLM_SAID_HAS);
    assert_non_null(strstr(last_request(&world), "PUT /u/7?_state=a&digest=sha256%3Aaaaa"));
    assert_non_null(strstr(last_request(&world), "&etag=ff-2 HTTP"));
    answers(201, "Docker-Content-Digest: " OTHER "\r\n", "");
    struct said said = commit(&world, NULL);
    assert_int_equal(said.said, PLM_SAID_FAILED);
    assert_int_equal(said.error.code, PLM_E_INTEGRITY);
    answers(400, "", "{\"errors\":[{\"code\":\"DIGEST_INVALID\",\"message\":\"no match\"}]}");
    said = commit(&world, NULL);
    assert_int_equal(said.said, PLM_SAID_LOST);
    assert_int_equal(said.error.code, PLM_E_INTEGRITY);
    world_close(&world);
}

static void a_manifest_goes_out_as_it_is(void **state)
{
    (void)state;
    struct world world;
    struct said said = {0};
    struct plm_error err = {0};
    struct plm_digest of = digest();
    world_open(&world, on_registry, on_registry);
    answers(201, "", "");
    assert_true(plm_registry_put_manifest(world.registry, "{}\n", 3, "application/x-m", &of,
                                          on_answer, &said, &err));
    world_run(&world, &said.over);
    assert_int_equal(said.said, PLM_SAID_HAS);
    const char *request = last_request(&world);
    assert_non_null(strstr(request, "PUT /v2/alice/tiny/manifests/latest HTTP"));
    assert_non_null(strstr(request, "Content-Type: application/x-m\r\n"));
    assert_non_null(strstr(request, "Content-Length: 3\r\n"));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_is_there_or_not),
        cmocka_unit_test(a_session_is_opened_where_the_registry_says),
        cmocka_unit_test(a_blob_is_mounted_or_a_session_opened_instead),
        cmocka_unit_test(the_direct_form_brings_an_address_and_headers),
        cmocka_unit_test(a_session_tells_how_far_it_is_or_is_lost),
        cmocka_unit_test(a_commit_carries_digest_and_etag),
        cmocka_unit_test(a_manifest_goes_out_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
