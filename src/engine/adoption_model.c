/* What a GGUF file is as a model: whether it is one, and the config, parameters and manifest that
 * Ollama would write for it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/adoption.h"
#include "pullama/text.h"

#define TEXT_MAX (64u << 10)
#define CONFIG_MEDIA "application/vnd.docker.container.image.v1+json"
#define MANIFEST_MEDIA "application/vnd.docker.distribution.manifest.v2+json"

/* Architectures that Ollama renders and parses itself, by what its `create` sets for them. */
static const struct builtin {
    const char *architecture, *renderer, *parser, *stop;
} builtins[] = {
    {"gemma4", "gemma4", "gemma4", "<turn|>"},
    {"laguna", "laguna", "laguna", NULL},
    {"nemotron_h", "nemotron-3-nano", "nemotron-3-nano", NULL},
    {"nemotron_h_moe", "nemotron-3-nano", "nemotron-3-nano", NULL},
    {"nemotron_h_omni", "nemotron-3-nano", "nemotron-3-nano", NULL},
};

static const struct builtin *builtin_of(const char *architecture)
{
    for (size_t i = 0; i < PLM_COUNT(builtins); i++)
        if (strcmp(builtins[i].architecture, architecture) == 0)
            return &builtins[i];
    return NULL;
}

/* ---- is it a model? ---- */

static bool read_fd(void *ctx, void *bytes, size_t size, uint64_t offset, size_t *got,
                    struct plm_error *err)
{
    return plm_os_read_at(*(const int *)ctx, bytes, size, offset, got, err);
}

static bool is_projector(const struct plm_gguf *gguf)
{
    if (strcmp(gguf->type, "projector") == 0 || strcmp(gguf->type, "mmproj") == 0)
        return true;
    return gguf->block_count == 0 &&
           (gguf->vision_block_count > 0 || strcmp(gguf->architecture, "clip") == 0);
}

static bool is_model(const struct plm_gguf *gguf, uint64_t size, struct plm_error *err)
{
    char missing[PLM_TEXT_SHORT];
    if (gguf->truncated && gguf->whole_size == UINT64_MAX)
        return plm_fail(err, PLM_E_CORRUPT, "its tensors do not fit any file");
    if (gguf->truncated)
        return plm_fail(err, PLM_E_CORRUPT,
                        "it ends at byte %" PRIu64 ", and its tensors at %" PRIu64
                        ": %s are missing",
                        size, gguf->whole_size, plm_text_size(gguf->whole_size - size, missing));
    if (gguf->split_count > 1)
        return plm_fail(err, PLM_E_UNSUPPORTED,
                        "it is one of the %" PRIu64 " parts of a model; merge them first",
                        gguf->split_count);
    if (strcmp(gguf->type, "adapter") == 0)
        return plm_fail(err, PLM_E_UNSUPPORTED, "it is an adapter, not a model of its own");
    if (is_projector(gguf))
        return plm_fail(err, PLM_E_UNSUPPORTED, "it is a projector, not a model of its own");
    return true;
}

bool plm_adoption_read(int fd, uint64_t size, struct plm_gguf *out, struct plm_error *err)
{
    struct plm_gguf gguf;
    if (plm_gguf_read(read_fd, &fd, size, &gguf, err) && is_model(&gguf, size, err)) {
        *out = gguf;
        return true;
    }
    plm_gguf_done(&gguf);
    return false;
}

/* ---- what Ollama writes ---- */

/* Go's encoder ends each document with a newline. */
static bool end_line(char **text, struct plm_error *err)
{
    size_t length = strlen(*text);
    char *longer = realloc(*text, length + 2);
    if (!longer)
        return plm_fail(err, PLM_E_NOMEM, "no memory for a text");
    memcpy(longer + length, "\n", 2);
    *text = longer;
    return true;
}

static bool write_config(const struct plm_gguf *gguf, char **out, struct plm_error *err)
{
    struct plm_json_writer w;
    char parameters[PLM_TEXT_SHORT];
    const char *family = gguf->architecture[0] ? gguf->architecture : "unknown";
    const struct builtin *builtin = builtin_of(family);
    plm_json_writer_init(&w, TEXT_MAX);
    plm_json_open_object(&w, NULL);
    plm_json_put_text(&w, "model_format", "gguf");
    plm_json_put_text(&w, "model_family", family);
    plm_json_open_array(&w, "model_families");
    plm_json_put_text(&w, NULL, family);
    plm_json_close_array(&w);
    plm_json_put_text(&w, "model_type", plm_text_count(gguf->parameter_count, parameters));
    plm_json_put_text(&w, "file_type",
                      plm_gguf_file_type_name(gguf->has_file_type ? gguf->file_type : UINT32_MAX));
    if (builtin) {
        plm_json_put_text(&w, "renderer", builtin->renderer);
        plm_json_put_text(&w, "parser", builtin->parser);
    }
    plm_json_put_text(&w, "architecture", "amd64");
    plm_json_put_text(&w, "os", "linux");
    plm_json_close_object(&w);
    bool ok = plm_json_writer_take(&w, out, err) && end_line(out, err);
    plm_json_writer_done(&w);
    return ok;
}

static bool write_params(const struct plm_gguf *gguf, char **out, struct plm_error *err)
{
    struct plm_json_writer w;
    const struct builtin *builtin = builtin_of(gguf->architecture);
    if (!builtin || !builtin->stop)
        return true;
    plm_json_writer_init(&w, TEXT_MAX);
    plm_json_open_object(&w, NULL);
    plm_json_open_array(&w, "stop");
    plm_json_put_text(&w, NULL, builtin->stop);
    plm_json_close_array(&w);
    plm_json_close_object(&w);
    bool ok = plm_json_writer_take(&w, out, err) && end_line(out, err);
    plm_json_writer_done(&w);
    return ok;
}

static bool describe(const char *text, const char *media, struct plm_descriptor *out,
                     struct plm_error *err)
{
    *out = (struct plm_descriptor){.size = strlen(text)};
    (void)snprintf(out->media, sizeof(out->media), "%s", media);
    return plm_digest_of(text, strlen(text), &out->digest, err);
}

static void put_blob(struct plm_json_writer *w, const char *key, const struct plm_descriptor *blob)
{
    char digest[PLM_DIGEST_TEXT];
    plm_json_open_object(w, key);
    plm_json_put_text(w, "mediaType", blob->media);
    plm_json_put_text(w, "digest", plm_digest_format(&blob->digest, digest));
    plm_json_put_u64(w, "size", blob->size);
    plm_json_close_object(w);
}

static bool write_manifest(const struct plm_descriptor *weights,
                           const struct plm_adoption_texts *texts, char **out,
                           struct plm_error *err)
{
    struct plm_json_writer w;
    plm_json_writer_init(&w, TEXT_MAX);
    plm_json_open_object(&w, NULL);
    plm_json_put_u64(&w, "schemaVersion", 2);
    plm_json_put_text(&w, "mediaType", MANIFEST_MEDIA);
    put_blob(&w, "config", &texts->config_blob);
    plm_json_open_array(&w, "layers");
    put_blob(&w, NULL, weights);
    if (texts->params)
        put_blob(&w, NULL, &texts->params_blob);
    plm_json_close_array(&w);
    plm_json_close_object(&w);
    bool ok = plm_json_writer_take(&w, out, err) && end_line(out, err);
    plm_json_writer_done(&w);
    return ok;
}

bool plm_adoption_write(const struct plm_gguf *gguf, const struct plm_descriptor *weights,
                        struct plm_adoption_texts *out, struct plm_error *err)
{
    struct plm_adoption_texts texts = {0};
    bool ok = write_config(gguf, &texts.config, err) && write_params(gguf, &texts.params, err) &&
              describe(texts.config, CONFIG_MEDIA, &texts.config_blob, err) &&
              (!texts.params || describe(texts.params, "application/vnd.ollama.image.params",
                                         &texts.params_blob, err)) &&
              write_manifest(weights, &texts, &texts.manifest, err);
    if (ok)
        *out = texts;
    else
        plm_adoption_texts_done(&texts);
    return ok;
}

void plm_adoption_texts_done(struct plm_adoption_texts *texts)
{
    free(texts->config);
    free(texts->params);
    free(texts->manifest);
    *texts = (struct plm_adoption_texts){0};
}
