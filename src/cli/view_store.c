/* The store's commands, line by line: rm, cp, clean, keygen, login, version; list and show have own
 * files.
 */
#include "cli/view_parts.h"

#include <string.h>

#include "cli/cells.h"

/* A line whose glyph is drawn on terminals alone; @p indent in pipes. */
static struct plm_line begin(struct plm_view *view, enum plm_style style, enum plm_glyph glyph,
                             bool indent)
{
    struct plm_line line = plm_view_line(view, false);
    if (indent)
        plm_line_put(&line, PLM_STYLE_NONE, "  ");
    if (view->screen->out_terminal && view->screen->overwrite)
        plm_line_put(&line, style, "%s ", plm_glyph(line.unicode, glyph));
    return line;
}

static void end_with_bytes(struct plm_line *line, uint64_t bytes)
{
    char size[PLM_TEXT_SHORT];
    plm_line_put(line, PLM_STYLE_BYTES, " (%s)", plm_text_size(bytes, size));
    plm_line_end(line);
}

static void show_removal(struct plm_view *view, const struct plm_event *event)
{
    char id[13];
    const char *would = event->file.dry_run ? "would delete" : "deleted";
    if (event->kind == PLM_EV_RM_START) {
        plm_view_say(view, "removing %s", view->model);
        return;
    }
    struct plm_line line = begin(view, PLM_STYLE_ERROR, PLM_GLYPH_GONE, true);
    if (event->kind == PLM_EV_RM_MANIFEST) {
        plm_line_put(&line, PLM_STYLE_NONE, "%s manifest %s", would, view->model);
        if (view->options.verbose)
            plm_line_put(&line, PLM_STYLE_MUTED, " %s", event->file.path);
        plm_line_end(&line);
        return;
    }
    plm_line_put(&line, PLM_STYLE_NONE, "%s blob ", would);
    plm_line_put(&line, PLM_STYLE_DIGEST, "%s", plm_words_digest(&event->blob.want->digest, id));
    end_with_bytes(&line, event->blob.want->size);
}

static void show_removed(struct plm_view *view, const struct plm_event *event)
{
    char size[PLM_TEXT_SHORT];
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, false);
    unsigned files = event->removed.files;
    plm_text_size(event->removed.bytes, size);
    plm_line_put(&line, PLM_STYLE_NONE, "%s %s  %u blob%s, %s reclaimed",
                 event->removed.dry_run ? "would remove" : "removed", view->model, files,
                 files == 1 ? "" : "s", size);
    plm_line_end(&line);
}

/* A file of the store: its path, which gives way on narrow terminals, why, and its bytes. */
static void end_with_file(const struct plm_view *view, struct plm_line *line, const char *path,
                          const char *why, uint64_t bytes)
{
    char tail[PLM_WORDS], size[PLM_TEXT_SHORT];
    (void)snprintf(tail, sizeof(tail), "%s%s", *why ? ": " : "", why);
    plm_text_size(bytes, size);
    line->width = view->screen->out_terminal && !view->options.verbose ? view->screen->width : 0;
    plm_line_put_name(line, PLM_STYLE_NONE, path,
                      plm_cells_width(tail) + (unsigned)strlen(size) + 3);
    plm_line_put(line, PLM_STYLE_MUTED, "%s", tail);
    end_with_bytes(line, bytes);
}

static void show_cleaned_file(struct plm_view *view, const struct plm_event *event)
{
    struct plm_line line = begin(view, PLM_STYLE_ERROR, PLM_GLYPH_GONE, true);
    plm_line_put(&line, PLM_STYLE_NONE, "%s %s ", event->file.dry_run ? "would remove" : "removed",
                 event->file.type);
    end_with_file(view, &line, event->file.path, "", event->file.bytes);
}

static void show_cleaned(struct plm_view *view, const struct plm_event *event)
{
    char size[PLM_TEXT_SHORT];
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, false);
    unsigned files = event->removed.files;
    if (files == 0) {
        plm_line_put(&line, PLM_STYLE_NONE, "nothing to clean up");
        plm_line_end(&line);
        return;
    }
    plm_line_put(&line, PLM_STYLE_NONE, "clean: %u file%s, %s %s", files, files == 1 ? "" : "s",
                 plm_text_size(event->removed.bytes, size),
                 event->removed.dry_run ? "would be reclaimed" : "reclaimed");
    plm_line_end(&line);
}

static void show_pruned_blob(struct plm_view *view, const struct plm_event *event)
{
    bool kept = event->pruned.kept, dry_run = event->pruned.dry_run;
    struct plm_line line = begin(view, kept ? PLM_STYLE_MUTED : PLM_STYLE_ERROR,
                                 kept ? PLM_GLYPH_HAVE : PLM_GLYPH_GONE, true);
    plm_line_put(&line, PLM_STYLE_NONE, "%s ",
                 kept      ? dry_run ? "would keep" : "kept"
                 : dry_run ? "would remove"
                           : "removed");
    end_with_file(view, &line, event->pruned.path, event->pruned.why, event->pruned.size);
}

static void show_pruned(struct plm_view *view, const struct plm_event *event)
{
    char size[PLM_TEXT_SHORT], kept[PLM_TEXT_SHORT];
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, false);
    unsigned files = event->prune_done.files;
    if (files > 0)
        plm_line_put(&line, PLM_STYLE_NONE, "prune: %u blob%s, %s %s", files, files == 1 ? "" : "s",
                     plm_text_size(event->prune_done.bytes, size),
                     event->prune_done.dry_run ? "would be reclaimed" : "reclaimed");
    else
        plm_line_put(&line, PLM_STYLE_NONE, "nothing to prune%s",
                     event->prune_done.kept > 0 ? " now" : ": every blob belongs to a model");
    if (event->prune_done.kept > 0)
        plm_line_put(&line, PLM_STYLE_NONE, "; %u kept (%s)", event->prune_done.kept,
                     plm_text_size(event->prune_done.kept_bytes, kept));
    plm_line_end(&line);
}

static void show_copied(struct plm_view *view, const struct plm_event *event)
{
    char from[PLM_REF_TEXT], to[PLM_REF_TEXT];
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, false);
    plm_line_put(&line, PLM_STYLE_NONE, "copied %s to %s", plm_ref_format(event->copied.from, from),
                 plm_ref_format(event->copied.to, to));
    plm_line_end(&line);
}

static void show_key(struct plm_view *view, const struct plm_event *event)
{
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, false);
    plm_line_put(&line, PLM_STYLE_NONE, event->key.created ? "created key %s" : "key is there: %s",
                 event->key.path);
    plm_line_end(&line);
    struct plm_line public_line = plm_view_line(view, false);
    plm_line_put(&public_line, PLM_STYLE_NONE, "%s",
                 event->key.public_line ? event->key.public_line : "");
    plm_line_end(&public_line);
}

static void show_login(struct plm_view *view, const struct plm_event *event)
{
    struct plm_line line = begin(view, PLM_STYLE_SUCCESS, PLM_GLYPH_OK, false);
    const char *host = event->login.host, *place = event->login.place;
    bool is_program = strncmp(place, "docker-credential-", 18) == 0;
    if (event->kind == PLM_EV_LOGIN)
        plm_line_put(&line, PLM_STYLE_NONE, "logged in to %s as %s; the password is kept %s %s",
                     host, event->login.user, is_program ? "by" : "in", place);
    else if (event->login.removed)
        plm_line_put(&line, PLM_STYLE_NONE, "logged out of %s; the password is gone from %s", host,
                     place);
    else
        plm_line_put(&line, PLM_STYLE_NONE, "there was no password for %s in %s", host, place);
    plm_line_end(&line);
}

static void show_version(struct plm_view *view, const struct plm_event *event)
{
    plm_view_say(view, "pullama %s", event->version.version);
    if (!view->options.quiet && event->version.libraries)
        plm_view_say(view, "%s", event->version.libraries);
}

/* Kinds that quiet leaves out. */
static bool show_step(struct plm_view *view, const struct plm_event *event)
{
    bool quiet = view->options.quiet;
    switch (event->kind) {
    case PLM_EV_RM_START:
    case PLM_EV_RM_MANIFEST:
    case PLM_EV_RM_BLOB:
        if (!quiet)
            show_removal(view, event);
        return true;
    case PLM_EV_CLEAN_START:
    case PLM_EV_PRUNE_START:
        return true;
    case PLM_EV_PRUNE_BLOB:
        if (!quiet)
            show_pruned_blob(view, event);
        return true;
    case PLM_EV_CLEAN_FILE:
        if (!quiet)
            show_cleaned_file(view, event);
        return true;
    default:
        return false;
    }
}

bool plm_view_store(struct plm_view *view, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_RM_DONE:
        show_removed(view, event);
        return true;
    case PLM_EV_CLEAN_DONE:
        show_cleaned(view, event);
        return true;
    case PLM_EV_PRUNE_DONE:
        show_pruned(view, event);
        return true;
    case PLM_EV_COPIED:
        show_copied(view, event);
        return true;
    case PLM_EV_KEY:
        show_key(view, event);
        return true;
    case PLM_EV_LOGIN:
    case PLM_EV_LOGOUT:
        show_login(view, event);
        return true;
    case PLM_EV_VERSION:
        show_version(view, event);
        return true;
    case PLM_EV_LIST_MODEL:
        plm_view_list_add(view, event);
        return true;
    case PLM_EV_SHOW:
        plm_view_show(view, &event->show, event->time_ms / 1000);
        return true;
    case PLM_EV_COMPLETED:
        if (event->verb == PLM_VERB_LIST)
            plm_view_list_print(view);
        if (event->verb == PLM_VERB_HISTORY || event->verb == PLM_VERB_STATS)
            plm_view_history_end(view);
        return event->verb != PLM_VERB_PULL && event->verb != PLM_VERB_PUSH;
    default:
        return show_step(view, event);
    }
}
