/** A view that writes into memory, and a small terminal that understands what it writes. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cells.h"
#include "cli/view.h"
#include "event_samples.h"

struct view_world {
    struct event_samples samples;
    struct plm_screen screen;
    struct plm_view_options options;
    struct plm_view *view;
    char *out, *err;
    size_t out_size, err_size;
};

/* Half a minute is more than any pace; a test that wants less asks for it. */
static int64_t world_now_ms = 1000;

static inline int64_t world_clock(void)
{
    return world_now_ms;
}

static inline void world_open(struct view_world *w, enum plm_view_mode mode)
{
    struct plm_error err = {0};
    samples_init(&w->samples);
    w->options.mode = mode;
    w->options.screen = &w->screen;
    w->options.out = open_memstream(&w->out, &w->out_size);
    w->options.err = open_memstream(&w->err, &w->err_size);
    w->options.now_ms = world_clock;
    assert_true(plm_view_new(&w->options, &w->view, &err));
}

static inline void world_pipe(struct view_world *w, enum plm_view_mode mode)
{
    w->screen = (struct plm_screen){.out_fd = -1, .width = 80, .height = 24};
    world_open(w, mode);
}

/* Standard error goes to the same terminal in life; here it has a page of its own. */
static inline void world_terminal(struct view_world *w, enum plm_view_mode mode, unsigned width)
{
    w->screen = (struct plm_screen){.out_fd = -1,
                                    .out_terminal = true,
                                    .err_terminal = true,
                                    .colour = true,
                                    .truecolour = true,
                                    .unicode = true,
                                    .overwrite = true,
                                    .width = width,
                                    .height = 24};
    world_open(w, mode);
}

static inline void world_event(struct view_world *w, const struct plm_event *event)
{
    struct plm_sink sink = plm_view_sink(w->view);
    sink.emit(sink.ctx, event);
    world_now_ms += 40;
    plm_view_tick(w->view);
    fflush(w->options.out);
    fflush(w->options.err);
}

static inline void world_emit(struct view_world *w, enum plm_event_kind kind)
{
    struct plm_event event = sample_event(&w->samples, kind);
    if (kind >= PLM_EV_LIST_MODEL && kind <= PLM_EV_VERSION)
        event.verb = PLM_VERB_LIST;
    world_event(w, &event);
}

static inline void world_end(struct view_world *w)
{
    struct plm_error err = {0};
    assert_true(plm_view_end(w->view, &err));
    fflush(w->options.out);
    fflush(w->options.err);
}

static inline void world_close(struct view_world *w)
{
    plm_view_free(w->view);
    fclose(w->options.out);
    fclose(w->options.err);
    free(w->out);
    free(w->err);
    *w = (struct view_world){0};
}

/* Every kind of event that a pull can have, in a possible order. */
static inline void world_pull(struct view_world *w, enum plm_event_kind last)
{
    for (int kind = PLM_EV_PULL_START; kind <= PLM_EV_LAYERS_REMOVED; kind++)
        world_emit(w, kind);
    world_emit(w, PLM_EV_LOCK_WAITING);
    world_emit(w, PLM_EV_WARNING);
    if (last == PLM_EV_INTERRUPTED) {
        world_emit(w, last);
        w->samples.error.code = PLM_E_INTERRUPTED;
        last = PLM_EV_FAILED;
    }
    world_emit(w, last);
}

/* ---- the terminal ---- */

#define TERMINAL_ROWS 400
#define TERMINAL_CELLS 320

struct terminal {
    char cell[TERMINAL_ROWS][TERMINAL_CELLS]
             [24]; /* "" behind the end, "\a" right half of a wide one */
    unsigned row, column, width, rows;
    bool cursor_hidden;
};

static inline void terminal_clear(struct terminal *t, unsigned row, unsigned column)
{
    for (unsigned i = column; i < TERMINAL_CELLS; i++)
        t->cell[row][i][0] = '\0';
}

static inline const char *terminal_escape(struct terminal *t, const char *at, const char *end)
{
    assert_true(at + 1 < end && *at == '[');
    const char *start = ++at;
    while (at < end && strchr("0123456789;?", *at))
        at++;
    assert_true(at < end);
    if (*at == 'A') {
        unsigned up = (unsigned)atoi(start);
        assert_true(up <= t->row);
        t->row -= up;
    } else if (*at == 'K') {
        terminal_clear(t, t->row, t->column);
    } else if (*at == 'J') {
        terminal_clear(t, t->row, t->column);
        for (unsigned i = t->row + 1; i < TERMINAL_ROWS; i++)
            terminal_clear(t, i, 0);
    } else if (*at == 'l' || *at == 'h') {
        assert_memory_equal(start, "?25", 3);
        t->cursor_hidden = *at == 'l';
    } else {
        assert_int_equal(*at, 'm');
    }
    return at + 1;
}

/* Feeds bytes; a character that does not fit into its row fails the test. */
static inline void terminal_feed(struct terminal *t, const char *bytes, size_t size)
{
    const char *at = bytes, *end = bytes + size;
    while (at < end) {
        if (*at == '\x1b') {
            at = terminal_escape(t, at + 1, end);
        } else if (*at == '\r' || *at == '\n') {
            t->column = 0;
            t->row += *at++ == '\n';
            assert_true(t->row < TERMINAL_ROWS);
        } else {
            char glyph[8] = "";
            unsigned used = 0;
            do
                glyph[used++] = *at++;
            while (at < end && ((unsigned char)*at & 0xC0) == 0x80 && used < 4);
            assert_false((unsigned char)glyph[0] < 0x20);
            unsigned cells = plm_cells_width(glyph);
            assert_true(t->column + cells <= t->width);
            if (cells > 0)
                strcpy(t->cell[t->row][t->column], glyph);
            if (cells == 2)
                strcpy(t->cell[t->row][t->column + 1], "\a");
            t->column += cells;
        }
    }
    if (t->row + 1 > t->rows)
        t->rows = t->row + 1;
}

/* The text of a row, and its width in cells. */
static inline unsigned terminal_row(const struct terminal *t, unsigned row, char *out, size_t size)
{
    unsigned cells = 0;
    out[0] = '\0';
    for (; cells < TERMINAL_CELLS && t->cell[row][cells][0]; cells++)
        if (t->cell[row][cells][0] != '\a')
            strncat(out, t->cell[row][cells], size - strlen(out) - 1);
    return cells;
}

/* Rows that contain @p text. */
static inline unsigned terminal_count(const struct terminal *t, const char *text)
{
    unsigned found = 0;
    char line[TERMINAL_CELLS * 4];
    for (unsigned row = 0; row < TERMINAL_ROWS; row++) {
        (void)terminal_row(t, row, line, sizeof(line));
        found += strstr(line, text) != NULL;
    }
    return found;
}
