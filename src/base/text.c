/* Numbers, sizes, durations, ages and untrusted strings: owns their text forms, both ways. */
#include "pullama/text.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* More decimals are refused: with six, digits × 2^40 still fits 64 bits. */
#define MAX_DECIMALS 6

bool plm_text_u64(const char *text, size_t length, uint64_t *out)
{
    if (length == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* A decimal number in front of a unit: whole + decimals / scale. */
struct number {
    uint64_t whole, decimals, scale;
};

/* Takes a number from the front of *text and moves *text behind it. */
static bool take_number(const char **text, struct number *out)
{
    size_t digits = strspn(*text, "0123456789");
    struct number n = {.scale = 1};
    if (!plm_text_u64(*text, digits, &n.whole))
        return false;
    const char *rest = *text + digits;
    if (*rest == '.') {
        digits = strspn(rest + 1, "0123456789");
        if (digits > MAX_DECIMALS || !plm_text_u64(rest + 1, digits, &n.decimals))
            return false;
        for (size_t i = 0; i < digits; i++)
            n.scale *= 10;
        rest += 1 + digits;
    }
    *text = rest;
    *out = n;
    return true;
}

/* number × unit, rounded down; @p unit is at most 2^40. */
static bool scale_number(const struct number *n, uint64_t unit, uint64_t max, uint64_t *out)
{
    if (n->whole > max / unit)
        return false;
    uint64_t base = n->whole * unit;
    uint64_t more = n->decimals * unit / n->scale;
    if (more > max - base)
        return false;
    *out = base + more;
    return true;
}

/* The power of 1024 that a unit means, or -1. */
static int size_unit(const char *unit)
{
    if (*unit == '\0' || strcasecmp(unit, "B") == 0)
        return 0;
    static const char letters[] = "KMGT";
    for (int i = 0; letters[i]; i++) {
        if (strncasecmp(unit, &letters[i], 1) != 0)
            continue;
        const char *rest = unit + 1;
        bool known = *rest == '\0' || strcasecmp(rest, "B") == 0 || strcasecmp(rest, "iB") == 0;
        return known ? i + 1 : -1;
    }
    return -1;
}

bool plm_text_parse_size(const char *text, uint64_t *bytes, struct plm_error *err)
{
    char shown[64];
    const char *rest = text;
    struct number n;
    int power = take_number(&rest, &n) ? size_unit(rest) : -1;
    uint64_t value;
    if (power < 0 || (power == 0 && n.scale > 1))
        return plm_fail(err, PLM_E_USAGE,
                        "'%s' is not a size; write it like 4096, 500K, 64MiB or 1.5G",
                        plm_text_printable(text, shown, sizeof(shown)));
    if (!scale_number(&n, UINT64_C(1) << (10 * power), UINT64_MAX, &value))
        return plm_fail(err, PLM_E_USAGE, "size '%s' is too large",
                        plm_text_printable(text, shown, sizeof(shown)));
    *bytes = value;
    return true;
}

/* Takes a unit of time from the front of *text; 0 when there is none. */
static uint64_t take_time_unit(const char **text)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    size_t length = strspn(*text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (size_t i = 0; i < PLM_COUNT(units); i++) {
        if (length != strlen(units[i].name) || strncmp(*text, units[i].name, length) != 0)
            continue;
        *text += length;
        return units[i].ms;
    }
    return 0;
}

static bool sum_duration(const char *text, uint64_t *total)
{
    uint64_t sum = 0;
    do {
        struct number n;
        uint64_t part, unit;
        if (!take_number(&text, &n) || (unit = take_time_unit(&text)) == 0 ||
            !scale_number(&n, unit, INT64_MAX - sum, &part))
            return false;
        sum += part;
    } while (*text);
    *total = sum;
    return true;
}

bool plm_text_parse_duration(const char *text, int64_t *ms, struct plm_error *err)
{
    uint64_t total = 0;
    if (strcmp(text, "0") != 0 && !sum_duration(text, &total)) {
        char shown[64];
        return plm_fail(err, PLM_E_USAGE,
                        "'%s' is not a duration; write it like 500ms, 30s, 1h30m or 7d",
                        plm_text_printable(text, shown, sizeof(shown)));
    }
    *ms = (int64_t)total;
    return true;
}

const char *plm_text_size(uint64_t bytes, char out[PLM_TEXT_SHORT])
{
    static const char *const units[] = {"KB", "MB", "GB", "TB"};
    if (bytes < 1000) {
        (void)snprintf(out, PLM_TEXT_SHORT, "%u B", (unsigned)bytes);
        return out;
    }
    size_t i = 0;
    uint64_t unit = 1000;
    while (i + 1 < PLM_COUNT(units) && bytes / unit >= 1000) {
        unit *= 1000;
        i++;
    }
    if (bytes / unit >= 10 || bytes % unit == 0)
        (void)snprintf(out, PLM_TEXT_SHORT, "%llu %s", (unsigned long long)(bytes / unit),
                       units[i]);
    else
        (void)snprintf(out, PLM_TEXT_SHORT, "%.1f %s", (double)bytes / (double)unit, units[i]);
    return out;
}

const char *plm_text_duration(int64_t ms, char out[PLM_TEXT_SHORT])
{
    int64_t tenths = ms < 0 ? 0 : ms / 100 + (ms % 100 >= 50);
    int64_t s = ms < 0 ? 0 : ms / 1000;
    if (tenths == 0)
        (void)snprintf(out, PLM_TEXT_SHORT, "0s");
    else if (tenths < 100)
        (void)snprintf(out, PLM_TEXT_SHORT, "%d.%ds", (int)(tenths / 10), (int)(tenths % 10));
    else if (s < 60)
        (void)snprintf(out, PLM_TEXT_SHORT, "%ds", s < 10 ? 10 : (int)s);
    else if (s < 3600)
        (void)snprintf(out, PLM_TEXT_SHORT, "%dm%ds", (int)(s / 60), (int)(s % 60));
    else
        (void)snprintf(out, PLM_TEXT_SHORT, "%lldh%dm%ds", (long long)(s / 3600),
                       (int)(s / 60 % 60), (int)(s % 60));
    return out;
}

const char *plm_text_count(uint64_t count, char out[PLM_TEXT_SHORT])
{
    if (count < 1000) {
        (void)snprintf(out, PLM_TEXT_SHORT, "%u", (unsigned)count);
    } else if (count < 1000000) {
        (void)snprintf(out, PLM_TEXT_SHORT, "%.0fK", (double)count / 1e3);
    } else {
        bool billions = count >= 1000000000;
        uint64_t unit = billions ? 1000000000 : 1000000;
        int decimals = count % unit == 0 ? 0 : billions ? 1 : 2;
        (void)snprintf(out, PLM_TEXT_SHORT, "%.*f%c", decimals, (double)count / (double)unit,
                       billions ? 'B' : 'M');
    }
    return out;
}

/* "1 second", "About an hour", "3 weeks": Ollama's words and its thresholds. */
static void name_span(uint64_t s, char *out, size_t size)
{
    uint64_t hours = s / 3600 + (s % 3600 >= 1800);
    struct {
        bool here;
        uint64_t count;
        const char *one, *many;
    } const rows[] = {
        {s < 60, s, "1 second", "seconds"},
        {s < 3600, s / 60, "About a minute", "minutes"},
        {hours < 48, hours, "About an hour", "hours"},
        {hours / 24 < 14, hours / 24, "", "days"},
        {hours / 24 < 60, hours / 24 / 7, "", "weeks"},
        {hours / 24 < 730, hours / 24 / 30, "", "months"},
        {true, s / 3600 / 24 / 365, "1 year", "years"},
    };
    size_t i = 0;
    while (!rows[i].here)
        i++;
    if (s < 1)
        (void)snprintf(out, size, "Less than a second");
    else if (rows[i].count == 1)
        (void)snprintf(out, size, "%s", rows[i].one);
    else
        (void)snprintf(out, size, "%llu %s", (unsigned long long)rows[i].count, rows[i].many);
}

const char *plm_text_age(int64_t then_s, int64_t now_s, char out[PLM_TEXT_SHORT])
{
    if (then_s == 0) {
        (void)snprintf(out, PLM_TEXT_SHORT, "Never");
        return out;
    }
    bool ahead = then_s > now_s;
    uint64_t s = ahead ? (uint64_t)then_s - (uint64_t)now_s : (uint64_t)now_s - (uint64_t)then_s;
    char span[PLM_TEXT_SHORT - sizeof(" from now") + 1];
    name_span(s, span, sizeof(span));
    (void)snprintf(out, PLM_TEXT_SHORT, "%s%s", span, ahead ? " from now" : " ago");
    return out;
}

const char *plm_text_printable(const char *text, char *out, size_t size)
{
    if (size == 0)
        return out;
    size_t left = strlen(text), used = 0;
    while (left > 0) {
        uint32_t code = (unsigned char)*text;
        size_t taken = plm_utf8_decode(text, left, &code);
        char escaped[sizeof("\\xNN")];
        const char *shown = text;
        size_t length = taken;
        if (taken == 0 || (plm_utf8_is_unsafe(code) && code <= 0xFF)) {
            (void)snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned)code & 0xFF);
            shown = escaped;
            length = 4;
        } else if (plm_utf8_is_unsafe(code)) {
            shown = PLM_UTF8_REPLACEMENT;
            length = sizeof(PLM_UTF8_REPLACEMENT) - 1;
        }
        if (length > size - 1 - used)
            break;
        memcpy(out + used, shown, length);
        used += length;
        taken = taken ? taken : 1;
        text += taken;
        left -= taken;
    }
    out[used] = '\0';
    return out;
}
