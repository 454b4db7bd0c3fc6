#include "kind_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "engine/database.h"
#include "queue/queue.h"

/* Connections are taken, and nobody answers. */
static int silent_fd;
static uint16_t silent_port;

static int make(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    silent_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (world_make(state) != 0 || silent_fd < 0 ||
        bind(silent_fd, (struct sockaddr *)&address, length) != 0 || listen(silent_fd, 16) != 0 ||
        getsockname(silent_fd, (struct sockaddr *)&address, &length) != 0)
        return -1;
    silent_port = ntohs(address.sin_port);
    return 0;
}

static int drop(void **state)
{
    (void)close(silent_fd);
    return world_drop(state);
}

#define WITH_SILENCE(f) cmocka_unit_test_setup_teardown(f, make, drop)

/* Nobody listens at this port, which no user may take. */
#define NOWHERE "http://127.0.0.1:1/library/"

static struct plm_database *open_queue(void)
{
    struct plm_error err = {0};
    struct plm_database *db = NULL;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s", at(".pullm"));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    const struct plm_database_options options = {
        .folder_fd = fd, .folder = path, .use = PLM_DATABASE_WRITE, .wait_ms = 2000};
    if (!plm_database_open(&options, &db, &err))
        fail_msg("%s", err.msg);
    (void)close(fd);
    return db;
}

static void add(const char *name)
{
    const struct plm_job_spec spec = {
        .verb = PLM_VERB_QUEUE_ADD, .models = &name, .model_count = 1};
    assert_int_equal(run_spec(&spec), PLM_OK);
}

static void add_silent(const char *name)
{
    char whole[100];
    (void)snprintf(whole, sizeof(whole), "http://127.0.0.1:%u/library/%s", silent_port, name);
    add(whole);
}

static void start(struct plm_engine *engine, unsigned jobs)
{
    submit(engine, &(struct plm_job_spec){.verb = PLM_VERB_QUEUE_START, .jobs = jobs});
}

static void step_until(struct plm_engine *engine, enum plm_event_kind kind, size_t count)
{
    while (count_of(kind) < count)
        assert_true(plm_engine_step(engine, 1000));
}

/* Names and statuses: "a failed, b queued". */
static void expect(const char *want)
{
    char text[400] = "";
    assert_int_equal(run_spec(&(struct plm_job_spec){.verb = PLM_VERB_QUEUE_LIST}), PLM_OK);
    for (size_t i = 0; i < count_of(PLM_EV_QUEUE_ENTRY); i++) {
        const char *json = said(PLM_EV_QUEUE_ENTRY, i);
        const char *name = strstr(json, "\"Reference\":\"") + 13, *slash = name;
        const char *status = strstr(json, "\"Status\":\"") + 10;
        for (const char *c = name; *c != '"'; c++)
            slash = *c == '/' ? c + 1 : slash;
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s %.*s",
                       i > 0 ? ", " : "", (int)strcspn(slash, ":\""), slash,
                       (int)strcspn(status, "\""), status);
    }
    assert_string_equal(text, want);
}

static void what_fails_is_skipped_and_the_first_failure_is_told(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_queue_entry entry;
    bool added;
    add("x"); /* makes the database */
    struct plm_database *db = open_queue();
    uint64_t removed;
    assert_true(plm_queue_clear(db, false, &removed, &err));
    assert_true(plm_queue_add(db, "no name!", 1, &added, &entry, &err));
    plm_database_close(db);
    add(NOWHERE "b");
    struct plm_engine *engine = world_engine(0);
    start(engine, 0);
    assert_int_equal(end_engine(engine), PLM_E_BAD_NAME);
    assert_int_equal(count_of(PLM_EV_QUEUE_NEXT), 2);
    assert_says(said(PLM_EV_QUEUE_SETTLED, 0), "\"Code\":\"bad_name\"");
    assert_says(said(PLM_EV_QUEUE_SETTLED, 1), "\"Code\":\"network\"");
    assert_says(said(PLM_EV_QUEUE_DONE, 0), "\"QueuedCount\":0");
    assert_int_equal(world_said[world_said_count - 1].kind, PLM_EV_FAILED);
    assert_says(world_said[world_said_count - 1].json, "2 of 2 models could not be pulled");
    expect("no name! failed, b failed");
}

static void what_a_runner_that_died_was_at_is_pulled(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_queue_found found;
    add(NOWHERE "a");
    struct plm_database *db = open_queue();
    assert_true(plm_queue_claim(db, 1, &found, &err));
    assert_true(found.entry.id != 0);
    plm_database_close(db);
    expect("a queued"); /* nobody is at it */
    struct plm_engine *engine = world_engine(0);
    start(engine, 0);
    assert_int_equal(end_engine(engine), PLM_E_NETWORK);
    assert_int_equal(count_of(PLM_EV_QUEUE_NEXT), 1);
    expect("a failed");
}

static void an_empty_queue_ends_well_at_once(void **state)
{
    (void)state;
    struct plm_engine *engine = world_engine(0);
    start(engine, 0);
    assert_int_equal(end_engine(engine), PLM_OK);
    assert_int_equal(count_of(PLM_EV_QUEUE_NEXT), 0);
    assert_int_equal(count_of(PLM_EV_QUEUE_DONE), 1);
}

static size_t most_at_a_time;

static void count_running(const struct plm_event *event)
{
    size_t running = count_of(PLM_EV_QUEUE_NEXT) - count_of(PLM_EV_QUEUE_SETTLED);
    (void)event;
    if (running > most_at_a_time)
        most_at_a_time = running;
}

static void so_many_run_at_a_time_and_no_more(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "c", "d", "e"};
    add_silent("a"); /* keeps its place; the others have the other one, each after the one before */
    for (size_t i = 0; i < PLM_COUNT(names); i++) {
        char name[100];
        (void)snprintf(name, sizeof(name), "%s%s", NOWHERE, names[i]);
        add(name);
    }
    struct plm_engine *engine = world_engine(0);
    most_at_a_time = 0;
    world_sees = count_running;
    start(engine, 2);
    step_until(engine, PLM_EV_QUEUE_SETTLED, PLM_COUNT(names));
    assert_int_equal(count_of(PLM_EV_QUEUE_NEXT), 1 + PLM_COUNT(names));
    assert_int_equal(most_at_a_time, 2);
    plm_engine_stop(engine);
    (void)end_engine(engine);
    world_sees = NULL;

    engine = world_engine(0);
    start(engine, PLM_QUEUE_JOBS_MAX + 1);
    assert_int_equal(end_engine(engine), PLM_E_USAGE);
}

static void a_stop_puts_entries_back(void **state)
{
    (void)state;
    add_silent("a");
    add_silent("b");
    struct plm_engine *engine = world_engine(0);
    start(engine, 0);
    step_until(engine, PLM_EV_MANIFEST_FETCH_START, 1);
    plm_engine_stop(engine);
    assert_int_equal(end_engine(engine), PLM_OK); /* an interrupt is no failure */
    assert_says(said(PLM_EV_QUEUE_SETTLED, 0), "\"Status\":\"queued\"");
    assert_says(said(PLM_EV_QUEUE_DONE, 0), "\"QueuedCount\":2,\"ActiveCount\":0");
    assert_int_equal(world_said[world_said_count - 1].kind, PLM_EV_FAILED);
    expect("a queued, b queued");
}

static void a_pause_lets_nothing_more_begin(void **state)
{
    (void)state;
    add_silent("a");
    add_silent("b");
    struct plm_engine *engine = world_engine(0);
    start(engine, 0);
    step_until(engine, PLM_EV_MANIFEST_FETCH_START, 1);
    plm_engine_pause(engine);
    step_until(engine, PLM_EV_QUEUE_PAUSING, 1);
    (void)close(silent_fd); /* the pull under way fails; the other one is not begun */
    silent_fd = -1;
    assert_int_equal(end_engine(engine), PLM_E_NETWORK);
    assert_int_equal(count_of(PLM_EV_QUEUE_NEXT), 1);
    assert_says(said(PLM_EV_QUEUE_DONE, 0), "\"QueuedCount\":1");
    assert_says(said(PLM_EV_QUEUE_DONE, 0), "\"Paused\":true");
    expect("a failed, b queued");

    engine = world_engine(0); /* paused before it begins */
    start(engine, 0);
    plm_engine_pause(engine);
    assert_int_equal(end_engine(engine), PLM_OK);
    assert_int_equal(count_of(PLM_EV_QUEUE_NEXT), 0);
    expect("a failed, b queued");
}

static struct plm_lock hold(int *dir)
{
    struct plm_error err = {0};
    struct plm_lock lock = PLM_LOCK_INIT;
    *dir = open(at(".pullm"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(plm_lock_try(*dir, PLM_QUEUE_LOCK, &lock, &err));
    return lock;
}

static void one_run_at_a_time(void **state)
{
    (void)state;
    int dir;
    add(NOWHERE "a");
    struct plm_lock lock = hold(&dir);
    struct plm_engine *engine = world_engine(0);
    start(engine, 0);
    assert_int_equal(end_engine(engine), PLM_E_BUSY);
    assert_says(said(PLM_EV_FAILED, 0), "is pulling this queue already");
    assert_int_equal(count_of(PLM_EV_QUEUE_START), 0);
    plm_lock_release(&lock, true);
    (void)close(dir);
    expect("a queued");
}

static void who_only_looks_keeps_no_run_from_beginning(void **state)
{
    (void)state;
    int dir;
    add(NOWHERE "a");
    struct plm_lock lock = hold(&dir);
    struct plm_engine *engine = world_engine(0);
    start(engine, 0);
    for (int i = 0; i < 3; i++)
        assert_true(plm_engine_step(engine, 1000));
    plm_lock_release(&lock, true);
    (void)close(dir);
    assert_int_equal(end_engine(engine), PLM_E_NETWORK);
    expect("a failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SILENCE(what_fails_is_skipped_and_the_first_failure_is_told),
        WITH_SILENCE(what_a_runner_that_died_was_at_is_pulled),
        WITH_SILENCE(an_empty_queue_ends_well_at_once),
        WITH_SILENCE(so_many_run_at_a_time_and_no_more),
        WITH_SILENCE(a_stop_puts_entries_back),
        WITH_SILENCE(a_pause_lets_nothing_more_begin),
        WITH_SILENCE(one_run_at_a_time),
        WITH_SILENCE(who_only_looks_keeps_no_run_from_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
