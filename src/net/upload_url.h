/** Addresses of an upload session: where the next request goes, by what the last answer said. Pure.
 */
#pragma once

#include "net/http.h"
#include "pullama/digest.h"

/**
 * The session's address out of an answer to a request for @p asked: Docker-Upload-Location before
 * Location, either may be relative. Query and all are the registry's own and stay as they are. ""
 * in
 * @p out when the answer names none. PLM_E_PROTOCOL for what is no usable URL, and for one that
 * would leave https.
 */
PLM_MUST bool plm_upload_session_url(const char *asked, const struct plm_http_head *head,
                                     char out[PLM_URL_MAX], struct plm_error *err);

/** The address that ends a session: with digest, and with the composite @p etag unless NULL. */
PLM_MUST bool plm_upload_commit_url(const char *session, const struct plm_digest *digest,
                                    const char *etag, char out[PLM_URL_MAX], struct plm_error *err);
