/**
 * Numbers, sizes, durations and untrusted strings as text, both ways. Any thread.
 */
#pragma once

#include "pullama/error.h"

/** Parses decimal digits only (no sign, no spaces, no overflow) of exactly @p length bytes. */
PLM_API PLM_MUST bool plm_text_u64(const char *text, size_t length, uint64_t *out);

/** Parses `64MiB`, `1.5G`, `500K`, `10B`, `4096`: K, M, G, T (with or without iB) are powers of 1024;
 *  `KB`, `MB`, `GB`, `TB` too, as the whole program counts so in input. PLM_E_USAGE otherwise. */
PLM_API PLM_MUST bool plm_text_parse_size(const char *text, uint64_t *bytes, struct plm_error *err);

/** Parses `500ms`, `30s`, `30m`, `2h`, `1h30m`, `1.5s`, and `0`. Needs a unit otherwise. PLM_E_USAGE. */
PLM_API PLM_MUST bool plm_text_parse_duration(const char *text, int64_t *ms, struct plm_error *err);

/** Parses `2026-11-21` (its start, in UTC), a time as RFC 3339, or a duration: so long before @p now_ms.
 * Unix milliseconds. PLM_E_USAGE. */
PLM_API PLM_MUST bool plm_text_parse_moment(const char *text, int64_t now_ms, int64_t *unix_ms,
                                            struct plm_error *err);

#define PLM_TEXT_SHORT 32

/** Decimal units as Ollama prints them: `999 B`, `4.7 GB`, `12 GB` (at 10 and more no decimals). */
PLM_API const char *plm_text_size(uint64_t bytes, char out[PLM_TEXT_SHORT]);
/** `0s`, `12m34s`, `1h30m0s`; under 10 s with one decimal: `1.4s`. */
PLM_API const char *plm_text_duration(int64_t ms, char out[PLM_TEXT_SHORT]);
/** Counts as Ollama prints parameter sizes: `8.0B`, `137.00M` → `137M`, `22K`, `999`. */
PLM_API const char *plm_text_count(uint64_t count, char out[PLM_TEXT_SHORT]);
/** Ages as Ollama prints them: `5 minutes ago`, `About an hour ago`, `3 weeks ago`. Seconds. */
PLM_API const char *plm_text_age(int64_t then_s, int64_t now_s, char out[PLM_TEXT_SHORT]);

/**
 * Copies @p text so that it is safe on a terminal: control characters, escapes, invalid UTF-8 and
 * bidirectional overrides become `\xNN` or U+FFFD; at most @p size - 1 bytes, never half a character. Returns @p out.
 */
PLM_API const char *plm_text_printable(const char *text, char *out, size_t size);
