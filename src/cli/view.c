/* The view as its callers see it, and the choice of who shows an event. */
#include "cli/view_parts.h"

#include "cli/verbs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock is always there */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool plm_view_new(const struct plm_view_options *options, struct plm_view **out,
                  struct plm_error *err)
{
    struct plm_view *view = calloc(1, sizeof(*view));
    if (!view)
        return plm_fail(err, PLM_E_NOMEM, "view");
    view->options = *options;
    view->screen = options->screen;
    if (!view->options.now_ms)
        view->options.now_ms = clock_ms;
    if (options->mode == PLM_VIEW_JSON || options->mode == PLM_VIEW_DEBUG ||
        options->mode == PLM_VIEW_CSV)
        view->options.quiet = true;
    view->framed =
        options->mode == PLM_VIEW_TABLE && !view->options.quiet && options->screen->overwrite;
    plm_snapshot_init(&view->snapshot);
    *out = view;
    return true;
}

void plm_view_free(struct plm_view *view)
{
    if (!view)
        return;
    plm_view_list_clear(&view->list);
    plm_view_forget(view, 0);
    plm_page_done(&view->out);
    plm_page_done(&view->err);
    plm_page_done(&view->drawing);
    free(view);
}

/* ---- lines ---- */

unsigned plm_view_frame_width(const struct plm_view *view)
{
    return view->screen->width < PLM_FRAME_MAX ? view->screen->width : PLM_FRAME_MAX;
}

struct plm_line plm_view_line(struct plm_view *view, bool cut)
{
    unsigned width = cut && view->screen->out_terminal ? view->screen->width : 0;
    return plm_line_begin(&view->out, view->screen, view->screen->colour, width);
}

struct plm_line plm_view_err_line(struct plm_view *view, bool cut)
{
    bool terminal = view->screen->err_terminal;
    return plm_line_begin(&view->err, view->screen, view->screen->colour && terminal,
                          cut && terminal ? view->screen->width : 0);
}

bool plm_view_err_framed(const struct plm_view *view)
{
    return view->framed && view->screen->err_terminal;
}

/* Where several jobs speak, each line says whose it is. */
static bool names_model(const struct plm_view *view, const char *text)
{
    return view->beside && view->model[0] && !strstr(text, view->model);
}

void plm_view_say(struct plm_view *view, const char *format, ...)
{
    char text[PLM_REF_TEXT + PLM_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct plm_line line = plm_view_line(view, false);
    if (names_model(view, text))
        plm_line_put(&line, PLM_STYLE_NONE, "  %s: %s", view->model, text + strspn(text, " "));
    else
        plm_line_put(&line, PLM_STYLE_NONE, "%s", text);
    plm_line_end(&line);
}

void plm_view_warn(struct plm_view *view, enum plm_style style, const char *label,
                   const char *format, ...)
{
    char text[PLM_REF_TEXT + PLM_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct plm_line line = plm_view_err_line(view, false);
    bool named = names_model(view, text);
    plm_line_put(&line, style, "%s", label);
    plm_line_put(&line, PLM_STYLE_NONE, " %s%s%s", named ? view->model : "", named ? ": " : "",
                 text);
    plm_line_end(&line);
}

/* ---- events ---- */

static void begin_job(struct plm_view *view, const struct plm_event *event)
{
    if (view->beside && plm_view_turn_to(view, event->job))
        return;
    if (event->job != view->snapshot.job || event->kind == PLM_EV_PULL_START ||
        event->kind == PLM_EV_PUSH_START) {
        view->pace = (struct plm_pace){.line_ms = view->options.now_ms()};
        view->burst = (struct plm_burst){0};
        view->model[0] = '\0';
        view->several = false;
    }
    view->pushes = event->verb == PLM_VERB_PUSH;
    view->imports = event->verb == PLM_VERB_IMPORT;
    if (event->ref) {
        plm_ref_format(event->ref, view->model);
        view->scheme = event->ref->scheme;
    }
}

static void show(struct plm_view *view, const struct plm_event *event)
{
    bool lines = view->options.mode == PLM_VIEW_JSON || view->options.mode == PLM_VIEW_DEBUG;
    if (lines)
        plm_view_json(view, event);
    if (event->kind == PLM_EV_INTERRUPTED)
        plm_view_interrupted(view, event);
    else if (event->kind == PLM_EV_FAILED)
        plm_view_failed(view, event);
    else if (view->options.mode == PLM_VIEW_CSV)
        plm_view_csv(view, event);
    else if (lines || plm_view_warning(view, event) || plm_view_doctor(view, event) ||
             plm_view_verify(view, event) || plm_view_archive(view, event) ||
             plm_view_upstream(view, event) || plm_view_queue(view, event) ||
             plm_view_store(view, event))
        return;
    else if (view->framed)
        plm_view_tty(view, event);
    else
        plm_view_plain(view, event);
}

/* The run's own words come in between those of the pulls, and are about no job that is folded. */
static void show_beside(struct plm_view *view, const struct plm_event *event)
{
    char model[PLM_REF_TEXT];
    memcpy(model, view->model, sizeof(model));
    view->model[0] = '\0';
    plm_view_queue_begin(view, event);
    show(view, event);
    memcpy(view->model, model, sizeof(model));
    plm_live_settle(view);
}

static void emit(void *ctx, const struct plm_event *event)
{
    struct plm_view *view = ctx;
    view->seq = event->seq;
    if (plm_view_is_beside(event)) {
        show_beside(view, event);
        return;
    }
    begin_job(view, event);
    plm_snapshot_fold(&view->snapshot, event);
    if (event->kind == PLM_EV_PULL_START || event->kind == PLM_EV_PUSH_START ||
        event->kind == PLM_EV_VERIFY_START || event->kind == PLM_EV_ADOPT_START ||
        event->kind == PLM_EV_EXPORT_START || event->kind == PLM_EV_IMPORT_START)
        plm_live_begin(view);
    show(view, event);
    if (event->kind == PLM_EV_COMPLETED || event->kind == PLM_EV_FAILED) {
        plm_live_end(view);
        plm_view_forget(view, event->job ? event->job : UINT32_MAX);
    } else {
        plm_live_settle(view);
    }
}

struct plm_sink plm_view_sink(struct plm_view *view)
{
    return (struct plm_sink){.emit = emit, .ctx = view};
}

/* Something in the live area turns by itself. */
static bool is_spinning(const struct plm_snapshot *snapshot)
{
    if (snapshot->phase != PLM_PHASE_TRANSFERRING)
        return true;
    for (size_t i = 0; i < snapshot->active_count; i++)
        if (snapshot->active[i].verifying)
            return true;
    return false;
}

void plm_view_tick(struct plm_view *view)
{
    if (!view->live.on) {
        if (!view->framed && view->snapshot.phase == PLM_PHASE_TRANSFERRING)
            plm_view_plain_progress(view); /* also while nothing arrives */
        plm_live_settle(view);
        return;
    }
    int64_t since = view->options.now_ms() - view->live.drawn_ms;
    if (since >= 0 && since < PLM_REDRAW_MS)
        return;
    bool resized = plm_screen_measure(view->screen);
    if (view->live.stale || resized || view->screen->disturbed || view->out.size > 0 ||
        is_spinning(&view->snapshot))
        plm_live_flush(view, true);
}

void plm_view_fail(struct plm_view *view, enum plm_verb verb, const struct plm_error *error)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* this clock is always there */
    const char *hint = plm_code_hint(error->code);
    char usage[64];
    if (error->code == PLM_E_USAGE && verb != PLM_VERB_NONE) {
        (void)snprintf(usage, sizeof(usage), "%s %s", hint, plm_verb_row(verb)->name);
        hint = usage;
    }
    struct plm_event event = {
        .seq = view->seq + 1,
        .time_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
        .verb = verb,
        .kind = PLM_EV_FAILED,
        .failed = {.error = error, .hint = hint},
    };
    emit(view, &event);
}

bool plm_view_end(struct plm_view *view, struct plm_error *err)
{
    plm_live_end(view);
    if (view->options.out && fflush(view->options.out) != 0)
        (void)plm_fail_sys(&view->write_error, errno, "write the output");
    if (!view->write_error.code)
        return true;
    if (err && err->code == PLM_OK)
        *err = view->write_error; /* with its errno: a closed pipe is no failure to callers */
    return false;
}
