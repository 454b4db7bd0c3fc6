/* Owns the table of options, and reads their values. */
#include "cli/options.h"

#include "cli/nearest.h"
#include "pullama/engine.h"
#include "pullama/text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define KIB (UINT64_C(1) << 10)
#define TIB (UINT64_C(1) << 40)
#define SECOND UINT64_C(1000)
#define DAY (UINT64_C(24) * 60 * 60 * SECOND)

static const struct plm_option_row rows[PLM_OPTIONS] = {
    [PLM_OPT_MODELS_DIR] = {"models-dir", 0, PLM_VALUE_TEXT, "DIR", 0, 0,
                            "$OLLAMA_MODELS, else ~/.ollama/models", "the model store"},
    [PLM_OPT_OUTPUT] = {"output", 0, PLM_VALUE_CHOICE, "table|compact|json|debug|csv", 0, 0,
                        "table",
                        "form of the output; json: one object a line, the last one with the "
                        "event completed or failed; csv: for history and stats"},
    [PLM_OPT_QUIET] = {"quiet", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                       "errors, and one summary line"},
    [PLM_OPT_VERBOSE] = {"verbose", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL, "more detail"},
    [PLM_OPT_NO_COLOR] = {"no-color", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL, "no colours"},
    [PLM_OPT_HELP] = {"help", 'h', PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                      "this help; after a command, the help of that command"},
    [PLM_OPT_VERSION] = {"version", 'v', PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                         "the version, without a command"},
    [PLM_OPT_DRY_RUN] = {"dry-run", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                         "say what would be done, and change nothing"},
    [PLM_OPT_FAST] = {"fast", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                      "trust blobs that were hashed before and are unchanged since, by size, time "
                      "and inode"},
    [PLM_OPT_REPAIR] = {"repair", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                        "fetch again what is damaged, from where the models are from"},
    [PLM_OPT_OLDER_THAN] = {"older-than", 0, PLM_VALUE_DURATION, "TIME", 0, 36500 * DAY, "1h",
                            "spare what was written since; 0s: nothing"},
    [PLM_OPT_ALL] = {"all", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL, "every model in the store"},
    [PLM_OPT_LINK] = {"link", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                      "by a hard link: no copy, but who writes to the file damages the model"},
    [PLM_OPT_AS] = {"as", 0, PLM_VALUE_TEXT, "REF", 0, 0, "of push: the model's own name",
                    "push: what the model is to be called at the registry; adopt: what it is to be "
                    "called here"},
    [PLM_OPT_JOBS] = {"jobs", 'j', PLM_VALUE_COUNT, "N", 1, PLM_QUEUE_JOBS_MAX, "1",
                      "models that are pulled at a time; they share connections and rate"},
    [PLM_OPT_FINISHED] = {"finished", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                          "only entries that completed or failed"},
    [PLM_OPT_SINCE] = {"since", 0, PLM_VALUE_TEXT, "TIME", 0, 0, "the beginning",
                       "what ended since then: 2026-11-21, 2026-11-21T18:00:00Z, or how long ago, "
                       "as 12h or 7d"},
    [PLM_OPT_KEEP] = {"keep", 0, PLM_VALUE_TEXT, "N|AGE|all", 0, 0, "all",
                      "keep the newest N jobs, or those of the last AGE (90d), now and later"},
    [PLM_OPT_CONNECTIONS] = {"connections", 'x', PLM_VALUE_COUNT, "N", 1, 32,
                             "$OLLAMA_REGISTRY_MAXSTREAMS, else 4 to 32",
                             "connections to one host; not given: as many as help"},
    [PLM_OPT_LIMIT_RATE] = {"limit-rate", 0, PLM_VALUE_SIZE, "RATE", KIB, TIB, "no limit",
                            "bytes per second, over all connections"},
    [PLM_OPT_INSECURE] = {"insecure", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                          "plain http to the registry"},
    [PLM_OPT_CACERT] = {"cacert", 0, PLM_VALUE_TEXT, "FILE", 0, 0,
                        "$SSL_CERT_FILE, else the system's",
                        "certificate authorities to trust, in PEM form"},
    [PLM_OPT_PROXY] = {"proxy", 0, PLM_VALUE_TEXT, "URL", 0, 0, "from the environment",
                       "proxy for all requests"},
    [PLM_OPT_IPV4] = {"ipv4", '4', PLM_VALUE_FLAG, NULL, 0, 0, NULL, "use IPv4 addresses only"},
    [PLM_OPT_IPV6] = {"ipv6", '6', PLM_VALUE_FLAG, NULL, 0, 0, NULL, "use IPv6 addresses only"},
    [PLM_OPT_RESOLVE] = {"resolve", 0, PLM_VALUE_TEXTS, "HOST:PORT:ADDR", 0, 0, NULL,
                         "where a host is, in place of what DNS says; may be repeated"},
    [PLM_OPT_MIRROR] = {"mirror", 0, PLM_VALUE_TEXTS, "URL", 0, 0, "$PULLAMA_MIRRORS",
                        "a registry to ask for blobs first; may be repeated"},
    [PLM_OPT_PLATFORM] = {"platform", 0, PLM_VALUE_TEXT, "OS/ARCH", 0, 0, "this machine's",
                          "which model to take from a multi-platform index"},
    [PLM_OPT_MIN_FREE] = {"min-free", 0, PLM_VALUE_SIZE, "SIZE", 0, 1024 * TIB, "0",
                          "space to leave free on the disk, besides 64 MiB"},
    [PLM_OPT_MAX_RETRIES] = {"max-retries", 0, PLM_VALUE_COUNT, "N", 0, 1000, "6",
                             "failures in a row, without a new byte, before giving up"},
    [PLM_OPT_STALL_TIMEOUT] = {"stall-timeout", 0, PLM_VALUE_DURATION, "TIME", SECOND / 10, DAY,
                               "30s", "drop a connection that moved no byte for so long"},
    [PLM_OPT_TIMEOUT] = {"timeout", 0, PLM_VALUE_DURATION, "TIME", SECOND / 10, 7 * DAY, "30m",
                         "time for one chunk, or one small request"},
    [PLM_OPT_CHUNK_SIZE] = {"chunk-size", 0, PLM_VALUE_SIZE, "SIZE", 64 * KIB, TIB, "64MiB",
                            "most bytes to ask for, or send, in one request"},
    [PLM_OPT_USERNAME] = {"username", 'u', PLM_VALUE_TEXT, "NAME", 0, 0, "it is asked for",
                          "who you are at the registry"},
    [PLM_OPT_PUSH] = {"push", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                      "see about uploads, too: opens a session, and deletes it again"},
    [PLM_OPT_PASSWORD_STDIN] = {"password-stdin", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                                "read the password from standard input, to its end"},
    [PLM_OPT_FILE] = {"file", 'o', PLM_VALUE_TEXT, "FILE", 0, 0, "none; it must be given",
                      "the archive to write, best called *.zip; -: standard output"},
    [PLM_OPT_SPLIT] =
        {"split", 0, PLM_VALUE_SIZE, "SIZE", KIB *KIB, TIB, "one file",
         "write parts of this size: FILE.001, FILE.002 ...; for FAT32 at most 4095MiB"},
    [PLM_OPT_FORCE] = {"force", 0, PLM_VALUE_FLAG, NULL, 0, 0, NULL,
                       "replace an archive of that name"},
    [PLM_OPT_EXPORT] = {"export", 0, PLM_VALUE_TEXT, "FILE", 0, 0, "no archive",
                        "then write all of them to this archive; see: pullama help export"},
};

const struct plm_option_row *plm_option_row(enum plm_option_id id)
{
    return &rows[id];
}

bool plm_option_find(const char *name, size_t length, enum plm_option_id *out)
{
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        if (strlen(rows[id].name) != length || memcmp(rows[id].name, name, length) != 0)
            continue;
        *out = (enum plm_option_id)id;
        return true;
    }
    return false;
}

bool plm_option_find_letter(char letter, enum plm_option_id *out)
{
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        if (letter == '\0' || rows[id].letter != letter)
            continue;
        *out = (enum plm_option_id)id;
        return true;
    }
    return false;
}

bool plm_option_nearest(const char *name, uint64_t among, enum plm_option_id *out)
{
    unsigned best = UINT_MAX, distance;
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        if (!(among & PLM_OPT_BIT(id)) || !plm_word_resembles(name, rows[id].name, &distance) ||
            distance >= best)
            continue;
        best = distance;
        *out = (enum plm_option_id)id;
    }
    return best != UINT_MAX;
}

struct unit {
    uint64_t size;
    const char *name;
};

/* Writes a bound in the largest unit that divides it. */
static void format_bound(const struct plm_option_row *row, uint64_t bound, char *out, size_t size)
{
    static const struct unit sizes[] = {
        {TIB, "TiB"}, {KIB * KIB * KIB, "GiB"}, {KIB * KIB, "MiB"}, {KIB, "KiB"}, {1, ""}};
    static const struct unit times[] = {
        {DAY, "d"}, {DAY / 24, "h"}, {60 * SECOND, "m"}, {SECOND, "s"}, {1, "ms"}};

    const struct unit *unit = row->type == PLM_VALUE_DURATION ? times : sizes;
    if (row->type == PLM_VALUE_COUNT || bound == 0)
        unit = &sizes[PLM_COUNT(sizes) - 1];
    while (bound % unit->size != 0 || bound < unit->size) {
        if (unit->size == 1)
            break;
        unit++;
    }
    (void)snprintf(out, size, "%" PRIu64 "%s", bound / unit->size, unit->name);
}

/* "a|b|c" → "a, b or c" */
static void format_choices(const char *words, char *out, size_t size)
{
    size_t used = 0;
    const char *last = strrchr(words, '|');
    for (const char *c = words; *c; c++) {
        const char *piece = c == last ? " or " : ", ";
        int length = *c == '|' ? snprintf(out + used, size - used, "%s", piece)
                               : snprintf(out + used, size - used, "%c", *c);
        if (length < 0 || (size_t)length >= size - used)
            return;
        used += (size_t)length;
    }
}

const char *plm_option_allowed(const struct plm_option_row *row, char out[PLM_OPTION_ALLOWED])
{
    char min[24], max[24];
    out[0] = '\0';
    switch (row->type) {
    case PLM_VALUE_SIZE:
    case PLM_VALUE_DURATION:
    case PLM_VALUE_COUNT:
        format_bound(row, row->min, min, sizeof(min));
        format_bound(row, row->max, max, sizeof(max));
        (void)snprintf(out, PLM_OPTION_ALLOWED, "%s to %s", min, max);
        break;
    case PLM_VALUE_CHOICE:
        format_choices(row->value, out, PLM_OPTION_ALLOWED);
        break;
    case PLM_VALUE_FLAG:
    case PLM_VALUE_TEXT:
    case PLM_VALUE_TEXTS:
        break;
    }
    return out;
}

static bool find_choice(const char *words, const char *text, uint64_t *number)
{
    size_t length = strlen(text);
    for (uint64_t place = 0; words; place++) {
        const char *end = strchr(words, '|');
        if ((end ? (size_t)(end - words) : strlen(words)) == length &&
            memcmp(words, text, length) == 0) {
            *number = place;
            return true;
        }
        words = end ? end + 1 : NULL;
    }
    return false;
}

/* Reads the number itself, without bounds; what is wrong with it may be said in err, or not. */
static bool read_number(const struct plm_option_row *row, const char *text, uint64_t *number,
                        struct plm_error *err)
{
    int64_t ms;
    switch (row->type) {
    case PLM_VALUE_SIZE:
        return plm_text_parse_size(text, number, err);
    case PLM_VALUE_DURATION:
        if (!plm_text_parse_duration(text, &ms, err))
            return false;
        *number = (uint64_t)ms;
        return true;
    case PLM_VALUE_COUNT:
        return plm_text_u64(text, strlen(text), number);
    case PLM_VALUE_CHOICE:
        return find_choice(row->value, text, number);
    case PLM_VALUE_FLAG:
    case PLM_VALUE_TEXT:
    case PLM_VALUE_TEXTS:
        break;
    }
    *number = 0;
    return true;
}

bool plm_option_read(const struct plm_option_row *row, const char *text, uint64_t *number,
                     struct plm_error *err)
{
    if (*text == '\0')
        return plm_fail(err, PLM_E_USAGE, "--%s needs a value: %s", row->name, row->value);

    struct plm_error why = {0};
    uint64_t value;
    bool bounded = row->type == PLM_VALUE_SIZE || row->type == PLM_VALUE_DURATION ||
                   row->type == PLM_VALUE_COUNT;
    if (read_number(row, text, &value, &why) &&
        (!bounded || (value >= row->min && value <= row->max))) {
        *number = value;
        return true;
    }
    if (why.code != PLM_OK)
        return plm_fail(err, PLM_E_USAGE, "--%s: %s", row->name, why.msg);

    char shown[64], allowed[PLM_OPTION_ALLOWED];
    return plm_fail(err, PLM_E_USAGE, "--%s: '%s' is not allowed; it may be %s", row->name,
                    plm_text_printable(text, shown, sizeof(shown)),
                    plm_option_allowed(row, allowed));
}
