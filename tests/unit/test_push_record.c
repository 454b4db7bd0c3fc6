#include "push_world.h"

#include "os/os.h"

static struct plm_session session_of(const char *text, uint64_t size, uint64_t offset)
{
    struct plm_session session = {.size = size,
                                  .location = (char *)(uintptr_t) "http://127.0.0.1:1/u/1?s=2",
                                  .offset = offset,
                                  .touched_s = plm_os_unix_ms() / 1000};
    assert_true(plm_digest_of(text, strlen(text), &session.digest, NULL));
    return session;
}

static void open_record(struct push_world *w)
{
    struct plm_error err = {0};
    if (!plm_push_record_open(&w->push, &err))
        fail_msg("%s", err.msg);
}

static void what_is_put_is_there_for_the_next_run(void **state)
{
    (void)state;
    struct push_world w;
    struct stat status;
    push_world_open(&w);
    open_record(&w);
    struct plm_session session = session_of("blob", 5000000, 3000000);
    plm_push_record_put(&w.push, &session);
    push_world_end(&w);
    assert_int_equal(stat(at(record_path()), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600); /* its address may carry a signature */
    push_world_begin(&w);
    open_record(&w);
    const struct plm_session *found =
        plm_sessions_find(&w.push.record.sessions, &session.digest, session.size);
    assert_non_null(found);
    assert_int_equal(found->offset, 3000000);
    assert_string_equal(found->location, session.location);
    push_world_close(&w);
    assert_int_equal(world_said_count, 0);
}

static void nothing_is_left_when_all_is_done(void **state)
{
    (void)state;
    struct push_world w;
    push_world_open(&w);
    open_record(&w);
    struct plm_session session = session_of("blob", 5000000, 0);
    plm_push_record_put(&w.push, &session);
    push_world_settle(&w);
    assert_true(is_there(record_path()));
    plm_push_record_drop(&w.push, &session.digest);
    push_world_close(&w);
    assert_false(is_there(record_path()));
}

static void what_was_never_noted_is_not_written_either(void **state)
{
    (void)state;
    struct push_world w;
    push_world_open(&w);
    open_record(&w);
    struct plm_session session = session_of("blob", 5000000, 0);
    plm_push_record_put(&w.push, &session);
    plm_push_record_drop(&w.push, &session.digest);
    push_world_settle(&w);
    assert_false(is_there(record_path()));
    push_world_close(&w);
}

static void what_a_killed_push_left_unnamed_goes(void **state)
{
    (void)state;
    struct push_world w;
    char path[240];
    push_world_open(&w);
    (void)snprintf(path, sizeof(path), "%.200s.tmp", record_path());
    put_line(path, "{");
    open_record(&w);
    push_world_close(&w); /* it had nothing to note */
    assert_false(is_there(path));
}

static void two_pushes_take_turns(void **state)
{
    (void)state;
    struct push_world w, other;
    struct plm_error err = {0};
    push_world_open(&w);
    open_record(&w);
    other = w;
    push_world_begin(&other);
    other.push.job = &w.job;
    assert_false(plm_push_record_open(&other.push, &err));
    assert_int_equal(err.code, PLM_E_BUSY);
    push_world_end(&other);
    push_world_close(&w);
}

static void a_dry_run_reads_and_takes_no_lock(void **state)
{
    (void)state;
    struct push_world w;
    push_world_open(&w);
    open_record(&w);
    struct plm_session session = session_of("blob", 5000000, 7);
    plm_push_record_put(&w.push, &session);
    push_world_end(&w);
    push_world_begin(&w);
    w.job.dry_run = true;
    open_record(&w);
    assert_int_equal(w.push.record.sessions.count, 1);
    assert_int_equal(w.push.record.lock.fd, -1);
    plm_push_record_drop(&w.push, &session.digest);
    push_world_close(&w);
    assert_true(is_there(record_path()));
}

static void a_record_that_cannot_be_used_is_told_of_and_replaced(void **state)
{
    (void)state;
    struct push_world w;
    push_world_open(&w);
    put_line(record_path(), "{\"version\":1,");
    open_record(&w);
    assert_says(said(PLM_EV_WARNING, 0), "of no use");
    assert_int_equal(w.push.record.sessions.count, 0);
    struct plm_session session = session_of("blob", 5000000, 7);
    plm_push_record_put(&w.push, &session);
    push_world_end(&w);
    push_world_begin(&w);
    open_record(&w);
    assert_int_equal(w.push.record.sessions.count, 1);
    push_world_close(&w);
}

static void a_record_of_another_version_is_left_alone(void **state)
{
    (void)state;
    static const char text[] = "{\"version\":2,\"target\":\"http://127.0.0.1:1/v2/team/m\","
                               "\"uploads\":[]}";
    struct push_world w;
    char *kept = NULL;
    size_t size;
    push_world_open(&w);
    put_line(record_path(), text);
    open_record(&w);
    struct plm_session session = session_of("blob", 5000000, 7);
    plm_push_record_put(&w.push, &session);
    push_world_close(&w);
    assert_true(plm_os_read_file(plm_os_cwd(), at(record_path()), 4096, &kept, &size, NULL));
    assert_string_equal(kept, text);
    free(kept);
}

static void a_session_that_is_a_week_old_is_forgotten(void **state)
{
    (void)state;
    struct push_world w;
    push_world_open(&w);
    open_record(&w);
    struct plm_session session = session_of("blob", 5000000, 7);
    session.touched_s -= 8 * 24 * 3600;
    plm_push_record_put(&w.push, &session);
    push_world_end(&w);
    push_world_begin(&w);
    open_record(&w);
    assert_int_equal(w.push.record.sessions.count, 0);
    push_world_close(&w);
}

static void without_a_place_the_push_goes_on_and_says_so(void **state)
{
    (void)state;
    struct push_world w;
    push_world_open(&w);
    int fd = w.engine->store.state_fd;
    w.engine->store.state_fd = -1;
    open_record(&w);
    assert_says(said(PLM_EV_WARNING, 0), "starts again");
    struct plm_session session = session_of("blob", 5000000, 7);
    plm_push_record_put(&w.push, &session);
    push_world_settle(&w);
    w.engine->store.state_fd = fd;
    assert_false(is_there(record_path()));
    push_world_close(&w);
}

static void a_record_that_cannot_be_written_is_told_of_once(void **state)
{
    (void)state;
    struct push_world w;
    push_world_open(&w);
    open_record(&w);
    char inside[128]; /* a folder that is not empty is replaced by no file */
    (void)snprintf(inside, sizeof(inside), "%s/x", record_path());
    put_line(inside, "");
    struct plm_session session = session_of("blob", 5000000, 7);
    for (int i = 0; i < 2; i++) {
        plm_push_record_put(&w.push, &session);
        push_world_settle(&w);
    }
    assert_int_equal(count_of(PLM_EV_WARNING), 1);
    push_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(what_is_put_is_there_for_the_next_run),
        WITH_WORLD(nothing_is_left_when_all_is_done),
        WITH_WORLD(what_was_never_noted_is_not_written_either),
        WITH_WORLD(what_a_killed_push_left_unnamed_goes),
        WITH_WORLD(two_pushes_take_turns),
        WITH_WORLD(a_dry_run_reads_and_takes_no_lock),
        WITH_WORLD(a_record_that_cannot_be_used_is_told_of_and_replaced),
        WITH_WORLD(a_record_of_another_version_is_left_alone),
        WITH_WORLD(a_session_that_is_a_week_old_is_forgotten),
        WITH_WORLD(without_a_place_the_push_goes_on_and_says_so),
        WITH_WORLD(a_record_that_cannot_be_written_is_told_of_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
