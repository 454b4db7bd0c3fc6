/**
 * What there is to show to a registry, and where it may be shown.
 *
 * Looked for in this order: `HF_TOKEN` (Hugging Face's hosts, over checked TLS), then the docker
 * client's configuration: the helper program that it names, then the entry itself. Finding it may
 * run that program, so it blocks, and must come before the process gives up the right to start one.
 */
#pragma once

#include "net/url.h"
#include "os/process.h"

enum plm_credential_kind {
    PLM_CREDENTIAL_NONE,
    PLM_CREDENTIAL_PASSWORD, /**< a user and password: for a Basic challenge, or the token realm */
    PLM_CREDENTIAL_BEARER,   /**< a token for the registry itself */
    PLM_CREDENTIAL_IDENTITY, /**< a refresh token, which the token realm trades in for others */
};

#define PLM_CREDENTIAL_SOURCE 320

struct plm_credential {
    enum plm_credential_kind kind;
    struct plm_buf header;    /**< for `Authorization`, whole; none of IDENTITY */
    struct plm_buf *identity; /**< owned; the token of IDENTITY, else NULL. A realm may give a new
                                   one in its place, which then holds for all who share this */
    char source[PLM_CREDENTIAL_SOURCE]; /**< where it came from: "HF_TOKEN", a path, a program */
    char problem[PLM_ERROR_TEXT];       /**< why there is none although there could be, or "" */
    bool is_warning;                    /**< the problem is worth telling although nobody asked */
};

/** Never fails: what cannot be used is a problem that is told when the registry wants credentials.
 * Once @p end is made it comes back soon, with whatever there is. NULL: nobody can ask. */
void plm_credential_find(const struct plm_url *origin, bool insecure_tls,
                         const struct plm_end_request *end, struct plm_credential *out);
/** One of a user and password, as for `login`. @p source is copied. */
PLM_MUST bool plm_credential_of_password(const char *user, const char *password, const char *source,
                                         struct plm_credential *out, struct plm_error *err);
/** All zero is nothing. */
void plm_credential_wipe(struct plm_credential *credential);

/**
 * Whether what is kept for the registry at @p origin may be shown to the token realm that it names:
 * over TLS to any, in plain text to the same host alone, or from this machine to this machine.
 */
bool plm_credential_may_go(const struct plm_url *origin, const struct plm_url *realm);
