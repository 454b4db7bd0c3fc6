#include "push_world.h"

#define LARGE (3u << 20)

static char large[LARGE];

/* Two blobs: a large one, and a small one. */
static void open_model(struct push_world *w)
{
    struct plm_error err = {0};
    push_world_open(w);
    memset(large, 'x', sizeof(large));
    put_model(
        "127.0.0.1:1/team/m/v1",
        (struct made_layer[]){{"model", large, sizeof(large)}, TEXT_LAYER("license", "free"), {0}});
    w->engine->options.chunk_size = 1u << 20;
    assert_true(plm_push_read_model(&w->push, &err));
    w->push.high = w->push.count;
    w->push.state = PLM_PUSH_TRANSFERRING;
}

static void note(struct push_world *w, const struct plm_session *noted)
{
    struct plm_error err = {0};
    struct plm_session session = *noted;
    session.digest = w->push.uploads[0].want.digest;
    session.size = LARGE;
    session.location = (char *)(uintptr_t) "http://127.0.0.1:1/u/1?s=2";
    assert_true(plm_sessions_put(&w->push.record.sessions, &session, &err));
}

static void close_model(struct push_world *w)
{
    struct plm_error err = {0};
    for (size_t i = 0; i < w->push.count; i++) {
        plm_upload_close(&w->push.uploads[i]);
        while (!plm_upload_is_closed(&w->push.uploads[i]))
            assert_true(plm_loop_step(w->engine->loop, 1000, &err));
    }
    push_world_close(w);
}

static void a_blob_asks_for_a_session(void **state)
{
    (void)state;
    struct push_world w;
    open_model(&w);
    struct plm_upload *u = &w.push.uploads[0];
    plm_upload_begin(u);
    assert_int_equal(u->state, PLM_UPLOAD_OPENING);
    assert_int_equal(u->run->length, 1u << 20);
    assert_int_equal(u->run->offset, 0);
    assert_int_equal(w.push.running, 1);
    close_model(&w);
}

static void a_small_one_is_hashed_first_where_it_may_go_in_one_request(void **state)
{
    (void)state;
    struct push_world w;
    open_model(&w);
    plm_upload_begin(&w.push.uploads[1]);
    assert_int_equal(w.push.uploads[1].state, PLM_UPLOAD_OPENING); /* not known to take them yet */
    close_model(&w);
    open_model(&w);
    w.push.plain = true;
    plm_upload_begin(&w.push.uploads[1]);
    assert_int_equal(w.push.uploads[1].state, PLM_UPLOAD_HASHING);
    plm_upload_begin(&w.push.uploads[0]);
    assert_int_equal(w.push.uploads[0].state, PLM_UPLOAD_OPENING); /* it is large */
    close_model(&w);
}

static void what_was_noted_is_asked_for_before_it_is_gone_on_with(void **state)
{
    (void)state;
    struct push_world w;
    open_model(&w);
    note(&w, &(struct plm_session){.offset = 2000000});
    struct plm_upload *u = &w.push.uploads[0];
    plm_upload_begin(u);
    assert_int_equal(u->state, PLM_UPLOAD_ASKING);
    assert_true(u->run->is_old);
    assert_int_equal(u->run->offset, 2000000);
    assert_string_equal(u->run->session, "http://127.0.0.1:1/u/1?s=2");
    assert_false(u->run->redirects);
    close_model(&w);
}

static void noted_parts_keep_their_length_and_their_md5s(void **state)
{
    (void)state;
    struct push_world w;
    struct plm_md5_value md5s[2] = {{{1}}, {{2}}};
    open_model(&w);
    note(&w, &(struct plm_session){
                 .offset = 1u << 20, .part_length = 512u << 10, .parts = md5s, .part_count = 2});
    struct plm_upload *u = &w.push.uploads[0];
    plm_upload_begin(u);
    assert_true(u->run->redirects);
    assert_int_equal(u->run->length, 512u << 10);
    assert_int_equal(u->run->part_count, 6);
    assert_int_equal(u->run->next_part, 2);
    assert_true(u->run->sent[0] && u->run->sent[1] && !u->run->sent[2]);
    assert_memory_equal(&u->run->md5s[1], &md5s[1], sizeof(md5s[1]));
    /* Parts that end in any order count from the first on without a gap. */
    u->run->next_part = 5;
    plm_upload_part_sent(u, 4, &md5s[0]);
    assert_int_equal(u->run->offset, 1u << 20);
    assert_int_equal(u->done, 3 * (512u << 10));
    plm_upload_part_sent(u, 2, &md5s[0]);
    assert_int_equal(u->run->offset, 3 * (512u << 10));
    plm_upload_part_sent(u, 3, &md5s[0]);
    assert_int_equal(u->run->offset, 5 * (512u << 10));
    assert_int_equal(u->done, 5 * (512u << 10));
    close_model(&w);
}

/* Killed after the first hand-over, before a part was sent whole. */
static void parts_may_be_noted_before_the_first_was_sent(void **state)
{
    (void)state;
    struct push_world w;
    open_model(&w);
    note(&w, &(struct plm_session){.part_length = 512u << 10});
    struct plm_upload *u = &w.push.uploads[0];
    plm_upload_begin(u);
    assert_int_equal(u->run->length, 512u << 10);
    assert_int_equal(u->run->part_count, 6);
    assert_int_equal(u->run->next_part, 0);
    assert_false(u->run->sent[0]);
    close_model(&w);
}

static void a_blob_that_became_another_ends_the_push(void **state)
{
    (void)state;
    struct push_world w;
    open_model(&w);
    put(blob_of(large, sizeof(large)), large, 1000);
    plm_upload_begin(&w.push.uploads[0]);
    assert_int_equal(w.push.error.code, PLM_E_CORRUPT);
    assert_non_null(strstr(w.push.error.msg, "1000 bytes in the store"));
    assert_int_equal(w.push.state, PLM_PUSH_ENDING);
    close_model(&w);
}

static void parts_begin_with_the_first_or_not_at_all(void **state)
{
    (void)state;
    struct push_world w;
    const struct plm_upload_answer answer = {.host = "r.example", .retry_after_ms = -1};
    open_model(&w);
    struct plm_upload *u = &w.push.uploads[0];
    plm_upload_begin(u);
    assert_true(plm_upload_begin_parts(u, 0, &answer));
    assert_true(u->run->redirects);
    assert_int_equal(u->run->next_part, 1);
    assert_int_equal(u->run->part_count, 3);
    close_model(&w);
    open_model(&w);
    u = &w.push.uploads[0];
    plm_upload_begin(u);
    assert_false(plm_upload_begin_parts(u, 1, &answer)); /* it took others itself */
    assert_int_equal(u->state, PLM_UPLOAD_LOOKING);
    assert_int_equal(u->run->lost.code, PLM_E_PROTOCOL);
    close_model(&w);
}

static void a_session_that_is_lost_is_asked_for_anew_and_not_for_ever(void **state)
{
    (void)state;
    struct push_world w;
    struct plm_error gone = {.code = PLM_E_HTTP, .http_status = 404, .msg = "no such session"};
    const struct plm_upload_answer lost = {
        .said = PLM_SAID_LOST, .error = &gone, .host = "r.example", .retry_after_ms = -1};
    open_model(&w);
    note(&w, &(struct plm_session){.offset = 1000});
    struct plm_upload *u = &w.push.uploads[0];
    plm_upload_begin(u);
    plm_upload_lose(u, &lost);
    assert_int_equal(u->state, PLM_UPLOAD_LOOKING);
    assert_int_equal(u->run->offset, 0);
    assert_null(u->run->session);
    assert_int_equal(w.push.record.sessions.count, 0);
    assert_int_equal(w.push.error.code, PLM_OK);
    plm_upload_lose(u, &lost); /* one retry was allowed */
    assert_int_equal(w.push.error.code, PLM_E_HTTP);
    assert_non_null(strstr(w.push.error.msg, "gave up after 2 tries"));
    close_model(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_blob_asks_for_a_session),
        WITH_WORLD(a_small_one_is_hashed_first_where_it_may_go_in_one_request),
        WITH_WORLD(what_was_noted_is_asked_for_before_it_is_gone_on_with),
        WITH_WORLD(noted_parts_keep_their_length_and_their_md5s),
        WITH_WORLD(parts_may_be_noted_before_the_first_was_sent),
        WITH_WORLD(a_blob_that_became_another_ends_the_push),
        WITH_WORLD(parts_begin_with_the_first_or_not_at_all),
        WITH_WORLD(a_session_that_is_lost_is_asked_for_anew_and_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
