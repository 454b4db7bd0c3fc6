/**
 * Man page and shell completion, written from the tables of verbs and options when the program is
 * built, so that they cannot drift from what it does. One thread.
 */
#pragma once

#include <stdio.h>

/** pullama(1), for man's macros. */
void plm_man_write(FILE *out);

enum plm_shell { PLM_SHELL_BASH, PLM_SHELL_ZSH, PLM_SHELL_FISH };

/** Completes commands, flags, their values, files, and the names of models that are in the store.
 */
void plm_completion_write(FILE *out, enum plm_shell shell);
