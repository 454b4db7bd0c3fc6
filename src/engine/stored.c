/* Stored models: reads what manifests and small blobs say. */
#include "engine/stored.h"

#include <stdlib.h>

#include "base/json.h"
#include "pullama/text.h"
#include "store/blobs.h"
#include "store/manifests.h"

#define CONFIG_MAX (1u << 20)
#define CONFIG_DEPTH 32

bool plm_stored_manifest(const struct plm_store *store, const struct plm_ref *ref,
                         struct plm_manifest **out, int64_t *modified_s, struct plm_error *err)
{
    plm_auto(plm_manifest_freep) struct plm_manifest *manifest = NULL;
    int64_t modified = 0;
    if (!plm_manifest_load(store, ref, &manifest, &modified, err))
        return false;
    if (ref->has_digest && !plm_digest_equal(&ref->digest, &manifest->digest)) {
        char name[PLM_REF_TEXT], digest[PLM_DIGEST_TEXT];
        return plm_fail(err, PLM_E_NOT_FOUND, "there is no %s here, but one with %s",
                        plm_ref_format(ref, name), plm_digest_format(&manifest->digest, digest));
    }
    if (modified_s)
        *modified_s = modified;
    *out = plm_steal(&manifest);
    return true;
}

static void copy_text(const struct plm_json *value, char out[PLM_STORED_TEXT])
{
    const char *text = plm_json_text(value);
    (void)plm_text_printable(text ? text : "", out, PLM_STORED_TEXT);
}

void plm_stored_config(const struct plm_store *store, const struct plm_manifest *manifest,
                       struct plm_stored_config *out)
{
    *out = (struct plm_stored_config){0};
    char name[PLM_DIGEST_TEXT], *text = NULL;
    size_t size = 0;
    if (!manifest->has_config || store->blobs_fd < 0 ||
        !plm_os_read_file(store->blobs_fd, plm_digest_file_name(&manifest->config.digest, name),
                          CONFIG_MAX, &text, &size, NULL))
        return;
    plm_auto(plm_json_freep) struct plm_json *root = NULL;
    bool parsed = plm_json_parse(text, size, CONFIG_DEPTH, &root, NULL);
    free(text);
    if (!parsed)
        return;
    copy_text(plm_json_get(root, "model_format"), out->format);
    copy_text(plm_json_get(root, "model_family"), out->family);
    copy_text(plm_json_get(root, "model_type"), out->parameter_size);
    copy_text(plm_json_get(root, "file_type"), out->quantization);
    copy_text(plm_json_get(root, "requires"), out->requires_version);
    copy_text(plm_json_get(root, "renderer"), out->renderer);
    copy_text(plm_json_get(root, "parser"), out->parser);
    const struct plm_json *capabilities = plm_json_get(root, "capabilities");
    size_t count = plm_json_array_size(capabilities);
    for (size_t i = 0; i < count && out->capability_count < PLM_STORED_CAPABILITIES; i++) {
        char *capability = out->capabilities[out->capability_count];
        copy_text(plm_json_at(capabilities, i), capability);
        out->capability_count += capability[0] != '\0';
    }
}

bool plm_stored_text(const struct plm_store *store, const struct plm_digest *digest,
                     struct plm_buf *text, struct plm_error *err)
{
    struct plm_file_status status;
    size_t room = text->max - text->size, got = 0;
    int fd = -1;
    if (!plm_blob_open(store, digest, &fd, err))
        return false;
    bool ok = plm_os_fd_status(fd, &status, err);
    size_t length = ok && status.size < room ? (size_t)status.size : room;
    char *bytes = ok ? malloc(length + 1) : NULL;
    if (ok && !bytes)
        ok = plm_fail(err, PLM_E_NOMEM, "no memory for a text");
    ok = ok && plm_os_read_at(fd, bytes, length, 0, &got, err) &&
         plm_buf_append(text, bytes, got, err);
    free(bytes);
    plm_os_close(fd);
    return ok;
}
