#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/os.h"
#include "os/process.h"
#include "program_scripts.h"

#define PATIENCE_MS 20000

static volatile sig_atomic_t is_asked;

static bool look(void *ctx)
{
    (void)ctx;
    return is_asked;
}

static bool run(const char *input, size_t input_size, int64_t timeout_ms, struct plm_buf *out,
                int *status, struct plm_error *err)
{
    static const char *const arguments[] = {"program", "get", NULL};
    const struct plm_process_request request = {.arguments = arguments,
                                                .input = input,
                                                .input_size = input_size,
                                                .timeout_ms = timeout_ms,
                                                .end = {.is_made = look}};
    return plm_process_run(&request, out, status, err);
}

static void input_output_and_status_are_passed(void **state)
{
    (void)state;
    struct plm_buf out = PLM_BUF_INIT(1000);
    struct plm_error err = {0};
    int status = -1;
    script_make("program", "echo \"$1:$(cat)\"; echo hidden >&2; exit 3");
    assert_true(run("secret", 6, PATIENCE_MS, &out, &status, &err));
    assert_string_equal(out.bytes, "get:secret\n");
    assert_int_equal(status, 3);
    plm_buf_wipe(&out);
}

static void a_program_that_is_ended_by_a_signal_is_told_apart(void **state)
{
    (void)state;
    struct plm_buf out = PLM_BUF_INIT(1000);
    struct plm_error err = {0};
    int status = -1;
    script_make("program", "kill -9 $$");
    assert_true(run("", 0, PATIENCE_MS, &out, &status, &err));
    assert_int_equal(status, 128 + SIGKILL);
    plm_buf_wipe(&out);
}

static void a_missing_program_is_named(void **state)
{
    (void)state;
    struct plm_buf out = PLM_BUF_INIT(1000);
    struct plm_error err = {0};
    int status = -1;
    assert_false(run("", 0, PATIENCE_MS, &out, &status, &err));
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "program"));
    assert_int_equal(status, -1);
}

static void too_much_output_ends_the_program(void **state)
{
    (void)state;
    struct plm_buf out = PLM_BUF_INIT(1000);
    struct plm_error err = {0};
    int status = -1;
    script_make("program", "while :; do echo 0123456789; done");
    assert_false(run("", 0, PATIENCE_MS, &out, &status, &err));
    assert_int_equal(err.code, PLM_E_LIMIT);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing of it is left */
    plm_buf_wipe(&out);
}

static void a_program_that_takes_too_long_is_ended(void **state)
{
    (void)state;
    struct plm_buf out = PLM_BUF_INIT(1000);
    struct plm_error err = {0};
    int status = -1;
    script_make("program", "exec sleep 1000");
    assert_false(run("", 0, 100, &out, &status, &err));
    assert_int_equal(err.code, PLM_E_BUSY);
    /* one that closes its output and stays */
    err = (struct plm_error){0};
    script_make("program", "exec >/dev/null; exec sleep 1000");
    assert_false(run("", 0, 100, &out, &status, &err));
    assert_int_equal(err.code, PLM_E_BUSY);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void on_alarm(int number)
{
    is_asked = number == SIGALRM;
}

static void catch_one(int number)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(number, &action, NULL), 0);
    is_asked = 0;
}

static void a_request_to_end_ends_it_in_every_phase(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "kill -ALRM $PPID; exec sleep 1000",                    /* it says nothing */
        "exec >/dev/null; kill -ALRM $PPID; exec sleep 1000",   /* nothing can come any more */
        "kill -ALRM $PPID; while :; do echo; sleep 0.01; done", /* it talks on */
        "kill -ALRM $PPID; exit 1",                             /* Ctrl+C ended it, too */
    };
    for (size_t i = 0; i < PLM_COUNT(scripts); i++) {
        struct plm_buf out = PLM_BUF_INIT(100000);
        struct plm_error err = {0};
        int status = -1;
        int64_t begin_ms = plm_os_monotonic_ms();
        script_make("program", scripts[i]);
        catch_one(SIGALRM);
        assert_false(run("", 0, PATIENCE_MS, &out, &status, &err));
        assert_int_equal(err.code, PLM_E_INTERRUPTED);
        assert_true(plm_os_monotonic_ms() - begin_ms < PATIENCE_MS / 4);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        plm_buf_wipe(&out);
    }
    is_asked = 0;
}

static void a_request_that_came_before_is_seen(void **state)
{
    (void)state;
    struct plm_buf out = PLM_BUF_INIT(1000);
    struct plm_error err = {0};
    int status = -1;
    script_make("program", "exec sleep 1000");
    is_asked = 1;
    assert_false(run("", 0, PATIENCE_MS, &out, &status, &err));
    is_asked = 0;
    assert_int_equal(err.code, PLM_E_INTERRUPTED);
}

static void a_signal_that_asks_for_no_end_disturbs_nothing(void **state)
{
    (void)state;
    struct plm_buf out = PLM_BUF_INIT(1000);
    struct plm_error err = {0};
    int status = -1;
    script_make("program", "kill -USR1 $PPID; sleep 0.02; echo said; exec >/dev/null\n"
                           "kill -USR1 $PPID; sleep 0.02; exit 5");
    catch_one(SIGUSR1);
    assert_true(run("", 0, PATIENCE_MS, &out, &status, &err));
    assert_string_equal(out.bytes, "said\n");
    assert_int_equal(status, 5);
    plm_buf_wipe(&out);
}

static void input_that_nobody_reads_does_no_harm(void **state)
{
    (void)state;
    static char large[30000];
    struct plm_buf out = PLM_BUF_INIT(1000);
    struct plm_error err = {0};
    int status = -1;
    memset(large, 'x', sizeof(large));
    script_make("program", "exec <&-; exit 0");
    assert_true(run(large, sizeof(large), PATIENCE_MS, &out, &status, &err));
    assert_int_equal(status, 0);
    plm_buf_wipe(&out);
}

static void input_that_no_pipe_holds_is_refused(void **state)
{
    (void)state;
    struct plm_buf out = PLM_BUF_INIT(1000);
    struct plm_error err = {0};
    int status = -1;
    char *huge = calloc(1, 4u << 20);
    assert_non_null(huge);
    script_make("program", "exit 0");
    assert_false(run(huge, 4u << 20, PATIENCE_MS, &out, &status, &err));
    assert_int_equal(err.code, PLM_E_LIMIT);
    free(huge);
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(input_output_and_status_are_passed),
        WITH_SCRATCH(a_program_that_is_ended_by_a_signal_is_told_apart),
        WITH_SCRATCH(a_missing_program_is_named),
        WITH_SCRATCH(too_much_output_ends_the_program),
        WITH_SCRATCH(a_program_that_takes_too_long_is_ended),
        WITH_SCRATCH(a_request_to_end_ends_it_in_every_phase),
        WITH_SCRATCH(a_request_that_came_before_is_seen),
        WITH_SCRATCH(a_signal_that_asks_for_no_end_disturbs_nothing),
        WITH_SCRATCH(input_that_nobody_reads_does_no_harm),
        WITH_SCRATCH(input_that_no_pipe_holds_is_refused),
    };
    return cmocka_run_group_tests_name("posix_process", tests, NULL, NULL);
}
