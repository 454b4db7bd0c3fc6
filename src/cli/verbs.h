/**
 * The verbs of the command line, as a table.
 *
 * Parsing (args.h) and help (help.h) read these rows and those of options.h and nothing else, so
 * that a verb or an option is written down in one place. The rows are constant; any thread.
 */
#pragma once

#include "cli/options.h"
#include "pullama/engine.h"

struct plm_args;

struct plm_verb_row {
    enum plm_verb verb; /**< NONE for help, which is no job */
    const char *name;     /**< one word, or two: the first one that of a group */
    const char *alias;    /**< NULL: none */
    const char *operands; /**< as help shows them, "" when there are none */
    const char *summary;  /**< half a line */
    const char *more;     /**< what `help COMMAND` says besides; NULL: nothing */
    size_t min_operands;
    size_t max_operands; /**< SIZE_MAX: any number */
    bool csv;            /**< `--output csv` is a form of its output */
    uint64_t options;    /**< set of PLM_OPT_BIT() besides those of every verb */
    /** Fills the @p n th job (from 0) that the arguments ask for; false when there are no more.
     *  NULL: the verb needs no engine. */
    bool (*job)(const struct plm_args *args, size_t n, struct plm_job_spec *out);
};

/** The options that every verb takes. */
#define PLM_OPTIONS_COMMON                                                                         \
    (PLM_OPT_BIT(PLM_OPT_MODELS_DIR) | PLM_OPT_BIT(PLM_OPT_QUIET) | PLM_OPT_BIT(PLM_OPT_VERBOSE) | \
     PLM_OPT_BIT(PLM_OPT_NO_COLOR) | PLM_OPT_BIT(PLM_OPT_OUTPUT) | PLM_OPT_BIT(PLM_OPT_HELP) |     \
     PLM_OPT_BIT(PLM_OPT_VERSION))

/** The @p n th verb, in the order of help; NULL behind the last one. */
const struct plm_verb_row *plm_verb_at(size_t n);

/** The verb that is called @p word, by name or alias; NULL when there is none. */
const struct plm_verb_row *plm_verb_find(const char *word);

/** True when @p word is the first word of verbs that have two, as `queue`. */
bool plm_verb_is_group(const char *word);
/** The verb of two words; NULL when there is none. */
const struct plm_verb_row *plm_verb_find_in(const char *group, const char *word);
/** The second words of a group, with commas between them. */
const char *plm_verb_group_words(const char *group, char *out, size_t size);

/** The row of a verb; that of help for NONE. NULL when the command line has none for it. */
const struct plm_verb_row *plm_verb_row(enum plm_verb verb);

/** The verb whose name resembles @p word most; NULL when none does. */
const struct plm_verb_row *plm_verb_nearest(const char *word);

/** True for the words that later versions will have as commands: no model is pulled for them. */
bool plm_verb_is_reserved(const char *word);

/** True when @p row takes the option. */
static inline bool plm_verb_takes(const struct plm_verb_row *row, enum plm_option_id id)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there is a row for each verb */
    return ((row->options | PLM_OPTIONS_COMMON) & PLM_OPT_BIT(id)) != 0;
}
