/**
 * What every fuzz target shares: promises that abort when they are broken, and ways to take a
 * target's parameters out of its input.
 *
 * A target is one file with one function, which is called by clang's libFuzzer, or with each file
 * of a corpus by replay.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "pullama/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the code under test. */
#define FUZZ_HOLDS(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* Numbers from the front of the input; zeros behind its end. */
static inline uint64_t fuzz_number(struct fuzz_input *in, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | (in->left ? *in->at : 0);
        in->at += in->left > 0;
        in->left -= in->left > 0;
    }
    return value;
}

/* What is left as a text that ends at its first NUL; free() it. On the heap, so that reading one
 * byte too many is seen. */
static inline char *fuzz_text(const struct fuzz_input *in)
{
    char *text = malloc(in->left + 1);
    FUZZ_HOLDS(text);
    if (in->left)
        memcpy(text, in->at, in->left);
    text[in->left] = '\0';
    return text;
}

/* The next line, without its end; free() it. */
static inline char *fuzz_line(struct fuzz_input *in)
{
    const uint8_t *end = in->left ? memchr(in->at, '\n', in->left) : NULL;
    struct fuzz_input line = {in->at, end ? (size_t)(end - in->at) : in->left};
    char *text = fuzz_text(&line);
    in->at += line.left + (end != NULL);
    in->left -= line.left + (end != NULL);
    return text;
}

/*
 * Bytes of the UTF-8 character at the front, by the table of RFC 3629, section 4; 0 when there is
 * none. Written apart from base/utf8.c, which it judges.
 */
static inline size_t fuzz_utf8(const unsigned char *c, size_t size, uint32_t *code)
{
    static const struct {
        unsigned char first, last, low, high; /* of the first byte, of the second */
        size_t length;
        unsigned char bits;
    } rows[] = {
        {0x00, 0x7F, 0x00, 0x00, 1, 0x7F}, {0xC2, 0xDF, 0x80, 0xBF, 2, 0x1F},
        {0xE0, 0xE0, 0xA0, 0xBF, 3, 0x0F}, {0xE1, 0xEC, 0x80, 0xBF, 3, 0x0F},
        {0xED, 0xED, 0x80, 0x9F, 3, 0x0F}, {0xEE, 0xEF, 0x80, 0xBF, 3, 0x0F},
        {0xF0, 0xF0, 0x90, 0xBF, 4, 0x07}, {0xF1, 0xF3, 0x80, 0xBF, 4, 0x07},
        {0xF4, 0xF4, 0x80, 0x8F, 4, 0x07},
    };
    for (size_t i = 0; size && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (c[0] < rows[i].first || c[0] > rows[i].last)
            continue;
        if (size < rows[i].length ||
            (rows[i].length > 1 && (c[1] < rows[i].low || c[1] > rows[i].high)))
            return 0;
        *code = c[0] & rows[i].bits;
        for (size_t k = 1; k < rows[i].length; k++) {
            if (c[k] < 0x80 || c[k] > 0xBF)
                return 0;
            *code = *code << 6 | (c[k] & 0x3Fu);
        }
        return rows[i].length;
    }
    return 0;
}

static inline bool fuzz_is_utf8(const char *text, size_t size)
{
    uint32_t code;
    for (size_t taken; size > 0; text += taken, size -= taken) {
        taken = fuzz_utf8((const unsigned char *)text, size, &code);
        if (taken == 0)
            return false;
    }
    return true;
}

/* UTF-8 without anything that steers a terminal or the direction of text. */
static inline bool fuzz_is_safe(const char *text)
{
    uint32_t code;
    size_t size = strlen(text);
    for (size_t taken; size > 0; text += taken, size -= taken) {
        taken = fuzz_utf8((const unsigned char *)text, size, &code);
        if (taken == 0 || code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
            code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
            (code >= 0x2066 && code <= 0x2069))
            return false;
    }
    return true;
}

/* Every failure says what it is, in one line that ends. */
static inline void fuzz_failed(const struct plm_error *err)
{
    FUZZ_HOLDS(err->code > PLM_OK && err->code < PLM_CODES && err->code != PLM_E_INTERNAL);
    size_t length = strnlen(err->msg, sizeof(err->msg));
    FUZZ_HOLDS(length > 0 && length < sizeof(err->msg));
    for (size_t i = 0; i < length; i++)
        FUZZ_HOLDS((unsigned char)err->msg[i] >= 0x20 && err->msg[i] != 0x7F);
}

/* Sorted, not empty, not even touching, and nothing behind @p size. */
static inline void fuzz_spans(const struct plm_span *items, size_t count, uint64_t size)
{
    for (size_t i = 0; i < count; i++) {
        FUZZ_HOLDS(items[i].start < items[i].end && items[i].end <= size);
        FUZZ_HOLDS(i == 0 || items[i - 1].end < items[i].start);
    }
}
