/* How a job that failed or was interrupted ends: once, on the error stream, in every mode. */
#include "cli/view_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cells.h"

static const char *const titles[PLM_CODES] = {
    [PLM_OK] = "failed",
    [PLM_E_INTERNAL] = "internal error",
    [PLM_E_NOMEM] = "out of memory",
    [PLM_E_IO] = "file operation failed",
    [PLM_E_NOSPACE] = "disk full",
    [PLM_E_ACCESS] = "access denied",
    [PLM_E_BUSY] = "in use by another process",
    [PLM_E_USAGE] = "wrong usage",
    [PLM_E_BAD_NAME] = "not a model name",
    [PLM_E_NOT_FOUND] = "not found",
    [PLM_E_AUTH] = "authentication failed",
    [PLM_E_INTEGRITY] = "integrity failure",
    [PLM_E_NETWORK] = "network failure",
    [PLM_E_TLS] = "TLS failure",
    [PLM_E_HTTP] = "the server refused",
    [PLM_E_PROTOCOL] = "not understood",
    [PLM_E_LIMIT] = "larger than allowed",
    [PLM_E_CORRUPT] = "damaged file",
    [PLM_E_UNSUPPORTED] = "not supported",
    [PLM_E_INTERRUPTED] = "interrupted",
    [PLM_E_OUTDATED] = "outdated",
};

/* The frame of a pull that began is closed before anything follows it. */
static void close_frame(struct plm_view *view)
{
    if (!view->framed || !view->live.on)
        return;
    struct plm_box frame = plm_box_out(view, PLM_BOX_ROUND, PLM_STYLE_BRAND);
    plm_box_rule(&frame, PLM_BOX_BOTTOM);
}

/* What to type to go on: the flags that decide about place and way, and what was to be pulled.
 * Owned by the caller. */
static char *resume_command(const struct plm_view *view)
{
    char *text = NULL;
    const char *flags = view->options.flags ? view->options.flags : "";
    if (view->queued)
        return asprintf(&text, "resume with: pullama %squeue start", flags) < 0 ? NULL : text;
    const char *verb = view->pushes ? "push" : "pull";
    /* With --as, the scheme of the model itself says nothing about where it goes. */
    bool is_plain = view->scheme == PLM_SCHEME_HTTP && !strstr(flags, "--insecure ") &&
                    !(view->pushes && strstr(flags, "--as "));
    int length =
        view->options.models
            ? asprintf(&text, "resume with: pullama %s %s%s", verb, flags, view->options.models)
            : asprintf(&text, "resume with: pullama %s%s%s%s%s", view->pushes ? "push " : "", flags,
                       is_plain ? "--insecure " : "",
                       view->scheme == PLM_SCHEME_HTTPS_INSECURE ? "https+insecure://" : "",
                       view->model);
    return length < 0 ? NULL : text;
}

static void draw_interrupted(struct plm_view *view, const char *command)
{
    struct plm_box box = plm_box_err(view, PLM_BOX_ROUND, PLM_STYLE_WARN);
    plm_box_rule(&box, PLM_BOX_TOP);
    plm_box_title(&box, PLM_GLYPH_WARN, "interrupted");
    if (command) {
        plm_box_rule(&box, PLM_BOX_MIDDLE);
        plm_box_text(&box, PLM_STYLE_STRONG, command);
    }
    plm_box_rule(&box, PLM_BOX_BOTTOM);
}

static void show_interrupted(struct plm_view *view, enum plm_verb verb)
{
    bool resumable = (verb == PLM_VERB_PULL || verb == PLM_VERB_PUSH) &&
                     (view->options.models || view->model[0] || view->queued);
    char *command = resumable ? resume_command(view)
                    : verb == PLM_VERB_UPDATE || verb == PLM_VERB_SYNC
                        ? strdup("the same command goes on from here")
                        : NULL;
    view->interrupted = true;
    close_frame(view);
    view->live.on = false; /* what still comes is not progress */
    if (plm_view_err_framed(view)) {
        draw_interrupted(view, command);
    } else {
        struct plm_line line = plm_view_err_line(view, false);
        plm_line_put(&line, PLM_STYLE_WARN, "interrupted");
        if (command)
            plm_line_put(&line, PLM_STYLE_NONE, " %s %s", plm_glyph(line.unicode, PLM_GLYPH_DASH),
                         command);
        plm_line_end(&line);
    }
    free(command);
}

void plm_view_interrupted(struct plm_view *view, const struct plm_event *event)
{
    if (!view->interrupted)
        show_interrupted(view, event->verb);
}

static void draw_failure(struct plm_view *view, const char *title, const char *message,
                         const char *hint)
{
    char text[PLM_ERROR_TEXT];
    struct plm_box box = plm_box_err(view, PLM_BOX_HEAVY, PLM_STYLE_ERROR);
    plm_box_rule(&box, PLM_BOX_TOP);
    plm_box_title(&box, PLM_GLYPH_BAD, title);
    plm_box_rule(&box, PLM_BOX_MIDDLE);
    plm_box_text(&box, PLM_STYLE_STRONG, message);
    if (hint) {
        plm_box_text(&box, PLM_STYLE_NONE, " ");
        (void)snprintf(text, sizeof(text), "hint: %s", hint);
        plm_box_text(&box, PLM_STYLE_MUTED, text);
    }
    plm_box_rule(&box, PLM_BOX_BOTTOM);
}

void plm_view_failed(struct plm_view *view, const struct plm_event *event)
{
    const struct plm_error *error = event->failed.error;
    enum plm_code code = error ? error->code : PLM_E_INTERNAL;
    if (view->list.count > 0)
        plm_view_list_print(view);
    if (code == PLM_E_INTERRUPTED) {
        plm_view_interrupted(view, event);
        return;
    }
    close_frame(view);
    const char *message = error && error->msg[0] ? error->msg : plm_code_name(code);
    const char *hint = event->failed.hint ? event->failed.hint : plm_code_hint(code);
    if (view->options.slip && (code == PLM_E_NOT_FOUND || code == PLM_E_NETWORK))
        hint = view->options.slip;
    if (plm_view_err_framed(view)) {
        draw_failure(view, (unsigned)code < PLM_CODES ? titles[code] : titles[PLM_OK], message,
                     hint);
        return;
    }
    const char *model = strstr(message, view->model) ? "" : view->model;
    plm_view_warn(view, PLM_STYLE_ERROR, "error:", "%s%s%s", model, *model ? ": " : "", message);
    if (hint)
        plm_view_warn(view, PLM_STYLE_MUTED, "hint:", "%s", hint);
}
