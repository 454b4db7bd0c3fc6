/**
 * The view: shows the events of the engine's jobs, on a terminal, in a pipe, as JSON or for
 * debugging.
 *
 *     plm_screen_init → plm_view_new → plm_engine_new(…, plm_view_sink(view), …)
 *     while (plm_engine_step(…)) plm_view_tick(view);
 *     plm_view_end → plm_view_free
 *
 * Results go to `out`, warnings, retries and failures to `err`. Each failure is printed exactly
 * once, by its FAILED event; who fails before there is an engine calls plm_view_fail(). One thread.
 */
#pragma once

#include <stdio.h>

#include "cli/screen.h"
#include "pullama/event.h"

enum plm_view_mode {
    PLM_VIEW_TABLE,
    PLM_VIEW_COMPACT,
    PLM_VIEW_JSON,
    PLM_VIEW_DEBUG,
    PLM_VIEW_CSV
};

struct plm_view_options {
    enum plm_view_mode mode;
    bool quiet;                /**< errors, and one summary line; no meaning in JSON and debug */
    bool verbose;              /**< retries' details, checkpoints, chunk digests, cached blobs */
    struct plm_screen *screen; /**< borrowed; --no-color is screen->colour = false */
    FILE *out;                 /**< borrowed */
    FILE *err;                 /**< borrowed */
    const char
        *flags; /**< borrowed; flags that the same command needs again, a space behind each */
    const char *models; /**< borrowed; the command's operands when they are several, else NULL */
    const char *slip;   /**< borrowed; hint when there is no such model, or no way to it; or NULL */
    int64_t (*now_ms)(void); /**< a clock that only grows; NULL: the system's */
    /** True: the program is to end, and waits no longer for who reads nothing. NULL: never. */
    bool (*is_ending)(void);
};

struct plm_view;

PLM_MUST bool plm_view_new(const struct plm_view_options *options, struct plm_view **out,
                           struct plm_error *err);
void plm_view_free(struct plm_view *view);
PLM_DEFINE_FREEP(struct plm_view, plm_view)

/** What plm_engine_new() wants. Valid as long as the view. */
struct plm_sink plm_view_sink(struct plm_view *view);

/** Redraws what is due; to be called about 10 times a second, more often costs nothing. */
void plm_view_tick(struct plm_view *view);

/** Shows a failure that no job has had, in the form of the mode, as a FAILED event of @p verb. */
void plm_view_fail(struct plm_view *view, enum plm_verb verb, const struct plm_error *error);

/**
 * Writes what is left and restores the terminal; nothing may be shown afterwards. Call it once.
 *
 * @retval false  something could not be written to `out` (also earlier): PLM_E_IO or PLM_E_NOSPACE.
 */
PLM_MUST bool plm_view_end(struct plm_view *view, struct plm_error *err);
