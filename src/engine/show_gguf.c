/* Conclusions for show: reads the weights' header, and derives what a model can do. */
#include "engine/show_gguf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "store/blobs.h"

/* Ollama gave this value to MXFP4 for some months; nothing else that is published has it. */
#define FILE_TYPE_MXFP4 4

struct source {
    int fd;
};

static bool read_source(void *ctx, void *bytes, size_t size, uint64_t offset, size_t *got,
                        struct plm_error *err)
{
    const struct source *source = ctx;
    return plm_os_read_at(source->fd, bytes, size, offset, got, err);
}

static void warn(struct plm_card *card, const char *text)
{
    (void)snprintf(card->gguf_warning, sizeof(card->gguf_warning), "%s", text);
}

bool plm_card_read_gguf(const struct plm_store *store, const struct plm_descriptor *blob,
                        struct plm_card *card, struct plm_error *err)
{
    struct source source = {.fd = -1};
    struct plm_file_status status;
    struct plm_error why = {0};
    bool ok = plm_blob_open(store, &blob->digest, &source.fd, &why) &&
              plm_os_fd_status(source.fd, &status, &why);
    ok = ok && plm_gguf_read(read_source, &source, status.size, &card->gguf, &why);
    plm_os_close(source.fd);
    card->has_gguf = ok;
    if (ok && status.size != blob->size)
        (void)snprintf(card->gguf_warning, sizeof(card->gguf_warning),
                       "the model's blob has %" PRIu64 " bytes; its manifest says %" PRIu64,
                       status.size, blob->size);
    else if (ok && card->gguf.truncated)
        warn(card, "the model's blob ends before its tensors do");
    if (ok)
        return true;
    plm_gguf_done(&card->gguf);
    card->gguf = (struct plm_gguf){0}; /* half a header's counts would be wrong */
    if (why.code == PLM_E_NOMEM) {
        *err = why;
        return false;
    }
    warn(card, why.msg);
    return true;
}

const char *plm_card_quantization(const struct plm_card *card)
{
    const char *said = card->config.quantization;
    if (said[0] && strcasecmp(said, "unknown") != 0)
        return said;
    if (!card->has_gguf)
        return said;
    if (!card->gguf.has_file_type || card->gguf.file_type == 0)
        return "unknown";
    return card->gguf.file_type == FILE_TYPE_MXFP4 ? "MXFP4"
                                                   : plm_gguf_file_type_name(card->gguf.file_type);
}

static void add(struct plm_card *card, const char *capability)
{
    for (size_t i = 0; i < card->capability_count; i++)
        if (strcmp(card->capabilities[i], capability) == 0)
            return;
    if (card->capability_count < PLM_CAPABILITIES_MAX)
        card->capabilities[card->capability_count++] = capability;
}

/* Only where Ollama lets the weights' own chat template do the rendering. */
static void add_from_chat_template(struct plm_card *card, const char *text)
{
    if (strstr(text, "tools") || strstr(text, "tool_call"))
        add(card, "tools");
    bool closes = strstr(text, "</think>") != NULL;
    bool splits = strstr(text, "split('</think>')") || strstr(text, "split(\"</think>\")");
    if ((closes && strstr(text, "<think>")) || (splits && !strstr(text, "reasoning_content")))
        add(card, "thinking");
}

static void add_from_gguf(struct plm_card *card)
{
    const struct plm_gguf *gguf = &card->gguf;
    bool own_rendering = card->config.renderer[0] || card->config.parser[0] || card->template_text;
    if (gguf->chat_template && !own_rendering)
        add_from_chat_template(card, gguf->chat_template);
    add(card, gguf->has_pooling_type ? "embedding" : "completion");
    if (gguf->vision_block_count > 0)
        add(card, "vision");
    if (gguf->audio_block_count > 0)
        add(card, "audio");
}

static void add_from_template(struct plm_card *card, const char *text)
{
    if (strstr(text, ".Tools"))
        add(card, "tools");
    if (strstr(text, ".Suffix"))
        add(card, "insert");
    if (strstr(text, ".Messages") && strstr(text, ".Thinking"))
        add(card, "thinking");
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* Parsers are built into Ollama: their names say what they can make of an answer. */
static void add_from_parser(struct plm_card *card, const char *parser)
{
    static const char *const both[] = {"qwen3-thinking",
                                       "qwen3.5",
                                       "ornith",
                                       "qwen3-vl-thinking",
                                       "harmony",
                                       "cogito",
                                       "deepseek3",
                                       "glm-4.7",
                                       "nemotron-3-nano",
                                       "nemotron-3.5-nano",
                                       "gemma4",
                                       "lfm2-thinking",
                                       "laguna",
                                       "poolside-v1",
                                       "cohere",
                                       "glimmer",
                                       NULL};
    static const char *const tools[] = {"qwen3",
                                        "qwen3-coder",
                                        "qwen3-vl-instruct",
                                        "ministral",
                                        "olmo3",
                                        "functiongemma",
                                        "gemma4-no-thinking",
                                        "lfm2",
                                        "glm-ocr",
                                        NULL};
    bool has_both = is_among(parser, both);
    if (has_both || is_among(parser, tools))
        add(card, "tools");
    if (has_both || strcmp(parser, "olmo3-think") == 0)
        add(card, "thinking");
}

void plm_card_find_capabilities(struct plm_card *card)
{
    const struct plm_stored_config *config = &card->config;
    for (size_t i = 0; i < config->capability_count; i++)
        add(card, config->capabilities[i]);
    if (card->has_gguf)
        add_from_gguf(card);
    if (card->has_projector)
        add(card, "vision");
    if (card->template_text)
        add_from_template(card, card->template_text);
    add_from_parser(card, config->parser);
    if (strcmp(config->family, "gptoss") == 0 || strcmp(config->family, "gpt-oss") == 0)
        add(card, "thinking");
    card->capabilities[card->capability_count] = NULL;
}
