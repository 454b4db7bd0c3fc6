/* Moments: dates and times as people and other programs write them. */
#include "pullama/text.h"

#include <stdlib.h>
#include <string.h>

#define DAY_S INT64_C(86400)

/* Takes exactly @p digits digits from the front of *text. */
static bool take(const char **text, size_t digits, int64_t *out)
{
    uint64_t value;
    if (strnlen(*text, digits) < digits || !plm_text_u64(*text, digits, &value))
        return false;
    *text += digits;
    *out = (int64_t)value;
    return true;
}

static bool skip(const char **text, char c)
{
    if (**text != c)
        return false;
    ++*text;
    return true;
}

/* Days since 1970-01-01 in the Gregorian calendar; years count from March, so that the leap day is
 * the last. */
static bool days_of(int64_t year, int64_t month, int64_t day, int64_t *out)
{
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (leap && month == 2))
        return false;
    int64_t y = month > 2 ? year : year - 1, m = (month + 9) % 12;
    *out = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
    return true;
}

/* `Z`, `+hh:mm` or `-hh:mm`. */
static bool take_zone(const char **text, int64_t *seconds)
{
    int64_t hours, minutes;
    *seconds = 0;
    if (skip(text, 'Z') || skip(text, 'z'))
        return true;
    bool west = **text == '-';
    if (!(skip(text, '-') || skip(text, '+')) || !take(text, 2, &hours) || !skip(text, ':') ||
        !take(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = (hours * 60 + minutes) * (west ? -60 : 60);
    return true;
}

static bool take_clock(const char **text, int64_t *ms)
{
    int64_t hour, minute, second, zone, fraction = 0;
    if (!take(text, 2, &hour) || !skip(text, ':') || !take(text, 2, &minute) || !skip(text, ':') ||
        !take(text, 2, &second) || hour > 23 || minute > 59 || second > 60)
        return false;
    if (skip(text, '.')) {
        size_t digits = strspn(*text, "0123456789");
        if (digits == 0)
            return false;
        for (size_t i = 0; i < 3; i++)
            fraction = fraction * 10 + (i < digits ? (*text)[i] - '0' : 0);
        *text += digits;
    }
    if (!take_zone(text, &zone))
        return false;
    *ms = ((hour * 60 + minute) * 60 + second - zone) * 1000 + fraction;
    return true;
}

static bool parse_date(const char *text, int64_t *unix_ms)
{
    int64_t year, month, day, days, clock_ms = 0;
    if (!take(&text, 4, &year) || !skip(&text, '-') || !take(&text, 2, &month) ||
        !skip(&text, '-') || !take(&text, 2, &day) || !days_of(year, month, day, &days))
        return false;
    bool has_clock = skip(&text, 'T') || skip(&text, 't') || skip(&text, ' ');
    if ((has_clock && !take_clock(&text, &clock_ms)) || *text)
        return false;
    *unix_ms = days * DAY_S * 1000 + clock_ms;
    return true;
}

bool plm_text_parse_moment(const char *text, int64_t now_ms, int64_t *unix_ms,
                           struct plm_error *err)
{
    struct plm_error ignored = {0};
    char shown[64];
    int64_t ago;
    if (parse_date(text, unix_ms))
        return true;
    if (plm_text_parse_duration(text, &ago, &ignored)) {
        *unix_ms = ago < now_ms ? now_ms - ago : 0;
        return true;
    }
    return plm_fail(
        err, PLM_E_USAGE,
        "'%s' is no time; write it like 2026-11-21, 2026-11-21T18:00:00Z, or as how long "
        "ago: 12h, 7d",
        plm_text_printable(text, shown, sizeof(shown)));
}
