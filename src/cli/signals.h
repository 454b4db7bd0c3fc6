/**
 * Signals: the first one asks for a graceful end, the second one ends the program at once.
 *
 * SIGINT, SIGTERM and SIGHUP are such; a SIGHUP that is ignored when the program starts stays
 * ignored (nohup). SIGTSTP puts the terminal in order before the program stops. Once a process.
 */
#pragma once

#include "cli/screen.h"
#include "pullama/error.h"

/** Writing to a closed pipe becomes an error of the write. */
void plm_signals_ignore_pipe(void);

/**
 * Starts to catch signals.
 *
 * @param screen   borrowed until the process ends: a second signal restores it.
 * @param read_fd  becomes readable with the first signal; it is never closed.
 */
PLM_MUST bool plm_signals_catch(struct plm_screen *screen, int *read_fd, struct plm_error *err);

/** Whether a signal that ends the program has come. */
bool plm_signals_came(void);
