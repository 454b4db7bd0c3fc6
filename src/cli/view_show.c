/* The card of one model: what it is, what it can do, its texts and its layers. */
#include "cli/view_parts.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cells.h"

#define TEXT_LINES 2
#define LABEL 20
#define TAB 4

static void heading(struct plm_view *view, const char *text)
{
    struct plm_line line = plm_view_line(view, true);
    plm_line_put(&line, PLM_STYLE_BRAND, "  %s", text);
    plm_line_end(&line);
}

static void blank(struct plm_view *view)
{
    plm_page_put(&view->out, "\n", 1);
}

static void row(struct plm_view *view, const char *label, const char *value)
{
    if (!value || !*value)
        return;
    struct plm_line line = plm_view_line(view, !view->options.verbose);
    plm_line_put(&line, PLM_STYLE_MUTED, "    %s", label);
    plm_line_pad(&line, 4 + LABEL);
    plm_line_put(&line, PLM_STYLE_NONE, "%s", value);
    plm_line_end(&line);
}

static void row_number(struct plm_view *view, const char *label, uint64_t value)
{
    char text[PLM_TEXT_SHORT];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    if (value > 0)
        row(view, label, text);
}

static void show_model(struct plm_view *view, const struct plm_event_show *m, int64_t now_s)
{
    char text[PLM_REF_TEXT], id[13];
    heading(view, "Model");
    row(view, "name", m->ref ? plm_ref_format(m->ref, text) : "");
    (void)snprintf(id, sizeof(id), "%.12s", m->id_hex ? m->id_hex : "");
    row(view, "id", id);
    row(view, "size", plm_text_size(m->size, text));
    row(view, "modified", plm_text_age(m->modified_s, now_s, text));
    row(view, "architecture", m->architecture && *m->architecture ? m->architecture : m->family);
    if (m->parameter_size && *m->parameter_size)
        row(view, "parameters", m->parameter_size);
    else if (m->parameter_count > 0)
        row(view, "parameters", plm_text_count(m->parameter_count, text));
    row_number(view, "context length", m->context_length);
    row_number(view, "embedding length", m->embedding_length);
    row(view, "quantization", m->quantization);
    row(view, "requires", m->requires_version);
    if (view->options.verbose) {
        row(view, "format", m->format);
        row_number(view, "blocks", m->block_count);
        row_number(view, "tensors", m->tensor_count);
        row(view, "file", m->blob_path);
    }
}

static void show_capabilities(struct plm_view *view, const struct plm_event_show *m)
{
    if (!m->capabilities || !m->capabilities[0])
        return;
    blank(view);
    heading(view, "Capabilities");
    for (size_t i = 0; m->capabilities[i]; i++) {
        struct plm_line line = plm_view_line(view, true);
        plm_line_put(&line, PLM_STYLE_NONE, "    %s", m->capabilities[i]);
        plm_line_end(&line);
    }
}

static void show_text_line(struct plm_view *view, const char *text, size_t length)
{
    char *copy = malloc(length * TAB + 1), *to = copy;
    if (!copy) {
        view->out.failed = true;
        return;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\t') {
            memset(to, ' ', TAB);
            to += TAB;
        } else if (text[i] != '\0' && !(text[i] == '\r' && i + 1 == length)) {
            *to++ = text[i];
        }
    }
    *to = '\0';
    struct plm_line line = plm_view_line(view, !view->options.verbose);
    plm_line_put(&line, PLM_STYLE_NONE, "    %s", copy);
    plm_line_end(&line);
    free(copy);
}

/* The first lines; all of them when verbose. Leading empty lines are no use to anyone. */
static void show_text(struct plm_view *view, const char *title, const struct plm_show_text *text)
{
    if (!text->text || text->length == 0)
        return;
    blank(view);
    heading(view, title);
    const char *at = text->text, *end = text->text + text->length;
    unsigned shown = 0;
    while (at < end && (*at == '\n' || *at == '\r'))
        at++;
    while (at < end && (view->options.verbose || shown < TEXT_LINES)) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop ? stop : end) - at);
        show_text_line(view, at, length);
        at += length + (stop ? 1 : 0);
        shown++;
    }
    if (at < end)
        show_text_line(view, "...", 3);
}

static void show_parameter(void *ctx, const char *key, const char *value)
{
    row(ctx, key, value);
}

static void show_parameters(struct plm_view *view, const struct plm_show_text *text)
{
    if (!text->text || text->length == 0)
        return;
    if (!plm_params_each(text->text, text->length, NULL, NULL)) {
        show_text(view, "Parameters", text);
        return;
    }
    blank(view);
    heading(view, "Parameters");
    (void)plm_params_each(text->text, text->length, show_parameter, view);
}

/* A kind that is longer than its column, as of a foreign media type, stands behind the size. */
static void show_layer(struct plm_view *view, const char *kind, const struct plm_descriptor *blob)
{
    char id[13], size[PLM_TEXT_SHORT];
    bool is_long = strlen(kind) >= LABEL;
    struct plm_line line = plm_view_line(view, true);
    plm_line_put(&line, PLM_STYLE_MUTED, "    %s", is_long ? "other" : kind);
    plm_line_pad(&line, 4 + LABEL);
    plm_line_put(&line, PLM_STYLE_DIGEST, "%s", plm_words_digest(&blob->digest, id));
    plm_line_put(&line, PLM_STYLE_BYTES, "    %s", plm_text_size(blob->size, size));
    if (is_long)
        plm_line_put(&line, PLM_STYLE_MUTED, "    %s", kind);
    plm_line_end(&line);
}

static void show_layers(struct plm_view *view, const struct plm_manifest *manifest)
{
    if (!manifest)
        return;
    char kind[PLM_MEDIA_MAX];
    blank(view);
    heading(view, "Layers");
    for (size_t i = 0; i < manifest->layer_count; i++) {
        const struct plm_descriptor *blob = &manifest->layers[i].blob;
        show_layer(view, plm_media_kind(blob->media, kind), blob);
    }
    if (manifest->has_config)
        show_layer(view, "config", &manifest->config);
}

void plm_view_show(struct plm_view *view, const struct plm_event_show *show, int64_t now_s)
{
    show_model(view, show, now_s);
    show_capabilities(view, show);
    show_parameters(view, &show->parameters);
    show_text(view, "System", &show->system);
    show_text(view, "Template", &show->tmpl);
    show_text(view, "License", &show->license);
    show_layers(view, show->manifest);
    blank(view);
    if (show->gguf_warning && !view->options.quiet)
        plm_view_warn(view, PLM_STYLE_WARN, "warning:", "%s", show->gguf_warning);
}
