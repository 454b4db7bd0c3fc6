/** What an error answer says for itself. Pure. */
#pragma once

#include "net/http.h"

/** Room for the text: at most 200 bytes, and NUL. */
#define PLM_ERROR_ANSWER_TEXT 201

/**
 * The message of an error answer, safe to print: from `{"error": "…"}` or `{"errors": [{"code", "message"}]}`, the
 * message or title of markup, else the body's first line; "" when it says nothing. Returns @p out.
 */
const char *plm_error_answer_text(const struct plm_buf *body, char out[PLM_ERROR_ANSWER_TEXT]);
