/**
 * A session with one registry for one repository: tokens, redirects, retries; small documents and blobs.
 *
 * Secrets: a token or signature goes only to the origin (scheme, host, port) that asked for it, and
 * never to a redirect target. Loop thread only.
 */
#pragma once

#include "net/credentials.h"
#include "net/retry.h"
#include "pullama/ref.h"

struct plm_registry;

struct plm_registry_options {
    const char *key_path; /**< OpenSSH or PKCS#8 Ed25519 key; read only when a signature is needed */
    const struct plm_credential *credential; /**< borrowed; or NULL: none was looked for */
    int max_retries;      /**< in a row, for small documents */
    int64_t timeout_ms;
    bool insecure;        /**< plain http, unless the reference has a typed scheme */
    /** Tells of retries and refreshes of this session; may be NULL. */
    void (*notice)(void *ctx, const struct plm_event_retry *retry, bool refresh);
    /** Tells of each redirect: "host[:port]" that answered so, and where to; may be NULL. */
    void (*moved)(void *ctx, const char *from, const char *to, int status);
    void *notice_ctx; /**< of both */
};

/** PLM_E_USAGE for an `http://` reference without `insecure` is NOT given: typing the scheme is consent. */
PLM_MUST bool plm_registry_new(struct plm_http_client *http, const struct plm_ref *ref,
                               const struct plm_registry_options *options,
                               struct plm_registry **out, struct plm_error *err);
/** The origin of such a session. */
PLM_MUST bool plm_registry_origin(const struct plm_ref *ref, bool insecure, struct plm_url *out,
                                  struct plm_error *err);
/** What plm_credential_find() finds for the registry of such a session. Blocks. */
void plm_registry_find_credential(const struct plm_ref *ref, bool insecure,
                                  const struct plm_end_request *end, struct plm_credential *out);
/** Cancels everything under way; no callback comes after it. Its sources are freed before it. */
void plm_registry_free(struct plm_registry *registry);

/** "host[:port]" of the registry. Borrowed. */
const char *plm_registry_host(const struct plm_registry *registry);

/** `https://host/v2/namespace/model`: tells repositories apart. Borrowed. */
const char *plm_registry_address(const struct plm_registry *registry);

/** A small document was fetched (error NULL) or could not be. Borrowed during the call. */
typedef void (*plm_document_fn)(void *ctx, const struct plm_http_outcome *answer,
                                const struct plm_error *error);

/**
 * GET manifests/<reference>: by tag, or by digest when @p digest is given. Follows redirects, authenticates and
 * retries. 404: PLM_E_NOT_FOUND. Body at most PLM_MANIFEST_MAX_BYTES (PLM_E_LIMIT).
 */
PLM_MUST bool plm_registry_get_manifest(struct plm_registry *registry,
                                        const struct plm_digest *digest, plm_document_fn done,
                                        void *ctx, struct plm_error *err);

/** Chunk digests of a blob: `sha256:<hex> <start>-<end>` pairs, validated to cover the blob exactly. */
struct plm_chunksum {
    struct plm_span span;
    struct plm_digest digest;
};
/** @p sums NULL: the registry has none, or they are unusable (never an error of the pull). Borrowed. */
typedef void (*plm_chunksums_fn)(void *ctx, const struct plm_chunksum *sums, size_t count);
PLM_MUST bool plm_registry_get_chunksums(struct plm_registry *registry,
                                         const struct plm_descriptor *blob, plm_chunksums_fn done,
                                         void *ctx, struct plm_error *err);
/** GET /v2/, by which a registry says whether it takes what it is shown. Borrowed answer: 200, or 401
 * and so on as an error. */
PLM_MUST bool plm_registry_greet(struct plm_registry *registry, plm_document_fn done, void *ctx,
                                 struct plm_error *err);
/**
 * Whether what the registry took was got by the credential of the session: only then its answer says
 * something about it. PLM_E_AUTH when the registry asked, and the credential could not go where it
 * sends for a token.
 */
PLM_MUST bool plm_registry_was_shown(const struct plm_registry *registry, bool *shown,
                                     struct plm_error *err);
/** Pure: parses the endpoint's text. False when it does not cover [0, size) without gap or overlap. */
PLM_MUST bool plm_chunksums_parse(const char *text, size_t length, uint64_t blob_size,
                                  struct plm_chunksum **out, size_t *count);

/**
 * Where a blob's bytes come from: the registry itself, or the target it redirected to (kept until it
 * fails or its signature is due). One for each blob; shared by its chunks.
 */
struct plm_source;
PLM_MUST bool plm_source_new(struct plm_registry *registry, const struct plm_descriptor *blob,
                             struct plm_source **out, struct plm_error *err);
/** Cancels its requests; no callback comes after it. */
void plm_source_free(struct plm_source *source);
/** "host[:port]" that bytes come from now (target's or registry's). Borrowed, until the next call. */
const char *plm_source_host(const struct plm_source *source);
/** True while the location is not known yet: better let one request find it before more are started. */
bool plm_source_is_unresolved(const struct plm_source *source);

struct plm_fetch_result {
    bool complete;            /**< an accepted answer came to its end, or the sink had enough */
    enum plm_retry_action action; /**< LATER, RERESOLVE or FAIL when not complete */
    enum plm_retry_reason reason;
    int64_t retry_after_ms;   /**< -1, or what the server asked for (the host is held back already) */
    const struct plm_error *error; /**< when not complete */
    uint64_t received;        /**< body bytes given to the sink */
};
typedef void (*plm_fetch_fn)(void *ctx, const struct plm_fetch_result *result);

struct plm_fetch;
/**
 * One ranged GET of a blob, through redirects (at most 10, https never to http) and authentication, without
 * retries: those are the chunk's. The sink's begin() sees the final 200 or 206 only and decides on it.
 * All of a blob is asked for without a Range header: that works with servers that know none.
 * Waits by itself while the host is held back by Retry-After. 401, 403, 404 and 410 from a target forget the target and come
 * back as RERESOLVE.
 */
PLM_MUST bool plm_source_fetch(struct plm_source *source, struct plm_span span,
                               struct plm_http_sink sink, plm_fetch_fn done, void *ctx,
                               struct plm_fetch **out, struct plm_error *err);
void plm_fetch_cancel(struct plm_fetch *fetch);
