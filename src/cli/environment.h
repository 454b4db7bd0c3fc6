/** Values of environment variables, read by Ollama's rules. Pure; any thread. */
#pragma once

#include "pullama/defs.h"

/**
 * Ollama's booleans: surrounding spaces and quotes do not count; the words of Go's ParseBool; any
 * other text that is not empty is true. @p text may be NULL.
 */
bool plm_environment_true(const char *text);

/** The words of a list that has spaces or commas between them: copied into @p copy, which is owned by
 * the caller, and pointed at by @p words; at most @p max of them. Returns their number. */
size_t plm_environment_words(const char *text, char **copy, const char **words, size_t max);

/** A positive number, at most @p max of it; 0 for everything else. @p text may be NULL. */
unsigned plm_environment_count(const char *text, unsigned max);
