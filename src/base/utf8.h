/** Strict UTF-8, one character at a time: overlong forms, surrogates and values past U+10FFFF are
 * bad. */
#pragma once

#include "pullama/defs.h"

#define PLM_UTF8_MAX 4
/** U+FFFD, what stands in for something that must not be shown. */
#define PLM_UTF8_REPLACEMENT "\xEF\xBF\xBD"

/**
 * Decodes the character at the front of @p size > 0 bytes.
 *
 * @return the bytes it takes, 1 to 4, with its value in @p code; 0 when the first byte begins none.
 */
PLM_MUST size_t plm_utf8_decode(const char *bytes, size_t size, uint32_t *code);

/** True for characters that steer a terminal or the direction of text: C0, DEL, C1, line
 * separators, bidi controls. */
bool plm_utf8_is_unsafe(uint32_t code);
