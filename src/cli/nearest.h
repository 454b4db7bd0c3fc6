/** How far two words are apart, to suggest what was meant. Pure; any thread. */
#pragma once

#include "pullama/defs.h"

/** Words of more bytes are like nothing. */
#define PLM_WORD_MAX 31

/** Number of letters to insert, remove, replace or swap with a neighbour; UINT_MAX for long words.
 */
unsigned plm_word_distance(const char *a, const char *b);

/** True when @p typed may be a slip for @p meant: few errors for its length, or its beginning. */
bool plm_word_resembles(const char *typed, const char *meant, unsigned *distance);
