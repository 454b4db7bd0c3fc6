/** Hex and base64 (standard and URL alphabet, with and without padding). */
#pragma once

#include "base/buf.h"

/** Writes 2 × length lower-case digits and NUL. */
void plm_hex_encode(const void *bytes, size_t length, char *out);
/** Reads exactly 2 × @p length lower-case digits, and nothing behind them; false for any other character. */
PLM_MUST bool plm_hex_decode(const char *text, void *out, size_t length);

enum plm_base64 { PLM_BASE64_STANDARD, PLM_BASE64_URL_NO_PAD };
PLM_MUST bool plm_base64_encode(enum plm_base64 form, const void *bytes, size_t length,
                                struct plm_buf *out, struct plm_error *err);
/** Standard alphabet; white space is skipped; padding must be right. PLM_E_PROTOCOL otherwise. */
PLM_MUST bool plm_base64_decode(const char *text, size_t length, struct plm_buf *out,
                                struct plm_error *err);
