/* What stands in the live area: one bar for the job, a line for each blob that is being worked at.
 */
#include "cli/view_parts.h"

#include <string.h>

#include "cli/cells.h"

#define NARROW 40
#define LOW 6
#define SMALL_BAR 10

static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
static const char *const spinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
static const char *const ascii_spinner[] = {"|", "/", "-", "\\"};

static const char *spin(const struct plm_view *view)
{
    if (view->screen->unicode)
        return spinner[view->live.spin % PLM_COUNT(spinner)];
    return ascii_spinner[view->live.spin % PLM_COUNT(ascii_spinner)];
}

static struct plm_line begin(struct plm_view *view, unsigned width)
{
    return plm_line_begin(&view->drawing, view->screen, view->screen->colour, width);
}

static struct plm_line begin_framed(struct plm_view *view)
{
    struct plm_line line = begin(view, plm_view_frame_width(view));
    plm_line_put(&line, PLM_STYLE_BRAND, "%s  ", view->screen->unicode ? "│" : "|");
    return line;
}

static void put_bar(struct plm_line *line, uint64_t done, uint64_t total, unsigned cells)
{
    /* Thousandths are finer than an eighth of any bar, and cannot overflow. */
    uint64_t part = done >= total               ? 1000
                    : done <= UINT64_MAX / 1000 ? done * 1000 / total
                                                : done / (total / 1000);
    unsigned filled = (unsigned)((part < 1000 ? part : 1000) * cells * 8 / 1000);
    enum plm_style style = done >= total ? PLM_STYLE_SUCCESS : PLM_STYLE_BRAND;
    unsigned start = line->used + 1;
    plm_line_put(line, PLM_STYLE_SUBTLE, "[");
    plm_line_fill(line, style, line->unicode ? "█" : "#", start + filled / 8);
    if (filled % 8 && line->unicode)
        plm_line_put(line, PLM_STYLE_PARTIAL, "%s", eighths[filled % 8]);
    else if (filled % 8)
        plm_line_put(line, PLM_STYLE_PARTIAL, "#");
    plm_line_fill(line, PLM_STYLE_TRACK, line->unicode ? "░" : "-", start + cells);
    plm_line_put(line, PLM_STYLE_SUBTLE, "]");
}

/* Puts a part with a separator before it, if the line has room for all of it. */
static void put_part(struct plm_line *line, enum plm_style style, const char *text)
{
    if (!*text || line->used + 3 + plm_cells_width(text) > line->width)
        return;
    plm_line_put(line, PLM_STYLE_SUBTLE, " %s ", plm_glyph(line->unicode, PLM_GLYPH_DOT));
    plm_line_put(line, style, "%s", text);
}

static void put_rates(struct plm_line *line, const struct plm_snapshot *s)
{
    char text[PLM_WORDS] = "", part[PLM_TEXT_SHORT];
    if (s->bytes_per_second > 0)
        (void)snprintf(text, sizeof(text), "%s/s", plm_text_size(s->bytes_per_second, part));
    put_part(line, PLM_STYLE_BYTES, text);
    text[0] = '\0';
    if (*plm_words_eta(s->eta_ms, part))
        (void)snprintf(text, sizeof(text), "eta %s", part);
    put_part(line, PLM_STYLE_ETA, text);
    text[0] = '\0';
    if (s->connections > 0)
        (void)snprintf(text, sizeof(text), "%u connection%s", s->connections,
                       s->connections == 1 ? "" : "s");
    put_part(line, PLM_STYLE_MUTED, text);
}

static void put_overall(struct plm_line *line, const struct plm_snapshot *s, unsigned cells)
{
    char text[PLM_WORDS];
    if (cells > 0)
        put_bar(line, s->overall_done, s->overall_total, cells);
    plm_line_put(line, PLM_STYLE_STRONG, "%s%u%%", cells > 0 ? " " : "",
                 plm_words_percent(s->overall_done, s->overall_total));
    plm_line_put(line, PLM_STYLE_BYTES, " %s",
                 plm_words_share(s->overall_done, s->overall_total, text));
    put_rates(line, s);
}

static void put_phase(struct plm_view *view, struct plm_line *line, unsigned cells)
{
    const struct plm_snapshot *s = &view->snapshot;
    if (s->phase == PLM_PHASE_TRANSFERRING) {
        put_overall(line, s, cells);
        return;
    }
    plm_line_put(line, PLM_STYLE_PARTIAL, "%s ", spin(view));
    bool commits = s->phase == PLM_PHASE_COMMITTING;
    const char *what = view->pushes ? commits ? "pushing manifest" : "asking what is there"
                       : commits    ? "writing manifest"
                                    : "fetching manifest";
    plm_line_put(line, PLM_STYLE_MUTED, "%s%s", what, plm_glyph(line->unicode, PLM_GLYPH_ELLIPSIS));
}

static void draw_blob(struct plm_view *view, const struct plm_snapshot_blob *blob)
{
    char id[13], text[PLM_WORDS];
    struct plm_line line = begin_framed(view);
    plm_line_put(&line, PLM_STYLE_PARTIAL, "%s ", blob->verifying ? spin(view) : " ");
    plm_line_put(&line, PLM_STYLE_DIGEST, "%s", plm_words_digest(&blob->digest, id));
    plm_line_put(&line, PLM_STYLE_SUBTLE, " [%u/%u] ", blob->index, view->snapshot.blobs_total);
    if (blob->verifying) {
        plm_line_put(&line, PLM_STYLE_MUTED, "verifying");
    } else {
        if (line.width >= 60 && !blob->waiting)
            put_bar(&line, blob->done, blob->total, SMALL_BAR);
        plm_line_put(&line, PLM_STYLE_MUTED, "%s%3u%% ", line.width >= 60 ? " " : "",
                     plm_words_percent(blob->done, blob->total));
        plm_line_put(&line, PLM_STYLE_BYTES, "%s", plm_words_share(blob->done, blob->total, text));
        if (blob->waiting)
            put_part(&line, PLM_STYLE_WARN, "by another process");
    }
    plm_line_end(&line);
}

static void draw_blobs(struct plm_view *view, unsigned room)
{
    const struct plm_snapshot *s = &view->snapshot;
    size_t shown = s->active_count, most = room < PLM_LIVE_BLOBS ? room : PLM_LIVE_BLOBS;
    if (shown > most)
        shown = most > 0 && most == room ? most - 1 : most;
    for (size_t i = 0; i < shown; i++)
        draw_blob(view, &s->active[i]);
    if (shown == s->active_count || room == 0)
        return;
    struct plm_line line = begin_framed(view);
    plm_line_put(&line, PLM_STYLE_MUTED, "  +%zu more", s->active_count - shown);
    plm_line_end(&line);
}

static void draw_compact(struct plm_view *view)
{
    char text[PLM_WORDS];
    const struct plm_snapshot *s = &view->snapshot;
    struct plm_line line = begin(view, view->screen->width);
    if (s->phase == PLM_PHASE_TRANSFERRING)
        plm_line_put(&line, PLM_STYLE_NONE, "%u%% %s",
                     plm_words_percent(s->overall_done, s->overall_total),
                     plm_words_share_short(s->overall_done, s->overall_total, text));
    else
        put_phase(view, &line, 0);
    plm_line_end(&line);
}

void plm_bar_draw(struct plm_view *view, unsigned lines)
{
    unsigned width = view->screen->width;
    if (!view->framed) {
        draw_compact(view);
        return;
    }
    if (width < NARROW || view->screen->height < LOW) {
        struct plm_line line = begin(view, width);
        plm_line_put(&line, PLM_STYLE_NONE, "  ");
        put_phase(view, &line, 0);
        plm_line_end(&line);
        return;
    }
    struct plm_line line = begin_framed(view);
    put_phase(view, &line, line.width < 60 ? 12 : line.width < 100 ? 20 : 30);
    plm_line_end(&line);
    if (view->snapshot.phase == PLM_PHASE_TRANSFERRING)
        draw_blobs(view, lines > 2 ? lines - 2 : 0);
    struct plm_box foot = plm_box_out(view, PLM_BOX_ROUND, PLM_STYLE_BRAND);
    foot.page = &view->drawing;
    plm_box_rule(&foot, PLM_BOX_BOTTOM);
}
