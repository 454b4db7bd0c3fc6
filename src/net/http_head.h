/**
 * The head of an answer, line by line, into struct plm_http_head. Pure; the clock is given.
 *
 * Every head of an exchange passes here: those of 1xx answers are dropped when the next one begins.
 * Lines behind the end of the final head (trailers) are ignored.
 */
#pragma once

#include "net/http.h"

struct plm_head_reader {
    struct plm_http_head *head; /**< borrowed; filled */
    int64_t unix_ms;            /**< now, for Retry-After dates */
    size_t bytes;               /**< of all lines so far, interim heads included */
    bool complete;              /**< the final head was seen to its end */
    bool chunked;
    bool has_range_line;
};

void plm_head_start(struct plm_head_reader *reader, struct plm_http_head *head, int64_t unix_ms);
void plm_http_head_done(struct plm_http_head *head);
/** One line with its line end. PLM_E_LIMIT beyond PLM_HTTP_HEADERS_MAX, PLM_E_PROTOCOL for a bad
 * status line. */
PLM_MUST bool plm_head_line(struct plm_head_reader *reader, const char *line, size_t length,
                            struct plm_error *err);

/** Strictly `bytes S-E/T`, where an asterisk may stand for S-E or for T; false for anything else.
 * Sets the range and total fields only. */
PLM_MUST bool plm_content_range_parse(const char *text, size_t length, struct plm_http_head *head);
/** Seconds or an HTTP date, as milliseconds from now in 0 … 24 h; -1 when it is neither. */
int64_t plm_retry_after_parse(const char *text, int64_t unix_ms);
