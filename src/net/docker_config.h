/**
 * The docker client's `config.json`: what it knows of a registry.
 *
 * Keys of `auths` are taken as that client writes them: `host`, `host:port`, and with a scheme and
 * `/v1/` or `/v2/` behind it. Entries of other registries are not looked into.
 */
#pragma once

#include "base/json.h"
#include "net/url.h"

/** Largest file that is read. */
#define PLM_DOCKER_CONFIG_MAX (1u << 20)
/** Room for the name of a helper program, without `docker-credential-`, and NUL. */
#define PLM_DOCKER_HELPER_MAX 64
/** Room for a key of `auths`, and NUL; longer ones are passed over. */
#define PLM_DOCKER_KEY_MAX 512

enum plm_docker_kind {
    PLM_DOCKER_NOTHING,
    PLM_DOCKER_PASSWORD, /**< secret is `user:password` */
    PLM_DOCKER_BEARER,   /**< secret is a token for the registry itself */
    PLM_DOCKER_IDENTITY, /**< secret is a token that the token realm trades in for others */
};

struct plm_docker_entry {
    char helper[PLM_DOCKER_HELPER_MAX]; /**< the program to ask; "": none */
    bool helper_is_own;                 /**< named for this very registry, not for all */
    char key[PLM_DOCKER_KEY_MAX];       /**< of the registry in `auths`; "": not there */
    char server[PLM_DOCKER_KEY_MAX];    /**< what the client calls the registry */
    enum plm_docker_kind kind;          /**< what stands in `auths` itself */
    struct plm_buf secret;
};

/** What that client, and so a helper program, calls the registry. */
void plm_docker_server_name(const struct plm_url *origin, char out[PLM_DOCKER_KEY_MAX]);
/** Parses the file; free it with plm_json_wipe(). PLM_E_PROTOCOL or PLM_E_LIMIT, without its text.
 */
PLM_MUST bool plm_docker_config_parse(const char *text, size_t length, struct plm_json **out,
                                      struct plm_error *err);
/**
 * Looks a registry up. Nothing found is no failure.
 *
 * @param with_secret  what stands in `auths` is read; otherwise kind stays NOTHING.
 * @retval false  what stands there for this registry cannot be used; err says why.
 */
PLM_MUST bool plm_docker_config_find(const struct plm_json *config, const struct plm_url *origin,
                                     bool with_secret, struct plm_docker_entry *out,
                                     struct plm_error *err);
void plm_docker_entry_wipe(struct plm_docker_entry *entry);

/** `user:password` that may be sent: a name without colon, both printable. PLM_E_USAGE. */
PLM_MUST bool plm_docker_check_password(const char *user, const char *password,
                                        struct plm_error *err);

/** Notes a user and password for a registry that was looked up, in place of what stood there. */
PLM_MUST bool plm_docker_config_set(struct plm_json *config, const struct plm_docker_entry *entry,
                                    const char *user, const char *password, struct plm_error *err);
/** Forgets a registry that was looked up. True when there was something. */
bool plm_docker_config_forget(struct plm_json *config, const struct plm_docker_entry *entry);
/** Notes that a helper program has them, as the docker client does. */
PLM_MUST bool plm_docker_config_set_helped(struct plm_json *config,
                                           const struct plm_docker_entry *entry,
                                           struct plm_error *err);

/** `$DOCKER_CONFIG/config.json`, or `$HOME/.docker/config.json`. Owned by the caller; NULL: neither
 * is set, or no memory. */
char *plm_docker_config_path(void);
