/* When a signed URL ends, by the ways in which object stores and CDNs write it into the query. */
#include "net/url.h"

#include "pullama/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define VALUE_MAX 64
#define YEAR_9999_S 253402300799ull

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The decoded value of a query parameter; false when absent or too long for any time. */
static bool find_parameter(const char *url, const char *name, char out[VALUE_MAX])
{
    const char *at = strchr(url, '?');
    size_t name_length = strlen(name);
    for (; at && *at && *at != '#'; at = strpbrk(at, "&#")) {
        at++;
        if (strncasecmp(at, name, name_length) != 0 || at[name_length] != '=')
            continue;
        size_t used = 0;
        for (at += name_length + 1; *at && *at != '&' && *at != '#'; at++) {
            if (used == VALUE_MAX - 1)
                return false;
            if (*at == '%' && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0) {
                out[used++] = (char)(hex_value(at[1]) * 16 + hex_value(at[2]));
                at += 2;
            } else {
                out[used++] = *at;
            }
        }
        out[used] = '\0';
        return used > 0;
    }
    return false;
}

/* Reads digits as the pattern has letters; all else must match. Fields: year to second. */
static bool match_date(const char *text, const char *pattern, int field[6])
{
    static const char letters[] = "YMDhms";
    memset(field, 0, 6 * sizeof(*field));
    for (; *pattern; pattern++, text++) {
        const char *letter = strchr(letters, *pattern);
        if (!letter && *text != *pattern)
            return false;
        if (letter && (*text < '0' || *text > '9'))
            return false;
        if (letter)
            field[letter - letters] = field[letter - letters] * 10 + (*text - '0');
    }
    return *text == '\0';
}

/* Unix seconds, or 0 when it is no such date. */
static uint64_t parse_date(const char *text)
{
    static const char *const patterns[] = {"YYYYMMDDThhmmssZ", "YYYY-MM-DDThh:mm:ssZ",
                                           "YYYY-MM-DDThh:mmZ", "YYYY-MM-DD"};
    int f[6];
    for (size_t i = 0; i < PLM_COUNT(patterns); i++) {
        if (!match_date(text, patterns[i], f))
            continue;
        if (f[0] < 1970 || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > 31 || f[3] > 23 ||
            f[4] > 59 || f[5] > 60)
            return 0;
        struct tm tm = {.tm_year = f[0] - 1900,
                        .tm_mon = f[1] - 1,
                        .tm_mday = f[2],
                        .tm_hour = f[3],
                        .tm_min = f[4],
                        .tm_sec = f[5]};
        time_t seconds = timegm(&tm);
        return seconds > 0 ? (uint64_t)seconds : 0;
    }
    return 0;
}

static uint64_t parse_seconds(const char *text)
{
    uint64_t seconds;
    return plm_text_u64(text, strlen(text), &seconds) && seconds <= YEAR_9999_S ? seconds : 0;
}

static uint64_t signed_until(const char *url, const char *date_name, const char *lifetime_name)
{
    char date[VALUE_MAX], lifetime[VALUE_MAX];
    if (!find_parameter(url, date_name, date) || !find_parameter(url, lifetime_name, lifetime))
        return 0;
    uint64_t start = parse_date(date), seconds = parse_seconds(lifetime);
    return start && seconds ? start + seconds : 0;
}

int64_t plm_url_expiry_ms(const char *url)
{
    char value[VALUE_MAX];
    uint64_t ends[4] = {signed_until(url, "X-Amz-Date", "X-Amz-Expires"),
                        signed_until(url, "X-Goog-Date", "X-Goog-Expires"), 0, 0};
    if (find_parameter(url, "Expires", value))
        ends[2] = parse_seconds(value);
    if (find_parameter(url, "se", value))
        ends[3] = parse_date(value);
    uint64_t first = 0;
    for (size_t i = 0; i < PLM_COUNT(ends); i++) {
        if (ends[i] && (!first || ends[i] < first))
            first = ends[i];
    }
    return (int64_t)(first * 1000);
}
