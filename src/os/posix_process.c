/* Other programs on POSIX systems: two pipes, a deadline, and an exit status. */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"

#define PIECE 4096
/* A request to end that comes just before we wait is seen after so long. */
#define SLICE_MS 100

extern char **environ;

/* What the program writes comes from `from`; -1 for what is closed or not there. */
struct running {
    int from;
    pid_t pid;
    const char *name;
    struct plm_end_request end;
    int64_t looked_ms, left_ms;
};

/* The ends that the program does not get are closed in it by themselves. */
static bool make_pipe(int ends[2], struct plm_error *err)
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return plm_fail_sys(err, errno, "make a pipe");
    return true;
}

/* What we ignore or catch is nothing that the program should inherit. */
static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGPIPE);
    int failed = posix_spawnattr_setsigdefault(attributes, &signals);
    return failed ? failed : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF);
}

static int spawn(const char *const *arguments, int in, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        if ((failed = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO)) == 0 &&
            (failed = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO)) == 0 &&
            (failed = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                                       O_WRONLY, 0)) == 0 &&
            (failed = set_signals(&attributes)) == 0)
            failed = posix_spawnp(pid, arguments[0], &actions, &attributes,
                                  (char *const *)(uintptr_t)arguments, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* The input is in the pipe before the program runs: nobody has to feed it, and there is no broken
 * pipe when it does not read. */
static bool fill(int fd, const struct plm_process_request *request, struct plm_error *err)
{
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return plm_fail_sys(err, errno, "set up a pipe");
    ssize_t put = request->input_size > 0 ? write(fd, request->input, request->input_size) : 0;
    if (put < 0)
        return plm_fail_sys(err, errno, "write to %s", request->arguments[0]);
    return (size_t)put == request->input_size ||
           plm_fail(err, PLM_E_LIMIT, "%zu bytes are too many for %s", request->input_size,
                    request->arguments[0]);
}

static bool start(const struct plm_process_request *request, struct running *out,
                  struct plm_error *err)
{
    int in[2] = {-1, -1}, from[2] = {-1, -1};
    bool ok = make_pipe(in, err) && make_pipe(from, err) && fill(in[1], request, err);
    plm_os_close(in[1]);
    if (ok) {
        int failed = spawn(request->arguments, in[0], from[1], &out->pid);
        ok = failed == 0 || plm_fail_sys(err, failed, "start %s", request->arguments[0]);
    }
    plm_os_close(in[0]);
    plm_os_close(from[1]);
    out->from = from[0];
    return ok;
}

static bool collect(struct running *run, struct plm_buf *out, struct plm_error *err)
{
    char piece[PIECE];
    ssize_t got = read(run->from, piece, sizeof(piece));
    bool ok = true;
    if (got > 0) {
        ok = plm_buf_append(out, piece, (size_t)got, err) ||
             plm_prefix(err, "what %s says", run->name);
    } else if (got == 0 || errno != EINTR) {
        plm_os_close(run->from);
        run->from = -1;
    }
    explicit_bzero(piece, sizeof(piece));
    return ok;
}

static bool is_ending(const struct running *run)
{
    return run->end.is_made && run->end.is_made(run->end.ctx);
}

static bool fail_by_request(const struct running *run, struct plm_error *err)
{
    return plm_fail(err, PLM_E_INTERRUPTED, "stopped while %s ran", run->name);
}

/* More than a slice passes at once when we were stopped, and the program with us. */
static bool has_time(struct running *run)
{
    int64_t now_ms = plm_os_monotonic_ms(), spent_ms = now_ms - run->looked_ms;
    run->looked_ms = now_ms;
    run->left_ms -= spent_ms < SLICE_MS ? spent_ms : SLICE_MS;
    return run->left_ms > 0;
}

static bool converse(struct running *run, const struct plm_process_request *request,
                     struct plm_buf *out, struct plm_error *err)
{
    while (run->from >= 0) {
        struct pollfd end = {.fd = run->from, .events = POLLIN};
        if (is_ending(run))
            return fail_by_request(run, err);
        if (!has_time(run))
            return plm_fail(err, PLM_E_BUSY, "%s did not answer in %lld s", run->name,
                            (long long)(request->timeout_ms / 1000));
        int ready = poll(&end, 1, run->left_ms < SLICE_MS ? (int)run->left_ms : SLICE_MS);
        if (ready < 0 && errno != EINTR)
            return plm_fail_sys(err, errno, "wait for %s", run->name);
        if (ready > 0 && !collect(run, out, err))
            return false;
    }
    return true;
}

/* It has closed its output: it ends by itself, or has to. Ctrl+C reaches it as well as us: what it
 * says by its status then is not that it failed. */
static bool reap(struct running *run, int *status, struct plm_error *err)
{
    int how = 0;
    for (;;) {
        pid_t ended = waitpid(run->pid, &how, WNOHANG);
        if (ended == run->pid)
            break;
        if (ended < 0 && errno != EINTR)
            return plm_fail_sys(err, errno, "wait for %s", run->name);
        if (is_ending(run))
            return fail_by_request(run, err);
        if (!has_time(run))
            return plm_fail(err, PLM_E_BUSY, "%s does not end", run->name);
        (void)poll(NULL, 0, 1);
    }
    run->pid = -1;
    if (how != 0 && is_ending(run))
        return fail_by_request(run, err);
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + (WIFSIGNALED(how) ? WTERMSIG(how) : 0);
    return true;
}

static void end(struct running *run)
{
    plm_os_close(run->from);
    if (run->pid <= 0)
        return;
    (void)kill(run->pid, SIGKILL);
    while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

bool plm_process_run(const struct plm_process_request *request, struct plm_buf *out, int *status,
                     struct plm_error *err)
{
    struct running run = {.from = -1,
                          .pid = -1,
                          .name = request->arguments[0],
                          .end = request->end,
                          .looked_ms = plm_os_monotonic_ms(),
                          .left_ms = request->timeout_ms};
    bool ok =
        start(request, &run, err) && converse(&run, request, out, err) && reap(&run, status, err);
    end(&run);
    return ok;
}
