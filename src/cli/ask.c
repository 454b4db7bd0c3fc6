/* Owns the questions for a user name and a password. */
#include "cli/ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Waits for input, or for the end. What a suspended program's terminal forgot is set again. */
static bool wait_for_input(const struct plm_ask *ask, bool hidden, struct plm_error *err)
{
    for (;;) {
        struct pollfd fds[2] = {{.fd = ask->in_fd, .events = POLLIN},
                                {.fd = ask->signal_fd, .events = POLLIN}};
        int ready = poll(fds, 2, -1);
        if (ready < 0 && errno != EINTR)
            return plm_fail_sys(err, errno, "wait for an answer");
        if (ready > 0 && fds[1].revents)
            return plm_fail(err, PLM_E_INTERRUPTED, "stopped on request");
        if (ready > 0)
            return true;
        if (hidden)
            (void)plm_screen_hide_echo(ask->screen, ask->in_fd);
    }
}

/* Reads a line, or with @p all everything; without the newline at its end. */
static bool read_answer(const struct plm_ask *ask, bool all, bool hidden, char out[PLM_ASK_MAX],
                        struct plm_error *err)
{
    size_t used = 0;
    for (;;) {
        if (!wait_for_input(ask, hidden, err))
            return false;
        ssize_t got = read(ask->in_fd, out + used, PLM_ASK_MAX - 1 - used);
        if (got < 0 && errno != EINTR)
            return plm_fail_sys(err, errno, "read the answer");
        used += got > 0 ? (size_t)got : 0;
        if (got == 0 || (!all && used > 0 && out[used - 1] == '\n'))
            break;
        if (used == PLM_ASK_MAX - 1)
            return plm_fail(err, PLM_E_USAGE, "more than %d bytes are no password",
                            PLM_ASK_MAX - 2);
    }
    if (used > 0 && out[used - 1] == '\n')
        used--;
    if (used > 0 && out[used - 1] == '\r')
        used--;
    out[used] = '\0';
    if (strlen(out) != used)
        return plm_fail(err, PLM_E_USAGE, "there is a NUL byte in the answer");
    return used > 0 || plm_fail(err, PLM_E_USAGE, "the answer is empty");
}

static bool ask_for_user(const struct plm_ask *ask, char out[PLM_ASK_MAX], struct plm_error *err)
{
    size_t length = ask->user ? strlen(ask->user) : 0;
    if (length >= PLM_ASK_MAX)
        return plm_fail(err, PLM_E_USAGE, "the user name is too long");
    if (ask->user) {
        memcpy(out, ask->user, length + 1);
        return true;
    }
    if (ask->from_stdin || !isatty(ask->in_fd))
        return plm_fail(err, PLM_E_USAGE, "--username is missing, and there is no one to ask");
    (void)fprintf(ask->out, "user name for %s: ", ask->host);
    (void)fflush(ask->out);
    return read_answer(ask, false, false, out, err);
}

static bool ask_for_password(const struct plm_ask *ask, char out[PLM_ASK_MAX],
                             struct plm_error *err)
{
    if (ask->from_stdin)
        return read_answer(ask, true, false, out, err) || plm_prefix(err, "--password-stdin");
    if (!isatty(ask->in_fd))
        return plm_fail(err, PLM_E_USAGE,
                        "there is no terminal to ask on; --password-stdin reads the password from "
                        "a pipe");
    (void)fprintf(ask->out, "password for %s: ", ask->host);
    (void)fflush(ask->out);
    if (!plm_screen_hide_echo(ask->screen, ask->in_fd))
        return plm_fail_sys(err, errno, "hide what is typed");
    bool ok = read_answer(ask, false, true, out, err);
    plm_screen_show_echo(ask->screen);
    (void)fputc('\n', ask->out);
    return ok;
}

bool plm_ask_login(const struct plm_ask *ask, struct plm_login_words *out, struct plm_error *err)
{
    return ask_for_user(ask, out->user, err) && ask_for_password(ask, out->password, err);
}

void plm_login_words_wipe(struct plm_login_words *words)
{
    explicit_bzero(words, sizeof(*words));
}
