/**
 * The terminal: what it can do, how large it is, and how it is put back in order.
 *
 * The program keeps one `struct plm_screen` where a signal handler can reach it; the view borrows
 * it.
 */
#pragma once

#include <signal.h>
#include <termios.h>

#include "pullama/defs.h"

struct plm_screen {
    int out_fd; /**< -1: none (output into memory) */
    bool out_terminal;
    bool err_terminal;
    bool colour;     /**< escape sequences for colours may be used */
    bool truecolour; /**< 24-bit colours; otherwise the 16 basic ones */
    bool unicode;    /**< more than ASCII may be printed */
    bool overwrite;  /**< lines that were drawn may be drawn again */
    unsigned width;  /**< cells; 80 when unknown */
    unsigned height; /**< lines; 24 when unknown */
    volatile sig_atomic_t cursor_hidden;
    volatile sig_atomic_t echo_hidden; /**< what is typed on in_fd is not shown */
    int in_fd;
    struct termios typing;           /**< how in_fd was before */
    volatile sig_atomic_t disturbed; /**< the drawn area is not where it was: begin a new one */
};

/**
 * Looks at two descriptors and the environment: NO_COLOR, TERM, COLORTERM, CI, LC_ALL, LC_CTYPE,
 * LANG.
 *
 * @param env  getenv(), or a test's.
 */
void plm_screen_init(struct plm_screen *screen, int out_fd, int err_fd,
                     char *(*env)(const char *name));

/** Reads width and height again; true when one has changed. */
bool plm_screen_measure(struct plm_screen *screen);

/** Keeps what is typed on a terminal from being shown; errno when that cannot be done. */
bool plm_screen_hide_echo(struct plm_screen *screen, int fd);
/** Undoes it, if it was done. Async-signal-safe. */
void plm_screen_show_echo(struct plm_screen *screen);

/**
 * Shows what is typed, shows the cursor, resets the colours and ends the line that is being drawn,
 * if a view left them otherwise. Async-signal-safe: for a second SIGINT, before stopping (SIGTSTP),
 * before abort().
 */
void plm_screen_restore(struct plm_screen *screen);
