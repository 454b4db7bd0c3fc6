/* A session with one registry for one repository: its addresses, its manifest and its chunk
 * digests. */
#include "net/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A line for each 64 MiB of 2.5 TiB; it takes three times so much memory. */
#define CHUNKSUMS_MAX_BYTES (4u << 20)
#define CHUNKSUMS_RETRIES 2
#define CHUNKSUMS_PATIENCE_MS 2000
#define DOCUMENT_URL_MAX (PLM_BASE_URL_MAX + 16 + PLM_REF_PART_MAX)

void plm_registry_notice(const struct plm_registry *registry, const struct plm_event_retry *retry,
                         bool refresh)
{
    if (registry->options.notice)
        registry->options.notice(registry->options.notice_ctx, retry, refresh);
}

/* ---- the session ---- */

static enum plm_scheme scheme_of(const struct plm_ref *ref, bool insecure)
{
    return insecure && !ref->scheme_typed ? PLM_SCHEME_HTTP : ref->scheme;
}

bool plm_registry_origin(const struct plm_ref *ref, bool insecure, struct plm_url *out,
                         struct plm_error *err)
{
    char text[PLM_BASE_URL_MAX];
    struct plm_ref asked = *ref;
    asked.scheme = scheme_of(ref, insecure);
    if (!plm_ref_base_url(&asked, text, sizeof(text)))
        return plm_fail(err, PLM_E_INTERNAL, "the registry's address is too long");
    return plm_url_parse(text, out, err);
}

void plm_registry_find_credential(const struct plm_ref *ref, bool insecure,
                                  const struct plm_end_request *end, struct plm_credential *out)
{
    struct plm_url origin;
    struct plm_error ignored = {0}; /* the session fails by the same address */
    *out = (struct plm_credential){0};
    if (plm_registry_origin(ref, insecure, &origin, &ignored))
        plm_credential_find(&origin, ref->scheme == PLM_SCHEME_HTTPS_INSECURE, end, out);
}

static bool set_addresses(struct plm_registry *registry, struct plm_error *err)
{
    registry->ref.scheme = scheme_of(&registry->ref, registry->options.insecure);
    registry->insecure_tls = registry->ref.scheme == PLM_SCHEME_HTTPS_INSECURE;
    if (!plm_ref_base_url(&registry->ref, registry->base_url, sizeof(registry->base_url)))
        return plm_fail(err, PLM_E_INTERNAL, "the registry's address is too long");
    return plm_url_parse(registry->base_url, &registry->origin, err);
}

bool plm_registry_new(struct plm_http_client *http, const struct plm_ref *ref,
                      const struct plm_registry_options *options, struct plm_registry **out,
                      struct plm_error *err)
{
    struct plm_registry *registry = calloc(1, sizeof(*registry));
    if (!registry)
        return plm_fail(err, PLM_E_NOMEM, "registry session");
    registry->http = http;
    registry->loop = plm_http_client_loop(http);
    registry->options = *options;
    registry->ref = *ref;
    if (options->key_path) {
        registry->key_path = strdup(options->key_path);
        if (!registry->key_path) {
            plm_registry_free(registry);
            return plm_fail(err, PLM_E_NOMEM, "registry session");
        }
    }
    registry->options.key_path = registry->key_path;
    if (!set_addresses(registry, err)) {
        plm_registry_free(registry);
        return false;
    }
    const struct plm_token_options token_options = {
        .http = http,
        .hosts = &registry->hosts,
        .origin = &registry->origin,
        .key_path = registry->key_path,
        .credential = options->credential,
        .insecure_tls = registry->insecure_tls,
        .timeout_ms = options->timeout_ms,
    };
    if (!plm_tokens_new(&token_options, &registry->tokens, err)) {
        plm_registry_free(registry);
        return false;
    }
    *out = registry;
    return true;
}

void plm_registry_free(struct plm_registry *registry)
{
    if (!registry)
        return;
    plm_documents_cancel(registry);
    plm_tokens_free(registry->tokens);
    free(registry->key_path);
    free(registry);
}

const char *plm_registry_host(const struct plm_registry *registry)
{
    return registry->ref.host;
}

const char *plm_registry_address(const struct plm_registry *registry)
{
    return registry->base_url;
}

/* ---- the manifest ---- */

struct manifest_get {
    const struct plm_registry *registry;
    bool has_digest;
    struct plm_digest digest;
    plm_document_fn done;
    void *ctx;
};

/* Bytes that are not what the registry itself says, or not what was asked for, were spoilt on their
 * way. */
static bool check_manifest(void *ctx, const struct plm_http_outcome *answer, struct plm_error *err)
{
    const struct manifest_get *get = ctx;
    const struct plm_buf *body = &answer->body;
    const char *host = get->registry->ref.host, *said = answer->head.docker_digest;
    if (answer->head.status != 200)
        return plm_fail(err, PLM_E_PROTOCOL, "%s answered %d to a request for the manifest", host,
                        answer->head.status);
    if (strncasecmp(answer->head.content_type, "text/html", 9) == 0 && body->size > 0 &&
        *body->bytes == '<')
        return plm_fail(err, PLM_E_PROTOCOL,
                        "%s answered with a web page in place of the manifest (is there a login "
                        "page on this network?)",
                        host);
    struct plm_digest got, wanted;
    struct plm_error ignored = {0};
    if (!plm_digest_of(body->size > 0 ? body->bytes : "", body->size, &got, err))
        return false;
    char got_text[PLM_DIGEST_TEXT], wanted_text[PLM_DIGEST_TEXT];
    (void)plm_digest_format(&got, got_text);
    if (plm_digest_parse(said, strlen(said), &wanted, &ignored) && !plm_digest_equal(&got, &wanted))
        return plm_fail(err, PLM_E_INTEGRITY, "the manifest has digest %s, but %s says %s",
                        got_text, host, said);
    if (get->has_digest && !plm_digest_equal(&got, &get->digest))
        return plm_fail(err, PLM_E_INTEGRITY, "the manifest has digest %s, but %s was asked for",
                        got_text, plm_digest_format(&get->digest, wanted_text));
    return true;
}

static void manifest_done(void *ctx, const struct plm_http_outcome *answer,
                          const struct plm_error *error)
{
    const struct manifest_get *get = ctx;
    struct plm_error missing = {0};
    if (error && answer && answer->end == PLM_HTTP_ANSWERED && answer->head.status == 404) {
        char name[PLM_REF_TEXT], digest[PLM_DIGEST_TEXT];
        (void)plm_fail(&missing, PLM_E_NOT_FOUND, "the registry has no %s%s%s",
                       plm_ref_format(&get->registry->ref, name),
                       get->has_digest ? " with manifest " : "",
                       get->has_digest ? plm_digest_format(&get->digest, digest) : "");
        missing.http_status = 404;
        error = &missing;
    }
    get->done(get->ctx, answer, error);
}

bool plm_registry_get_manifest(struct plm_registry *registry, const struct plm_digest *digest,
                               plm_document_fn done, void *ctx, struct plm_error *err)
{
    char url[DOCUMENT_URL_MAX], text[PLM_DIGEST_TEXT];
    (void)snprintf(url, sizeof(url), "%s/manifests/%s", registry->base_url,
                   digest ? plm_digest_format(digest, text) : registry->ref.tag);
    struct manifest_get *get = calloc(1, sizeof(*get));
    if (!get)
        return plm_fail(err, PLM_E_NOMEM, "manifest");
    *get = (struct manifest_get){.registry = registry, .done = done, .ctx = ctx};
    if (digest) {
        get->has_digest = true;
        get->digest = *digest;
    }
    const struct plm_document_request request = {
        .url = url,
        .what = "manifest",
        .accept = PLM_MANIFEST_ACCEPT,
        .body_max = PLM_MANIFEST_MAX_BYTES,
        .max_retries = registry->options.max_retries,
        .check = check_manifest,
        .done = manifest_done,
        .ctx = get,
    };
    return plm_document_start(registry, &request, err);
}

/* ---- chunk digests ---- */

struct chunksums_get {
    uint64_t blob_size;
    plm_chunksums_fn done;
    void *ctx;
};

static void chunksums_done(void *ctx, const struct plm_http_outcome *answer,
                           const struct plm_error *error)
{
    const struct chunksums_get *get = ctx;
    struct plm_chunksum *sums = NULL;
    size_t count = 0;
    bool ok =
        !error && answer->head.status == 200 && !answer->head.encoded && answer->body.size > 0 &&
        plm_chunksums_parse(answer->body.bytes, answer->body.size, get->blob_size, &sums, &count);
    get->done(get->ctx, ok ? sums : NULL, ok ? count : 0);
    free(sums);
}

bool plm_registry_get_chunksums(struct plm_registry *registry, const struct plm_descriptor *blob,
                                plm_chunksums_fn done, void *ctx, struct plm_error *err)
{
    char url[DOCUMENT_URL_MAX], text[PLM_DIGEST_TEXT];
    (void)snprintf(url, sizeof(url), "%s/chunksums/%s", registry->base_url,
                   plm_digest_format(&blob->digest, text));
    struct chunksums_get *get = calloc(1, sizeof(*get));
    if (!get)
        return plm_fail(err, PLM_E_NOMEM, "chunk digests");
    *get = (struct chunksums_get){.blob_size = blob->size, .done = done, .ctx = ctx};
    const struct plm_document_request request = {
        .url = url,
        .what = "chunk digests",
        .body_max = CHUNKSUMS_MAX_BYTES,
        .max_retries = CHUNKSUMS_RETRIES,
        .patience_ms = CHUNKSUMS_PATIENCE_MS,
        .done = chunksums_done,
        .ctx = get,
    };
    return plm_document_start(registry, &request, err);
}

/* ---- the registry itself ---- */

struct greeting {
    plm_document_fn done;
    void *ctx;
};

static void greeted(void *ctx, const struct plm_http_outcome *answer, const struct plm_error *error)
{
    const struct greeting *greeting = ctx;
    greeting->done(greeting->ctx, answer, error);
}

bool plm_registry_greet(struct plm_registry *registry, plm_document_fn done, void *ctx,
                        struct plm_error *err)
{
    char url[DOCUMENT_URL_MAX];
    size_t length = strlen(registry->base_url) - strlen(registry->ref.ns) -
                    strlen(registry->ref.model) - 1; /* behind "/v2/" */
    (void)snprintf(url, sizeof(url), "%.*s", (int)length, registry->base_url);
    struct greeting *greeting = calloc(1, sizeof(*greeting));
    if (!greeting)
        return plm_fail(err, PLM_E_NOMEM, "registry session");
    *greeting = (struct greeting){.done = done, .ctx = ctx};
    const struct plm_document_request request = {
        .url = url,
        .what = "greeting",
        .body_max = CHUNKSUMS_MAX_BYTES,
        .max_retries = registry->options.max_retries,
        .done = greeted,
        .ctx = greeting,
    };
    return plm_document_start(registry, &request, err);
}

bool plm_registry_was_shown(const struct plm_registry *registry, bool *shown, struct plm_error *err)
{
    return plm_tokens_credential_shown(registry->tokens, shown, err);
}
