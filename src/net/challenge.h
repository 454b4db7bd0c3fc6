/** WWW-Authenticate values and the token exchange they ask for. Pure. */
#pragma once

#include "base/buf.h"

enum plm_auth_scheme { PLM_AUTH_NONE, PLM_AUTH_BEARER, PLM_AUTH_BASIC };
struct plm_challenge {
    enum plm_auth_scheme scheme;
    char realm[2048], service[512], scope[1024];
};
/**
 * Picks the best challenge (Bearer before Basic) of all header lines (newline-separated). Any parameter order,
 * quoted and unquoted values, several challenges in a line. scheme NONE when nothing usable stands there.
 */
void plm_challenge_parse(const char *lines, struct plm_challenge *out);
/** The realm's URL with its own query plus service, scope(s), and for a signed request ts and nonce; sorted and
 *  form-encoded as Ollama does, since the signature is over this text. */
PLM_MUST bool plm_challenge_token_url(const struct plm_challenge *challenge, const char *ts,
                                      const char *nonce, struct plm_buf *out,
                                      struct plm_error *err);
/**
 * The body of a request that trades a refresh token in (the OAuth2 form of the token protocol), and the URL that it goes
 * to: the realm's, with its own query alone.
 */
PLM_MUST bool plm_challenge_refresh_form(const struct plm_challenge *challenge, const char *token,
                                         struct plm_buf *url, struct plm_buf *form,
                                         struct plm_error *err);
