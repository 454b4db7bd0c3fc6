/**
 * The options of the command line as a table, and how their values are read.
 *
 * The rows are constant; any thread.
 */
#pragma once

#include "pullama/error.h"

enum plm_option_id {
    PLM_OPT_MODELS_DIR,
    PLM_OPT_OUTPUT,
    PLM_OPT_QUIET,
    PLM_OPT_VERBOSE,
    PLM_OPT_NO_COLOR,
    PLM_OPT_HELP,
    PLM_OPT_VERSION,
    PLM_OPT_DRY_RUN,
    PLM_OPT_FAST,
    PLM_OPT_REPAIR,
    PLM_OPT_OLDER_THAN,
    PLM_OPT_ALL,
    PLM_OPT_LINK,
    PLM_OPT_AS,
    PLM_OPT_JOBS,
    PLM_OPT_FINISHED,
    PLM_OPT_SINCE,
    PLM_OPT_KEEP,
    PLM_OPT_CONNECTIONS,
    PLM_OPT_LIMIT_RATE,
    PLM_OPT_INSECURE,
    PLM_OPT_CACERT,
    PLM_OPT_PROXY,
    PLM_OPT_IPV4,
    PLM_OPT_IPV6,
    PLM_OPT_RESOLVE,
    PLM_OPT_MIRROR,
    PLM_OPT_PLATFORM,
    PLM_OPT_MIN_FREE,
    PLM_OPT_MAX_RETRIES,
    PLM_OPT_STALL_TIMEOUT,
    PLM_OPT_TIMEOUT,
    PLM_OPT_CHUNK_SIZE,
    PLM_OPT_USERNAME,
    PLM_OPT_PASSWORD_STDIN,
    PLM_OPT_PUSH,
    PLM_OPT_FILE,
    PLM_OPT_SPLIT,
    PLM_OPT_FORCE,
    PLM_OPT_EXPORT,
    PLM_OPTIONS
};

/** The bit of an option in a set of them. */
#define PLM_OPT_BIT(id) (UINT64_C(1) << (id))

enum plm_value_type {
    PLM_VALUE_FLAG,     /**< takes no value */
    PLM_VALUE_SIZE,     /**< bytes */
    PLM_VALUE_DURATION, /**< milliseconds */
    PLM_VALUE_COUNT,
    PLM_VALUE_TEXT,  /**< anything but nothing */
    PLM_VALUE_TEXTS, /**< the same, and each of them counts */
    PLM_VALUE_CHOICE,
};

struct plm_option_row {
    const char *name; /**< without the two dashes */
    char letter;      /**< short form, or 0 */
    enum plm_value_type type;
    const char *value;        /**< the value's name in help; a choice: its words, | between them */
    uint64_t min, max;        /**< of a size in bytes, a duration in ms, or a count */
    const char *default_text; /**< NULL: there is nothing to be said */
    const char *help;
};

const struct plm_option_row *plm_option_row(enum plm_option_id id);

/** Finds the option of a long name of @p length bytes, without the dashes. */
bool plm_option_find(const char *name, size_t length, enum plm_option_id *out);
bool plm_option_find_letter(char letter, enum plm_option_id *out);

/** The option of the set @p among that @p name, without dashes, may be a slip for. */
bool plm_option_nearest(const char *name, uint64_t among, enum plm_option_id *out);

#define PLM_OPTION_ALLOWED 64

/** What values there are: `64KiB to 1TiB`, `table, compact, json or debug`, "" when all. Returns @p
 * out. */
const char *plm_option_allowed(const struct plm_option_row *row, char out[PLM_OPTION_ALLOWED]);

/**
 * Reads a value: bytes, milliseconds, a count, or the place of a choice's word; 0 for a text.
 * PLM_E_USAGE names the option and says what is allowed.
 */
PLM_MUST bool plm_option_read(const struct plm_option_row *row, const char *text, uint64_t *number,
                              struct plm_error *err);
