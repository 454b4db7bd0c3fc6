/* Warnings and retries: their words, their two forms, and the limit on bursts of the same. */
#include "cli/view_parts.h"

#include <string.h>

#include "cli/cells.h"

#define WORDS (PLM_ERROR_TEXT * 2)
#define BURST_MS 1000

/* A retry so soon after one for the same reason is only counted. */
static bool is_hidden(struct plm_view *view, const struct plm_event_retry *retry)
{
    struct plm_burst *burst = &view->burst;
    int64_t now = view->options.now_ms();
    bool same = burst->shown && burst->reason == retry->reason && now - burst->line_ms < BURST_MS;
    if (same && !view->options.verbose) {
        burst->hidden++;
        return true;
    }
    burst->shown = true;
    burst->line_ms = now;
    burst->reason = retry->reason;
    return false;
}

static bool name_retry(struct plm_view *view, const struct plm_event_retry *retry, char *text)
{
    char words[WORDS], hidden[PLM_TEXT_SHORT] = "";
    if (is_hidden(view, retry))
        return false;
    if (view->burst.hidden > 0)
        (void)snprintf(hidden, sizeof(hidden), " (+%u more)", view->burst.hidden);
    view->burst.hidden = 0;
    (void)snprintf(text, WORDS, "retry %d/%d: %.800s%s", retry->attempt, retry->max_attempts,
                   plm_words_retry(retry, view->options.verbose, words), hidden);
    return true;
}

static void name_blob_warning(const struct plm_event *event, char *text)
{
    char id[13], part[PLM_TEXT_SHORT];
    plm_words_digest(&event->blob.want->digest, id);
    if (event->kind == PLM_EV_CHUNK_MISMATCH)
        (void)snprintf(text, WORDS, "blob %s: bytes %llu-%llu are wrong, fetching them again", id,
                       (unsigned long long)event->chunk.start,
                       (unsigned long long)(event->chunk.end - (event->chunk.end > 0)));
    else if (event->kind == PLM_EV_UPLOAD_LOST)
        (void)snprintf(text, WORDS, "blob %s is sent from its start again: %s", id,
                       event->text.message);
    else if (event->kind == PLM_EV_CHECKPOINT_CORRUPT)
        (void)snprintf(text, WORDS, "checkpoint of blob %s: %s", id, event->text.message);
    else
        (void)snprintf(text, WORDS, "blob %s does not have its digest; fetching %s again (%d/%d)",
                       id, plm_text_size(event->verified.dropped, part), event->verified.attempt,
                       event->verified.max_attempts);
}

static const char *const damages[PLM_BLOB_VERDICTS] = {
    [PLM_BLOB_WRONG_DIGEST] = "has wrong bytes", [PLM_BLOB_TRUNCATED] = "is truncated",
    [PLM_BLOB_GROWN] = "is too large",           [PLM_BLOB_MISSING] = "is missing",
    [PLM_BLOB_NO_FILE] = "is no regular file",   [PLM_BLOB_UNREADABLE] = "cannot be read",
};

static void name_users(const struct plm_event *event, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < event->users.count && used < size; i++) {
        char name[PLM_REF_TEXT];
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "",
                                 plm_ref_format(event->users.items[i], name));
    }
}

/* "blob 6a0746a1ec1a is truncated (1.0 GB/2.9 GB), needed by llama3:latest, other:7b" */
static void name_bad_blob(const struct plm_event *event, char *text)
{
    const struct plm_event_blob_checked *c = &event->blob_checked;
    char id[13], share[PLM_WORDS], models[WORDS / 2];
    bool sized = c->verdict == PLM_BLOB_TRUNCATED || c->verdict == PLM_BLOB_GROWN;
    bool refused = c->verdict == PLM_BLOB_UNREADABLE && c->message;
    name_users(event, models, sizeof(models));
    if (sized)
        plm_words_share(c->found_size, event->blob.want->size, share);
    (void)snprintf(text, WORDS, "blob %s %s%s%s%s, needed by %s%s%.200s",
                   plm_words_digest(&event->blob.want->digest, id), damages[c->verdict],
                   sized ? " (" : "", sized ? share : "", sized ? ")" : "", models,
                   refused ? ": " : "", refused ? c->message : "");
}

static void name_unrepaired(const struct plm_event *event, char *text)
{
    char id[13], models[WORDS / 2], name[32];
    const char *why = event->blob_repaired.error->msg;
    name_users(event, models, sizeof(models));
    (void)snprintf(name, sizeof(name),
                   "blob %s: ", plm_words_digest(&event->blob.want->digest, id));
    if (strncmp(why, name, strlen(name)) == 0) /* it is named once */
        why += strlen(name);
    (void)snprintf(text, WORDS, "blob %s could not be repaired, needed by %s: %.300s", id, models,
                   why);
}

/* Words for what is damaged; false when the event tells of nothing that is. */
static bool name_damage(const struct plm_event *event, char *text)
{
    if (event->kind == PLM_EV_BLOB_CHECKED && event->blob_checked.verdict >= PLM_BLOB_WRONG_DIGEST)
        name_bad_blob(event, text);
    else if (event->kind == PLM_EV_BLOB_REPAIRED && event->blob_repaired.error)
        name_unrepaired(event, text);
    else if (event->kind == PLM_EV_MODEL_CHECKED &&
             event->model_checked.verdict == PLM_MODEL_BAD_MANIFEST)
        (void)snprintf(text, WORDS, "%s", event->model_checked.message);
    else
        return false;
    return true;
}

/* Words for a warning that is to be shown. */
static bool name_warning(struct plm_view *view, const struct plm_event *event, char *text)
{
    char holder[PLM_TEXT_SHORT];
    switch (event->kind) {
    case PLM_EV_RETRY:
        return name_retry(view, &event->retry, text);
    case PLM_EV_REFRESH:
        return view->options.verbose && name_retry(view, &event->retry, text);
    case PLM_EV_LOCK_WAITING:
        (void)snprintf(text, WORDS, "waiting for %s, which %s",
                       plm_words_holder(event->waiting.pid, holder),
                       view->pushes ? "pushes to the same place" : "holds the store");
        return true;
    case PLM_EV_WARNING:
        (void)snprintf(text, WORDS, "%s", event->text.message ? event->text.message : "");
        return true;
    default:
        if (!event->blob.want)
            return false;
        name_blob_warning(event, text);
        return true;
    }
}

/* All its words are kept: they are wrapped behind the frame's border. */
static void draw(struct plm_view *view, enum plm_style style, enum plm_glyph glyph,
                 const char *text)
{
    char safe[WORDS * 4];
    bool unicode = view->screen->unicode;
    plm_text_printable(text, safe, sizeof(safe));
    if (!unicode)
        plm_cells_ascii(safe);
    const char *mark = plm_glyph(unicode, glyph), *rest = safe;
    unsigned indent = 4 + plm_cells_width(mark), width = plm_view_frame_width(view);
    while (*rest) {
        size_t skip, length = plm_cells_wrap(rest, width > indent + 4 ? width - indent : 4, &skip);
        struct plm_line line =
            plm_line_begin(&view->err, view->screen, view->screen->colour, width);
        plm_line_put(&line, PLM_STYLE_BRAND, "%s  ", unicode ? "│" : "|");
        plm_line_put(&line, style, "%s", rest == safe ? mark : "");
        plm_line_pad(&line, indent);
        plm_line_put(&line, PLM_STYLE_NONE, "%.*s", (int)length, rest);
        plm_line_end(&line);
        rest += skip;
    }
}

static void show(struct plm_view *view, enum plm_style style, enum plm_glyph glyph,
                 const char *label, const char *text)
{
    if (view->live.on && plm_view_err_framed(view))
        draw(view, style, glyph, text);
    else
        plm_view_warn(view, style, label, "%s", text);
}

bool plm_view_warning(struct plm_view *view, const struct plm_event *event)
{
    char text[WORDS];
    if (name_damage(event, text)) {
        show(view, PLM_STYLE_ERROR, PLM_GLYPH_BAD, "damaged:", text);
        return event->kind != PLM_EV_MODEL_CHECKED; /* the model has a result, too */
    }
    switch (event->kind) {
    case PLM_EV_CHUNK_MISMATCH:
    case PLM_EV_CHECKPOINT_CORRUPT:
    case PLM_EV_UPLOAD_LOST:
    case PLM_EV_BLOB_VERIFY_FAILED:
    case PLM_EV_RETRY:
    case PLM_EV_REFRESH:
    case PLM_EV_LOCK_WAITING:
    case PLM_EV_WARNING:
        break;
    default:
        return false;
    }
    if (view->options.quiet || !name_warning(view, event, text))
        return true;
    bool again = event->kind == PLM_EV_RETRY || event->kind == PLM_EV_REFRESH;
    show(view, PLM_STYLE_WARN, again ? PLM_GLYPH_AGAIN : PLM_GLYPH_WARN, "warning:", text);
    return true;
}
