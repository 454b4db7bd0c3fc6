#include "session_world.h"

#include "net/upload.h"

/* Bodies so short that they come with the head, or stay in the kernel. */
#define TEXT "0123456789abcdefghij"

static int answer_status;
static const char *answer_headers;

static void on_registry(void *ctx, const struct server *server, const struct seen *request,
                        struct plm_buf *out)
{
    (void)ctx;
    (void)server;
    (void)request;
    reply(out, answer_status, answer_headers, "");
}

struct said {
    bool over;
    enum plm_upload_said said;
    enum plm_retry_reason reason;
    int64_t retry_after_ms;
    struct plm_error error;
    char session[256], target[256], host[64];
    bool has_taken;
    uint64_t taken, passed;
};

static void on_answer(void *ctx, const struct plm_upload_answer *answer)
{
    struct said *said = ctx;
    said->over = true;
    said->said = answer->said;
    said->reason = answer->reason;
    said->retry_after_ms = answer->retry_after_ms;
    said->error = *answer->error;
    said->has_taken = answer->has_taken;
    said->taken = answer->taken;
    (void)snprintf(said->session, sizeof(said->session), "%s", answer->session);
    (void)snprintf(said->target, sizeof(said->target), "%s", answer->target);
    (void)snprintf(said->host, sizeof(said->host), "%s", answer->host);
}

static void on_passed(void *ctx, uint64_t at, const void *bytes, size_t length)
{
    struct said *said = ctx;
    assert_memory_equal(bytes, &TEXT[5 + at], length);
    said->passed = at + length;
}

static struct said send_to(struct world *world, enum plm_send_kind kind, int status,
                           const char *headers, const char *more)
{
    struct said said = {0};
    struct plm_error err = {0};
    struct plm_send *send = NULL;
    struct plm_digest digest = {{0}};
    char url[256];
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(fputs(TEXT, file) >= 0 && fflush(file) == 0);
    answer_status = status;
    answer_headers = headers;
    (void)snprintf(url, sizeof(url), "http://%s/u/7?_state=a",
                   kind == PLM_SEND_STORE ? world->other_server.host : world->registry_server.host);
    const struct plm_send_request request = {.kind = kind,
                                             .url = url,
                                             .headers = more,
                                             .fd = fileno(file),
                                             .span = {5, 15},
                                             .digest = &digest,
                                             .passed = on_passed};
    assert_true(plm_send_start(world->registry, &request, on_answer, &said, &send, &err));
    world_run(world, &said.over);
    assert_int_equal(fclose(file), 0);
    return said;
}

static const char *last_request(struct server *server)
{
    return server_seen(server, server_count(server) - 1)->head;
}

static void a_stretch_says_where_it_belongs(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, on_registry, on_registry);
    struct said said = send_to(&world, PLM_SEND_PATCH, 202,
                               "Docker-Upload-Location: /u/8\r\nRange: 0-14\r\n", NULL);
    assert_int_equal(said.said, PLM_SAID_GOES_ON);
    assert_int_equal(said.taken, 15);
    assert_int_equal(said.passed, 10);
    assert_non_null(strstr(said.session, "/u/8"));
    const char *request = last_request(&world.registry_server);
    assert_non_null(strstr(request, "PATCH /u/7?_state=a HTTP"));
    assert_non_null(strstr(request, "Content-Range: 5-14\r\n"));
    assert_non_null(strstr(request, "Content-Length: 10\r\n"));
    assert_non_null(strstr(request, "X-Redirect-Uploads: 1\r\n"));
    assert_non_null(strstr(request, "Content-Type: application/octet-stream\r\n"));
    world_close(&world);
}

static void a_part_is_handed_over_only_with_both_addresses(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, on_registry, on_registry);
    struct said said =
        send_to(&world, PLM_SEND_PATCH, 307,
                "Docker-Upload-Location: /u/8\r\nLocation: https://store.example/p?s=1\r\n", NULL);
    assert_int_equal(said.said, PLM_SAID_ELSEWHERE);
    assert_string_equal(said.target, "https://store.example/p?s=1");
    assert_non_null(strstr(said.session, "/u/8"));
    said = send_to(&world, PLM_SEND_PATCH, 307, "Docker-Upload-Location: /u/8\r\n", NULL);
    assert_int_equal(said.said, PLM_SAID_FAILED);
    assert_int_equal(said.error.code, PLM_E_PROTOCOL);
    world_close(&world);
}

static void what_an_answer_to_a_stretch_means(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum plm_upload_said patch, store;
    } rows[] = {
        {404, PLM_SAID_LOST, PLM_SAID_EXPIRED},   {410, PLM_SAID_LOST, PLM_SAID_EXPIRED},
        {400, PLM_SAID_LOST, PLM_SAID_FAILED},    {413, PLM_SAID_TOO_LARGE, PLM_SAID_TOO_LARGE},
        {416, PLM_SAID_LATER, PLM_SAID_FAILED},   {500, PLM_SAID_LATER, PLM_SAID_LATER},
        {503, PLM_SAID_LATER, PLM_SAID_LATER},    {408, PLM_SAID_LATER, PLM_SAID_LATER},
        {403, PLM_SAID_FAILED, PLM_SAID_EXPIRED}, {303, PLM_SAID_FAILED, PLM_SAID_FAILED},
        {451, PLM_SAID_FAILED, PLM_SAID_FAILED},
    };
    struct world world;
    world_open(&world, on_registry, on_registry);
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct said said = send_to(&world, PLM_SEND_PATCH, rows[i].status, "", NULL);
        assert_int_equal(said.said, rows[i].patch);
        assert_string_equal(said.host, world.registry_server.host);
        said = send_to(&world, PLM_SEND_STORE, rows[i].status, "", NULL);
        assert_int_equal(said.said, rows[i].store);
    }
    world_close(&world);
}

static void the_store_gets_what_it_signed_and_nothing_of_ours(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, on_registry, on_registry);
    struct said said = send_to(&world, PLM_SEND_STORE, 200, "",
                               "X-Amz-Checksum: q==\nContent-Type: text/x\nHost: evil\n"
                               "Authorization: Basic x\nTransfer-Encoding: chunked\n");
    assert_int_equal(said.said, PLM_SAID_HAS);
    const char *request = last_request(&world.other_server);
    assert_non_null(strstr(request, "PUT /u/7?_state=a HTTP"));
    assert_non_null(strstr(request, "X-Amz-Checksum: q==\r\n"));
    assert_non_null(strstr(request, "Content-Type: text/x\r\n"));
    assert_null(strstr(request, "octet-stream"));
    assert_null(strstr(request, "evil"));
    assert_null(strstr(request, "Authorization"));
    assert_null(strstr(request, "chunked"));
    assert_null(strstr(request, "X-Redirect-Uploads"));
    assert_null(strstr(request, "Content-Range"));
    world_close(&world);
}

static void all_of_a_blob_goes_with_its_digest(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, on_registry, on_registry);
    assert_int_equal(send_to(&world, PLM_SEND_WHOLE, 201, "", NULL).said, PLM_SAID_HAS);
    assert_non_null(
        strstr(last_request(&world.registry_server), "PUT /u/7?_state=a&digest=sha256%3A0000"));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stretch_says_where_it_belongs),
        cmocka_unit_test(a_part_is_handed_over_only_with_both_addresses),
        cmocka_unit_test(what_an_answer_to_a_stretch_means),
        cmocka_unit_test(the_store_gets_what_it_signed_and_nothing_of_ours),
        cmocka_unit_test(all_of_a_blob_goes_with_its_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
