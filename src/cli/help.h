/** The texts of `help`: made from the tables of verbs.h and options.h, at most 80 columns wide. */
#pragma once

#include <stdio.h>

#include "cli/verbs.h"

/** Writes the help of a verb, or that of the whole program when @p verb is NULL. */
void plm_help_write(FILE *out, const struct plm_verb_row *verb);
/** The help of a group of verbs, as `queue`. */
void plm_help_write_group(FILE *out, const char *group);

/** What it means, beside what is to be known by. */
struct plm_help_pair {
    const char *left, *right;
};

enum plm_help_table { PLM_HELP_ENVIRONMENT, PLM_HELP_STATUSES, PLM_HELP_EXAMPLES, PLM_HELP_TABLES };

/** The @p n th row of a table that the man page has, too; NULL behind the last one. */
const struct plm_help_pair *plm_help_at(enum plm_help_table table, size_t n);
