/* Every event with all its fields, one a line: JSON, and `kind key=value …` for debugging. */
#include "cli/view_parts.h"

#include <stdlib.h>
#include <string.h>

#include "pullama/event_visit.h"

#define DEPTH 8

/* A debug line in the making; the path names where the walk is: `Layers.0.Digest`. */
struct debug_line {
    struct plm_line line;
    char path[DEPTH][24];
    unsigned index[DEPTH]; /**< of the next member, in an array */
    unsigned depth;
};

static void put_name(struct debug_line *d, const char *key)
{
    plm_line_put(&d->line, PLM_STYLE_NONE, " ");
    for (unsigned i = 0; i < d->depth && i < DEPTH; i++)
        plm_line_put(&d->line, PLM_STYLE_MUTED, "%s.", d->path[i]);
    if (key)
        plm_line_put(&d->line, PLM_STYLE_MUTED, "%s", key);
    else if (d->depth > 0 && d->depth <= DEPTH)
        plm_line_put(&d->line, PLM_STYLE_MUTED, "%u", d->index[d->depth - 1]++);
    plm_line_put(&d->line, PLM_STYLE_MUTED, "=");
}

static void on_open(void *ctx, const char *key, bool array)
{
    struct debug_line *d = ctx;
    (void)array; /* members of both are named */
    if (d->depth < DEPTH) {
        char *name = d->path[d->depth];
        if (key)
            (void)snprintf(name, sizeof(d->path[0]), "%s", key);
        else if (d->depth > 0)
            (void)snprintf(name, sizeof(d->path[0]), "%u", d->index[d->depth - 1]++);
        d->index[d->depth] = 0;
    }
    d->depth++;
}

static void on_close(void *ctx, bool array)
{
    struct debug_line *d = ctx;
    (void)array;
    d->depth--;
}

/* Bare where that is unambiguous, else in quotes. */
static void on_text(void *ctx, const char *key, const char *text, size_t length)
{
    struct debug_line *d = ctx;
    char *copy = malloc(2 * length + 1), *to = copy;
    if (!copy) {
        d->line.page->failed = true;
        return;
    }
    bool bare = length > 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"' || text[i] == '\\')
            *to++ = '\\';
        bare = bare && (unsigned char)text[i] > ' ' && text[i] != '"' && text[i] != '=';
        *to++ = text[i] ? text[i] : ' ';
    }
    *to = '\0';
    if (key && strcmp(key, "event") == 0 && d->depth == 0) {
        plm_line_put(&d->line, PLM_STYLE_BRAND, "%s", copy);
    } else {
        put_name(d, key);
        plm_line_put(&d->line, PLM_STYLE_NONE, bare ? "%s" : "\"%s\"", copy);
    }
    free(copy);
}

static void on_number(void *ctx, const char *key, uint64_t value)
{
    struct debug_line *d = ctx;
    put_name(d, key);
    plm_line_put(&d->line, PLM_STYLE_NONE, "%llu", (unsigned long long)value);
}

static void on_truth(void *ctx, const char *key, bool value)
{
    struct debug_line *d = ctx;
    put_name(d, key);
    plm_line_put(&d->line, PLM_STYLE_NONE, "%s", value ? "true" : "false");
}

static void on_null(void *ctx, const char *key)
{
    struct debug_line *d = ctx;
    put_name(d, key);
    plm_line_put(&d->line, PLM_STYLE_NONE, "null");
}

static void put_debug(struct plm_view *view, const struct plm_event *event)
{
    struct debug_line debug = {.line = plm_view_line(view, false)};
    const struct plm_event_visitor visitor = {
        .open = on_open,
        .close = on_close,
        .text = on_text,
        .number = on_number,
        .truth = on_truth,
        .null = on_null,
        .ctx = &debug,
    };
    plm_event_visit(event, &visitor);
    plm_line_end(&debug.line);
}

void plm_view_json(struct plm_view *view, const struct plm_event *event)
{
    char *text = NULL;
    if (view->options.mode == PLM_VIEW_DEBUG) {
        put_debug(view, event);
        return;
    }
    if (!plm_event_to_json(event, &text, &view->write_error))
        return;
    plm_page_put(&view->out, text, strlen(text));
    plm_page_put(&view->out, "\n", 1);
    free(text);
}
