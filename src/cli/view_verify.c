/* What `verify` says: in plain lines, and drawn on a terminal. Failures go to the error stream, by
 * view_warning.c. */
#include "cli/view_parts.h"

#include <string.h>
#include <time.h>

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

/* A fact: behind the border where there is a frame, indented elsewhere. */
static struct plm_line begin(struct plm_view *view, enum plm_style style, enum plm_glyph glyph)
{
    if (!view->framed) {
        struct plm_line line = plm_view_line(view, false);
        plm_line_put(&line, PLM_STYLE_NONE, "  ");
        return line;
    }
    struct plm_line line =
        plm_line_begin(&view->out, view->screen, view->screen->colour, plm_view_frame_width(view));
    plm_line_put(&line, PLM_STYLE_BRAND, "%s  ", line.unicode ? "│" : "|");
    plm_line_put(&line, style, "%s ", plm_glyph(line.unicode, glyph));
    return line;
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
    char id[13], size[PLM_TEXT_SHORT], check[PLM_WORDS];
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK);
    plm_line_put(&line, PLM_STYLE_NONE, "%-8s ", plm_blob_verdict_name(c->verdict));
    plm_line_put(&line, PLM_STYLE_DIGEST, "%s", plm_words_digest(&event->blob.want->digest, id));
    plm_line_put(&line, PLM_STYLE_BYTES, " %s", plm_text_size(event->blob.want->size, size));
    plm_line_put(&line, PLM_STYLE_SUBTLE, " [%u/%u]", event->blob.index, event->blob.total);
    if (c->verdict == PLM_BLOB_TRUSTED) {
        name_check(c->checked_s, check);
        plm_line_put(&line, PLM_STYLE_MUTED, " %s", check);
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
    plm_line_put(&line, failed ? PLM_STYLE_ERROR : PLM_STYLE_NONE, "%-8s ", words[c->verdict]);
    bool is_prose = c->verdict == PLM_MODEL_TRUSTED || c->verdict == PLM_MODEL_CHANGED;
    unsigned limit = line.width, counts = is_prose ? 0 : (unsigned)strlen(text) + 1;
    plm_line_put_name(&line, PLM_STYLE_STRONG, plm_words_model(view, c->ref, name),
                      (unsigned)strlen(size) + 1 + counts);
    plm_line_put(&line, PLM_STYLE_BYTES, "%s%s", *size ? " " : "", size);
    line.width = is_prose ? limit : 0;
    plm_line_put(&line, PLM_STYLE_MUTED, "%s%s", *text ? " " : "", text);
    plm_line_end(&line);
}

/* ---- repairs ---- */

static void show_repair_start(struct plm_view *view, const struct plm_event *event)
{
    char size[PLM_TEXT_SHORT];
    uint32_t blobs = event->repair.blobs;
    struct plm_line line = begin(view, PLM_STYLE_BRAND, PLM_GLYPH_GO);
    plm_line_put(&line, PLM_STYLE_NONE, "repairing %u blob%s", blobs, plural(blobs));
    plm_line_put(&line, PLM_STYLE_BYTES, " %s", plm_text_size(event->repair.total_size, size));
    plm_line_end(&line);
}

static void show_repaired(struct plm_view *view, const struct plm_event *event)
{
    char id[13], size[PLM_TEXT_SHORT], fetched[PLM_TEXT_SHORT];
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK);
    plm_line_put(&line, PLM_STYLE_NONE, "repaired ");
    plm_line_put(&line, PLM_STYLE_DIGEST, "%s", plm_words_digest(&event->blob.want->digest, id));
    plm_line_put(&line, PLM_STYLE_BYTES, " %s", plm_text_size(event->blob.want->size, size));
    plm_line_put(&line, PLM_STYLE_MUTED, " (%s fetched)",
                 plm_text_size(event->blob_repaired.fetched, fetched));
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
