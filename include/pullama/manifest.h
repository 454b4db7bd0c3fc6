/**
 * Image manifests: the raw bytes, and what they say.
 *
 * The bytes are the model's identity (their SHA-256 is the ID) and are kept as served. Formats:
 * Docker image manifest v2 schema 2, OCI image manifest, and (as an index) Docker manifest list and
 * OCI image index. Caps: 4 MiB, JSON depth 32, 100,000 layers. Heap objects; any thread.
 */
#pragma once

#include "pullama/digest.h"

#define PLM_MANIFEST_MAX_BYTES (4u << 20)
#define PLM_MANIFEST_MAX_DEPTH 32
#define PLM_MANIFEST_MAX_LAYERS 100000

/** What the registry is asked for in `Accept`. */
#define PLM_MANIFEST_ACCEPT                                                                        \
    "application/vnd.docker.distribution.manifest.v2+json, "                                       \
    "application/vnd.oci.image.manifest.v1+json, "                                                 \
    "application/vnd.docker.distribution.manifest.list.v2+json, "                                  \
    "application/vnd.oci.image.index.v1+json"

struct plm_layer {
    struct plm_descriptor blob;
    char *from; /**< owned; source model or file of the layer, or NULL */
    char *name; /**< owned; tensor or file name, or NULL */
};

struct plm_manifest {
    char *raw; /**< owned; exactly as served or stored */
    size_t raw_size;
    struct plm_digest digest; /**< of raw */
    bool has_config;
    struct plm_descriptor config;
    struct plm_layer *layers; /**< owned; in the manifest's order, duplicates kept */
    size_t layer_count;
};

/**
 * Parses @p size bytes; a copy of them is kept.
 *
 * PLM_E_PROTOCOL when it is no manifest: not JSON, wrong types, digest not `sha256:<64 lower-case hex>`,
 * size negative or absent, one digest with two sizes, no layers; PLM_E_LIMIT over the caps; PLM_E_UNSUPPORTED for an index or a manifest list (use plm_index_select()).
 */
PLM_API PLM_MUST bool plm_manifest_parse(const char *bytes, size_t size, struct plm_manifest **out,
                                         struct plm_error *err);
PLM_API void plm_manifest_free(struct plm_manifest *manifest);
PLM_DEFINE_FREEP(struct plm_manifest, plm_manifest)

/** Sum of the sizes of all layers and the config, duplicates counted, as Ollama's `list` does. */
PLM_API uint64_t plm_manifest_total_size(const struct plm_manifest *manifest);

/**
 * The distinct blobs, layers first and config last, duplicates once. The array is owned by the
 * caller (free()); it points into nothing.
 */
PLM_API PLM_MUST bool plm_manifest_blobs(const struct plm_manifest *manifest,
                                         struct plm_descriptor **out, size_t *count,
                                         struct plm_error *err);

/** True when the bytes are an index or manifest list, by media type or by a `manifests` array. */
PLM_API bool plm_index_detect(const char *bytes, size_t size);

/** True for "os/arch" and "os/arch/variant". */
PLM_API bool plm_platform_is_valid(const char *text);

/**
 * Chooses the manifest for @p platform ("os/arch" or "os/arch/variant"; NULL: this machine's, then linux/amd64, then the only one).
 * PLM_E_NOT_FOUND names the platforms that there are.
 */
PLM_API PLM_MUST bool plm_index_select(const char *bytes, size_t size, const char *platform,
                                       struct plm_descriptor *out, struct plm_error *err);

/** The last part of `application/vnd.ollama.image.<kind>`, or the whole type; parameters cut. */
PLM_API const char *plm_media_kind(const char *media, char out[PLM_MEDIA_MAX]);
