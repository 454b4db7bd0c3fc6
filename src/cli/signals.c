/* Owns what the program does when a signal comes. */
#include "cli/signals.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

/* timeout(1) and some supervisors send one and the same request twice, to the process and to its
 * group; no person presses a key twice within this time. */
#define SAME_REQUEST_MS 50

enum stage { RUNNING, PAUSING, STOPPING };

/* A handler gets no context: this is the only way to it. Set before the handlers are. */
static struct {
    struct plm_screen *screen;
    int write_fd;
    bool is_patient;
    atomic_int stage;
    volatile sig_atomic_t last_signal;
    int64_t last_ms;
} caught;

static int64_t now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* False: the stage is another one by now, because a signal came in between. */
static bool go_on_to(int from, int stage, int number)
{
    if (!atomic_compare_exchange_strong(&caught.stage, &from, stage))
        return false;
    char byte = stage == PAUSING ? PLM_SIGNAL_PAUSE : PLM_SIGNAL_STOP;
    caught.last_ms = now_ms();
    caught.last_signal = number;
    ssize_t written = write(caught.write_fd, &byte, 1);
    (void)written; /* a pipe with room takes a byte */
    return true;
}

static void on_end(int number)
{
    int saved = errno, stage;
    do {
        stage = atomic_load(&caught.stage);
        if (stage != RUNNING && number == caught.last_signal &&
            now_ms() - caught.last_ms < SAME_REQUEST_MS)
            break;
        if (stage == STOPPING) {
            plm_screen_restore(caught.screen);
            _exit(1);
        }
    } while (!go_on_to(
        stage, stage == RUNNING && caught.is_patient && number == SIGINT ? PAUSING : STOPPING,
        number));
    errno = saved;
}

static void on_suspend(int number)
{
    int saved = errno;
    struct sigaction ours, theirs = {.sa_handler = SIG_DFL};
    sigset_t it, blocked;
    plm_screen_restore(caught.screen);
    (void)sigaction(number, &theirs, &ours);
    (void)sigemptyset(&it);
    (void)sigaddset(&it, number);
    /* Blocked, it would come after the handler is back in its place, and so without end. */
    (void)pthread_sigmask(SIG_UNBLOCK, &it, &blocked);
    (void)raise(number); /* stops here, until SIGCONT */
    /* cppcheck-suppress unreachableCode ; it goes on after SIGCONT */
    (void)sigaction(number, &ours, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    caught.screen->disturbed = 1;
    errno = saved;
}

void plm_signals_ignore_pipe(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &action, NULL);
}

static bool catch_one(int number, void (*handler)(int), bool even_if_ignored, struct plm_error *err)
{
    struct sigaction old, action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) != 0)
        return plm_fail_sys(err, errno, "look at signal %d", number);
    if (old.sa_handler == SIG_IGN && !even_if_ignored)
        return true;
    if (sigaction(number, &action, NULL) != 0)
        return plm_fail_sys(err, errno, "catch signal %d", number);
    return true;
}

bool plm_signals_catch(struct plm_screen *screen, bool is_patient, int *read_fd,
                       struct plm_error *err)
{
    int ends[2];
    if (pipe(ends) != 0)
        return plm_fail_sys(err, errno, "make a pipe for signals");
    caught.screen = screen;
    caught.is_patient = is_patient;
    caught.write_fd = ends[1];
    if (!catch_one(SIGINT, on_end, true, err) || !catch_one(SIGTERM, on_end, true, err) ||
        !catch_one(SIGHUP, on_end, false, err) || !catch_one(SIGTSTP, on_suspend, false, err))
        return false;
    *read_fd = ends[0];
    return true;
}

bool plm_signals_came(void)
{
    return atomic_load(&caught.stage) == STOPPING;
}
