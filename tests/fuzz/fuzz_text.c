/* Numbers, sizes, durations and untrusted strings as text. Input: eight bytes for a number, then a
 * text. */
#include "fuzz.h"

#include "pullama/text.h"

static void check_size(const char *text)
{
    uint64_t bytes = 7;
    struct plm_error err = {0};
    if (plm_text_parse_size(text, &bytes, &err)) {
        size_t digits = strspn(text, "0123456789");
        FUZZ_HOLDS(digits > 0);
        uint64_t whole;
        FUZZ_HOLDS(plm_text_u64(text, digits, &whole) && bytes >= whole);
        return;
    }
    fuzz_failed(&err);
    FUZZ_HOLDS(err.code == PLM_E_USAGE && bytes == 7 && fuzz_is_safe(err.msg));
}

static void check_duration(const char *text)
{
    int64_t ms = 7;
    struct plm_error err = {0};
    if (plm_text_parse_duration(text, &ms, &err)) {
        FUZZ_HOLDS(ms >= 0 && text[0] >= '0' && text[0] <= '9');
        return;
    }
    fuzz_failed(&err);
    FUZZ_HOLDS(err.code == PLM_E_USAGE && ms == 7 && fuzz_is_safe(err.msg));
}

/* What is printed is read again as the same, or as near as it was printed. */
static void check_numbers(uint64_t n)
{
    char text[64];
    uint64_t bytes = 0;
    int64_t ms = (int64_t)(n & INT64_MAX), read = 0;
    struct plm_error err = {0};
    int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    FUZZ_HOLDS(plm_text_u64(text, (size_t)length, &bytes) && bytes == n);
    FUZZ_HOLDS(plm_text_parse_size(text, &bytes, &err) && bytes == n);
    (void)snprintf(text, sizeof(text), "%lluKiB", (unsigned long long)n);
    bool fits = n <= UINT64_MAX / 1024;
    FUZZ_HOLDS(plm_text_parse_size(text, &bytes, &err) == fits && (!fits || bytes == n * 1024));

    err = (struct plm_error){0};
    (void)snprintf(text, sizeof(text), "%llums", (unsigned long long)ms);
    FUZZ_HOLDS(plm_text_parse_duration(text, &read, &err) && read == ms);
    char shown[PLM_TEXT_SHORT];
    FUZZ_HOLDS(plm_text_duration(ms, shown) == shown && strlen(shown) < sizeof(shown) - 1);
    FUZZ_HOLDS(plm_text_parse_duration(shown, &read, &err));
    int64_t error = read > ms ? read - ms : ms - read;
    FUZZ_HOLDS(error < 1000 && (ms >= 9900 || error <= 50));
}

static void check_shown(uint64_t n)
{
    char shown[PLM_TEXT_SHORT];
    int64_t other = (int64_t)(n * UINT64_C(0x9E3779B97F4A7C15));
    FUZZ_HOLDS(fuzz_is_safe(plm_text_size(n, shown)) && strchr(shown, 'B'));
    FUZZ_HOLDS(fuzz_is_safe(plm_text_duration((int64_t)n, shown)) && strchr(shown, 's'));
    FUZZ_HOLDS(fuzz_is_safe(plm_text_count(n, shown)) && shown[0]);
    FUZZ_HOLDS(fuzz_is_safe(plm_text_age((int64_t)n, other, shown)));
    FUZZ_HOLDS(strstr(shown, " ago") || strstr(shown, " from now") || n == 0);
    FUZZ_HOLDS(plm_text_age((int64_t)n, (int64_t)n, shown) && shown[0]);
}

static void check_printable(const char *text)
{
    size_t length = strlen(text), room = length * 4 + 1;
    char *whole = malloc(room), *again = malloc(room);
    FUZZ_HOLDS(whole && again);
    FUZZ_HOLDS(plm_text_printable(text, whole, room) == whole);
    FUZZ_HOLDS(fuzz_is_safe(whole) && strlen(whole) >= length);
    FUZZ_HOLDS(strcmp(plm_text_printable(whole, again, room), whole) == 0);
    FUZZ_HOLDS(!fuzz_is_safe(text) || strcmp(whole, text) == 0);
    for (size_t size = 1; size < 24; size++) {
        char *cut = malloc(size);
        FUZZ_HOLDS(cut && plm_text_printable(text, cut, size) == cut);
        FUZZ_HOLDS(strnlen(cut, size) < size && fuzz_is_safe(cut));
        FUZZ_HOLDS(strncmp(cut, whole, strlen(cut)) == 0);
        free(cut);
    }
    free(again);
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint64_t n = fuzz_number(&in, 8);
    char *text = fuzz_text(&in);
    check_numbers(n);
    check_shown(n);
    check_size(text);
    check_duration(text);
    check_printable(text);
    free(text);
    return 0;
}
