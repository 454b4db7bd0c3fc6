/* The history and the sums over it, as tables and as CSV. */
#include "cli/view_parts.h"

#include <string.h>

#include "pullama/event_visit.h"

static const struct plm_list_form records = {
    .columns = 7,
    .gap = 2,
    .elastic = 2,
    .headings = {"ENDED", "DID", "MODEL", "OUTCOME", "MOVED", "TOOK", "RATE"},
    .styles = {PLM_STYLE_MUTED, PLM_STYLE_BRAND, PLM_STYLE_STRONG, PLM_STYLE_NONE, PLM_STYLE_BYTES,
               PLM_STYLE_MUTED, PLM_STYLE_MUTED},
};

static const struct plm_list_form sums = {
    .columns = 8,
    .gap = 2,
    .elastic = 0,
    .headings = {"", "JOBS", "FAILED", "FETCHED", "REUSED", "SENT", "TIME", "RATE"},
    .styles = {PLM_STYLE_STRONG, PLM_STYLE_MUTED, PLM_STYLE_NONE, PLM_STYLE_BYTES, PLM_STYLE_BYTES,
               PLM_STYLE_BYTES, PLM_STYLE_MUTED, PLM_STYLE_MUTED},
};

static const char *rate_text(uint64_t rate, char out[PLM_WORDS])
{
    char text[PLM_TEXT_SHORT];
    (void)snprintf(out, PLM_WORDS, "%s/s", plm_text_size(rate, text));
    return rate > 0 ? out : "-";
}

/* Short, so that there is room for names. A clock may have been set back, and a database may have
 * any time in it. */
static const char *ago_text(int64_t then_ms, int64_t now_ms, char out[PLM_TEXT_SHORT])
{
    uint64_t s = then_ms < now_ms ? (uint64_t)(now_ms / 1000) - (uint64_t)(then_ms / 1000) : 0;
    const struct {
        uint64_t below, unit;
        char name;
    } rows[] = {{60, 1, 's'}, {3600, 60, 'm'}, {48 * 3600, 3600, 'h'}, {UINT64_MAX, 86400, 'd'}};
    size_t i = 0;
    if (then_ms == 0)
        return "never";
    while (s >= rows[i].below)
        i++;
    (void)snprintf(out, PLM_TEXT_SHORT, "%llu%c ago", (unsigned long long)(s / rows[i].unit),
                   rows[i].name);
    return out;
}

static const char *bytes_text(uint64_t bytes, char out[PLM_TEXT_SHORT])
{
    return bytes > 0 ? plm_text_size(bytes, out) : "-";
}

/* The display form of a whole reference; a file, or a number of models, as it is. */
static const char *model_text(const struct plm_view *view, const char *reference,
                              char out[PLM_REF_TEXT])
{
    struct plm_ref ref;
    if (!*reference)
        return "-";
    if (plm_ref_parse(reference, &ref, NULL) &&
        strcmp(plm_ref_format_whole(&ref, out), reference) == 0)
        return plm_words_model(view, &ref, out);
    return reference;
}

static void add_record(struct plm_view *view, const struct plm_event *event)
{
    const struct plm_history_record *r = event->record;
    char age[PLM_TEXT_SHORT], name[PLM_REF_TEXT], moved[PLM_TEXT_SHORT], took[PLM_TEXT_SHORT],
        rate[PLM_WORDS];
    bool ok = strcmp(r->outcome, "ok") == 0, stopped = strcmp(r->outcome, "interrupted") == 0;
    const char *const cells[] = {ago_text(r->ended_ms, event->time_ms, age),
                                 r->verb,
                                 model_text(view, r->reference, name),
                                 r->outcome,
                                 bytes_text(r->fetched + r->sent, moved),
                                 plm_text_duration(r->elapsed_ms, took),
                                 rate_text(r->rate, rate)};
    plm_view_list_put(view, &records,
                      ok        ? PLM_STYLE_SUCCESS
                      : stopped ? PLM_STYLE_WARN
                                : PLM_STYLE_ERROR,
                      cells);
}

static void add_sum(struct plm_view *view, const struct plm_history_sum *s)
{
    char jobs[24], failed[24], fetched[PLM_TEXT_SHORT], reused[PLM_TEXT_SHORT],
        sent[PLM_TEXT_SHORT], time[PLM_TEXT_SHORT], rate[PLM_WORDS];
    (void)snprintf(jobs, sizeof(jobs), "%llu", (unsigned long long)s->jobs);
    (void)snprintf(failed, sizeof(failed), "%llu", (unsigned long long)s->failed);
    const char *const cells[] = {s->scope == PLM_HISTORY_ALL ? "all" : s->name,
                                 jobs,
                                 failed,
                                 bytes_text(s->fetched, fetched),
                                 bytes_text(s->reused, reused),
                                 bytes_text(s->sent, sent),
                                 plm_text_duration(s->elapsed_ms, time),
                                 rate_text(s->rate, rate)};
    plm_view_list_put(view, &sums, s->failed > 0 ? PLM_STYLE_ERROR : PLM_STYLE_MUTED, cells);
}

static void say_kept(struct plm_view *view, const struct plm_event *event)
{
    const struct plm_history_keep *keep = &event->kept.keep;
    unsigned long long dropped = event->kept.dropped;
    view->kept = true;
    char bound[PLM_WORDS], age[PLM_TEXT_SHORT];
    if (keep->count > 0)
        (void)snprintf(bound, sizeof(bound), "the newest %llu jobs",
                       (unsigned long long)keep->count);
    else if (keep->age_ms > 0)
        (void)snprintf(bound, sizeof(bound), "jobs of the last %s",
                       plm_text_duration(keep->age_ms, age));
    else
        (void)snprintf(bound, sizeof(bound), "all jobs");
    plm_view_say(view, "history keeps %s from now on; %llu dropped", bound, dropped);
}

bool plm_view_history(struct plm_view *view, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_HISTORY:
        if (!view->options.quiet)
            add_record(view, event);
        return true;
    case PLM_EV_STATS:
        if (!view->options.quiet || event->sum->scope == PLM_HISTORY_ALL)
            add_sum(view, event->sum);
        return true;
    case PLM_EV_HISTORY_KEPT:
        say_kept(view, event);
        return true;
    default:
        return false;
    }
}

void plm_view_history_end(struct plm_view *view)
{
    if (view->list.count > 0)
        plm_view_list_print(view);
    else if (!view->kept && !view->options.quiet)
        plm_view_say(view, "no jobs in the history");
}

/* ---- CSV ---- */

struct csv {
    struct plm_view *view;
    bool names; /* the keys, in place of the values */
    bool later; /* a cell stands before this one */
};

static bool is_common(const char *key)
{
    static const char *const common[] = {"event", "seq",   "time", "job",
                                         "verb",  "Model", "Tag",  "Ref"};
    for (size_t i = 0; i < PLM_COUNT(common); i++) {
        if (strcmp(common[i], key) == 0)
            return true;
    }
    return false;
}

static void put_cell(struct csv *csv, const char *key, const char *text)
{
    struct plm_page *out = &csv->view->out;
    char safe[2 * PLM_ERROR_TEXT];
    if (is_common(key))
        return;
    if (csv->later)
        plm_page_put(out, ",", 1);
    csv->later = true;
    const char *cell = csv->names ? key : plm_text_printable(text, safe, sizeof(safe));
    if (!strpbrk(cell, ",\"")) {
        plm_page_put(out, cell, strlen(cell));
        return;
    }
    plm_page_put(out, "\"", 1);
    for (; *cell; cell++)
        plm_page_put(out, *cell == '"' ? "\"\"" : cell, *cell == '"' ? 2 : 1);
    plm_page_put(out, "\"", 1);
}

static void on_text(void *ctx, const char *key, const char *text, size_t length)
{
    (void)length; /* of texts that end with a NUL */
    put_cell(ctx, key, text);
}

static void on_number(void *ctx, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    put_cell(ctx, key, text);
}

static void on_truth(void *ctx, const char *key, bool value)
{
    put_cell(ctx, key, value ? "true" : "false");
}

static void on_null(void *ctx, const char *key)
{
    put_cell(ctx, key, "");
}

static void on_nest(void *ctx, const char *key, bool array)
{
    (void)ctx; /* these events have nothing nested */
    (void)key;
    (void)array;
}

static void on_close(void *ctx, bool array)
{
    (void)ctx;
    (void)array;
}

static void put_csv_line(struct plm_view *view, const struct plm_event *event, bool names)
{
    struct csv csv = {.view = view, .names = names};
    const struct plm_event_visitor visitor = {.open = on_nest,
                                              .close = on_close,
                                              .text = on_text,
                                              .number = on_number,
                                              .truth = on_truth,
                                              .null = on_null,
                                              .ctx = &csv};
    plm_event_visit(event, &visitor);
    plm_page_put(&view->out, "\n", 1);
}

void plm_view_csv(struct plm_view *view, const struct plm_event *event)
{
    bool is_row = event->kind == PLM_EV_HISTORY || event->kind == PLM_EV_STATS;
    if (!is_row && event->kind != PLM_EV_COMPLETED)
        return;
    if (!view->has_header) {
        const struct plm_event blank = {.kind = event->verb == PLM_VERB_STATS ? PLM_EV_STATS
                                                                              : PLM_EV_HISTORY};
        put_csv_line(view, &blank, true);
        view->has_header = true;
    }
    if (is_row)
        put_csv_line(view, event, false);
}
