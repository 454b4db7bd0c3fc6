/**
 * The command line of one run: what argv says, checked against the tables of verbs.h.
 *
 *     plm_args_parse → plm_args_engine_options, args.verb->job … → plm_args_done
 *
 * Options stand before or after operands; `--name value`, `--name=value`, `-x value`, `-xvalue`;
 * `--` ends them; the last one of a kind counts. An operand that is no command is a model to pull.
 */
#pragma once

#include "cli/verbs.h"

struct plm_option_value {
    bool given;
    uint64_t number;    /**< bytes, milliseconds, count, or place of the choice's word */
    const char *text;   /**< as typed, the last one; borrowed from argv */
    const char **texts; /**< owned; all of an option that may be repeated, in their order */
    size_t count;       /**< of texts */
};

struct plm_args {
    const struct plm_verb_row *verb; /**< NULL when nothing tells which */
    const char *group;               /**< borrowed; help is asked for a group of verbs; else NULL */
    const char **operands;           /**< owned; the texts are borrowed from argv */
    size_t operand_count;            /**< without the command's name */
    struct plm_option_value values[PLM_OPTIONS];
    bool is_implied; /**< the command was left out: `pull` is meant, unless its name was mistyped */
};

/**
 * Parses argv; on failure too, @p out holds what could be read of it, so that the failure can be
 * shown in the form that was asked for, and must be given to plm_args_done().
 *
 * With `--help` (anywhere) only the verb and the options count, and nothing fails.
 *
 * @retval false  PLM_E_USAGE, or PLM_E_NOMEM.
 */
PLM_MUST bool plm_args_parse(int argc, const char *const *argv, struct plm_args *out,
                             struct plm_error *err);
void plm_args_done(struct plm_args *args);

/**
 * Writes a hint to @p out when the first operand of an implied pull may be a mistyped command.
 *
 * @return @p out, or NULL when there is nothing to say.
 */
const char *plm_args_slip_hint(const struct plm_args *args, char *out, size_t size);

/** Sets the verb, or the group, whose help the operands ask for; neither: that of the program. */
void plm_args_choose_help(struct plm_args *args);

/** True when the option was given. */
bool plm_args_has(const struct plm_args *args, enum plm_option_id id);

/** True when an archive goes to standard output: everything else goes to the error stream then. */
bool plm_args_fill_stdout(const struct plm_args *args);

/** Sets those fields of @p options that the command line names, and no others. */
void plm_args_engine_options(const struct plm_args *args, struct plm_engine_options *options);

/**
 * The flags that the same command needs again to go on at the same place by the same way, each with
 * a space behind it, quoted for a shell: `--models-dir '/my models' --insecure `. Owned by the
 * caller; NULL without memory.
 */
char *plm_args_resume_flags(const struct plm_args *args);

/**
 * The operands as they were typed, quoted for a shell, when there are several: `a 'b c'`. Owned by
 * the caller; NULL for one alone, and without memory.
 */
char *plm_args_resume_models(const struct plm_args *args);
