/* Addresses of an upload session: resolved against the request before, and completed for the end.
 */
#include "net/upload_url.h"

#include "base/encode.h"
#include "net/url.h"

#include <stdio.h>
#include <string.h>

bool plm_upload_session_url(const char *asked, const struct plm_http_head *head,
                            char out[PLM_URL_MAX], struct plm_error *err)
{
    const char *said = head->upload_location[0] ? head->upload_location : head->location;
    if (!*said) {
        out[0] = '\0';
        return true;
    }
    return plm_url_redirect(asked, said, out, err) || plm_prefix(err, "upload session");
}

bool plm_upload_commit_url(const char *session, const struct plm_digest *digest, const char *etag,
                           char out[PLM_URL_MAX], struct plm_error *err)
{
    char hex[2 * PLM_DIGEST_BYTES + 1];
    plm_hex_encode(digest->sha256, PLM_DIGEST_BYTES, hex);
    const char *query = strchr(session, '?');
    const char *joint = !query ? "?" : query[1] && session[strlen(session) - 1] != '&' ? "&" : "";
    int length = snprintf(out, PLM_URL_MAX, "%s%sdigest=sha256%%3A%s%s%s", session, joint, hex,
                          etag ? "&etag=" : "", etag ? etag : "");
    return (length > 0 && length < PLM_URL_MAX) ||
           plm_fail(err, PLM_E_PROTOCOL, "the address of an upload session is too long");
}
