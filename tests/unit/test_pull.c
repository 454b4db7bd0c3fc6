#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/os.h"
#include "pullama/engine.h"
#include "scratch.h"
#include "tiny_server.h"

#define MANIFEST                                                                                   \
    "{\"schemaVersion\":2,\"layers\":[{\"digest\":\"sha256:"                                       \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"size\":0}]}"

static atomic_bool is_asked;

static void hold(struct tiny_server *server, int fd)
{
    tiny_hold(server, fd);
    atomic_store(&is_asked, true);
}

static void note_last(void *ctx, const struct plm_event *event)
{
    *(enum plm_event_kind *)ctx = event->kind;
}

/* Steps until the server was asked or the engine has nothing left to do. */
static bool step_for(struct plm_engine *engine, const atomic_bool *until)
{
    int64_t end = plm_os_monotonic_ms() + 20000;
    while (!until || !atomic_load(until)) {
        if (!plm_engine_step(engine, 20))
            return false;
        if (plm_os_monotonic_ms() > end)
            fail_msg("nothing came in 20 seconds");
    }
    return true;
}

static void a_manifest_that_comes_after_the_stop_starts_nothing(void **state)
{
    (void)state;
    struct tiny_server server;
    struct plm_engine *engine = NULL;
    struct plm_error err = {0};
    enum plm_event_kind last = PLM_EVENT_KINDS;
    char dir[600], answer[512], model[256];
    uint32_t id;
    (void)snprintf(dir, sizeof(dir), "%s", scratch_file("models"));
    struct plm_engine_options options = {.models_dir = dir, .key_path = scratch_file("no-key")};
    atomic_store(&is_asked, false);
    assert_true(tiny_start(&server, hold));
    assert_true(plm_engine_new(&options, (struct plm_sink){note_last, &last}, &engine, &err));
    struct plm_job_spec spec = {.verb = PLM_VERB_PULL,
                                .model = tiny_url(&server, "/library/m", model)};
    assert_true(plm_engine_submit(engine, &spec, &id, &err));
    assert_true(step_for(engine, &is_asked));

    plm_engine_stop(engine);
    (void)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(MANIFEST), MANIFEST);
    tiny_say(server.held[0], answer); /* is read by the step that begins with the stop */
    assert_false(step_for(engine, NULL));
    assert_int_equal(last, PLM_EV_FAILED);
    assert_int_equal(plm_engine_result(engine), PLM_OK);
    plm_engine_free(engine);
    tiny_stop(&server);
}

#define BLOB_SIZE 300000u

static char blob[BLOB_SIZE];
static atomic_bool is_moving;

static void serve_blob(struct tiny_server *server, int fd)
{
    char head[512], body[256] = "", digest[PLM_DIGEST_TEXT];
    struct plm_digest is;
    bool is_blob = strstr(server->request, "/blobs/") != NULL;
    assert_true(plm_digest_of(blob, sizeof(blob), &is, NULL));
    (void)snprintf(body, sizeof(body),
                   "{\"schemaVersion\":2,\"layers\":[{\"digest\":\"%s\",\"size\":%u}]}",
                   plm_digest_format(&is, digest), BLOB_SIZE);
    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                   is_blob ? sizeof(blob) : strlen(body));
    tiny_say(fd, head);
    tiny_send(fd, is_blob ? blob : body, is_blob ? sizeof(blob) : strlen(body));
}

static void note_moving(void *ctx, const struct plm_event *event)
{
    note_last(ctx, event);
    if (event->kind == PLM_EV_PROGRESS && event->progress.blob_done > 0)
        atomic_store(&is_moving, true);
}

static void *lift_limit(void *engine)
{
    plm_engine_limit_rate(engine, 0);
    return NULL;
}

/* At 1 KiB a second the blob would take five minutes. */
static void another_thread_may_change_the_rate(void **state)
{
    (void)state;
    struct tiny_server server;
    struct plm_engine *engine = NULL;
    struct plm_error err = {0};
    struct plm_thread thread;
    enum plm_event_kind last = PLM_EVENT_KINDS;
    char dir[600], model[256];
    uint32_t id;
    (void)snprintf(dir, sizeof(dir), "%s", scratch_file("models"));
    struct plm_engine_options options = {
        .models_dir = dir, .key_path = scratch_file("no-key"), .limit_rate = 1024};
    atomic_store(&is_moving, false);
    assert_true(tiny_start(&server, serve_blob));
    assert_true(plm_engine_new(&options, (struct plm_sink){note_moving, &last}, &engine, &err));
    struct plm_job_spec spec = {.verb = PLM_VERB_PULL,
                                .model = tiny_url(&server, "/library/m", model)};
    assert_true(plm_engine_submit(engine, &spec, &id, &err));
    assert_true(step_for(engine, &is_moving));
    assert_true(plm_thread_start(&thread, lift_limit, engine, &err));
    assert_false(step_for(engine, NULL));
    plm_thread_join(&thread);
    assert_int_equal(last, PLM_EV_COMPLETED);
    plm_engine_free(engine);
    tiny_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_manifest_that_comes_after_the_stop_starts_nothing,
                                        scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(another_thread_may_change_the_rate, scratch_make,
                                        scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
