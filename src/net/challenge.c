/* WWW-Authenticate: picks the challenge that can be met, and writes the token URL that it asks for.
 */
#include "net/challenge.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- reading (RFC 9110, section 11.6.1, and liberal where servers are) ---- */

/* One challenge as it is being read. */
struct reading {
    struct plm_challenge value;
    bool broken; /* a value that does not fit or holds control characters */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

static bool ends_word(char c)
{
    return c == '\0' || c == '\n' || c == ',' || is_blank(c);
}

static bool is_printable(char c)
{
    return (unsigned char)c >= 0x20 && c != 0x7f;
}

/* Copies a quoted or bare value; *end is behind it, also when it did not fit. */
static bool read_value(const char *at, char *out, size_t size, const char **end)
{
    bool quoted = *at == '"', ok = true;
    size_t used = 0;
    at += quoted;
    while (quoted ? *at != '"' && *at != '\0' && *at != '\n' : !ends_word(*at)) {
        if (quoted && at[0] == '\\' && at[1] != '\0' && at[1] != '\n')
            at++;
        if (used + 1 < size && is_printable(*at))
            out[used++] = *at;
        else
            ok = false;
        at++;
    }
    if (quoted) {
        ok = ok && *at == '"';
        at += *at == '"';
    }
    out[used] = '\0';
    *end = at;
    return ok;
}

static const char *read_parameter(struct reading *reading, const char *name, size_t length,
                                  const char *at)
{
    struct plm_challenge *to = &reading->value;
    const struct {
        const char *name;
        char *out;
        size_t size;
    } wanted[] = {
        {"realm", to->realm, sizeof(to->realm)},
        {"service", to->service, sizeof(to->service)},
        {"scope", to->scope, sizeof(to->scope)},
    };
    char ignored[sizeof(to->realm)], *out = ignored;
    size_t size = sizeof(ignored);
    bool is_wanted = false;
    for (size_t i = 0; i < PLM_COUNT(wanted); i++) {
        if (strlen(wanted[i].name) == length && strncasecmp(name, wanted[i].name, length) == 0 &&
            wanted[i].out[0] == '\0') {
            out = wanted[i].out;
            size = wanted[i].size;
            is_wanted = true;
        }
    }
    const char *end;
    if (!read_value(at, out, size, &end) && is_wanted)
        reading->broken = true;
    return end;
}

/* Keeps the challenge just read if it is better than what is there. */
static void offer(struct reading *reading, struct plm_challenge *best)
{
    if (!reading->broken && reading->value.scheme != PLM_AUTH_NONE &&
        (reading->value.scheme != PLM_AUTH_BEARER || reading->value.realm[0] != '\0') &&
        (best->scheme == PLM_AUTH_NONE ||
         (best->scheme == PLM_AUTH_BASIC && reading->value.scheme == PLM_AUTH_BEARER)))
        *best = reading->value;
    *reading = (struct reading){.value.scheme = PLM_AUTH_NONE};
}

static enum plm_auth_scheme scheme_of(const char *word, size_t length)
{
    if (length == 6 && strncasecmp(word, "Bearer", length) == 0)
        return PLM_AUTH_BEARER;
    if (length == 5 && strncasecmp(word, "Basic", length) == 0)
        return PLM_AUTH_BASIC;
    return PLM_AUTH_NONE;
}

void plm_challenge_parse(const char *lines, struct plm_challenge *out)
{
    struct plm_challenge best = {.scheme = PLM_AUTH_NONE};
    struct reading reading = {.value.scheme = PLM_AUTH_NONE};
    for (const char *at = lines; *at != '\0';) {
        if (*at == '\n')
            offer(&reading, &best);
        if (*at == '\n' || *at == ',' || is_blank(*at)) {
            at++;
            continue;
        }
        const char *word = at;
        while (!ends_word(*at) && *at != '=')
            at++;
        size_t length = (size_t)(at - word);
        const char *next = skip_blanks(at);
        if (*next == '=') {
            at = read_parameter(&reading, word, length, skip_blanks(next + 1));
            continue;
        }
        offer(&reading, &best);
        reading.value.scheme = scheme_of(word, length);
    }
    offer(&reading, &best);
    *out = best;
}

/* ---- the token URL ---- */

#define PAIRS_MAX 256
struct pair {
    const char *key, *value; /* unescaped, in the arena */
};
struct query {
    char arena[sizeof(((struct plm_challenge *)0)->realm) * 2 +
               sizeof(((struct plm_challenge *)0)->scope) + 1];
    size_t used, count;
    struct pair pairs[PAIRS_MAX];
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Copies form-encoded text into the arena, unescaped. NULL when it is badly escaped, or has a NUL.
 */
static const char *unescape(struct query *query, const char *text, size_t length)
{
    size_t first = query->used;
    if (length >= sizeof(query->arena) - first)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        char c = text[i] == '+' ? ' ' : text[i];
        if (c == '%') {
            int high = i + 1 < length ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_value(text[i + 2]) : -1;
            c = high < 0 || low < 0 ? '\0' : (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0') {
            query->used = first;
            return NULL;
        }
        query->arena[query->used++] = c;
    }
    query->arena[query->used++] = '\0';
    return query->arena + first;
}

/* Inserted behind all smaller and equal keys: sorted, and in order of arrival for one key. */
static bool add_pair(struct query *query, const char *key, const char *value)
{
    if (query->count == PAIRS_MAX)
        return false;
    size_t at = query->count++;
    for (; at > 0 && strcmp(query->pairs[at - 1].key, key) > 0; at--)
        query->pairs[at] = query->pairs[at - 1];
    query->pairs[at] = (struct pair){key, value};
    return true;
}

/* The realm's own parameters; badly escaped ones and those with a `;` are dropped, as Go's parser
 * does. */
static bool add_realm_query(struct query *query, const char *text, size_t length)
{
    for (const char *at = text, *end = text + length; at < end;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (!stop)
            stop = end;
        size_t size = (size_t)(stop - at);
        const char *equals = memchr(at, '=', size);
        size_t key_size = equals ? (size_t)(equals - at) : size;
        if (size > 0 && !memchr(at, ';', size)) {
            const char *key = unescape(query, at, key_size);
            const char *value = equals ? unescape(query, equals + 1, size - key_size - 1)
                                : key  ? ""
                                       : NULL;
            if (key && value && !add_pair(query, key, value))
                return false;
        }
        at = stop + 1;
    }
    return true;
}

/* One parameter for each item between single spaces. */
static bool add_scopes(struct query *query, const char *scope)
{
    for (const char *at = scope;;) {
        size_t length = strcspn(at, " ");
        if (query->used + length + 1 > sizeof(query->arena))
            return false;
        char *item = query->arena + query->used;
        memcpy(item, at, length);
        item[length] = '\0';
        query->used += length + 1;
        if (!add_pair(query, "scope", item))
            return false;
        if (at[length] == '\0')
            return true;
        at += length + 1;
    }
}

static bool write_escaped(const char *text, struct plm_buf *out, struct plm_error *err)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     strchr("-_.~", c);
        bool ok = plain      ? plm_buf_append(out, at, 1, err)
                  : c == ' ' ? plm_buf_append(out, "+", 1, err)
                             : plm_buf_printf(out, err, "%%%02X", c);
        if (!ok)
            return false;
    }
    return true;
}

static bool write_query(const struct query *query, struct plm_buf *out, struct plm_error *err)
{
    for (size_t i = 0; i < query->count; i++) {
        if (!plm_buf_append(out, i == 0 ? "?" : "&", 1, err) ||
            !write_escaped(query->pairs[i].key, out, err) || !plm_buf_append(out, "=", 1, err) ||
            !write_escaped(query->pairs[i].value, out, err))
            return false;
    }
    return true;
}

/* Without a signature empty parameters stay away: plain OCI realms take them for a wrong name. */
static bool fill_query(struct query *query, const struct plm_challenge *challenge, const char *text,
                       size_t length, const char *ts, const char *nonce)
{
    bool is_signed = ts && nonce;
    return add_realm_query(query, text, length) &&
           ((!is_signed && challenge->service[0] == '\0') ||
            add_pair(query, "service", challenge->service)) &&
           ((!is_signed && challenge->scope[0] == '\0') || add_scopes(query, challenge->scope)) &&
           (!is_signed || (add_pair(query, "ts", ts) && add_pair(query, "nonce", nonce)));
}

bool plm_challenge_token_url(const struct plm_challenge *challenge, const char *ts,
                             const char *nonce, struct plm_buf *out, struct plm_error *err)
{
    const char *realm = challenge->realm;
    size_t path = strcspn(realm, "?#");
    for (size_t i = 0; i < path; i++) {
        if ((unsigned char)realm[i] <= ' ' || (unsigned char)realm[i] >= 0x7f)
            return plm_fail(err, PLM_E_PROTOCOL, "the token realm is no URL");
    }
    const char *text = realm[path] == '?' ? realm + path + 1 : "";
    struct query *query = calloc(1, sizeof(*query));
    if (!query)
        return plm_fail(err, PLM_E_NOMEM, "token URL");
    bool ok = fill_query(query, challenge, text, strcspn(text, "#"), ts, nonce);
    if (!ok)
        (void)plm_fail(err, PLM_E_LIMIT, "the token challenge has too many parameters");
    ok = ok && plm_buf_append(out, realm, path, err) && write_query(query, out, err);
    free(query);
    return ok;
}

bool plm_challenge_refresh_form(const struct plm_challenge *challenge, const char *token,
                                struct plm_buf *url, struct plm_buf *form, struct plm_error *err)
{
    struct plm_challenge bare = *challenge;
    bare.service[0] = bare.scope[0] = '\0';
    return plm_challenge_token_url(&bare, NULL, NULL, url, err) &&
           plm_buf_reserve(form, 3 * (strlen(token) + strlen(challenge->scope)) + 2048, err) &&
           plm_buf_printf(form, err, "grant_type=refresh_token&client_id=pullama&service=") &&
           write_escaped(challenge->service, form, err) &&
           plm_buf_append(form, "&scope=", 7, err) && write_escaped(challenge->scope, form, err) &&
           plm_buf_append(form, "&refresh_token=", 15, err) && write_escaped(token, form, err);
}
