/* WWW-Authenticate and the token URL: every field fits, and the URL is one that the query's rules
 * allow, whatever the realm says. */
#include "fuzz.h"

#include "net/challenge.h"

#define URL_MAX (64u << 10)

static void check_field(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    FUZZ_HOLDS(length < size);
    for (size_t i = 0; i < length; i++)
        FUZZ_HOLDS((unsigned char)text[i] >= 0x20 && text[i] != 0x7F);
}

/* `key=value` pairs in order of their keys; keys are compared decoded, so here only the first
 * letters of plain ones. */
static void check_query(const char *query)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-_.~+%=&";
    FUZZ_HOLDS(strspn(query, allowed) == strlen(query));
    unsigned char before = 0;
    for (const char *at = query; at; at = strchr(at, '&')) {
        at += *at == '&';
        size_t key = strcspn(at, "=&");
        FUZZ_HOLDS(at[key] == '=');
        if (key == 0 || at[0] == '%' || at[0] == '+')
            continue;
        FUZZ_HOLDS((unsigned char)at[0] >= before);
        before = (unsigned char)at[0];
    }
}

static void check_url(const struct plm_challenge *challenge, const char *ts, const char *nonce)
{
    struct plm_buf url = PLM_BUF_INIT(URL_MAX), again = PLM_BUF_INIT(URL_MAX);
    struct plm_error err = {0};
    if (!plm_challenge_token_url(challenge, ts, nonce, &url, &err)) {
        fuzz_failed(&err);
        FUZZ_HOLDS(err.code == PLM_E_PROTOCOL || err.code == PLM_E_LIMIT);
        plm_buf_done(&url);
        return;
    }
    const char *text = url.bytes ? url.bytes : "";
    size_t path = strcspn(challenge->realm, "?#");
    FUZZ_HOLDS(strncmp(text, challenge->realm, path) == 0);
    FUZZ_HOLDS(text[path] == '\0' || text[path] == '?');
    if (text[path] == '?')
        check_query(text + path + 1);
    if (ts)
        FUZZ_HOLDS(strstr(text + path, "service=") && strstr(text + path, "scope=") &&
                   strstr(text + path, "nonce=bm9uY2U") && strstr(text + path, "ts=1700000000"));
    struct plm_challenge of_url = {.scheme = PLM_AUTH_BEARER};
    if (strlen(text) < sizeof(of_url.realm)) { /* written once, it stays as it is */
        memcpy(of_url.realm, text, strlen(text) + 1);
        FUZZ_HOLDS(plm_challenge_token_url(&of_url, NULL, NULL, &again, &err));
        FUZZ_HOLDS(strcmp(again.bytes ? again.bytes : "", text) == 0);
    }
    plm_buf_done(&again);
    plm_buf_done(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *text = fuzz_text(&in);
    struct plm_challenge challenge;
    plm_challenge_parse(text, &challenge);
    check_field(challenge.realm, sizeof(challenge.realm));
    check_field(challenge.service, sizeof(challenge.service));
    check_field(challenge.scope, sizeof(challenge.scope));
    FUZZ_HOLDS(challenge.scheme != PLM_AUTH_BEARER || challenge.realm[0]);
    FUZZ_HOLDS(challenge.scheme != PLM_AUTH_NONE ||
               (!challenge.realm[0] && !challenge.service[0] && !challenge.scope[0]));
    if (challenge.scheme == PLM_AUTH_BEARER) {
        check_url(&challenge, NULL, NULL);
        check_url(&challenge, "1700000000", "bm9uY2U");
    }
    free(text);
    return 0;
}
