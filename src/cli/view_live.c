/* The live area: lines at the bottom of the terminal that are drawn again in place, and the order
 * in which finished lines and errors reach their streams around it. */
#include "cli/view_parts.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cli/cells.h"

#define READER_MS 100
#define CLEAR_LINE "\x1b[K"
#define CLEAR_BELOW "\x1b[J"
#define CURSOR_HIDE "\x1b[?25l"
#define CURSOR_SHOW "\x1b[?25h"

/* Waits until the reader takes something. One that reads nothing (a pager, a terminal that ^S has
 * halted) must not keep the program from ending: false then. */
static bool is_taken(const struct plm_view *view, int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    for (;;) {
        int found = poll(&ready, 1, READER_MS);
        if (found > 0 || (found < 0 && errno != EINTR))
            return true; /* what is wrong, the write will say */
        if (found == 0 && view->options.is_ending && view->options.is_ending())
            return false;
    }
}

/* A redraw must not be seen half done, so a terminal gets all of it at once; a pipe gets no more
 * than it surely takes. */
static int put_descriptor(const struct plm_view *view, int fd, const char *bytes, size_t size)
{
    size_t most = view->screen->out_terminal ? size : PIPE_BUF;
    while (size > 0) {
        if (!is_taken(view, fd))
            return EPIPE;
        ssize_t done = write(fd, bytes, size < most ? size : most);
        if (done < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (done < 0)
            return errno;
        bytes += done;
        size -= (size_t)done;
    }
    return 0;
}

static int put_stream(const struct plm_view *view, FILE *stream, const struct plm_page *page)
{
    int fd = fileno(stream);
    errno = 0;
    if (fd >= 0)
        return fflush(stream) == 0 ? put_descriptor(view, fd, page->bytes, page->size) : errno;
    if (fwrite(page->bytes, 1, page->size, stream) == page->size && fflush(stream) == 0)
        return 0;
    return errno ? errno : EIO;
}

/* A reader that has gone ends the results, not the job; plm_view_end() tells. */
static void put_out(struct plm_view *view, struct plm_page *page)
{
    if (page->failed)
        (void)plm_fail(&view->write_error, PLM_E_NOMEM, "no memory for the output");
    if (page->size > 0 && !view->write_error.code) {
        int error = put_stream(view, view->options.out, page);
        if (error)
            (void)plm_fail_sys(&view->write_error, error, "write the output");
    }
    page->size = 0;
    page->failed = false;
}

static void put_err(struct plm_view *view)
{
    if (view->err.size > 0)
        (void)put_stream(view, view->options.err, &view->err); /* there is nowhere left to say it */
    view->err.size = 0;
    view->err.failed = false;
}

/* Rows between the first one and the cursor: a terminal that was narrowed has wrapped the lines.
 * The cursor is at the front of the last line, so that one counts nothing. */
static unsigned rows_above(const struct plm_view *view)
{
    unsigned rows = 0, width = view->screen->width;
    for (unsigned i = 0; i + 1 < view->live.lines; i++) {
        unsigned cells = view->live.widths[i];
        rows += cells > width && width > 0 ? (cells + width - 1) / width : 1;
    }
    return rows;
}

static void put(struct plm_page *page, const char *text)
{
    plm_page_put(page, text, strlen(text));
}

/* Brings the cursor to where the area begins. */
static void put_home(struct plm_view *view, struct plm_page *page)
{
    char up[24];
    unsigned rows = rows_above(view);
    put(page, "\r");
    if (rows > 0) {
        (void)snprintf(up, sizeof(up), "\x1b[%uA", rows);
        put(page, up);
    }
}

/* Cells of one line of the drawing: escape sequences have none. */
static unsigned cells_of_line(const char *bytes, size_t size)
{
    char text[PLM_FRAME_MAX * 8];
    size_t used = 0;
    for (size_t i = 0; i < size && used + 1 < sizeof(text); i++) {
        if (bytes[i] == '\x1b')
            while (i < size && bytes[i] != 'm')
                i++;
        else
            text[used++] = bytes[i];
    }
    text[used] = '\0';
    return plm_cells_width(text);
}

/* Takes the drawing over into @p page, without the newline behind the last line. */
static void put_drawing(struct plm_view *view, struct plm_page *page)
{
    struct plm_live *live = &view->live;
    const char *bytes = view->drawing.bytes;
    size_t left = view->drawing.size;
    live->lines = 0;
    while (left > 0 && live->lines < PLM_LIVE_LINES) {
        const char *end = memchr(bytes, '\n', left);
        size_t length = end ? (size_t)(end - bytes) : left;
        if (live->lines > 0)
            put(page, "\r\n");
        put(page, CLEAR_LINE);
        plm_page_put(page, bytes, length);
        live->widths[live->lines++] = cells_of_line(bytes, length);
        bytes += length + (end ? 1 : 0);
        left -= length + (end ? 1 : 0);
    }
    put(page, "\r"); /* the terminal echoes ^C where the cursor is: it must not begin a new row */
}

static unsigned lines_of(const struct plm_page *page)
{
    unsigned lines = 0;
    for (size_t i = 0; i < page->size; i++)
        lines += page->bytes[i] == '\n';
    return lines;
}

static void draw(struct plm_view *view, struct plm_page *page)
{
    unsigned room = view->screen->height > 1 ? view->screen->height - 1 : 1;
    view->drawing.size = 0;
    plm_bar_draw(view, room < PLM_LIVE_LINES ? room : PLM_LIVE_LINES);
    if (view->live.lines > 0)
        put_home(view, page);
    if (view->out.size > 0 || lines_of(&view->drawing) < view->live.lines ||
        view->live.width != view->screen->width)
        put(page, CLEAR_BELOW);
    plm_page_put(page, view->out.bytes, view->out.size);
    if (!view->screen->cursor_hidden) {
        view->screen->cursor_hidden = 1;
        put(page, CURSOR_HIDE);
    }
    put_drawing(view, page);
    view->live.drawn_ms = view->options.now_ms();
    view->live.width = view->screen->width;
    view->live.stale = false;
    view->live.spin++;
}

static void erase(struct plm_view *view, struct plm_page *page)
{
    if (view->live.lines > 0) {
        put_home(view, page);
        put(page, CLEAR_BELOW);
    }
    view->live.lines = 0;
    plm_page_put(page, view->out.bytes, view->out.size);
}

void plm_live_flush(struct plm_view *view, bool redraw)
{
    struct plm_page page = {0};
    if (view->screen->disturbed) {
        view->screen->disturbed = 0;
        view->live.lines = 0;
    }
    (void)plm_screen_measure(view->screen);
    bool between = view->err.size > 0 && view->screen->err_terminal;
    if (view->live.on && redraw && !between)
        draw(view, &page);
    else
        erase(view, &page);
    page.failed = page.failed || view->out.failed || view->drawing.failed;
    view->out.size = 0;
    view->out.failed = view->drawing.failed = false;
    put_out(view, &page);
    put_err(view);
    if (view->live.on && redraw && between) {
        draw(view, &page);
        put_out(view, &page);
    }
    plm_page_done(&page);
}

static bool is_due(const struct plm_view *view)
{
    int64_t since = view->options.now_ms() - view->live.drawn_ms;
    return since >= PLM_REDRAW_MS || since < 0;
}

void plm_live_settle(struct plm_view *view)
{
    if (!view->live.on) {
        if (view->out.size > 0 || view->err.size > 0 || view->live.lines > 0)
            plm_live_flush(view, false);
        return;
    }
    view->live.stale = true;
    if (view->err.size > 0 || is_due(view))
        plm_live_flush(view, true);
}

void plm_live_begin(struct plm_view *view)
{
    view->live.on = view->screen->overwrite && !view->options.quiet;
    view->live.lines = 0;
    view->live.drawn_ms = view->options.now_ms() - PLM_REDRAW_MS;
}

void plm_live_end(struct plm_view *view)
{
    view->live.on = false;
    if (view->live.lines > 0 || view->out.size > 0 || view->err.size > 0)
        plm_live_flush(view, false);
    if (!view->screen->cursor_hidden)
        return;
    struct plm_page page = {0};
    put(&page, CURSOR_SHOW);
    put_out(view, &page);
    plm_page_done(&page);
    view->screen->cursor_hidden = 0;
}
