/** Values of environment variables, read by Ollama's rules. Pure; any thread. */
#pragma once

#include "pullama/defs.h"

/**
 * Ollama's booleans: surrounding spaces and quotes do not count; the words of Go's ParseBool; any
 * other text that is not empty is true. @p text may be NULL.
 */
bool plm_environment_true(const char *text);

/** A positive number, at most @p max of it; 0 for everything else. @p text may be NULL. */
unsigned plm_environment_count(const char *text, unsigned max);
