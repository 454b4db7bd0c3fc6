/* Owns the measure by which a mistyped word is compared with the known ones. */
#include "cli/nearest.h"

#include <limits.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned plm_word_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > PLM_WORD_MAX || columns > PLM_WORD_MAX)
        return UINT_MAX;

    /* d[i][j]: distance of the first i bytes of a from the first j bytes of b */
    unsigned d[PLM_WORD_MAX + 1][PLM_WORD_MAX + 1];
    for (size_t i = 0; i <= rows; i++)
        d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= columns; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            unsigned change = a[i - 1] == b[j - 1] ? 0 : 1;
            unsigned best = least(d[i - 1][j - 1] + change, least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = least(best, d[i - 2][j - 2] + 1);
            d[i][j] = best;
        }
    }
    return d[rows][columns];
}

bool plm_word_resembles(const char *typed, const char *meant, unsigned *distance)
{
    size_t length = strlen(typed);
    unsigned errors = plm_word_distance(typed, meant);
    if (length < 2 || errors == UINT_MAX)
        return false;
    bool begins = length >= 3 && strncmp(typed, meant, length) == 0;
    if (!begins && errors > (length < 5 ? 1 : length < 9 ? 2 : 3))
        return false;
    *distance = begins ? 0 : errors;
    return true;
}
