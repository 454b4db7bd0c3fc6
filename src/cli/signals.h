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

/** What read_fd gives: one of these bytes for each request. */
#define PLM_SIGNAL_PAUSE 'p'
#define PLM_SIGNAL_STOP 's'

/**
 * Starts to catch signals.
 *
 * @param screen      borrowed until the process ends: a signal that ends it restores the screen.
 * @param is_patient  a first SIGINT asks for a pause, a second one for the graceful end.
 * @param read_fd     becomes readable with each request; it is never closed.
 */
PLM_MUST bool plm_signals_catch(struct plm_screen *screen, bool is_patient, int *read_fd,
                                struct plm_error *err);

/** Whether the graceful end was asked for. */
bool plm_signals_came(void);
