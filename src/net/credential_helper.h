/**
 * Helper programs of the docker client, `docker-credential-NAME`: keepers of user names and
 * passwords.
 *
 * They block the thread, for half a minute at most, or until @p end is asked for
 * (PLM_E_INTERRUPTED; NULL: nobody can ask). A name is a plain word. Secrets go through pipes
 * alone.
 */
#pragma once

#include "os/process.h"

/**
 * Asks for what it keeps for a server.
 *
 * @param pair   `user:password`, when it has one; the caller wipes it.
 * @param found  false: it keeps nothing for this server.
 */
PLM_MUST bool plm_credential_helper_get(const struct plm_end_request *end, const char *name,
                                        const char *server, struct plm_buf *pair, bool *found,
                                        struct plm_error *err);
PLM_MUST bool plm_credential_helper_store(const struct plm_end_request *end, const char *name,
                                          const char *server, const char *user,
                                          const char *password, struct plm_error *err);
/** @p erased is false when it kept nothing for this server. */
PLM_MUST bool plm_credential_helper_erase(const struct plm_end_request *end, const char *name,
                                          const char *server, bool *erased, struct plm_error *err);

/** The user name by which a helper says that the secret is an identity token. */
#define PLM_IDENTITY_USER "<token>"

/** Pure: reads what a helper says on `get`. */
PLM_MUST bool plm_credential_helper_parse(const char *text, size_t length, struct plm_buf *pair,
                                          struct plm_error *err);
