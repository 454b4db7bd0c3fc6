/* URLs and redirects: what is accepted stays what it was, leads nowhere else, and is no secret when
 * it is shown. Input: a line with the base, then the Location. */
#include "fuzz.h"

#include "net/url.h"

#define YEAR_9999_MS INT64_C(253402300799000)

static void check_parts(const struct plm_url *url)
{
    char authority[sizeof(url->host) + 16], text[sizeof(authority) + 16];
    struct plm_url again;
    struct plm_error err = {0};
    FUZZ_HOLDS(strcmp(url->scheme, "http") == 0 || strcmp(url->scheme, "https") == 0);
    FUZZ_HOLDS(url->port > 0 && url->host[0] &&
               strnlen(url->host, sizeof(url->host)) < sizeof(url->host));
    for (const char *c = url->host; *c; c++)
        FUZZ_HOLDS((unsigned char)*c > ' ' && *c != 0x7F && !strchr("/?#@\\", *c) &&
                   !(*c >= 'A' && *c <= 'Z'));
    plm_url_authority(url, authority, sizeof(authority));
    (void)snprintf(text, sizeof(text), "%s://%s/", url->scheme, authority);
    FUZZ_HOLDS(plm_url_parse(text, &again, &err));
    FUZZ_HOLDS(plm_url_same_origin(url, &again));
}

static void check_shown(const char *url)
{
    char shown[256];
    FUZZ_HOLDS(plm_url_redacted(url, shown, sizeof(shown)) == shown);
    FUZZ_HOLDS(fuzz_is_safe(shown) && !strpbrk(shown, "?#"));
    int64_t expiry = plm_url_expiry_ms(url);
    FUZZ_HOLDS(expiry >= 0 && expiry <= 2 * YEAR_9999_MS);
}

static void check_redirect(const char *base, const char *target)
{
    struct plm_url from, to;
    struct plm_error err = {0};
    char again[PLM_URL_MAX];
    FUZZ_HOLDS(strnlen(target, PLM_URL_MAX) < PLM_URL_MAX);
    for (const char *c = target; *c; c++)
        FUZZ_HOLDS((unsigned char)*c > ' ' && *c != 0x7F && *c != '#');
    FUZZ_HOLDS(plm_url_parse(base, &from, &err) && plm_url_parse(target, &to, &err));
    FUZZ_HOLDS(strcmp(from.scheme, "https") != 0 || strcmp(to.scheme, "https") == 0);
    check_parts(&to);
    check_shown(target);
    /* A target is absolute: from whereever it is followed, it is the same. */
    FUZZ_HOLDS(plm_url_redirect(target, target, again, &err));
    FUZZ_HOLDS(strcmp(again, target) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *base = fuzz_line(&in), *location = fuzz_text(&in);
    char target[PLM_URL_MAX];
    struct plm_url url;
    struct plm_error err = {0}, why = {0};
    check_shown(base);
    check_shown(location);
    if (plm_url_parse(base, &url, &err)) {
        check_parts(&url);
    } else {
        fuzz_failed(&err);
        FUZZ_HOLDS(err.code == PLM_E_PROTOCOL);
    }
    if (plm_url_redirect(base, location, target, &why)) {
        check_redirect(base, target);
    } else {
        fuzz_failed(&why);
        FUZZ_HOLDS(why.code == PLM_E_PROTOCOL);
    }
    free(base);
    free(location);
    return 0;
}
