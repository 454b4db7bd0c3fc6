/* Show: tells all that the store knows of one model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "engine/show_gguf.h"
#include "pullama/text.h"

#define TEXT_MAX (64u << 10)

enum text { TEXT_LICENSE, TEXT_TEMPLATE, TEXT_SYSTEM, TEXT_PARAMETERS, TEXTS };

struct showing {
    struct plm_job *job;
    const struct plm_manifest *manifest;
    int64_t modified_s;
    struct plm_card card;
    bool has_text[TEXTS];
    struct plm_buf texts[TEXTS];
    const struct plm_descriptor *weights; /* the model layer, or NULL */
    char *blob_path;                      /* owned; or NULL */
};

static bool text_of_kind(const char *kind, enum text *out)
{
    static const struct {
        const char *kind;
        enum text text;
    } kinds[] = {{"license", TEXT_LICENSE},
                 {"template", TEXT_TEMPLATE},
                 {"prompt", TEXT_TEMPLATE},
                 {"system", TEXT_SYSTEM},
                 {"params", TEXT_PARAMETERS}};
    for (size_t i = 0; i < PLM_COUNT(kinds); i++) {
        if (strcmp(kind, kinds[i].kind) == 0) {
            *out = kinds[i].text;
            return true;
        }
    }
    return false;
}

/* Licenses add up; of every other text the last layer counts. */
static bool take_text(struct showing *s, enum text which, const struct plm_descriptor *blob,
                      struct plm_error *err)
{
    struct plm_buf *text = &s->texts[which];
    struct plm_error why = {0};
    if (which != TEXT_LICENSE)
        plm_buf_clear(text);
    if (text->size > 0 && text->size < text->max && !plm_buf_append(text, "\n", 1, err))
        return false;
    if (plm_stored_text(&s->job->engine->store, &blob->digest, text, &why)) {
        s->has_text[which] = true;
        return true;
    }
    if (why.code == PLM_E_NOMEM) {
        *err = why;
        return false;
    }
    plm_job_warn(s->job, "a text of this model cannot be read: %s", why.msg);
    return true;
}

static bool take_layers(struct showing *s, struct plm_error *err)
{
    for (size_t i = 0; i < s->manifest->layer_count; i++) {
        const struct plm_descriptor *blob = &s->manifest->layers[i].blob;
        char kind[PLM_MEDIA_MAX];
        enum text which;
        (void)plm_media_kind(blob->media, kind);
        if (strcmp(kind, "model") == 0)
            s->weights = blob;
        else if (strcmp(kind, "projector") == 0)
            s->card.has_projector = true;
        else if (text_of_kind(kind, &which) && !take_text(s, which, blob, err))
            return false;
    }
    return true;
}

/* Where the weights lie, for programs that load them themselves. */
static bool find_blob_path(struct showing *s, struct plm_error *err)
{
    const struct plm_store *store = &s->job->engine->store;
    struct plm_file_status status = {.type = PLM_FILE_NONE};
    char name[PLM_DIGEST_TEXT], *root = NULL;
    (void)plm_digest_file_name(&s->weights->digest, name);
    if (store->blobs_fd >= 0 && !plm_os_status(store->blobs_fd, name, &status, err))
        return plm_prefix(err, "blobs");
    if (status.type != PLM_FILE_REGULAR)
        return true;
    if (!plm_os_absolute_path(store->root, &root, err))
        return false;
    bool ok = asprintf(&s->blob_path, "%s/blobs/%s", root, name) >= 0;
    free(root);
    if (!ok) {
        s->blob_path = NULL;
        return plm_fail(err, PLM_E_NOMEM, "no memory for a path");
    }
    return true;
}

static struct plm_show_text shown(const struct showing *s, enum text which)
{
    if (!s->has_text[which])
        return (struct plm_show_text){0};
    const char *text = s->texts[which].bytes;
    return (struct plm_show_text){.text = text ? text : "", .length = s->texts[which].size};
}

static void tell(const struct showing *s)
{
    const struct plm_gguf *gguf = &s->card.gguf;
    const struct plm_stored_config *config = &s->card.config;
    char id[2 * PLM_DIGEST_BYTES + 1], count[PLM_TEXT_SHORT] = "";
    plm_hex_encode(s->manifest->digest.sha256, PLM_DIGEST_BYTES, id);
    if (gguf->parameter_count > 0)
        (void)plm_text_count(gguf->parameter_count, count);
    struct plm_event event = {
        .kind = PLM_EV_SHOW,
        .show = {.ref = &s->job->ref,
                 .manifest = s->manifest,
                 .id_hex = id,
                 .size = plm_manifest_total_size(s->manifest),
                 .modified_s = s->modified_s,
                 .architecture = gguf->architecture,
                 .family = config->family,
                 .format = !config->format[0] && s->card.has_gguf ? "gguf" : config->format,
                 .quantization = plm_card_quantization(&s->card),
                 .parameter_size = config->parameter_size[0] ? config->parameter_size : count,
                 .requires_version = config->requires_version,
                 .parameter_count = gguf->parameter_count,
                 .context_length = gguf->context_length,
                 .embedding_length = gguf->embedding_length,
                 .block_count = gguf->block_count,
                 .tensor_count = gguf->tensor_count,
                 .gguf_warning = s->card.gguf_warning[0] ? s->card.gguf_warning : NULL,
                 .capabilities = s->card.capabilities,
                 .license = shown(s, TEXT_LICENSE),
                 .tmpl = shown(s, TEXT_TEMPLATE),
                 .system = shown(s, TEXT_SYSTEM),
                 .parameters = shown(s, TEXT_PARAMETERS),
                 .blob_path = s->blob_path ? s->blob_path : ""}};
    plm_job_emit(s->job, &event);
    plm_job_complete(s->job);
}

static bool gather(struct showing *s, struct plm_error *err)
{
    const struct plm_store *store = &s->job->engine->store;
    plm_stored_config(store, s->manifest, &s->card.config);
    if (!take_layers(s, err))
        return false;
    if (s->weights &&
        (!plm_card_read_gguf(store, s->weights, &s->card, err) || !find_blob_path(s, err)))
        return false;
    s->card.template_text = shown(s, TEXT_TEMPLATE).text;
    plm_card_find_capabilities(&s->card);
    return true;
}

static bool run(struct plm_job *job, struct plm_error *err)
{
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    struct showing *s = calloc(1, sizeof(*s));
    if (!s)
        return plm_fail(err, PLM_E_NOMEM, "no memory to show a model");
    s->job = job;
    for (size_t i = 0; i < TEXTS; i++)
        s->texts[i] = PLM_BUF_INIT(TEXT_MAX);
    bool ok = plm_stored_manifest(&job->engine->store, &job->ref, &manifest, &s->modified_s, err);
    s->manifest = manifest;
    ok = ok && gather(s, err);
    if (ok)
        tell(s);
    for (size_t i = 0; i < TEXTS; i++)
        plm_buf_done(&s->texts[i]);
    plm_gguf_done(&s->card.gguf);
    free(s->blob_path);
    free(s);
    return ok;
}

const struct plm_job_kind plm_show_kind = {.verb = PLM_VERB_SHOW, .needs_ref = true, .run = run};
