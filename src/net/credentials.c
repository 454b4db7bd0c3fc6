/* Credentials: finds what is kept for a registry, and knows where it may be shown. */
#include "net/credentials.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "net/credential_helper.h"
#include "net/docker_config.h"
#include "os/os.h"

#define HEADER_MAX (32u << 10)

/* ---- headers ---- */

static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
            return false;
    }
    return length > 0;
}

static bool write_basic(const char *pair, size_t length, struct plm_buf *out, struct plm_error *err)
{
    return plm_buf_reserve(out, 6 + 4 * (length / 3 + 1), err) &&
           plm_buf_append(out, "Basic ", 6, err) &&
           plm_base64_encode(PLM_BASE64_STANDARD, pair, length, out, err);
}

static bool write_bearer(const char *token, size_t length, struct plm_buf *out,
                         struct plm_error *err)
{
    return plm_buf_reserve(out, 7 + length, err) && plm_buf_append(out, "Bearer ", 7, err) &&
           plm_buf_append(out, token, length, err);
}

static void put_problem(struct plm_credential *c, bool is_warning, const char *place,
                        const char *what)
{
    if (strstr(what, place)) /* it says where by itself */
        place = "";
    (void)snprintf(c->problem, sizeof(c->problem), "%.*s%s%.*s", 300, place, *place ? ": " : "",
                   400, what);
    c->is_warning = is_warning;
}

static void put_source(struct plm_credential *c, const char *source)
{
    (void)snprintf(c->source, sizeof(c->source), "%s", source);
}

static bool take_identity(const char *token, size_t length, struct plm_credential *c,
                          struct plm_error *err)
{
    if (!is_token(token, length))
        return plm_fail(err, PLM_E_PROTOCOL, "its identity token is no token");
    c->identity = calloc(1, sizeof(*c->identity));
    if (!c->identity)
        return plm_fail(err, PLM_E_NOMEM, "no memory for credentials");
    *c->identity = PLM_BUF_INIT(HEADER_MAX);
    if (!plm_buf_reserve(c->identity, length, err) ||
        !plm_buf_append(c->identity, token, length, err))
        return false;
    c->kind = PLM_CREDENTIAL_IDENTITY;
    return true;
}

/* ---- HF_TOKEN ---- */

static const char *trim(const char *text, size_t *length)
{
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    *length = strlen(text);
    while (*length > 0 && strchr(blanks, text[*length - 1]))
        --*length;
    return text;
}

static bool take_hub_token(const struct plm_url *origin, bool insecure_tls,
                           struct plm_credential *c)
{
    size_t length;
    const char *value = getenv("HF_TOKEN"), *token = trim(value ? value : "", &length);
    struct plm_error err = {0};
    if (length == 0 || !plm_url_is_hugging_face(origin))
        return false;
    if (insecure_tls)
        put_problem(c, false, "", "HF_TOKEN is sent over checked TLS alone");
    else if (!is_token(token, length))
        put_problem(c, true, "", "HF_TOKEN holds characters that no token has");
    else if (!write_bearer(token, length, &c->header, &err))
        put_problem(c, true, "HF_TOKEN", err.msg);
    else
        c->kind = PLM_CREDENTIAL_BEARER;
    put_source(c, "HF_TOKEN");
    return c->kind != PLM_CREDENTIAL_NONE;
}

/* ---- the docker client's file ---- */

static void take_entry(const struct plm_docker_entry *entry, const char *path,
                       struct plm_credential *c)
{
    struct plm_error err = {0};
    const char *secret = entry->secret.bytes ? entry->secret.bytes : "";
    put_source(c, path);
    switch (entry->kind) {
    case PLM_DOCKER_NOTHING:
        return;
    case PLM_DOCKER_IDENTITY:
        (void)!take_identity(secret, entry->secret.size, c, &err); /* it is told below */
        break;
    case PLM_DOCKER_PASSWORD:
        if (write_basic(secret, entry->secret.size, &c->header, &err))
            c->kind = PLM_CREDENTIAL_PASSWORD;
        break;
    case PLM_DOCKER_BEARER:
        if (!is_token(secret, entry->secret.size))
            (void)plm_fail(&err, PLM_E_PROTOCOL, "its \"registrytoken\" is no token");
        else if (write_bearer(secret, entry->secret.size, &c->header, &err))
            c->kind = PLM_CREDENTIAL_BEARER;
        break;
    }
    if (c->kind == PLM_CREDENTIAL_NONE)
        put_problem(c, true, path, err.msg);
}

static bool take_pair(const struct plm_buf *pair, struct plm_credential *c, struct plm_error *err)
{
    static const char user[] = PLM_IDENTITY_USER ":";
    size_t length = sizeof(user) - 1;
    if (pair->size > length && memcmp(pair->bytes, user, length) == 0)
        return take_identity(pair->bytes + length, pair->size - length, c, err);
    if (!write_basic(pair->bytes, pair->size, &c->header, err))
        return false;
    c->kind = PLM_CREDENTIAL_PASSWORD;
    return true;
}

/* A helper for all registries may be missing or locked without harm to a pull of a public model;
 * one that was named for this registry is worth a word. */
static bool ask_helper(const struct plm_docker_entry *entry, const struct plm_end_request *end,
                       struct plm_credential *c)
{
    struct plm_buf pair = PLM_BUF_INIT(HEADER_MAX / 2);
    struct plm_error err = {0};
    bool found = false;
    if (entry->helper[0] == '\0')
        return false;
    (void)snprintf(c->source, sizeof(c->source), "docker-credential-%s", entry->helper);
    if (!plm_credential_helper_get(end, entry->helper, entry->server, &pair, &found, &err) ||
        (found && !take_pair(&pair, c, &err)))
        put_problem(c, entry->helper_is_own, "", err.msg);
    plm_buf_wipe(&pair);
    return c->kind != PLM_CREDENTIAL_NONE;
}

static void look_up(const struct plm_json *config, const char *path, const struct plm_url *origin,
                    const struct plm_end_request *end, struct plm_credential *c)
{
    struct plm_docker_entry entry;
    struct plm_error err = {0};
    if (!plm_docker_config_find(config, origin, true, &entry, &err)) {
        put_source(c, path);
        put_problem(c, true, path, err.msg);
        return;
    }
    if (!ask_helper(&entry, end, c) && entry.kind != PLM_DOCKER_NOTHING)
        take_entry(&entry, path, c);
    plm_docker_entry_wipe(&entry);
}

static void read_config(const char *path, const struct plm_url *origin,
                        const struct plm_end_request *end, struct plm_credential *c)
{
    char *text = NULL, *real = NULL;
    size_t size = 0;
    struct plm_json *config = NULL;
    struct plm_error err = {0};
    if (!plm_os_absolute_path(path, &real, &err)) {
        if (err.code != PLM_E_NOT_FOUND)
            put_problem(c, true, "", err.msg);
        return;
    }
    if (!plm_os_read_file(plm_os_cwd(), real, PLM_DOCKER_CONFIG_MAX, &text, &size, &err))
        put_problem(c, true, "", err.msg);
    else if (!plm_docker_config_parse(text, size, &config, &err))
        put_problem(c, true, path, err.msg);
    else
        look_up(config, path, origin, end, c);
    plm_json_wipe(config);
    if (text)
        explicit_bzero(text, size);
    free(text);
    free(real);
}

void plm_credential_find(const struct plm_url *origin, bool insecure_tls,
                         const struct plm_end_request *end, struct plm_credential *out)
{
    *out = (struct plm_credential){.header = PLM_BUF_INIT(HEADER_MAX)};
    if (take_hub_token(origin, insecure_tls, out))
        return;
    char *path = plm_docker_config_path();
    if (path)
        read_config(path, origin, end, out);
    free(path);
}

bool plm_credential_of_password(const char *user, const char *password, const char *source,
                                struct plm_credential *out, struct plm_error *err)
{
    struct plm_buf pair = PLM_BUF_INIT(HEADER_MAX / 2);
    *out = (struct plm_credential){.kind = PLM_CREDENTIAL_PASSWORD,
                                   .header = PLM_BUF_INIT(HEADER_MAX)};
    put_source(out, source);
    bool ok = plm_docker_check_password(user, password, err) &&
              plm_buf_reserve(&pair, strlen(user) + 1 + strlen(password), err) &&
              plm_buf_printf(&pair, err, "%s:%s", user, password) &&
              write_basic(pair.bytes, pair.size, &out->header, err);
    plm_buf_wipe(&pair);
    if (!ok)
        plm_credential_wipe(out);
    return ok;
}

void plm_credential_wipe(struct plm_credential *credential)
{
    plm_buf_wipe(&credential->header);
    if (credential->identity)
        plm_buf_wipe(credential->identity);
    free(credential->identity);
    credential->identity = NULL;
    credential->kind = PLM_CREDENTIAL_NONE;
}

/* ---- where it may go ---- */

bool plm_credential_may_go(const struct plm_url *origin, const struct plm_url *realm)
{
    if (strcmp(realm->scheme, "https") == 0)
        return true;
    /* Plain http to the registry was typed or asked for: it holds for its host, whatever the port.
     */
    return strcmp(origin->scheme, "http") == 0 &&
           (strcmp(origin->host, realm->host) == 0 ||
            (plm_url_is_loopback(origin) && plm_url_is_loopback(realm)));
}
