/* What `verify` says: in plain lines, and drawn on a terminal. Failures go to the error stream, by
 * view_warning.c. */
#include "cli/view_parts.h"

#include <string.h>
#include <time.h>

#include "cli/cells.h"

#define FOLD_INDENT 4 /* below the glyph's text, behind the border */
#define PROSE_LEAST 16

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

/* "llama3.2:3b", or "3 models". */
static void name_subject(const struct plm_event_verify *v, char out[PLM_REF_TEXT])
{
    if (v->only)
        plm_ref_format(v->only, out);
    else
        (void)snprintf(out, PLM_REF_TEXT, "%u model%s", v->models, plural(v->models));
}

/* In UTC: the program may not read the system's time zone any more. */
static void name_check(int64_t checked_s, char out[PLM_WORDS])
{
    struct tm parts;
    time_t when = (time_t)checked_s;
    char day[32] = "";
    if (checked_s > 0 && gmtime_r(&when, &parts))
        (void)strftime(day, sizeof(day), "%Y-%m-%d", &parts);
    (void)snprintf(out, PLM_WORDS, "checked %s%s and unchanged since", *day ? "on " : "before",
                   day);
}

static void put_border(struct plm_line *line)
{
    plm_line_put(line, PLM_STYLE_BRAND, "%s  ", line->unicode ? "│" : "|");
}

/* A fact: behind the border where there is a frame, indented elsewhere. Its first word is the
 * verdict, and is as wide as the others; put_part() writes the rest. */
static struct plm_line begin(struct plm_view *view, enum plm_style style, enum plm_glyph glyph)
{
    if (!view->framed) {
        struct plm_line line = plm_view_line(view, false);
        plm_line_put(&line, PLM_STYLE_NONE, "  ");
        return line;
    }
    struct plm_line line =
        plm_line_begin(&view->out, view->screen, view->screen->colour, plm_view_frame_width(view));
    put_border(&line);
    plm_line_put(&line, style, "%s ", plm_glyph(line.unicode, glyph));
    return line;
}

/* Goes on behind the border when less than @p least cells are left. */
static void fold(struct plm_line *line, unsigned least)
{
    if (line->width == 0 || line->used + least <= line->width)
        return;
    plm_line_end(line);
    put_border(line);
    plm_line_pad(line, FOLD_INDENT);
}

/* A part stays whole, on another line if need be; prose may be cut, down to PROSE_LEAST. */
static void put_part(struct plm_line *line, enum plm_style style, bool is_prose, const char *text)
{
    unsigned cells = plm_cells_width(text);
    if (*text == '\0')
        return;
    fold(line, 1 + (is_prose && cells > PROSE_LEAST ? PROSE_LEAST : cells));
    plm_line_put(line, style, " %s", text);
}

/* The name in front of @p size and @p counts gives way to what can stand beside it. */
static void put_name(struct plm_line *line, const char *name, const char *size, const char *counts)
{
    unsigned cells = plm_cells_width(name), limit = line->width;
    unsigned least = cells < PLM_NAME_LEAST ? cells : PLM_NAME_LEAST;
    fold(line, 1 + least);
    unsigned room = limit > line->used + 1 + least ? limit - line->used - 1 - least : 0;
    unsigned of_size = *size ? plm_cells_width(size) + 1 : 0;
    unsigned of_counts = *counts ? plm_cells_width(counts) + 1 : 0;
    unsigned rest = of_size + of_counts <= room ? of_size + of_counts
                    : of_size <= room           ? of_size
                                                : 0;
    plm_line_put(line, PLM_STYLE_NONE, " ");
    plm_line_put_name(line, PLM_STYLE_STRONG, name, rest);
    line->width = limit;
}

static void show_start(struct plm_view *view, const struct plm_event_verify *v)
{
    char subject[PLM_REF_TEXT], title[PLM_REF_TEXT + PLM_WORDS], size[PLM_TEXT_SHORT];
    if (v->models == 0) { /* the end says so */
        view->live.on = false;
        return;
    }
    name_subject(v, subject);
    (void)snprintf(title, sizeof(title), "verifying %s", subject);
    if (view->framed) {
        struct plm_box box = plm_box_out(view, PLM_BOX_ROUND, PLM_STYLE_BRAND);
        plm_box_head(&box, title);
    } else if (view->options.mode == PLM_VIEW_COMPACT) {
        plm_view_say(view, "%s", title);
    } else {
        plm_view_say(view, "%s: %u blob%s, %s", title, v->blobs, plural(v->blobs),
                     plm_text_size(v->total_size, size));
    }
}

/* Only what is good: the rest is told as a failure. */
static void show_blob(struct plm_view *view, const struct plm_event *event)
{
    const struct plm_event_blob_checked *c = &event->blob_checked;
    char id[13], size[PLM_TEXT_SHORT], place[PLM_TEXT_SHORT], check[PLM_WORDS];
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK);
    plm_line_put(&line, PLM_STYLE_NONE, "%-8s", plm_blob_verdict_name(c->verdict));
    put_part(&line, PLM_STYLE_DIGEST, false, plm_words_digest(&event->blob.want->digest, id));
    put_part(&line, PLM_STYLE_BYTES, false, plm_text_size(event->blob.want->size, size));
    (void)snprintf(place, sizeof(place), "[%u/%u]", event->blob.index, event->blob.total);
    put_part(&line, PLM_STYLE_SUBTLE, false, place);
    if (c->verdict == PLM_BLOB_TRUSTED) {
        name_check(c->checked_s, check);
        put_part(&line, PLM_STYLE_MUTED, true, check);
    }
    plm_line_end(&line);
}

static void show_model(struct plm_view *view, const struct plm_event_model_checked *c)
{
    static const char *const words[PLM_MODEL_VERDICTS] = {
        [PLM_MODEL_OK] = "ok",
        [PLM_MODEL_TRUSTED] = "trusted",
        [PLM_MODEL_REPAIRED] = "repaired",
        [PLM_MODEL_CHANGED] = "changed",
        [PLM_MODEL_DAMAGED] = "damaged",
        [PLM_MODEL_UNREADABLE] = "unread",
        [PLM_MODEL_BAD_MANIFEST] = "damaged",
        [PLM_MODEL_NOT_FOUND] = "missing",
    };
    bool failed = c->verdict >= PLM_MODEL_DAMAGED;
    char name[PLM_REF_TEXT], text[PLM_WORDS], size[PLM_TEXT_SHORT] = "";
    struct plm_line line = begin(view, failed ? PLM_STYLE_ERROR : PLM_STYLE_SUCCESS,
                                 failed ? PLM_GLYPH_BAD : PLM_GLYPH_OK);
    if (c->blobs > 0)
        plm_text_size(c->size, size);
    if (c->verdict == PLM_MODEL_TRUSTED)
        name_check(c->checked_s, text);
    else if (c->verdict == PLM_MODEL_CHANGED)
        (void)snprintf(text, sizeof(text), "removed or replaced meanwhile");
    else if (c->verdict == PLM_MODEL_REPAIRED)
        (void)snprintf(text, sizeof(text), "%u blob%s", c->blobs_repaired,
                       plural(c->blobs_repaired));
    else if (c->blobs_bad > 0)
        (void)snprintf(text, sizeof(text), "%u of %u blobs", c->blobs_bad, c->blobs);
    else
        text[0] = '\0';
    plm_line_put(&line, failed ? PLM_STYLE_ERROR : PLM_STYLE_NONE, "%-8s", words[c->verdict]);
    bool is_prose = c->verdict == PLM_MODEL_TRUSTED || c->verdict == PLM_MODEL_CHANGED;
    put_name(&line, plm_words_model(view, c->ref, name), size, is_prose ? "" : text);
    put_part(&line, PLM_STYLE_BYTES, false, size);
    put_part(&line, PLM_STYLE_MUTED, is_prose, text);
    plm_line_end(&line);
}

/* ---- repairs ---- */

static void show_repair_start(struct plm_view *view, const struct plm_event *event)
{
    char size[PLM_TEXT_SHORT], count[PLM_TEXT_SHORT];
    uint32_t blobs = event->repair.blobs;
    struct plm_line line = begin(view, PLM_STYLE_BRAND, PLM_GLYPH_GO);
    plm_line_put(&line, PLM_STYLE_NONE, "repairing");
    (void)snprintf(count, sizeof(count), "%u blob%s", blobs, plural(blobs));
    put_part(&line, PLM_STYLE_NONE, false, count);
    put_part(&line, PLM_STYLE_BYTES, false, plm_text_size(event->repair.total_size, size));
    plm_line_end(&line);
}

static void show_repaired(struct plm_view *view, const struct plm_event *event)
{
    char id[13], size[PLM_TEXT_SHORT], fetched[PLM_TEXT_SHORT], cost[PLM_WORDS];
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK);
    plm_line_put(&line, PLM_STYLE_NONE, "repaired");
    put_part(&line, PLM_STYLE_DIGEST, false, plm_words_digest(&event->blob.want->digest, id));
    put_part(&line, PLM_STYLE_BYTES, false, plm_text_size(event->blob.want->size, size));
    (void)snprintf(cost, sizeof(cost), "(%s fetched)",
                   plm_text_size(event->blob_repaired.fetched, fetched));
    put_part(&line, PLM_STYLE_MUTED, false, cost);
    plm_line_end(&line);
}

/* What a repair says as a pull does; false when it is to be shown as there. */
static bool show_repair(struct plm_view *view, const struct plm_event *event, bool detailed)
{
    switch (event->kind) {
    case PLM_EV_REPAIR_START:
        if (detailed)
            show_repair_start(view, event);
        return true;
    case PLM_EV_BLOB_REPAIRED:
        if (detailed)
            show_repaired(view, event);
        return true;
    case PLM_EV_BLOB_VERIFIED: /* repaired says more */
        return event->verb == PLM_VERB_VERIFY;
    default:
        return false;
    }
}

/* ---- the end ---- */

static void say_done(struct plm_view *view, const struct plm_event_verify *v)
{
    char subject[PLM_REF_TEXT], size[PLM_TEXT_SHORT], time[PLM_TEXT_SHORT], rest[PLM_WORDS] = "";
    char trusted[PLM_TEXT_SHORT] = "", repaired[PLM_WORDS] = "";
    name_subject(v, subject);
    if (v->blobs_trusted > 0)
        (void)snprintf(trusted, sizeof(trusted), " (%u trusted)", v->blobs_trusted);
    if (v->blobs_repaired > 0)
        (void)snprintf(repaired, sizeof(repaired), ", %u repaired", v->blobs_repaired);
    if (v->models_bad > 0)
        (void)snprintf(rest, sizeof(rest), ": %u model%s failed", v->models_bad,
                       plural(v->models_bad));
    plm_view_say(view, "%s %s  %u blob%s%s, %s in %s%s%s", v->models_bad ? "checked" : "verified",
                 subject, v->blobs, plural(v->blobs), trusted, plm_text_size(v->total_size, size),
                 plm_text_duration(v->elapsed_ms, time), repaired, rest);
}

static void draw_row(const struct plm_box *box, const char *label, uint32_t bad, uint32_t all)
{
    char text[PLM_WORDS];
    (void)snprintf(text, sizeof(text), bad ? "%u, %u failed" : "%u", all, bad);
    plm_box_row(box, label, text);
}

static void draw_done(struct plm_view *view, const struct plm_event_verify *v)
{
    char subject[PLM_REF_TEXT], title[PLM_REF_TEXT + 16], text[PLM_WORDS], part[PLM_TEXT_SHORT];
    struct plm_box frame = plm_box_out(view, PLM_BOX_ROUND, PLM_STYLE_BRAND);
    plm_box_rule(&frame, PLM_BOX_BOTTOM);
    struct plm_box box =
        plm_box_out(view, PLM_BOX_DOUBLE, v->models_bad ? PLM_STYLE_WARN : PLM_STYLE_SUCCESS);
    box.label = 10;
    plm_box_rule(&box, PLM_BOX_TOP);
    name_subject(v, subject);
    (void)snprintf(title, sizeof(title), "%s %s", v->models_bad ? "checked" : "verified", subject);
    plm_box_title(&box, v->models_bad ? PLM_GLYPH_WARN : PLM_GLYPH_OK, title);
    plm_box_rule(&box, PLM_BOX_MIDDLE);
    plm_box_row(&box, "size", plm_text_size(v->total_size, part));
    if (!v->only)
        draw_row(&box, "models", v->models_bad, v->models);
    draw_row(&box, "blobs", v->blobs_bad, v->blobs);
    if (v->blobs_trusted > 0)
        draw_row(&box, "trusted", 0, v->blobs_trusted);
    if (v->blobs_repaired > 0)
        draw_row(&box, "repaired", 0, v->blobs_repaired);
    if (v->fetched > 0)
        plm_box_row(&box, "fetched", plm_text_size(v->fetched, part));
    plm_box_row(&box, "elapsed", plm_text_duration(v->elapsed_ms, part));
    if (v->bytes_per_second > 0 && v->fetched == 0) {
        (void)snprintf(text, sizeof(text), "%s/s", plm_text_size(v->bytes_per_second, part));
        plm_box_row(&box, "avg rate", text);
    }
    plm_box_rule(&box, PLM_BOX_BOTTOM);
    view->live.on = false; /* nothing more is read */
}

bool plm_view_verify(struct plm_view *view, const struct plm_event *event)
{
    bool detailed = !view->options.quiet && view->options.mode == PLM_VIEW_TABLE;
    switch (event->kind) {
    case PLM_EV_VERIFY_START:
        if (!view->options.quiet)
            show_start(view, &event->verify);
        return true;
    case PLM_EV_BLOB_CHECKED:
        if (detailed && view->options.verbose)
            show_blob(view, event);
        return true;
    case PLM_EV_MODEL_CHECKED:
        if (detailed)
            show_model(view, &event->model_checked);
        return true;
    case PLM_EV_VERIFY_DONE:
        if (event->verify.models == 0)
            plm_view_say(view, "nothing to verify: there are no models here");
        else if (view->framed)
            draw_done(view, &event->verify);
        else
            say_done(view, &event->verify);
        return true;
    default:
        return show_repair(view, event, detailed);
    }
}
