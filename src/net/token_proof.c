/* What is shown to whom: credentials, a signature or nothing, and why that was not enough. */
#include "net/token_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "net/sshkey.h"
#include "os/os.h"

/* Base64 of the hex text of SHA-256 of nothing: Ollama signs a body's hash, and a GET has none. */
#define EMPTY_BODY                                                                                 \
    "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ=="

/* ---- where to ---- */

bool plm_tokens_aim(struct plm_tokens *tokens, const char *url, struct plm_error *err)
{
    struct plm_url parts;
    if (!plm_url_parse(url, &parts, err))
        return plm_prefix(err, "token realm of %s", tokens->registry_host);
    if (strcmp(tokens->options.origin->scheme, "https") == 0 && strcmp(parts.scheme, "https") != 0)
        return plm_fail(err, PLM_E_PROTOCOL, "%s sends for a token to a plain http address",
                        tokens->registry_host);
    int length = snprintf(tokens->url, sizeof(tokens->url), "%s", url);
    if (length < 0 || (size_t)length >= sizeof(tokens->url))
        return plm_fail(err, PLM_E_LIMIT, "the token URL of %s is too long", tokens->registry_host);
    tokens->realm = parts;
    plm_url_authority(&parts, tokens->realm_host, sizeof(tokens->realm_host));
    return true;
}

static bool is_at_registry(const struct plm_tokens *tokens)
{
    return strcmp(tokens->realm_host, tokens->registry_host) == 0 ||
           plm_url_same_party(&tokens->realm, tokens->options.origin);
}

/* ---- with what ---- */

static enum plm_credential_kind kind_of(const struct plm_tokens *tokens)
{
    const struct plm_credential *credential = tokens->options.credential;
    return credential ? credential->kind : PLM_CREDENTIAL_NONE;
}

static bool write_signature(struct plm_tokens *tokens, const struct plm_sshkey *key,
                            const char *url, struct plm_error *err)
{
    struct plm_buf text = PLM_BUF_INIT(PLM_URL_MAX + 256), line = PLM_BUF_INIT(256);
    uint8_t signature[64];
    plm_buf_wipe(&tokens->proof);
    bool ok =
        plm_buf_printf(&text, err, "GET,%s,%s", url, EMPTY_BODY) &&
        plm_sshkey_sign(key, text.bytes, text.size, signature, err) &&
        plm_sshkey_public_line(key, &line, err) &&
        /* the line's base64 is what stands behind its first space */
        plm_buf_printf(&tokens->proof, err, "%s:", strchr(line.bytes, ' ') + 1) &&
        plm_base64_encode(PLM_BASE64_STANDARD, signature, sizeof(signature), &tokens->proof, err);
    plm_buf_done(&text);
    plm_buf_done(&line);
    return ok;
}

/* The URL of a signed request carries time and nonce, and the signature is over the URL's text. */
static bool prepare_signed(struct plm_tokens *tokens, const struct plm_sshkey *key,
                           struct plm_error *err)
{
    char ts[24];
    uint8_t random[16];
    (void)snprintf(ts, sizeof(ts), "%lld", (long long)(plm_os_unix_ms() / 1000));
    struct plm_buf nonce = PLM_BUF_INIT(32), url = PLM_BUF_INIT(PLM_URL_MAX);
    bool ok = plm_os_random(random, sizeof(random), err) &&
              plm_base64_encode(PLM_BASE64_URL_NO_PAD, random, sizeof(random), &nonce, err) &&
              plm_challenge_token_url(&tokens->challenge, ts, nonce.bytes, &url, err) &&
              plm_tokens_aim(tokens, url.bytes, err) &&
              write_signature(tokens, key, url.bytes, err);
    plm_buf_done(&nonce);
    plm_buf_done(&url);
    return ok;
}

/* The URL's text is normalised on the way. */
bool plm_tokens_prepare_anonymous(struct plm_tokens *tokens, struct plm_error *err)
{
    struct plm_buf url = PLM_BUF_INIT(PLM_URL_MAX);
    plm_buf_wipe(&tokens->proof);
    tokens->proof_kind = PLM_PROOF_NONE;
    bool ok = plm_challenge_token_url(&tokens->challenge, NULL, NULL, &url, err) &&
              plm_tokens_aim(tokens, url.bytes, err);
    plm_buf_done(&url);
    return ok;
}

static bool show_password(struct plm_tokens *tokens, struct plm_error *err)
{
    const struct plm_buf *header = &tokens->options.credential->header;
    tokens->proof_kind = PLM_PROOF_PASSWORD;
    return plm_buf_reserve(&tokens->proof, header->size, err) &&
           plm_buf_append(&tokens->proof, header->bytes, header->size, err);
}

static bool prepare_refresh(struct plm_tokens *tokens, struct plm_error *err)
{
    struct plm_buf url = PLM_BUF_INIT(PLM_URL_MAX);
    const struct plm_buf *identity = tokens->options.credential->identity;
    tokens->proof_kind = PLM_PROOF_REFRESH;
    bool ok = plm_challenge_refresh_form(&tokens->challenge, identity->bytes, &url, &tokens->proof,
                                         err) &&
              plm_tokens_aim(tokens, url.bytes, err);
    plm_buf_done(&url);
    return ok;
}

bool plm_tokens_prepare(struct plm_tokens *tokens, struct plm_error *err)
{
    tokens->credential_kept_back = false;
    if (!plm_tokens_prepare_anonymous(tokens, err))
        return false;
    enum plm_credential_kind kind = kind_of(tokens);
    if (kind == PLM_CREDENTIAL_PASSWORD || kind == PLM_CREDENTIAL_IDENTITY) {
        if (plm_credential_may_go(tokens->options.origin, &tokens->realm))
            return kind == PLM_CREDENTIAL_PASSWORD ? show_password(tokens, err)
                                                   : prepare_refresh(tokens, err);
        tokens->credential_kept_back = true;
    }
    struct plm_sshkey key;
    if (!tokens->options.key_path || !is_at_registry(tokens) ||
        !plm_sshkey_load(tokens->options.key_path, &key, &tokens->key_error))
        return true;
    bool ok = prepare_signed(tokens, &key, err);
    plm_sshkey_wipe(&key);
    tokens->proof_kind = PLM_PROOF_SIGNATURE;
    return ok;
}

bool plm_tokens_use_directly(struct plm_tokens *tokens, const struct plm_challenge *challenge)
{
    enum plm_credential_kind kind = kind_of(tokens);
    if (kind == PLM_CREDENTIAL_NONE || kind == PLM_CREDENTIAL_IDENTITY ||
        (kind == PLM_CREDENTIAL_PASSWORD && challenge->scheme != PLM_AUTH_BASIC))
        return false;
    if (tokens->credential_tried) {
        tokens->credential_refused = true;
        plm_buf_wipe(&tokens->bearer);
        return false;
    }
    const struct plm_buf *header = &tokens->options.credential->header;
    struct plm_error ignored = {0};
    plm_buf_wipe(&tokens->bearer);
    if (!plm_buf_reserve(&tokens->bearer, header->size, &ignored) ||
        !plm_buf_append(&tokens->bearer, header->bytes, header->size, &ignored))
        return false;
    tokens->credential_tried = true;
    tokens->expires_ms = 0;
    tokens->generation++;
    return true;
}

/* ---- why it was not enough ---- */

/* What `pullama login` says in front of the host: without it, a registry in plain http is asked
 * over TLS. */
static const char *scheme_of(const struct plm_tokens *tokens)
{
    return strcmp(tokens->options.origin->scheme, "http") == 0 ? "http://" : "";
}

void plm_tokens_annotate(const struct plm_tokens *tokens, struct plm_error *err)
{
    const struct plm_credential *credential = tokens->options.credential;
    size_t used = strlen(err->msg), room = sizeof(err->msg) - used;
    if (!credential)
        return;
    if (credential->problem[0] != '\0')
        (void)snprintf(err->msg + used, room, " (no credentials: %s)", credential->problem);
    else if (tokens->credential_refused || plm_tokens_showed_credential(tokens))
        (void)snprintf(err->msg + used, room, " (with the credentials from %s)",
                       credential->source);
}

bool plm_tokens_cannot(const struct plm_tokens *tokens, const struct plm_challenge *challenge,
                       struct plm_error *err)
{
    const char *host = tokens->registry_host;
    if (tokens->credential_refused)
        return plm_fail(err, PLM_E_AUTH, "%s refused the credentials from %s", host,
                        tokens->options.credential->source);
    if (challenge->scheme == PLM_AUTH_BASIC)
        (void)plm_fail(err, PLM_E_AUTH,
                       "%s wants a user name and password; `pullama login %s%s` stores them", host,
                       scheme_of(tokens), host);
    else
        (void)plm_fail(err, PLM_E_AUTH, "%s wants credentials, but does not say which", host);
    plm_tokens_annotate(tokens, err);
    return false;
}

void plm_tokens_refused(const struct plm_tokens *tokens, const char *what, struct plm_error *err)
{
    const char *host = tokens->registry_host;
    if (tokens->proof_kind == PLM_PROOF_NONE && !tokens->credential_refused)
        (void)plm_fail(err, PLM_E_AUTH,
                       "%s refuses the %s with a fresh token that anyone gets; `pullama login "
                       "%s%s` stores a user name and password",
                       host, what, scheme_of(tokens), host);
    else
        (void)plm_fail(err, PLM_E_AUTH, "%s refuses the %s with a fresh token", host, what);
    plm_tokens_annotate(tokens, err);
}

static void explain_elsewhere(const struct plm_tokens *tokens, struct plm_error *err)
{
    const char *host = tokens->registry_host;
    if (tokens->credential_kept_back)
        (void)plm_fail(err, PLM_E_AUTH,
                       "%s sends for a token to %s over plain http, where the credentials from %s "
                       "may not go",
                       host, tokens->realm_host, tokens->options.credential->source);
    else
        (void)plm_fail(err, PLM_E_AUTH,
                       "%s sends for a token to %s, which gives none without credentials; `pullama "
                       "login %s%s` stores a user name and password",
                       host, tokens->realm_host, scheme_of(tokens), host);
}

bool plm_tokens_credential_shown(const struct plm_tokens *tokens, bool *shown,
                                 struct plm_error *err)
{
    bool is_shown = tokens->credential_tried || plm_tokens_showed_credential(tokens);
    if (!is_shown && tokens->credential_kept_back) {
        explain_elsewhere(tokens, err);
        return false;
    }
    *shown = is_shown;
    return true;
}

static void explain_key(const struct plm_tokens *tokens, struct plm_error *err)
{
    const char *host = tokens->registry_host, *path = tokens->options.key_path;
    if (!path || tokens->key_error.sys_errno == ENOENT)
        (void)plm_fail(err, PLM_E_AUTH,
                       "%s needs a key, and there is none at %s; `pullama keygen` makes one, "
                       "`pullama login` stores a password",
                       host, path && *path ? path : "any known place");
    else
        (void)plm_fail(err, PLM_E_AUTH, "%s needs a key: %s", host, tokens->key_error.msg);
}

void plm_tokens_explain(const struct plm_tokens *tokens, int status, struct plm_error *err)
{
    const char *host = tokens->registry_host;
    bool own = is_at_registry(tokens);
    if (plm_tokens_showed_credential(tokens))
        (void)plm_fail(err, PLM_E_AUTH, "%s%s%s%s refused the credentials from %s",
                       tokens->realm_host, own ? "" : ", to which ", own ? "" : host,
                       own ? "" : " sends for a token,", tokens->options.credential->source);
    else if (tokens->signature_refused)
        (void)plm_fail(err, PLM_E_AUTH, "%s refused the key at %s", host, tokens->options.key_path);
    else if (!own)
        explain_elsewhere(tokens, err);
    else
        explain_key(tokens, err);
    if (!plm_tokens_showed_credential(tokens))
        plm_tokens_annotate(tokens, err);
    err->http_status = status;
}
