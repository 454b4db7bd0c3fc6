/**
 * The inside of the view, shared by its files alone.
 *
 * Every event is shown by exactly one of: view_json.c; view_plain.c, or on a terminal view_tty.c,
 * for a pull or a push; view_store.c for the store's commands; view_verify.c for verify;
 * view_archive.c for archives; view_queue.c for the queue; view_history.c for the history;
 * view_failure.c for the end of a job that failed. They write whole lines into two pages;
 * view_live.c brings both to their streams, around the live area at the bottom of the terminal.
 */
#pragma once

#include "cli/page.h"
#include "cli/view.h"
#include "pullama/snapshot.h"
#include "pullama/text.h"

#define PLM_FRAME_MAX 100
#define PLM_LIVE_BLOBS 8
/** A bar, the blobs, "+N more", and the foot of the frame. */
#define PLM_LIVE_LINES (PLM_LIVE_BLOBS + 3)
#define PLM_REDRAW_MS 100

#define PLM_LIST_COLUMNS 8

/** What the rows of a list have in common. */
struct plm_list_form {
    unsigned columns, gap;
    bool is_loose;    /**< the last column is prose: it is cut before the elastic one */
    unsigned elastic; /**< the column of names, which give way on narrow terminals */
    const char *headings[PLM_LIST_COLUMNS];  /**< none at all: no line of them */
    enum plm_style styles[PLM_LIST_COLUMNS]; /**< NONE: that of the row's mark */
};

struct plm_list_row {
    char *cells[PLM_LIST_COLUMNS]; /**< owned */
    enum plm_style mark;
};

struct plm_list {
    const struct plm_list_form *form; /**< NULL: that of models */
    struct plm_list_row *rows;        /**< owned */
    size_t count, capacity;
};

/** The area that is drawn again and again; its cursor stays at the front of its last line. */
struct plm_live {
    bool on;
    bool stale; /**< what is drawn is not the state any more */
    unsigned lines;
    unsigned width;                  /**< of the terminal when they were drawn */
    unsigned widths[PLM_LIVE_LINES]; /**< cells of each line, for when the terminal is narrowed */
    int64_t drawn_ms;
    unsigned spin;
};

/** What keeps plain progress lines rare. */
struct plm_pace {
    unsigned percent; /**< that was shown last */
    int64_t line_ms;
    uint32_t waiting; /**< index of the blob whose waiting was said */
};

/** What keeps a burst of equal retries short. */
struct plm_burst {
    bool shown;
    int64_t line_ms;
    enum plm_retry_reason reason;
    unsigned hidden;
};

/** Models and archive, as the end of an export or import names them. */
#define PLM_ARCHIVE_TITLE (PLM_REF_TEXT + 544)

struct plm_view {
    struct plm_view_options options;
    struct plm_screen *screen;
    bool framed; /**< pulls are drawn with frame and boxes */
    struct plm_page out, err, drawing;
    struct plm_snapshot snapshot;
    struct plm_live live;
    struct plm_pace pace;
    struct plm_burst burst;
    struct plm_list list;
    char model[PLM_REF_TEXT];           /**< display form of the job's model, or "" */
    enum plm_scheme scheme;             /**< of the job's model */
    char archive[PLM_ARCHIVE_TITLE];    /**< what the end of an export or import says */
    bool pushes;                        /**< the job's bytes go out */
    bool imports;                       /**< they come out of an archive */
    bool several;                       /**< which has several models */
    bool queued;                        /**< it is a run of the queue */
    bool beside;                        /**< in which several jobs run at a time */
    bool kept;                          /**< it was said how much of the history is kept */
    bool has_header;                    /**< of CSV */
    struct plm_view_context **contexts; /**< owned; of jobs that are not shown just now */
    bool interrupted;                   /**< it was said: once, for all jobs that are stopped */
    uint64_t seq;
    struct plm_error write_error;
};

/* ---- view.c: lines for the two streams ---- */

/** Width of frames and boxes now. */
unsigned plm_view_frame_width(const struct plm_view *view);
/** A result's line, cut at the width of a terminal if @p cut. */
struct plm_line plm_view_line(struct plm_view *view, bool cut);
/** A line for the error stream. */
struct plm_line plm_view_err_line(struct plm_view *view, bool cut);
/** True when the error stream is a terminal on which boxes and glyphs are drawn. */
bool plm_view_err_framed(const struct plm_view *view);
/** One plain line, whole. */
void plm_view_say(struct plm_view *view, const char *format, ...) PLM_FORMAT(2, 3);
/** One plain line for the error stream, its first word (up to the colon) coloured. */
void plm_view_warn(struct plm_view *view, enum plm_style style, const char *label,
                   const char *format, ...) PLM_FORMAT(4, 5);

/* ---- view_words.c: what both forms of a pull say ---- */

#define PLM_WORDS 256

/** First 12 hex digits of a digest. */
const char *plm_words_digest(const struct plm_digest *digest, char out[13]);
/** `1.2 GB/2.9 GB`. */
const char *plm_words_share(uint64_t done, uint64_t total, char out[PLM_WORDS]);
/** `3.1/4.7 GB`; both units where they differ. */
const char *plm_words_share_short(uint64_t done, uint64_t total, char out[PLM_WORDS]);
/** Whole seconds, "" while unknown. */
const char *plm_words_eta(int64_t eta_ms, char out[PLM_TEXT_SHORT]);
#define PLM_WORDS_PUSH (2 * PLM_REF_TEXT + 8)
/** The job's model, and under which other name it goes out, if it does: `m:latest as host/ns/m:v1`.
 */
const char *plm_words_push(const struct plm_view *view, const struct plm_ref *to,
                           char out[PLM_WORDS_PUSH]);
/** As plm_ref_format(), for tables: of a digest that pins, the first 12 digits where a person reads
 * it, which is on a terminal and without --verbose. */
const char *plm_words_model(const struct plm_view *view, const struct plm_ref *ref,
                            char out[PLM_REF_TEXT]);
/** Percent, floored. */
unsigned plm_words_percent(uint64_t done, uint64_t total);
/** `connection failed (HTTP 503), again in 1.2s`; with host and detail when @p verbose. */
const char *plm_words_retry(const struct plm_event_retry *retry, bool verbose,
                            char out[PLM_ERROR_TEXT * 2]);
/** Where waiting for another process is said: "process 4711" or "another process". */
const char *plm_words_holder(long pid, char out[PLM_TEXT_SHORT]);

/* ---- view_live.c ---- */

/** Writes both pages, and draws the live area if it is on and @p draw. */
void plm_live_flush(struct plm_view *view, bool draw);
/** Writes what cannot wait, draws when it is time. After every event. */
void plm_live_settle(struct plm_view *view);
void plm_live_begin(struct plm_view *view);
void plm_live_end(struct plm_view *view);

/* ---- view_bar.c: what stands in the live area ---- */

/** Fills view->drawing with at most @p lines lines; each is ended by a newline. */
void plm_bar_draw(struct plm_view *view, unsigned lines);

/* ---- view_box.c ---- */

enum plm_box_kind { PLM_BOX_ROUND, PLM_BOX_DOUBLE, PLM_BOX_HEAVY };
enum plm_box_rule { PLM_BOX_TOP, PLM_BOX_MIDDLE, PLM_BOX_BOTTOM };

struct plm_box {
    struct plm_page *page;
    const struct plm_screen *screen;
    bool colour;
    enum plm_box_kind kind;
    enum plm_style style;
    unsigned width;
    unsigned label; /**< cells of the label column */
};

struct plm_box plm_box_out(struct plm_view *view, enum plm_box_kind kind, enum plm_style style);
struct plm_box plm_box_err(struct plm_view *view, enum plm_box_kind kind, enum plm_style style);
void plm_box_rule(const struct plm_box *box, enum plm_box_rule rule);
/** The title in the top rule: `╭─ pulling M:T ───╮`. */
void plm_box_head(const struct plm_box *box, const char *title);
/** A row that begins with a glyph, cut to fit. */
void plm_box_title(const struct plm_box *box, enum plm_glyph glyph, const char *title);
void plm_box_row(const struct plm_box *box, const char *label, const char *value);
/** Rows of wrapped text; @p style for the text. */
void plm_box_text(const struct plm_box *box, enum plm_style style, const char *text);

/* ---- the kinds ---- */

void plm_view_json(struct plm_view *view, const struct plm_event *event);
/** Shows a warning or a retry, unless quiet, and what `verify` found damaged; false when the event
 * is none of these. */
bool plm_view_warning(struct plm_view *view, const struct plm_event *event);
/** A pull in plain lines; also compact and quiet. */
void plm_view_plain(struct plm_view *view, const struct plm_event *event);
/** The progress line, if one is due. */
void plm_view_plain_progress(struct plm_view *view);
void plm_view_tty(struct plm_view *view, const struct plm_event *event);
/** False when the event is none of a store's command. */
bool plm_view_store(struct plm_view *view, const struct plm_event *event);
/** False when the event is none of the queue or the history. */
bool plm_view_queue(struct plm_view *view, const struct plm_event *event);
/** Takes note of a run of the queue that begins. */
void plm_view_queue_begin(struct plm_view *view, const struct plm_event *event);
/** What a run of the queue says while its pulls go on. */
bool plm_view_is_beside(const struct plm_event *event);
bool plm_view_history(struct plm_view *view, const struct plm_event *event);
/** What `history` and `stats` print at their end. */
void plm_view_history_end(struct plm_view *view);
void plm_view_csv(struct plm_view *view, const struct plm_event *event);
/** Makes the view know what it knew of @p job when its last event came. False when that is nothing,
 * or it is the same job. */
bool plm_view_turn_to(struct plm_view *view, uint32_t job);
/** Forgets a job that has ended; 0: all. */
void plm_view_forget(struct plm_view *view, uint32_t job);
/** False when the event is none of `doctor`. */
bool plm_view_doctor(struct plm_view *view, const struct plm_event *event);
/** False when the event is none of an archive's: then it is shown as of a pull. */
bool plm_view_archive(struct plm_view *view, const struct plm_event *event);
/** False when the event is none of `verify`, or is a failure. */
bool plm_view_verify(struct plm_view *view, const struct plm_event *event);
/** False when the event is none of `outdated` and `update`. */
bool plm_view_upstream(struct plm_view *view, const struct plm_event *event);
/** Adds a row; the cells are copied. */
void plm_view_list_put(struct plm_view *view, const struct plm_list_form *form, enum plm_style mark,
                       const char *const *cells);
void plm_view_list_add(struct plm_view *view, const struct plm_event *event);
/** Prints and forgets the rows. */
void plm_view_list_print(struct plm_view *view);
void plm_view_list_clear(struct plm_list *list);
void plm_view_show(struct plm_view *view, const struct plm_event_show *show, int64_t now_s);
/** Calls @p each for the scalar values of a parameters layer; false when it is none. view_params.c
 */
bool plm_params_each(const char *text, size_t length,
                     void (*each)(void *ctx, const char *key, const char *value), void *ctx);
/** INTERRUPTED and FAILED, for every mode. */
void plm_view_interrupted(struct plm_view *view, const struct plm_event *event);
void plm_view_failed(struct plm_view *view, const struct plm_event *event);
