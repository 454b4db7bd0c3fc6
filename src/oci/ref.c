/* Model references: owns their grammar, their defaults and their printed form. */
#include "pullama/ref.h"

#include "base/utf8.h"
#include "pullama/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Protocol: ollama types/model/name.go. The first byte may not be one of `more`, so `.` and `..`
 * are no parts. */
struct part_rule {
    const char *name;
    size_t max;
    const char *more;    /* allowed behind the first byte, beside letters, digits and '_' */
    const char *allowed; /* the same for people */
};

static const struct part_rule rule_host = {"host", PLM_REF_HOST_MAX,
                                           "-.:", "letters, digits, '_', '-', '.' and a ':port'"};
static const struct part_rule rule_namespace = {"namespace", PLM_REF_PART_MAX, "-",
                                                "letters, digits, '_' and '-'"};
static const struct part_rule rule_model = {"model", PLM_REF_PART_MAX, "-.",
                                            "letters, digits, '_', '-' and '.'"};
static const struct part_rule rule_tag = {"tag", PLM_REF_PART_MAX, "-.",
                                          "letters, digits, '_', '-' and '.'"};

/* A piece of the text that is being parsed. */
struct piece {
    const char *at; /* NULL: not there */
    size_t length;
};

static const char *show(struct piece p, char out[64])
{
    char cut[64];
    size_t kept = p.length < sizeof(cut) ? p.length : sizeof(cut) - 1;
    memcpy(cut, p.at, kept);
    cut[kept] = '\0';
    return plm_text_printable(cut, out, 64);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool fail_at(const struct part_rule *rule, struct piece p, size_t i, struct plm_error *err)
{
    char part[64], character[64];
    uint32_t code;
    size_t length = plm_utf8_decode(p.at + i, p.length - i, &code);
    struct piece bad = {p.at + i, length ? length : 1};
    if (i == 0 && p.at[0] && strchr(rule->more, p.at[0]))
        return plm_fail(err, PLM_E_BAD_NAME,
                        "%s '%s' begins with '%c'; it must begin with a letter, a digit or '_'",
                        rule->name, show(p, part), p.at[0]);
    return plm_fail(err, PLM_E_BAD_NAME, "%s '%s' has a '%s' in it; allowed are %s", rule->name,
                    show(p, part), show(bad, character), rule->allowed);
}

static bool check_part(const struct part_rule *rule, struct piece p, struct plm_error *err)
{
    if (p.length == 0)
        return plm_fail(err, PLM_E_BAD_NAME, "the %s is empty", rule->name);
    for (size_t i = 0; i < p.length; i++) {
        char c = p.at[i];
        if (!is_word(c) && (i == 0 || c == '\0' || !strchr(rule->more, c)))
            return fail_at(rule, p, i, err);
    }
    if (p.length > rule->max)
        return plm_fail(err, PLM_E_BAD_NAME, "the %s has %zu characters; at most %zu are allowed",
                        rule->name, p.length, rule->max);
    return true;
}

static bool check_port(struct piece host, size_t colon, struct plm_error *err)
{
    struct piece port = {host.at + colon + 1, host.length - colon - 1};
    uint64_t number;
    if (port.length <= 5 && plm_text_u64(port.at, port.length, &number) && number >= 1 &&
        number <= 65535)
        return true;
    char shown[64];
    return plm_fail(err, PLM_E_BAD_NAME, "port '%s' of the host is no number from 1 to 65535",
                    show(port, shown));
}

/* `[` address `]`, perhaps with a port. Whether the address makes sense the resolver says. */
static bool check_ipv6_host(struct piece host, struct plm_error *err)
{
    char shown[64];
    const char *end = memchr(host.at, ']', host.length);
    size_t length = end ? (size_t)(end - host.at) : 0;
    size_t colons = 0, good = 1;
    for (; good < length && strchr("0123456789abcdefABCDEF.:", host.at[good]); good++)
        colons += host.at[good] == ':';
    if (!end || good != length || colons < 2 || length > 46)
        return plm_fail(err, PLM_E_BAD_NAME, "host '%s' is no IPv6 address in brackets like [::1]",
                        show(host, shown));
    if (length + 1 == host.length)
        return true;
    if (host.at[length + 1] != ':')
        return plm_fail(err, PLM_E_BAD_NAME,
                        "host '%s' has something other than ':port' behind ']'", show(host, shown));
    return check_port(host, length + 1, err);
}

static bool check_host(struct piece host, struct plm_error *err)
{
    if (host.length > 0 && host.at[0] == '[')
        return check_ipv6_host(host, err);
    if (!check_part(&rule_host, host, err))
        return false;
    const char *colon = memchr(host.at, ':', host.length);
    return !colon || check_port(host, (size_t)(colon - host.at), err);
}

static bool check_namespace(struct piece ns, struct plm_error *err)
{
    if (check_part(&rule_namespace, ns, err))
        return true;
    /* Someone who types a dot here most likely means a host. */
    if (ns.at && memchr(ns.at, '.', ns.length) && err) {
        size_t used = strlen(err->msg);
        (void)snprintf(err->msg + used, sizeof(err->msg) - used,
                       " (a host needs a namespace behind it: host/namespace/model)");
    }
    return false;
}

static void copy_part(char *out, struct piece p, const char *fallback)
{
    if (!p.at)
        p = (struct piece){fallback, strlen(fallback)};
    memcpy(out, p.at, p.length);
    out[p.length] = '\0';
}

/* The four parts as pieces; those that are absent get their defaults. */
struct parts {
    struct piece host, ns, model, tag;
};

static bool fill_ref(const struct parts *parts, struct plm_ref *ref, struct plm_error *err)
{
    if ((parts->host.at && !check_host(parts->host, err)) ||
        (parts->ns.at && !check_namespace(parts->ns, err)) ||
        !check_part(&rule_model, parts->model, err) ||
        (parts->tag.at && !check_part(&rule_tag, parts->tag, err)))
        return false;
    copy_part(ref->host, parts->host, PLM_DEFAULT_HOST);
    copy_part(ref->ns, parts->ns, PLM_DEFAULT_NAMESPACE);
    copy_part(ref->model, parts->model, "");
    copy_part(ref->tag, parts->tag, PLM_DEFAULT_TAG);
    return true;
}

static const char *find_last(struct piece p, char c)
{
    return memrchr(p.at, c, p.length);
}

/* Cuts *left at the last @p c, and returns what was behind it; .at is NULL when there is none. */
static struct piece cut_last(struct piece *left, char c)
{
    const char *at = find_last(*left, c);
    if (!at)
        return (struct piece){0};
    struct piece right = {at + 1, left->length - (size_t)(at - left->at) - 1};
    left->length = (size_t)(at - left->at);
    return right;
}

static bool take_digest(struct piece *text, struct plm_ref *ref, struct plm_error *err)
{
    const char *at = memchr(text->at, '@', text->length);
    if (!at)
        return true;
    size_t before = (size_t)(at - text->at);
    if (!plm_digest_parse(at + 1, text->length - before - 1, &ref->digest, err))
        return plm_prefix(err, "behind '@'");
    ref->has_digest = true;
    text->length = before;
    return true;
}

static bool take_scheme(struct piece *text, struct plm_ref *ref, struct plm_error *err)
{
    static const struct {
        const char *word;
        enum plm_scheme scheme;
    } schemes[] = {
        {"https", PLM_SCHEME_HTTPS},
        {"http", PLM_SCHEME_HTTP},
        {"https+insecure", PLM_SCHEME_HTTPS_INSECURE},
        {"", PLM_SCHEME_HTTPS}, /* as Ollama reads `://host/ns/model` */
    };
    const char *at = memmem(text->at, text->length, "://", 3);
    if (!at)
        return true;
    struct piece word = {text->at, (size_t)(at - text->at)};
    for (size_t i = 0; i < PLM_COUNT(schemes); i++) {
        if (word.length != strlen(schemes[i].word) ||
            strncasecmp(word.at, schemes[i].word, word.length) != 0)
            continue;
        ref->scheme = schemes[i].scheme;
        ref->scheme_typed = word.length > 0;
        text->at = at + 3;
        text->length -= word.length + 3;
        return true;
    }
    char shown[64];
    return plm_fail(err, PLM_E_BAD_NAME,
                    "scheme '%s' is not known; use https, http or https+insecure",
                    show(word, shown));
}

/* A port or a bracket tells a host from a namespace. */
static bool is_plainly_host(struct piece p)
{
    return p.length > 0 && (p.at[0] == '[' || memchr(p.at, ':', p.length));
}

static bool split_parts(struct piece text, bool after_scheme, struct parts *out,
                        struct plm_error *err)
{
    struct parts parts = {0};
    const char *slash = find_last(text, '/'), *colon = find_last(text, ':');
    if (colon && (!slash || colon > slash))
        parts.tag = cut_last(&text, ':');
    parts.model = cut_last(&text, '/');
    if (!parts.model.at) {
        parts.model = text;
    } else {
        parts.ns = cut_last(&text, '/');
        if (parts.ns.at || is_plainly_host(text))
            parts.host = text;
        else
            parts.ns = text;
    }
    if (parts.host.at && memchr(parts.host.at, '/', parts.host.length))
        return plm_fail(err, PLM_E_BAD_NAME,
                        "too many '/'; a name has at most host/namespace/model");
    if (after_scheme && !parts.host.at)
        return plm_fail(err, PLM_E_BAD_NAME,
                        "behind '://' must stand host/namespace/model or host:port/model");
    *out = parts;
    return true;
}

bool plm_ref_parse(const char *text, struct plm_ref *out, struct plm_error *err)
{
    struct piece rest = {text, strlen(text)};
    struct plm_ref ref = {0};
    struct parts parts;
    struct plm_error why = {0};
    if (rest.length == 0)
        return plm_fail(err, PLM_E_BAD_NAME, "the model's name is empty");
    const char *whole = rest.at;
    if (take_digest(&rest, &ref, &why) && take_scheme(&rest, &ref, &why) &&
        split_parts(rest, rest.at != whole, &parts, &why) && fill_ref(&parts, &ref, &why)) {
        *out = ref;
        return true;
    }
    char shown[64];
    return plm_fail(err, PLM_E_BAD_NAME, "'%s' is no model name: %s",
                    show((struct piece){text, strlen(text)}, shown), why.msg);
}

bool plm_ref_parse_host(const char *text, struct plm_ref *out, struct plm_error *err)
{
    static const char *const tails[] = {"/v1", "/v2"};
    struct piece rest = {text, strlen(text)};
    struct plm_ref ref = {0};
    struct plm_error why = {0};
    char shown[64];
    bool ok = take_scheme(&rest, &ref, &why);
    for (size_t i = 0; i <= PLM_COUNT(tails); i++) {
        if (rest.length > 0 && rest.at[rest.length - 1] == '/')
            rest.length--;
        if (i < PLM_COUNT(tails) && rest.length > 3 &&
            memcmp(rest.at + rest.length - 3, tails[i], 3) == 0)
            rest.length -= 3;
    }
    const struct parts parts = {.host = rest, .model = {"x", 1}};
    if (ok && fill_ref(&parts, &ref, &why)) {
        *out = ref;
        return true;
    }
    return plm_fail(err, PLM_E_USAGE, "'%s' is no registry's address: %s",
                    show((struct piece){text, strlen(text)}, shown), why.msg);
}

bool plm_ref_from_parts(const char *host, const char *ns, const char *model, const char *tag,
                        struct plm_ref *out, struct plm_error *err)
{
    const struct parts parts = {
        {host, strlen(host)}, {ns, strlen(ns)}, {model, strlen(model)}, {tag, strlen(tag)}};
    struct plm_ref ref = {0};
    if (!fill_ref(&parts, &ref, err))
        return false;
    *out = ref;
    return true;
}

const char *plm_ref_format(const struct plm_ref *ref, char out[PLM_REF_TEXT])
{
    bool no_host = strcasecmp(ref->host, PLM_DEFAULT_HOST) == 0;
    bool no_ns = no_host && strcasecmp(ref->ns, PLM_DEFAULT_NAMESPACE) == 0;
    char digest[PLM_DIGEST_TEXT] = "";
    if (ref->has_digest)
        (void)plm_digest_format(&ref->digest, digest);
    (void)snprintf(out, PLM_REF_TEXT, "%s%s%s%s%s:%s%s%s", no_host ? "" : ref->host,
                   no_host ? "" : "/", no_ns ? "" : ref->ns, no_ns ? "" : "/", ref->model, ref->tag,
                   ref->has_digest ? "@" : "", digest);
    return out;
}

const char *plm_ref_format_whole(const struct plm_ref *ref, char out[PLM_REF_TEXT])
{
    static const char *const schemes[] = {[PLM_SCHEME_HTTPS] = "https://",
                                          [PLM_SCHEME_HTTP] = "http://",
                                          [PLM_SCHEME_HTTPS_INSECURE] = "https+insecure://"};
    bool is_default = ref->scheme == PLM_SCHEME_HTTPS && !ref->scheme_typed;
    char digest[PLM_DIGEST_TEXT] = "";
    if (ref->has_digest)
        (void)plm_digest_format(&ref->digest, digest);
    (void)snprintf(out, PLM_REF_TEXT, "%s%s/%s/%s:%s%s%s", is_default ? "" : schemes[ref->scheme],
                   ref->host, ref->ns, ref->model, ref->tag, ref->has_digest ? "@" : "", digest);
    return out;
}

bool plm_ref_base_url(const struct plm_ref *ref, char *out, size_t size)
{
    char url[PLM_REF_TEXT];
    int length =
        snprintf(url, sizeof(url), "%s://%s/v2/%s/%s",
                 ref->scheme == PLM_SCHEME_HTTP ? "http" : "https", ref->host, ref->ns, ref->model);
    if (length < 0 || (size_t)length >= sizeof(url) || (size_t)length >= size)
        return false;
    memcpy(out, url, (size_t)length + 1);
    return true;
}

bool plm_ref_same_model(const struct plm_ref *a, const struct plm_ref *b)
{
    return strcmp(a->host, b->host) == 0 && strcmp(a->ns, b->ns) == 0 &&
           strcmp(a->model, b->model) == 0 && strcmp(a->tag, b->tag) == 0;
}
