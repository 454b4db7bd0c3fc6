/* What a writer of reference texts writes, as one text. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/reference.h"
#include "cli/verbs.h"

static char *reference_text;
static size_t reference_size;

static inline FILE *reference_open(void)
{
    FILE *file = open_memstream(&reference_text, &reference_size);
    assert_non_null(file);
    return file;
}

static inline void reference_close(FILE *file)
{
    assert_int_equal(fclose(file), 0);
}

static inline void reference_has(const char *part)
{
    if (!strstr(reference_text, part))
        fail_msg("there is no '%s'", part);
}
