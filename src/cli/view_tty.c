/* A pull or a push as it is drawn on a terminal: header, facts behind the frame's border, closing
 * box. */
#include "cli/view_parts.h"

static const char *border(const struct plm_view *view)
{
    return view->screen->unicode ? "│" : "|";
}

/* A fact: border, glyph, and words in which digest and number stand out. */
static struct plm_line begin(struct plm_view *view, enum plm_style style, enum plm_glyph glyph)
{
    struct plm_line line =
        plm_line_begin(&view->out, view->screen, view->screen->colour, plm_view_frame_width(view));
    plm_line_put(&line, PLM_STYLE_BRAND, "%s  ", border(view));
    plm_line_put(&line, style, "%s ", plm_glyph(line.unicode, glyph));
    return line;
}

static void put_separator(struct plm_line *line)
{
    plm_line_put(line, PLM_STYLE_SUBTLE, " %s ", plm_glyph(line->unicode, PLM_GLYPH_DOT));
}

static void put_id(struct plm_line *line, const struct plm_event_blob *blob)
{
    char id[13];
    plm_line_put(line, PLM_STYLE_DIGEST, "%s", plm_words_digest(&blob->want->digest, id));
}

static void put_place(struct plm_line *line, const struct plm_event_blob *blob)
{
    plm_line_put(line, PLM_STYLE_SUBTLE, " [%u/%u]", blob->index, blob->total);
}

static void put_size(struct plm_line *line, uint64_t bytes)
{
    char size[PLM_TEXT_SHORT];
    plm_line_put(line, PLM_STYLE_BYTES, " %s", plm_text_size(bytes, size));
}

static void draw_simple(struct plm_view *view, enum plm_style style, enum plm_glyph glyph,
                        const char *text)
{
    struct plm_line line = begin(view, style, glyph);
    plm_line_put(&line, PLM_STYLE_NONE, "%s", text);
    plm_line_end(&line);
}

/* ---- the plan ---- */

static void draw_dry_run(struct plm_view *view, const struct plm_event_plan *p)
{
    char text[PLM_WORDS], size[PLM_TEXT_SHORT];
    struct plm_box box = plm_box_out(view, PLM_BOX_DOUBLE, PLM_STYLE_PARTIAL);
    box.label = 11;
    struct plm_box frame = plm_box_out(view, PLM_BOX_ROUND, PLM_STYLE_BRAND);
    plm_box_rule(&frame, PLM_BOX_BOTTOM);
    plm_box_rule(&box, PLM_BOX_TOP);
    char title[PLM_REF_TEXT + 16];
    (void)snprintf(title, sizeof(title), "would pull %s", view->model);
    plm_box_title(&box, PLM_GLYPH_GO, title);
    plm_box_rule(&box, PLM_BOX_MIDDLE);
    plm_box_row(&box, "size", plm_text_size(p->total, size));
    plm_box_row(&box, "to fetch", plm_text_size(p->fetch, size));
    (void)snprintf(text, sizeof(text), "%u of %u blobs, %s", p->blobs_present, p->blobs_total,
                   plm_text_size(p->present, size));
    plm_box_row(&box, "here", text);
    plm_box_row(&box, "disk free", plm_text_size(p->free_bytes, size));
    (void)snprintf(text, sizeof(text), "%s: %s", plm_text_size(p->needed, size),
                   p->fits ? "fits" : "does not fit");
    plm_box_row(&box, "needed", text);
    plm_box_rule(&box, PLM_BOX_BOTTOM);
    view->live.on = false; /* nothing will be fetched */
}

static void draw_plan(struct plm_view *view, const struct plm_event_plan *p)
{
    char text[PLM_WORDS];
    if (p->dry_run) {
        draw_dry_run(view, p);
        return;
    }
    if (p->present == 0)
        return;
    struct plm_line line = begin(view, PLM_STYLE_PARTIAL, PLM_GLYPH_HAVE);
    plm_line_put(&line, PLM_STYLE_NONE, "here already");
    put_separator(&line);
    plm_line_put(&line, PLM_STYLE_BYTES, "%s", plm_words_share(p->present, p->total, text));
    put_separator(&line);
    plm_line_put(&line, PLM_STYLE_NONE, "%u of %u blobs", p->blobs_present, p->blobs_total);
    plm_line_end(&line);
}

static void draw_push_dry_run(struct plm_view *view, const struct plm_event_push_plan *p)
{
    char text[PLM_WORDS], size[PLM_TEXT_SHORT], title[PLM_REF_TEXT + 16];
    struct plm_box box = plm_box_out(view, PLM_BOX_DOUBLE, PLM_STYLE_PARTIAL);
    box.label = 12;
    struct plm_box frame = plm_box_out(view, PLM_BOX_ROUND, PLM_STYLE_BRAND);
    plm_box_rule(&frame, PLM_BOX_BOTTOM);
    plm_box_rule(&box, PLM_BOX_TOP);
    (void)snprintf(title, sizeof(title), "would push %s", view->model);
    plm_box_title(&box, PLM_GLYPH_GO, title);
    plm_box_rule(&box, PLM_BOX_MIDDLE);
    plm_box_row(&box, "size", plm_text_size(p->total, size));
    plm_box_row(&box, "to send", plm_text_size(p->send, size));
    (void)snprintf(text, sizeof(text), "%u of %u blobs, %s", p->blobs_present, p->blobs_total,
                   plm_text_size(p->present, size));
    plm_box_row(&box, "at registry", text);
    plm_box_rule(&box, PLM_BOX_BOTTOM);
    view->live.on = false; /* nothing will be sent */
}

static void draw_push_plan(struct plm_view *view, const struct plm_event_push_plan *p)
{
    char text[PLM_WORDS];
    if (p->dry_run) {
        draw_push_dry_run(view, p);
        return;
    }
    if (p->present == 0)
        return;
    struct plm_line line = begin(view, PLM_STYLE_PARTIAL, PLM_GLYPH_HAVE);
    plm_line_put(&line, PLM_STYLE_NONE, "there already");
    put_separator(&line);
    plm_line_put(&line, PLM_STYLE_BYTES, "%s", plm_words_share(p->present, p->total, text));
    put_separator(&line);
    plm_line_put(&line, PLM_STYLE_NONE, "%u of %u blobs", p->blobs_present, p->blobs_total);
    plm_line_end(&line);
}

/* ---- facts ---- */

static void draw_manifest(struct plm_view *view, const struct plm_event *event)
{
    char size[PLM_TEXT_SHORT];
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK);
    plm_line_put(&line, PLM_STYLE_NONE, "manifest");
    put_separator(&line);
    plm_line_put(&line, PLM_STYLE_NONE, "%u blobs", event->manifest.blob_count);
    put_separator(&line);
    plm_line_put(&line, PLM_STYLE_BYTES, "%s", plm_text_size(event->manifest.total_size, size));
    plm_line_end(&line);
}

static void draw_removed(struct plm_view *view, const struct plm_event *event)
{
    char size[PLM_TEXT_SHORT];
    struct plm_line line = begin(view, PLM_STYLE_MUTED, PLM_GLYPH_GONE);
    plm_line_put(&line, PLM_STYLE_NONE, "removed %u old blobs", event->removed.files);
    put_separator(&line);
    plm_line_put(&line, PLM_STYLE_BYTES, "%s", plm_text_size(event->removed.bytes, size));
    plm_line_put(&line, PLM_STYLE_NONE, " reclaimed");
    plm_line_end(&line);
}

/* `✓ verified  bd008fe4d023 (0.1s) [2/3]`: the words in one column. */
static struct plm_line begin_blob(struct plm_view *view, const struct plm_event *event,
                                  enum plm_style style, enum plm_glyph glyph, const char *what)
{
    struct plm_line line = begin(view, style, glyph);
    plm_line_put(&line, PLM_STYLE_NONE, "%-9s ", what);
    put_id(&line, &event->blob);
    return line;
}

static void draw_waiting(struct plm_view *view, const struct plm_event *event)
{
    char holder[PLM_TEXT_SHORT];
    if (view->pace.waiting == event->blob.index)
        return; /* the live area shows how far the other one is */
    view->pace.waiting = event->blob.index;
    struct plm_line line = begin_blob(view, event, PLM_STYLE_WARN, PLM_GLYPH_BULLET, "waiting");
    plm_line_put(&line, PLM_STYLE_NONE, " for %s", plm_words_holder(event->waiting.pid, holder));
    put_place(&line, &event->blob);
    plm_line_end(&line);
}

static void draw_resumed(struct plm_view *view, const struct plm_event *event)
{
    char text[PLM_WORDS];
    bool adopted = event->kind == PLM_EV_BLOB_ADOPTED;
    uint64_t bytes = adopted ? event->adopted.bytes : event->resumed.done;
    struct plm_line line = begin_blob(view, event, PLM_STYLE_PARTIAL, PLM_GLYPH_AGAIN,
                                      adopted ? "adopted" : "resumed");
    plm_line_put(&line, PLM_STYLE_BYTES, " %s",
                 plm_words_share(bytes, event->blob.want->size, text));
    if (adopted)
        plm_line_put(&line, PLM_STYLE_NONE, " from %s", event->adopted.program);
    put_place(&line, &event->blob);
    plm_line_end(&line);
}

static void draw_verified(struct plm_view *view, const struct plm_event *event)
{
    char elapsed[PLM_TEXT_SHORT];
    struct plm_line line = begin_blob(view, event, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, "verified");
    put_size(&line, event->blob.want->size);
    plm_line_put(&line, PLM_STYLE_NONE, " (%s)",
                 plm_text_duration(event->verified.elapsed_ms, elapsed));
    put_place(&line, &event->blob);
    plm_line_end(&line);
}

static void draw_sent(struct plm_view *view, const struct plm_event *event)
{
    char elapsed[PLM_TEXT_SHORT];
    bool mounted = event->kind == PLM_EV_BLOB_MOUNTED;
    struct plm_line line =
        begin_blob(view, event, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, mounted ? "mounted" : "sent");
    put_size(&line, event->blob.want->size);
    if (mounted)
        plm_line_put(&line, PLM_STYLE_NONE, " from %s", event->mounted.from);
    else
        plm_line_put(&line, PLM_STYLE_NONE, " (%s)",
                     plm_text_duration(event->sent.elapsed_ms, elapsed));
    put_place(&line, &event->blob);
    plm_line_end(&line);
}

/* What is drawn with --verbose alone. */
static void draw_detail(struct plm_view *view, const struct plm_event *event)
{
    struct plm_line line;
    if (!view->options.verbose)
        return;
    switch (event->kind) {
    case PLM_EV_BLOB_CACHED:
    case PLM_EV_BLOB_EXISTS:
        line = begin_blob(view, event, PLM_STYLE_PARTIAL, PLM_GLYPH_HAVE,
                          view->pushes ? "there" : "cached");
        put_size(&line, event->blob.want->size);
        break;
    case PLM_EV_BLOB_START:
        line = begin_blob(view, event, PLM_STYLE_BRAND, PLM_GLYPH_GO,
                          view->pushes    ? "sending"
                          : view->imports ? "reading"
                                          : "fetching");
        put_size(&line, event->blob.want->size);
        break;
    case PLM_EV_CHUNKSUMS_FETCHED:
        line = begin_blob(view, event, PLM_STYLE_MUTED, PLM_GLYPH_DOT, "chunks");
        if (event->chunksums.available)
            plm_line_put(&line, PLM_STYLE_NONE, " %u digests", event->chunksums.chunk_count);
        else
            plm_line_put(&line, PLM_STYLE_NONE, " no digests");
        break;
    case PLM_EV_CHECKPOINT_SAVED:
        line = begin_blob(view, event, PLM_STYLE_MUTED, PLM_GLYPH_DOT, "synced");
        put_size(&line, event->checkpoint.durable);
        break;
    case PLM_EV_BLOB_FINALIZED:
        line = begin_blob(view, event, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, "finalized");
        break;
    default:
        return;
    }
    put_place(&line, &event->blob);
    plm_line_end(&line);
}

static void draw_blob(struct plm_view *view, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_BLOB_WAITING:
        draw_waiting(view, event);
        return;
    case PLM_EV_BLOB_ADOPTED:
    case PLM_EV_BLOB_RESUMED:
        draw_resumed(view, event);
        return;
    case PLM_EV_BLOB_VERIFIED:
        draw_verified(view, event);
        return;
    case PLM_EV_BLOB_MOUNTED:
    case PLM_EV_BLOB_SENT:
        draw_sent(view, event);
        return;
    default:
        draw_detail(view, event);
        return;
    }
}

/* ---- begin and end ---- */

static void draw_header(struct plm_view *view, const struct plm_ref *to)
{
    char title[PLM_WORDS_PUSH + 16], words[PLM_WORDS_PUSH];
    struct plm_box box = plm_box_out(view, PLM_BOX_ROUND, PLM_STYLE_BRAND);
    (void)snprintf(title, sizeof(title), "%s %s", view->pushes ? "pushing" : "pulling",
                   plm_words_push(view, to, words));
    plm_box_head(&box, title);
}

static void draw_completed(struct plm_view *view, const struct plm_event *event)
{
    char title[PLM_REF_TEXT + 32], text[PLM_WORDS], part[PLM_TEXT_SHORT];
    bool up_to_date = event->completed.up_to_date;
    if (event->completed.dry_run)
        return; /* the plan was the answer */
    struct plm_box frame = plm_box_out(view, PLM_BOX_ROUND, PLM_STYLE_BRAND);
    plm_box_rule(&frame, PLM_BOX_BOTTOM);
    struct plm_box box = plm_box_out(view, PLM_BOX_DOUBLE, PLM_STYLE_SUCCESS);
    box.label = 10;
    plm_box_rule(&box, PLM_BOX_TOP);
    (void)snprintf(title, sizeof(title), "%s%s%s",
                   up_to_date     ? ""
                   : view->pushes ? "pushed "
                                  : "pulled ",
                   view->model, up_to_date ? " is up to date" : "");
    plm_box_title(&box, PLM_GLYPH_OK, title);
    plm_box_rule(&box, PLM_BOX_MIDDLE);
    plm_box_row(&box, "size", plm_text_size(event->completed.total_size, part));
    (void)snprintf(text, sizeof(text), "%u", event->completed.blob_count);
    plm_box_row(&box, "blobs", text);
    uint64_t moved = view->pushes ? event->completed.sent : event->completed.fetched;
    if (!up_to_date && moved < event->completed.total_size)
        plm_box_row(&box, view->pushes ? "sent" : "fetched", plm_text_size(moved, part));
    plm_box_row(&box, "elapsed", plm_text_duration(event->completed.elapsed_ms, part));
    if (!up_to_date) {
        (void)snprintf(text, sizeof(text), "%s/s",
                       plm_text_size(event->completed.bytes_per_second, part));
        plm_box_row(&box, "avg rate", text);
    }
    plm_box_rule(&box, PLM_BOX_BOTTOM);
}

void plm_view_tty(struct plm_view *view, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_PULL_START:
        draw_header(view, NULL);
        return;
    case PLM_EV_PUSH_START:
        draw_header(view, event->pushed.to);
        return;
    case PLM_EV_MANIFEST_FETCHED:
    case PLM_EV_MANIFEST_READ:
        draw_manifest(view, event);
        return;
    case PLM_EV_PLAN:
        draw_plan(view, &event->plan);
        return;
    case PLM_EV_PUSH_PLAN:
        draw_push_plan(view, &event->push_plan);
        return;
    case PLM_EV_MANIFEST_PUSHED:
        draw_simple(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, "manifest pushed");
        return;
    case PLM_EV_MANIFEST_WRITTEN:
        draw_simple(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, "manifest written");
        return;
    case PLM_EV_LAYERS_REMOVED:
        draw_removed(view, event);
        return;
    case PLM_EV_COMPLETED:
        draw_completed(view, event);
        return;
    default:
        if (event->blob.want)
            draw_blob(view, event);
        return;
    }
}
