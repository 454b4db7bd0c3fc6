/**
 * Questions to the person at the terminal: a user name, and a password that is not shown.
 *
 * The terminal is put in order before any signal ends the program. What was typed lies in one
 * buffer.
 */
#pragma once

#include <stdio.h>

#include "cli/screen.h"
#include "pullama/error.h"

#define PLM_ASK_MAX 8192

struct plm_ask {
    const char *host; /**< named in the questions */
    const char *user; /**< NULL: ask for it */
    bool from_stdin;  /**< the password is all that stands on in_fd, but for a newline at its end */
    int in_fd;
    int signal_fd; /**< readable when the program is to end; -1: never */
    struct plm_screen *screen;
    FILE *out; /**< where questions are asked */
};

struct plm_login_words {
    char user[PLM_ASK_MAX], password[PLM_ASK_MAX];
};

/**
 * Gets both. @p out is to be given to plm_login_words_wipe() in any case.
 *
 * @retval false  PLM_E_USAGE when there is nobody to ask or the answer is nothing;
 * PLM_E_INTERRUPTED.
 */
PLM_MUST bool plm_ask_login(const struct plm_ask *ask, struct plm_login_words *out,
                            struct plm_error *err);
void plm_login_words_wipe(struct plm_login_words *words);
