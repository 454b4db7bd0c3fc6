#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/screen.h"

/* A pseudo-terminal, whose far end shows what was written. */
struct pty {
    int near, far;
};

static void open_pty(struct pty *pty)
{
    pty->far = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(pty->far >= 0);
    assert_int_equal(grantpt(pty->far), 0);
    assert_int_equal(unlockpt(pty->far), 0);
    pty->near = open(ptsname(pty->far), O_RDWR | O_NOCTTY);
    assert_true(pty->near >= 0);
}

static void close_pty(struct pty *pty)
{
    close(pty->near);
    close(pty->far);
}

static char *modern(const char *name)
{
    static char term[] = "xterm-256color", depth[] = "truecolor", lang[] = "de_DE.utf8";
    if (strcmp(name, "TERM") == 0)
        return term;
    if (strcmp(name, "COLORTERM") == 0)
        return depth;
    return strcmp(name, "LANG") == 0 ? lang : NULL;
}

static char *no_color(const char *name)
{
    static char one[] = "1";
    return strcmp(name, "NO_COLOR") == 0 ? one : modern(name);
}

static char *dumb(const char *name)
{
    static char term[] = "dumb";
    return strcmp(name, "TERM") == 0 ? term : modern(name);
}

static char *in_ci(const char *name)
{
    static char yes[] = "true";
    return strcmp(name, "CI") == 0 ? yes : modern(name);
}

static char *posix_locale(const char *name)
{
    static char c[] = "C";
    return strcmp(name, "LC_ALL") == 0 ? c : modern(name);
}

static char *empty(const char *name)
{
    (void)name;
    return NULL;
}

static void a_modern_terminal_can_everything(void **state)
{
    (void)state;
    struct pty pty;
    open_pty(&pty);
    struct winsize size = {.ws_col = 123, .ws_row = 45};
    assert_int_equal(ioctl(pty.far, TIOCSWINSZ, &size), 0);
    struct plm_screen s;
    plm_screen_init(&s, pty.near, pty.near, modern);
    assert_true(s.out_terminal && s.err_terminal && s.colour && s.truecolour);
    assert_true(s.unicode && s.overwrite);
    assert_int_equal(s.width, 123);
    assert_int_equal(s.height, 45);
    assert_false(plm_screen_measure(&s));
    size.ws_col = 20;
    assert_int_equal(ioctl(pty.far, TIOCSWINSZ, &size), 0);
    assert_true(plm_screen_measure(&s));
    assert_int_equal(s.width, 20);
    close_pty(&pty);
}

static void the_environment_takes_away(void **state)
{
    (void)state;
    struct pty pty;
    open_pty(&pty);
    struct plm_screen s;
    plm_screen_init(&s, pty.near, pty.near, no_color);
    assert_true(!s.colour && s.overwrite && s.unicode);
    plm_screen_init(&s, pty.near, pty.near, dumb);
    assert_true(!s.colour && !s.overwrite);
    plm_screen_init(&s, pty.near, pty.near, in_ci);
    assert_true(s.colour && !s.overwrite);
    plm_screen_init(&s, pty.near, pty.near, posix_locale);
    assert_false(s.unicode);
    close_pty(&pty);
}

static void a_pipe_can_nothing(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct plm_screen s;
    plm_screen_init(&s, fds[1], fds[1], modern);
    assert_false(s.out_terminal || s.err_terminal || s.colour || s.overwrite);
    assert_true(s.unicode);
    assert_int_equal(s.width, 80);
    plm_screen_init(&s, fds[1], fds[1], empty);
    assert_false(s.unicode);
    plm_screen_init(&s, -1, -1, modern);
    assert_false(s.out_terminal || s.err_terminal);
    close(fds[0]);
    close(fds[1]);
}

static void restore_shows_the_cursor_once(void **state)
{
    (void)state;
    int fds[2];
    char text[64] = "";
    assert_int_equal(pipe(fds), 0);
    struct plm_screen s = {.out_fd = fds[1], .cursor_hidden = 1};
    plm_screen_restore(&s);
    plm_screen_restore(&s);
    close(fds[1]);
    assert_int_equal(read(fds[0], text, sizeof(text) - 1), 12);
    assert_string_equal(text, "\x1b[?25h\x1b[0m\r\n");
    assert_int_equal(s.cursor_hidden, 0);
    assert_int_equal(s.disturbed, 1);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_modern_terminal_can_everything),
        cmocka_unit_test(the_environment_takes_away),
        cmocka_unit_test(a_pipe_can_nothing),
        cmocka_unit_test(restore_shows_the_cursor_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
