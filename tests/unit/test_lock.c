#include "store/lock.h"
#include "store_world.h"

#include <signal.h>
#include <sys/wait.h>

#define NAME "x.lock"

static struct plm_lock taken(void)
{
    struct plm_lock lock = PLM_LOCK_INIT;
    struct plm_error err = {0};
    if (!plm_lock_try(store.state_fd, NAME, &lock, &err))
        fail_msg("%s", err.msg);
    return lock;
}

static bool is_busy(void)
{
    struct plm_lock lock = PLM_LOCK_INIT;
    struct plm_error err = {0};
    if (plm_lock_try(store.state_fd, NAME, &lock, &err)) {
        plm_lock_release(&lock, false);
        return false;
    }
    assert_int_equal(err.code, PLM_E_BUSY);
    assert_int_equal(lock.fd, -1);
    return true;
}

static void a_lock_has_one_holder(void **state)
{
    (void)state;
    struct plm_lock lock = taken();
    assert_true(is_busy());
    assert_int_equal(plm_lock_holder(store.state_fd, NAME), plm_os_pid());
    plm_lock_release(&lock, false);
    assert_int_equal(lock.fd, -1);
    assert_true(has_file(store.state_fd, NAME));
    assert_false(is_busy());
    plm_lock_release(&lock, true); /* not held: nothing */
    assert_true(has_file(store.state_fd, NAME));
}

static void its_file_goes_when_asked(void **state)
{
    (void)state;
    struct plm_lock lock = taken();
    plm_lock_release(&lock, true);
    assert_false(has_file(store.state_fd, NAME));
    assert_int_equal(plm_lock_holder(store.state_fd, NAME), 0);
    lock = taken();
    assert_true(is_busy());
    plm_lock_release(&lock, true);
}

/* A holder whose file was removed by force still holds an inode that nobody else can find: the name
 * alone says who owns. */
static void a_lock_on_a_file_that_lost_its_name_is_not_taken_for_the_name(void **state)
{
    (void)state;
    struct plm_lock old = taken();
    assert_int_equal(unlinkat(store.state_fd, NAME, 0), 0);
    struct plm_lock now = taken();
    assert_true(is_busy());
    plm_lock_release(&old, false);
    assert_true(is_busy());
    plm_lock_release(&now, true);
}

/* Takers and removers race from two processes; the counter in the file is only right when no two
 * ever held the lock at once. */
static void count_under_lock(int rounds)
{
    for (int i = 0; i < rounds;) {
        struct plm_lock lock = PLM_LOCK_INIT;
        struct plm_error err = {0};
        if (!plm_lock_try(store.state_fd, NAME, &lock, &err))
            continue;
        char *text = NULL;
        size_t size = 0;
        long count = 0;
        if (plm_os_read_file(store.state_fd, "count", 32, &text, &size, NULL))
            count = strtol(text, NULL, 10);
        free(text);
        char next[32];
        int length = snprintf(next, sizeof(next), "%ld", count + 1);
        int fd = openat(store.state_fd, "count", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, next, (size_t)length) != length)
            _exit(2);
        (void)close(fd);
        plm_lock_release(&lock, i % 3 != 0);
        i++;
    }
}

static void two_owners_cannot_be_even_when_the_file_comes_and_goes(void **state)
{
    (void)state;
    enum { ROUNDS = 400 };
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        count_under_lock(ROUNDS);
        _exit(0);
    }
    count_under_lock(ROUNDS);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    char text[16];
    (void)snprintf(text, sizeof(text), "%d", 2 * ROUNDS);
    assert_file(store.state_fd, "count", text, strlen(text));
}

/* Starts a process that takes the lock, and gives it back again unless it is to keep it. */
static pid_t holder(bool keep)
{
    int ends[2];
    char told;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct plm_lock lock = PLM_LOCK_INIT;
        struct plm_error err = {0};
        bool ok = plm_lock_try(store.state_fd, NAME, &lock, &err);
        if (!keep)
            plm_lock_release(&lock, false);
        (void)!write(ends[1], ok ? "y" : "n", 1);
        (void)pause();
        _exit(0);
    }
    assert_int_equal(read(ends[0], &told, 1), 1);
    assert_int_equal(told, 'y');
    (void)close(ends[0]);
    (void)close(ends[1]);
    return child;
}

static void end(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_holders_death_frees_it(void **state)
{
    (void)state;
    pid_t child = holder(true);
    assert_true(is_busy());
    assert_int_equal(plm_lock_holder(store.state_fd, NAME), child);
    end(child);
    assert_false(is_busy());
}

static void a_lock_is_used_while_its_last_holder_lives(void **state)
{
    (void)state;
    assert_false(plm_lock_is_used(store.state_fd, NAME));
    assert_false(has_file(store.state_fd, NAME));
    for (int keep = 0; keep < 2; keep++) {
        pid_t child = holder(keep);
        assert_true(plm_lock_is_used(store.state_fd, NAME));
        assert_int_equal(is_busy(), keep);
        end(child);
        put_text(store.state_fd, NAME, "");
        assert_false(plm_lock_is_used(store.state_fd, NAME));
    }
    struct plm_lock lock = taken();
    plm_lock_release(&lock, false);
    assert_false(plm_lock_is_used(store.state_fd, NAME)); /* it is not another process */
    assert_int_equal(unlinkat(store.state_fd, NAME, 0), 0);
    assert_int_equal(mkdirat(store.state_fd, NAME, 0755), 0);
    assert_false(plm_lock_is_used(store.state_fd, NAME));
}

static void what_is_no_plain_file_is_no_lock(void **state)
{
    (void)state;
    struct plm_lock lock = PLM_LOCK_INIT;
    struct plm_error err = {0};
    put_text(store.root_fd, "precious", "precious");
    assert_int_equal(symlinkat("../precious", store.state_fd, NAME), 0);
    assert_false(plm_lock_try(store.state_fd, NAME, &lock, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    assert_int_equal(lock.fd, -1);
    assert_file(store.root_fd, "precious", "precious", 8);
}

static void a_holder_that_is_no_number_is_nobody(void **state)
{
    (void)state;
    const char *texts[] = {"", "x", "-5", "0", "one 1"};
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        put_text(store.state_fd, NAME, texts[i]);
        assert_int_equal(plm_lock_holder(store.state_fd, NAME), 0);
    }
    put_text(store.state_fd, NAME, "123\n");
    assert_int_equal(plm_lock_holder(store.state_fd, NAME), 123);
}

static void a_lock_is_held_as_long_as_its_holder_wants(void **state)
{
    (void)state;
    struct plm_lock lock = PLM_LOCK_INIT;
    struct plm_error err = {0};
    assert_false(plm_lock_is_held(store.state_fd, NAME));
    assert_true(plm_lock_try(store.state_fd, NAME, &lock, &err));
    assert_true(plm_lock_is_held(store.state_fd, NAME));
    plm_lock_release(&lock, false);
    assert_false(plm_lock_is_held(store.state_fd, NAME));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_lock_has_one_holder),
        WITH_STORE(its_file_goes_when_asked),
        WITH_STORE(a_lock_on_a_file_that_lost_its_name_is_not_taken_for_the_name),
        WITH_STORE(two_owners_cannot_be_even_when_the_file_comes_and_goes),
        WITH_STORE(a_holders_death_frees_it),
        WITH_STORE(a_lock_is_used_while_its_last_holder_lives),
        WITH_STORE(what_is_no_plain_file_is_no_lock),
        WITH_STORE(a_lock_is_held_as_long_as_its_holder_wants),
        WITH_STORE(a_holder_that_is_no_number_is_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
