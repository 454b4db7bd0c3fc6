/**
 * Model references: `[scheme://][host[:port]/][namespace/]model[:tag][@sha256:HEX]`.
 *
 * Character rules and lengths are those of Ollama's name parser (types/model/name.go); case is
 * kept. Two forms that Ollama refuses are accepted because people type them: `host:port/model`
 * (namespace `library`), and an IPv6 literal as host, `[::1]:5000/ns/model`. Any thread.
 */
#pragma once

#include "pullama/digest.h"

#define PLM_REF_HOST_MAX 350
#define PLM_REF_PART_MAX 80
/** The longest text form, with scheme and digest, and NUL. */
#define PLM_REF_TEXT 720

#define PLM_DEFAULT_HOST "registry.ollama.ai"
#define PLM_DEFAULT_NAMESPACE "library"
#define PLM_DEFAULT_TAG "latest"

enum plm_scheme {
    PLM_SCHEME_HTTPS,
    PLM_SCHEME_HTTP,
    PLM_SCHEME_HTTPS_INSECURE, /**< TLS without certificate checks */
};

struct plm_ref {
    enum plm_scheme scheme;
    bool scheme_typed; /**< the scheme stood in the text */
    bool has_digest;   /**< pinned: the manifest's bytes must have this digest */
    char host[PLM_REF_HOST_MAX + 1]; /**< with port; IPv6 literals in brackets */
    char ns[PLM_REF_PART_MAX + 1];
    char model[PLM_REF_PART_MAX + 1];
    char tag[PLM_REF_PART_MAX + 1];
    struct plm_digest digest;
};

/** Parses a reference as a user types it. PLM_E_BAD_NAME says which part is wrong, and why. */
PLM_API PLM_MUST bool plm_ref_parse(const char *text, struct plm_ref *out, struct plm_error *err);

/**
 * Parses a registry's address, `[scheme://]host[:port]`, with or without a slash, `/v1/` or `/v2/` behind
 * it. Only host and scheme of @p out are set to something; the other parts are placeholders. PLM_E_USAGE.
 */
PLM_API PLM_MUST bool plm_ref_parse_host(const char *text, struct plm_ref *out,
                                         struct plm_error *err);

/** Checks the four parts of a manifest's path and makes a reference of them. */
PLM_API PLM_MUST bool plm_ref_from_parts(const char *host, const char *ns, const char *model,
                                         const char *tag, struct plm_ref *out,
                                         struct plm_error *err);

/**
 * The display form: host dropped when it is the default one, then also the namespace when it is
 * `library`; always `model:tag`; no scheme; `@sha256:…` when pinned. Returns @p out.
 */
PLM_API const char *plm_ref_format(const struct plm_ref *ref, char out[PLM_REF_TEXT]);

/**
 * The whole form, from which plm_ref_parse() makes the same reference: always host, namespace and tag;
 * the scheme unless it is https and was not typed. Returns @p out.
 */
PLM_API const char *plm_ref_format_whole(const struct plm_ref *ref, char out[PLM_REF_TEXT]);

/** `https://host/v2/ns/model`, without a slash at the end. False when @p size is too small. */
PLM_API PLM_MUST bool plm_ref_base_url(const struct plm_ref *ref, char *out, size_t size);

/** Equal in host, namespace, model and tag (case-sensitive). */
PLM_API bool plm_ref_same_model(const struct plm_ref *a, const struct plm_ref *b);
