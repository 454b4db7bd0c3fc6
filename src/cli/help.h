/** The texts of `help`: made from the tables of verbs.h and options.h, at most 80 columns wide. */
#pragma once

#include <stdio.h>

#include "cli/verbs.h"

/** Writes the help of a verb, or that of the whole program when @p verb is NULL. */
void plm_help_write(FILE *out, const struct plm_verb_row *verb);
/** The help of a group of verbs, as `queue`. */
void plm_help_write_group(FILE *out, const char *group);
