/** Models as the store has them: manifest, config and texts, for the kinds that only read. */
#pragma once

#include "base/buf.h"
#include "engine/engine_private.h"

#define PLM_STORED_TEXT 64
#define PLM_STORED_CAPABILITIES 16

/** What a config blob says, made safe to print and cut to size; "" where it says nothing. */
struct plm_stored_config {
    char format[PLM_STORED_TEXT], family[PLM_STORED_TEXT], parameter_size[PLM_STORED_TEXT],
        quantization[PLM_STORED_TEXT], requires_version[PLM_STORED_TEXT], renderer[PLM_STORED_TEXT],
        parser[PLM_STORED_TEXT];
    size_t capability_count;
    char capabilities[PLM_STORED_CAPABILITIES][PLM_STORED_TEXT];
};

/** Loads the manifest of a model. A pinned reference that has another digest in the store is
 * PLM_E_NOT_FOUND. @p modified_s may be NULL. */
PLM_MUST bool plm_stored_manifest(const struct plm_store *store, const struct plm_ref *ref,
                                  struct plm_manifest **out, int64_t *modified_s,
                                  struct plm_error *err);

/** Reads the manifest's config; one that is absent, too large or no JSON says nothing. */
void plm_stored_config(const struct plm_store *store, const struct plm_manifest *manifest,
                       struct plm_stored_config *out);

/** Appends a blob's first bytes, as many as @p text has room for. */
PLM_MUST bool plm_stored_text(const struct plm_store *store, const struct plm_digest *digest,
                              struct plm_buf *text, struct plm_error *err);
