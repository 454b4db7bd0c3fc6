/* The terminal's capabilities, size and state. */
#include "cli/screen.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define HEIGHT_DEFAULT 24

static const char *value_of(char *(*env)(const char *name), const char *name)
{
    const char *value = env(name);
    return value ? value : "";
}

/* The first of the three that is set decides, as setlocale() has it. Where none is set, terminals
 * are taken for what nearly all of them are, and files are kept to ASCII. */
static bool is_utf8(char *(*env)(const char *name), bool terminal)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < PLM_COUNT(names); i++) {
        const char *value = value_of(env, names[i]);
        if (*value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return terminal;
}

void plm_screen_init(struct plm_screen *screen, int out_fd, int err_fd,
                     char *(*env)(const char *name))
{
    const char *term = value_of(env, "TERM"), *depth = value_of(env, "COLORTERM");
    bool dumb = !*term || strcmp(term, "dumb") == 0;
    bool terminal = out_fd >= 0 && isatty(out_fd);
    *screen = (struct plm_screen){
        .out_fd = out_fd,
        .out_terminal = terminal,
        .err_terminal = err_fd >= 0 && isatty(err_fd),
        .colour = terminal && !dumb && !*value_of(env, "NO_COLOR"),
        .truecolour = strcasecmp(depth, "truecolor") == 0 || strcasecmp(depth, "24bit") == 0 ||
                      strstr(term, "direct"),
        .unicode = is_utf8(env, terminal && !dumb),
        .overwrite = terminal && !dumb && !*value_of(env, "CI"),
        .width = WIDTH_DEFAULT,
        .height = HEIGHT_DEFAULT,
    };
    (void)plm_screen_measure(screen);
}

bool plm_screen_measure(struct plm_screen *screen)
{
    struct winsize size;
    if (!screen->out_terminal || screen->out_fd < 0 ||
        ioctl(screen->out_fd, TIOCGWINSZ, &size) != 0)
        return false;
    unsigned width = size.ws_col ? size.ws_col : WIDTH_DEFAULT;
    unsigned height = size.ws_row ? size.ws_row : HEIGHT_DEFAULT;
    bool changed = width != screen->width || height != screen->height;
    screen->width = width;
    screen->height = height;
    return changed;
}

bool plm_screen_hide_echo(struct plm_screen *screen, int fd)
{
    struct termios hidden;
    if (tcgetattr(fd, &hidden) != 0)
        return false;
    if (!screen->echo_hidden)
        screen->typing = hidden;
    screen->in_fd = fd;
    screen->echo_hidden = 1;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(fd, TCSAFLUSH, &hidden) == 0)
        return true;
    screen->echo_hidden = 0;
    return false;
}

void plm_screen_show_echo(struct plm_screen *screen)
{
    if (!screen->echo_hidden)
        return;
    int saved = errno;
    screen->echo_hidden = 0;
    (void)tcsetattr(screen->in_fd, TCSANOW, &screen->typing);
    errno = saved;
}

void plm_screen_restore(struct plm_screen *screen)
{
    static const char text[] = "\x1b[?25h\x1b[0m\r\n";
    plm_screen_show_echo(screen);
    if (!screen->cursor_hidden || screen->out_fd < 0)
        return;
    int saved = errno;
    screen->cursor_hidden = 0;
    screen->disturbed = 1;
    ssize_t ignored = write(screen->out_fd, text, sizeof(text) - 1);
    (void)ignored; /* nothing else can be done where signals are served */
    errno = saved;
}
