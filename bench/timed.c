/*
 * timed SECONDS RESULT COMMAND… — runs one contender and writes what it cost as one line of RESULT:
 * "wall user sys peak_kib end", end being "exit N", "signal N" or "late" (killed after SECONDS).
 *
 * ru_maxrss of a child begins with its parent's memory at the fork. This parent is so small that
 * the child's own peak is what counts; the figure covers every descendant that was waited for (the
 * largest of them), as the times do (their sum).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at); /* cannot fail for this clock */
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void watched_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

static _Noreturn void become(char **command, const sigset_t *before)
{
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigprocmask(SIG_SETMASK, before, NULL);
    (void)execvp(command[0], command);
    fprintf(stderr, "timed: %s: %s\n", command[0], strerror(errno));
    _exit(127);
}

/* Waits for the child until the deadline. Returns 0 when it ended, else the signal to leave with.
 */
static int wait_until(const sigset_t *watched, double deadline)
{
    for (;;) {
        siginfo_t ended = {0};
        if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0)
            return 0;
        double left = deadline - now_s();
        if (left <= 0)
            return SIGKILL;
        struct timespec wait = {.tv_sec = (time_t)left,
                                .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
        int sig = sigtimedwait(watched, NULL, &wait);
        if (sig > 0 && sig != SIGCHLD)
            return sig;
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: timed SECONDS RESULT COMMAND...\n", stderr);
        return 64;
    }
    FILE *result = fopen(argv[2], "we");
    if (!result) {
        perror(argv[2]);
        return 1;
    }
    sigset_t watched, before;
    watched_signals(&watched);
    (void)sigprocmask(SIG_BLOCK, &watched, &before);

    double start = now_s();
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return 1;
    }
    if (child == 0)
        become(argv + 3, &before);

    int left_by = wait_until(&watched, start + strtod(argv[1], NULL));
    (void)kill(-child, SIGKILL); /* also what the child left behind */
    (void)kill(child, SIGKILL);
    int status;
    struct rusage used;
    while (wait4(child, &status, 0, &used) < 0 && errno == EINTR)
        ;
    double wall = now_s() - start;
    fprintf(result, "%.6f %.6f %.6f %ld ", wall, seconds(used.ru_utime), seconds(used.ru_stime),
            used.ru_maxrss);
    if (left_by == SIGKILL)
        fputs("late\n", result);
    else if (WIFSIGNALED(status))
        fprintf(result, "signal %d\n", WTERMSIG(status));
    else
        fprintf(result, "exit %d\n", WEXITSTATUS(status));
    return fclose(result) == 0 && (left_by == 0 || left_by == SIGKILL) ? 0 : 1;
}
