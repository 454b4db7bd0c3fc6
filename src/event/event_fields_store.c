/* The field walk of the store's commands, and of what any job says. */
#include "event/event_fields.h"

static uint64_t not_negative(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

static void put_reference(const struct plm_event_visitor *v, const char *key,
                          const struct plm_ref *ref)
{
    char text[PLM_REF_TEXT];
    put_text(v, key, ref ? plm_ref_format(ref, text) : NULL);
}

/* Texts that are "" when unknown. */
static void put_known(const struct plm_event_visitor *v, const char *key, const char *text)
{
    put_text(v, key, text && *text ? text : NULL);
}

static void put_listed(const struct plm_event_visitor *v, const struct plm_event_listed *m)
{
    put_reference(v, "Name", m->ref);
    put_text(v, "ID", m->id_hex);
    put_number(v, "Size", m->size);
    plm_fields_time(v, "Modified", m->modified_s, -1);
    put_known(v, "Format", m->format);
    put_known(v, "Family", m->family);
    put_known(v, "ParameterSize", m->parameter_size);
    put_known(v, "Quantization", m->quantization);
}

static void put_layer(const struct plm_event_visitor *v, const char *key,
                      const struct plm_descriptor *blob, const char *from, const char *name)
{
    char kind[PLM_MEDIA_MAX];
    v->open(v->ctx, key, false);
    put_text(v, "Kind", plm_media_kind(blob->media, kind));
    put_text(v, "MediaType", blob->media);
    plm_fields_digest(v, "Digest", &blob->digest);
    put_number(v, "Size", blob->size);
    put_text(v, "From", from);
    put_text(v, "Name", name);
    v->close(v->ctx, false);
}

static void put_layers(const struct plm_event_visitor *v, const struct plm_manifest *manifest)
{
    v->open(v->ctx, "Layers", true);
    for (size_t i = 0; manifest && i < manifest->layer_count; i++)
        put_layer(v, NULL, &manifest->layers[i].blob, manifest->layers[i].from,
                  manifest->layers[i].name);
    v->close(v->ctx, true);
    if (manifest && manifest->has_config)
        put_layer(v, "Config", &manifest->config, NULL, NULL);
    else
        v->null(v->ctx, "Config");
}

static void put_passage(const struct plm_event_visitor *v, const char *key,
                        const struct plm_show_text *text)
{
    if (text->text)
        v->text(v->ctx, key, text->text, text->length);
    else
        v->null(v->ctx, key);
}

static void put_show(const struct plm_event_visitor *v, const struct plm_event_show *m)
{
    put_reference(v, "Name", m->ref);
    put_text(v, "ID", m->id_hex);
    put_number(v, "Size", m->size);
    plm_fields_time(v, "Modified", m->modified_s, -1);
    put_known(v, "Architecture", m->architecture);
    put_known(v, "Family", m->family);
    put_known(v, "Format", m->format);
    put_known(v, "Quantization", m->quantization);
    put_known(v, "ParameterSize", m->parameter_size);
    put_known(v, "Requires", m->requires_version);
    plm_fields_known(v, "ParameterCount", m->parameter_count);
    plm_fields_known(v, "ContextLength", m->context_length);
    plm_fields_known(v, "EmbeddingLength", m->embedding_length);
    plm_fields_known(v, "BlockCount", m->block_count);
    plm_fields_known(v, "TensorCount", m->tensor_count);
    put_text(v, "GGUFWarning", m->gguf_warning);
    v->open(v->ctx, "Capabilities", true);
    for (size_t i = 0; m->capabilities && m->capabilities[i]; i++)
        put_text(v, NULL, m->capabilities[i]);
    v->close(v->ctx, true);
    put_passage(v, "Parameters", &m->parameters);
    put_passage(v, "System", &m->system);
    put_passage(v, "Template", &m->tmpl);
    put_passage(v, "License", &m->license);
    put_known(v, "BlobPath", m->blob_path);
    put_layers(v, m->manifest);
}

static void put_removed(const struct plm_event_visitor *v, const struct plm_event *event)
{
    bool files = event->kind == PLM_EV_CLEAN_DONE;
    put_number(v, files ? "Removed" : "BlobsDeleted", event->removed.files);
    put_number(v, "BytesReclaimed", event->removed.bytes);
    put_truth(v, "DryRun", event->removed.dry_run);
}

static void put_file(const struct plm_event_visitor *v, const struct plm_event *event)
{
    put_text(v, "Path", event->file.path);
    put_text(v, "Kind", event->file.type);
    put_number(v, "Size", event->file.bytes);
    put_truth(v, "DryRun", event->file.dry_run);
}

static void put_completed(const struct plm_event_visitor *v, const struct plm_event *event)
{
    put_number(v, "TotalBytes", event->completed.total_size);
    put_number(v, "FetchedBytes", event->completed.fetched);
    put_number(v, "SentBytes", event->completed.sent);
    put_number(v, "BlobCount", event->completed.blob_count);
    put_number(v, "ElapsedMs", not_negative(event->completed.elapsed_ms));
    put_number(v, "BytesPerSecond", event->completed.bytes_per_second);
    put_truth(v, "UpToDate", event->completed.up_to_date);
    put_truth(v, "DryRun", event->completed.dry_run);
}

static void put_failed(const struct plm_event_visitor *v, const struct plm_event *event)
{
    const struct plm_error *error = event->failed.error;
    enum plm_code code = error ? error->code : PLM_E_INTERNAL;
    put_text(v, "Code", plm_code_name(code));
    put_number(v, "ExitStatus", not_negative(plm_code_exit_status(code)));
    put_text(v, "Message", error ? error->msg : "");
    put_text(v, "Hint", event->failed.hint ? event->failed.hint : plm_code_hint(code));
    plm_fields_known(v, "HTTPStatus", error ? not_negative(error->http_status) : 0);
}

static void put_login(const struct plm_event_visitor *v, const struct plm_event *event)
{
    put_text(v, "Host", event->login.host);
    put_text(v, "Place", event->login.place);
    if (event->kind == PLM_EV_LOGOUT) {
        put_truth(v, "Removed", event->login.removed);
        return;
    }
    put_text(v, "User", event->login.user);
    put_truth(v, "Checked", event->login.checked);
}

static void put_check(const struct plm_event_visitor *v, const struct plm_event_check *c)
{
    put_text(v, "Check", plm_check_name(c->check));
    put_text(v, "Result", plm_check_result_name(c->result));
    put_text(v, "Address", c->address);
    put_text(v, "Seen", c->seen);
    put_text(v, "Means", c->means);
    put_text(v, "Advice", c->advice);
    if (c->elapsed_ms >= 0)
        put_number(v, "ElapsedMs", (uint64_t)c->elapsed_ms);
    else
        v->null(v->ctx, "ElapsedMs");
}

/* False when the event is none of what concerns a registry as a whole. */
static bool put_registry(const struct plm_event_visitor *v, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_KEY:
        put_text(v, "Path", event->key.path);
        put_text(v, "PublicKey", event->key.public_line);
        put_truth(v, "Created", event->key.created);
        return true;
    case PLM_EV_LOGIN:
    case PLM_EV_LOGOUT:
        put_login(v, event);
        return true;
    case PLM_EV_DOCTOR_START:
        put_text(v, "Address", event->doctor.address);
        return true;
    case PLM_EV_DOCTOR_CHECK:
        put_check(v, &event->check);
        return true;
    case PLM_EV_DOCTOR_DONE:
        put_text(v, "Address", event->doctor.address);
        put_number(v, "Checks", event->doctor.checks);
        put_number(v, "Warnings", event->doctor.warnings);
        put_number(v, "Failures", event->doctor.failures);
        return true;
    default:
        return false;
    }
}

/* Of other kinds, the model says it all. */
static void put_any_job(const struct plm_event_visitor *v, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_LOCK_WAITING:
        plm_fields_known(v, "HolderPID", not_negative(event->waiting.pid));
        return;
    case PLM_EV_WARNING:
        put_text(v, "Message", event->text.message);
        return;
    case PLM_EV_COMPLETED:
        put_completed(v, event);
        return;
    case PLM_EV_FAILED:
        put_failed(v, event);
        return;
    default:
        return;
    }
}

void plm_fields_store(const struct plm_event_visitor *v, const struct plm_event *event)
{
    switch (event->kind) {
    case PLM_EV_LIST_MODEL:
        put_listed(v, &event->listed);
        return;
    case PLM_EV_SHOW:
        put_show(v, &event->show);
        return;
    case PLM_EV_RM_MANIFEST:
    case PLM_EV_CLEAN_FILE:
        put_file(v, event);
        return;
    case PLM_EV_RM_BLOB:
        put_number(v, "BytesReclaimed", event->file.bytes);
        put_truth(v, "DryRun", event->file.dry_run);
        return;
    case PLM_EV_LAYERS_REMOVED:
    case PLM_EV_RM_DONE:
    case PLM_EV_CLEAN_DONE:
        put_removed(v, event);
        return;
    case PLM_EV_COPIED:
        put_reference(v, "From", event->copied.from);
        put_reference(v, "To", event->copied.to);
        return;
    case PLM_EV_VERSION:
        put_text(v, "Version", event->version.version);
        put_text(v, "Libraries", event->version.libraries);
        return;
    default:
        if (!put_registry(v, event))
            put_any_job(v, event);
        return;
    }
}
