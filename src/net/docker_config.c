/* The docker client's config.json: finds a registry's entry in it, and changes it. */
#include "net/docker_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "pullama/text.h"

#define DEPTH_MAX 32
#define SECRET_MAX (16u << 10)
#define HUB_KEY "https://index.docker.io/v1/"

/* ---- which registry a key means ---- */

static bool is_hub(const char *host)
{
    static const char *const names[] = {"docker.io", "index.docker.io", "registry-1.docker.io"};
    for (size_t i = 0; i < PLM_COUNT(names); i++) {
        if (strcasecmp(host, names[i]) == 0)
            return true;
    }
    return false;
}

static bool is_plain_path(const char *path)
{
    static const char *const paths[] = {"", "/", "/v1", "/v1/", "/v2", "/v2/"};
    for (size_t i = 0; i < PLM_COUNT(paths); i++) {
        if (strcmp(path, paths[i]) == 0)
            return true;
    }
    return false;
}

/* True when `host` or `host:port` of a key is that of the registry. No port is the scheme's. */
static bool is_same_host(const char *text, size_t length, const struct plm_url *origin)
{
    const char *from = memrchr(text, ']', length);
    const char *colon =
        from ? memchr(from, ':', length - (size_t)(from - text)) : memchr(text, ':', length);
    uint64_t port = strcmp(origin->scheme, "https") == 0 ? 443 : 80;
    size_t host = colon ? (size_t)(colon - text) : length;
    if (colon && !plm_text_u64(colon + 1, length - host - 1, &port))
        return false;
    char name[sizeof(origin->host)];
    if (host == 0 || host >= sizeof(name) || port != origin->port)
        return false;
    memcpy(name, text, host);
    name[host] = '\0';
    return strcasecmp(name, origin->host) == 0 || (is_hub(name) && is_hub(origin->host));
}

static bool is_key_of(const char *key, const struct plm_url *origin)
{
    const char *rest = strncasecmp(key, "https://", 8) == 0  ? key + 8
                       : strncasecmp(key, "http://", 7) == 0 ? key + 7
                                                             : key;
    size_t length = strcspn(rest, "/");
    return is_plain_path(rest + length) && is_same_host(rest, length, origin);
}

struct search {
    const struct plm_url *origin;
    char key[PLM_DOCKER_KEY_MAX];
    const struct plm_json *found;
};

/* A key without scheme is preferred, as that client does. */
static bool look_at(void *ctx, const char *key, const struct plm_json *member)
{
    struct search *search = ctx;
    bool is_bare = !strstr(key, "://");
    if (strlen(key) >= sizeof(search->key) || !is_key_of(key, search->origin) ||
        (search->key[0] != '\0' && !is_bare))
        return true;
    (void)snprintf(search->key, sizeof(search->key), "%s", key);
    search->found = member;
    return !is_bare;
}

/* ---- what stands there ---- */

static bool is_plain_word(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_-.";
    return *text != '\0' && strspn(text, allowed) == strlen(text) && !strstr(text, "..");
}

static bool take_helper(const struct plm_json *name, const char *member,
                        struct plm_docker_entry *entry, struct plm_error *err)
{
    const char *text = plm_json_text(name);
    if (!name || (text && *text == '\0'))
        return true;
    if (!text || !is_plain_word(text) || strlen(text) >= sizeof(entry->helper))
        return plm_fail(err, PLM_E_PROTOCOL, "\"%s\" names no helper program by a plain word",
                        member);
    (void)snprintf(entry->helper, sizeof(entry->helper), "%s", text);
    return true;
}

static bool is_printable(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
    }
    return true;
}

bool plm_docker_check_password(const char *user, const char *password, struct plm_error *err)
{
    if (*user == '\0' || strchr(user, ':') || !is_printable(user) || strlen(user) > 255)
        return plm_fail(err, PLM_E_USAGE,
                        "a user name has 1 to 255 characters, no colon and no control character");
    if (*password == '\0' || !is_printable(password) || strlen(password) > SECRET_MAX / 2)
        return plm_fail(err, PLM_E_USAGE,
                        "a password has 1 to %u characters, and no control character",
                        SECRET_MAX / 2);
    return true;
}

/* Splits `user:password` where it stands, looks at both, and puts it together again. */
static bool check_pair(struct plm_buf *pair, struct plm_error *err)
{
    while (pair->size > 0 && pair->bytes[pair->size - 1] == '\0')
        pair->size--; /* the docker client once padded it */
    char *colon = pair->size > 0 ? memchr(pair->bytes, ':', pair->size) : NULL;
    if (!colon || strlen(pair->bytes) != pair->size)
        return plm_fail(err, PLM_E_PROTOCOL, "its \"auth\" is no user name and password");
    *colon = '\0';
    struct plm_error why = {0};
    bool ok = plm_docker_check_password(pair->bytes, colon + 1, &why);
    *colon = ':';
    return ok || plm_fail(err, PLM_E_PROTOCOL, "its \"auth\": %s", why.msg);
}

static bool take_auth(const char *auth, struct plm_docker_entry *entry, struct plm_error *err)
{
    size_t length = strlen(auth);
    if (!plm_buf_reserve(&entry->secret, length <= SECRET_MAX ? length : 0, err))
        return false;
    struct plm_error why = {0};
    if (!plm_base64_decode(auth, length, &entry->secret, &why))
        return plm_fail(err, why.code == PLM_E_NOMEM ? PLM_E_NOMEM : PLM_E_PROTOCOL,
                        "its \"auth\" is no base64 text of a sensible length");
    entry->kind = PLM_DOCKER_PASSWORD;
    return check_pair(&entry->secret, err);
}

static bool take_members(const struct plm_json *member, struct plm_docker_entry *entry,
                         struct plm_error *err)
{
    const char *auth = plm_json_text(plm_json_get(member, "auth"));
    const char *user = plm_json_text(plm_json_get(member, "username"));
    const char *password = plm_json_text(plm_json_get(member, "password"));
    const char *bearer = plm_json_text(plm_json_get(member, "registrytoken"));
    const char *identity = plm_json_text(plm_json_get(member, "identitytoken"));
    if (identity && *identity != '\0') {
        entry->kind = PLM_DOCKER_IDENTITY;
        return plm_buf_append(&entry->secret, identity, strlen(identity), err);
    }
    if (bearer && *bearer != '\0') {
        entry->kind = PLM_DOCKER_BEARER;
        return plm_buf_append(&entry->secret, bearer, strlen(bearer), err);
    }
    if (auth && *auth != '\0')
        return take_auth(auth, entry, err);
    if (!user || !password || *user == '\0')
        return true;
    struct plm_error why = {0};
    if (!plm_docker_check_password(user, password, &why))
        return plm_fail(err, PLM_E_PROTOCOL, "its \"username\" or \"password\": %s", why.msg);
    entry->kind = PLM_DOCKER_PASSWORD;
    return plm_buf_reserve(&entry->secret, strlen(user) + 1 + strlen(password), err) &&
           plm_buf_printf(&entry->secret, err, "%s:%s", user, password);
}

void plm_docker_server_name(const struct plm_url *origin, char out[PLM_DOCKER_KEY_MAX])
{
    if (is_hub(origin->host))
        (void)snprintf(out, PLM_DOCKER_KEY_MAX, "%s", HUB_KEY);
    else
        plm_url_authority(origin, out, PLM_DOCKER_KEY_MAX);
}

bool plm_docker_config_parse(const char *text, size_t length, struct plm_json **out,
                             struct plm_error *err)
{
    struct plm_json *root = NULL;
    struct plm_error why = {0};
    if (!plm_json_parse(text, length, DEPTH_MAX, &root, &why))
        /* The parser's own words would quote what stands there. */
        return plm_fail(err, why.code,
                        why.code == PLM_E_NOMEM ? "no memory for it" : "it is no usable JSON");
    if (!plm_json_is_object(root)) {
        plm_json_wipe(root);
        return plm_fail(err, PLM_E_PROTOCOL, "it is no JSON object");
    }
    *out = root;
    return true;
}

static bool find(const struct plm_json *config, const struct plm_url *origin, bool with_secret,
                 struct plm_docker_entry *entry, struct plm_error *err)
{
    struct search helper = {.origin = origin}, auth = {.origin = origin};
    plm_json_each(plm_json_get(config, "credHelpers"), look_at, &helper);
    plm_json_each(plm_json_get(config, "auths"), look_at, &auth);
    (void)snprintf(entry->key, sizeof(entry->key), "%s", auth.key);
    if (!take_helper(helper.found, "credHelpers", entry, err))
        return false;
    entry->helper_is_own = entry->helper[0] != '\0';
    if (!entry->helper_is_own &&
        !take_helper(plm_json_get(config, "credsStore"), "credsStore", entry, err))
        return false;
    return !auth.found || !with_secret || take_members(auth.found, entry, err);
}

bool plm_docker_config_find(const struct plm_json *config, const struct plm_url *origin,
                            bool with_secret, struct plm_docker_entry *out, struct plm_error *err)
{
    struct plm_docker_entry entry = {.secret = PLM_BUF_INIT(SECRET_MAX)};
    plm_docker_server_name(origin, entry.server);
    if (!find(config, origin, with_secret, &entry, err)) {
        plm_docker_entry_wipe(&entry);
        return false;
    }
    *out = entry;
    return true;
}

void plm_docker_entry_wipe(struct plm_docker_entry *entry)
{
    plm_buf_wipe(&entry->secret);
}

/* ---- changes ---- */

static const char *key_of(const struct plm_docker_entry *entry)
{
    return entry->key[0] != '\0' ? entry->key : entry->server;
}

/* Other members of the entry stay, but none that would compete. */
static void drop_secrets(struct plm_json *config, const char *key)
{
    static const char *const names[] = {"auth", "username", "password", "identitytoken",
                                        "registrytoken"};
    for (size_t i = 0; i < PLM_COUNT(names); i++) {
        const char *const keys[] = {"auths", key, names[i]};
        (void)plm_json_remove(config, keys, PLM_COUNT(keys));
    }
}

bool plm_docker_config_set(struct plm_json *config, const struct plm_docker_entry *entry,
                           const char *user, const char *password, struct plm_error *err)
{
    const char *const keys[] = {"auths", key_of(entry), "auth"};
    struct plm_buf pair = PLM_BUF_INIT(SECRET_MAX), text = PLM_BUF_INIT(2 * SECRET_MAX);
    size_t length = strlen(user) + 1 + strlen(password);
    bool ok = plm_buf_reserve(&pair, length, err) && plm_buf_reserve(&text, 2 * length + 4, err) &&
              plm_buf_printf(&pair, err, "%s:%s", user, password) &&
              plm_base64_encode(PLM_BASE64_STANDARD, pair.bytes, pair.size, &text, err);
    if (ok) {
        drop_secrets(config, keys[1]);
        ok = plm_json_set(config, keys, PLM_COUNT(keys), text.bytes, err);
    }
    plm_buf_wipe(&pair);
    plm_buf_wipe(&text);
    return ok;
}

bool plm_docker_config_set_helped(struct plm_json *config, const struct plm_docker_entry *entry,
                                  struct plm_error *err)
{
    const char *const keys[] = {"auths", key_of(entry)};
    if (entry->key[0] == '\0')
        return plm_json_set(config, keys, PLM_COUNT(keys), NULL, err);
    drop_secrets(config, keys[1]);
    return true;
}

bool plm_docker_config_forget(struct plm_json *config, const struct plm_docker_entry *entry)
{
    const char *const keys[] = {"auths", entry->key};
    return entry->key[0] != '\0' && plm_json_remove(config, keys, PLM_COUNT(keys));
}

char *plm_docker_config_path(void)
{
    char *path = NULL;
    const char *folder = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
    int length = -1;
    if (folder && *folder)
        length = asprintf(&path, "%s/config.json", folder);
    else if (home && *home)
        length = asprintf(&path, "%s/.docker/config.json", home);
    return length < 0 ? NULL : path;
}
