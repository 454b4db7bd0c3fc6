#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/signals.h"

enum { FINE = 40, WRONG = 41 };

/* Runs body in a process of its own, and returns its exit status. */
static bool is_patient;

static int in_child(void (*body)(int read_fd), struct plm_screen *screen)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct plm_error err = {0};
        int read_fd;
        if (!plm_signals_catch(screen, is_patient, &read_fd, &err))
            _exit(WRONG);
        body(read_fd);
        _exit(FINE);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_byte(int read_fd)
{
    char byte;
    if (read(read_fd, &byte, 1) != 1)
        _exit(WRONG);
}

static int64_t now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void end_by(int number, int read_fd)
{
    (void)raise(number);
    expect_byte(read_fd);
}

static void interrupt_once(int read_fd)
{
    end_by(SIGINT, read_fd);
}

static void terminate_once(int read_fd)
{
    end_by(SIGTERM, read_fd);
}

static void hang_up_once(int read_fd)
{
    end_by(SIGHUP, read_fd);
}

static void the_first_signal_makes_the_pipe_readable(void **state)
{
    (void)state;
    struct plm_screen screen = {.out_fd = -1};
    assert_int_equal(in_child(interrupt_once, &screen), FINE);
    assert_int_equal(in_child(terminate_once, &screen), FINE);
    assert_int_equal(in_child(hang_up_once, &screen), FINE);
}

static void interrupt_and_terminate(int read_fd)
{
    end_by(SIGINT, read_fd);
    (void)raise(SIGTERM);
}

static void interrupt_twice(int read_fd)
{
    end_by(SIGINT, read_fd);
    for (int64_t began = now_ms(); now_ms() - began < 60;)
        continue; /* a later request, not the same one doubled */
    (void)raise(SIGINT);
}

static void a_second_signal_restores_the_terminal_and_exits_with_1(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct plm_screen screen = {.out_fd = ends[1], .cursor_hidden = 1};
    char text[64];

    assert_int_equal(in_child(interrupt_and_terminate, &screen), 1);
    ssize_t length = read(ends[0], text, sizeof(text));
    assert_true(length > 6);
    assert_memory_equal(text, "\x1b[?25h", 6);

    assert_int_equal(in_child(interrupt_twice, &screen), 1);
    assert_int_equal(read(ends[0], text, sizeof(text)), length);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void terminate_doubled(int read_fd)
{
    (void)raise(SIGTERM);
    (void)raise(SIGTERM);
    expect_byte(read_fd);
}

static void one_request_that_comes_doubled_is_one(void **state)
{
    (void)state;
    struct plm_screen screen = {.out_fd = -1};
    int status = WRONG;
    for (int tries = 0; status != FINE && tries < 5; tries++)
        status = in_child(terminate_doubled, &screen); /* a busy machine may part the two */
    assert_int_equal(status, FINE);
}

static void expect_request(char expected, int number, int read_fd)
{
    char byte = 0;
    for (int64_t began = now_ms(); now_ms() - began < 60;)
        continue;
    (void)raise(number);
    if (read(read_fd, &byte, 1) != 1 || byte != expected)
        _exit(WRONG);
}

static void interrupt_three_times(int read_fd)
{
    expect_request(PLM_SIGNAL_PAUSE, SIGINT, read_fd);
    if (plm_signals_came())
        _exit(WRONG);
    expect_request(PLM_SIGNAL_STOP, SIGINT, read_fd);
    if (!plm_signals_came())
        _exit(WRONG);
    expect_request(0, SIGINT, read_fd); /* it ends in the handler */
}

static void terminate_patient(int read_fd)
{
    expect_request(PLM_SIGNAL_STOP, SIGTERM, read_fd);
}

static void interrupt_then_terminate(int read_fd)
{
    expect_request(PLM_SIGNAL_PAUSE, SIGINT, read_fd);
    expect_request(PLM_SIGNAL_STOP, SIGTERM, read_fd);
}

static void the_patient_pause_first_then_stop_then_end(void **state)
{
    (void)state;
    struct plm_screen screen = {.out_fd = -1};
    is_patient = true;
    assert_int_equal(in_child(interrupt_three_times, &screen), 1);
    assert_int_equal(in_child(terminate_patient, &screen), FINE);
    assert_int_equal(in_child(interrupt_then_terminate, &screen), FINE);
    is_patient = false;
}

static void hang_up_is_ignored(int read_fd)
{
    (void)raise(SIGHUP);
    end_by(SIGTERM, read_fd); /* the first signal, not the second */
}

static void a_hang_up_that_nohup_ignores_stays_ignored(void **state)
{
    (void)state;
    struct plm_screen screen = {.out_fd = -1};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    assert_int_equal(sigaction(SIGHUP, &ignore, &old), 0);
    int status = in_child(hang_up_is_ignored, &screen);
    assert_int_equal(sigaction(SIGHUP, &old, NULL), 0);
    assert_int_equal(status, FINE);
}

static void write_to_nobody(int read_fd)
{
    int ends[2];
    (void)read_fd;
    plm_signals_ignore_pipe();
    if (pipe(ends) != 0 || close(ends[0]) != 0 || write(ends[1], "x", 1) != -1)
        _exit(WRONG);
}

static void a_closed_pipe_does_not_kill(void **state)
{
    (void)state;
    struct plm_screen screen = {.out_fd = -1};
    assert_int_equal(in_child(write_to_nobody, &screen), FINE);
}

static void suspending_restores_the_terminal_and_goes_on(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct plm_screen screen = {.out_fd = ends[1], .cursor_hidden = 1};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct plm_error err = {0};
        int read_fd;
        (void)setpgid(0, 0); /* a job of its own; its parent is not of its group: not orphaned */
        if (!plm_signals_catch(&screen, false, &read_fd, &err))
            _exit(WRONG);
        (void)raise(SIGTSTP);
        if (!screen.disturbed || screen.cursor_hidden)
            _exit(WRONG);
        end_by(SIGTERM, read_fd);
        _exit(FINE);
    }
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    char text[64];
    assert_true(read(ends[0], text, sizeof(text)) > 6);
    if (WIFSTOPPED(status)) {
        assert_int_equal(kill(child, SIGCONT), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), FINE);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    (void)signal(SIGHUP, SIG_DFL); /* whoever runs this may have it ignored, as nohup does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_signal_makes_the_pipe_readable),
        cmocka_unit_test(a_second_signal_restores_the_terminal_and_exits_with_1),
        cmocka_unit_test(one_request_that_comes_doubled_is_one),
        cmocka_unit_test(the_patient_pause_first_then_stop_then_end),
        cmocka_unit_test(a_hang_up_that_nohup_ignores_stays_ignored),
        cmocka_unit_test(a_closed_pipe_does_not_kill),
        cmocka_unit_test(suspending_restores_the_terminal_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
