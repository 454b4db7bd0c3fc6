/* The bytes of a GGUF file with one tensor, for tests that need a model. */
#pragma once

#include <string.h>

#define GGUF_BYTES 256

static inline size_t gguf_put(unsigned char *out, size_t at, const void *bytes, size_t size)
{
    memcpy(out + at, bytes, size);
    return at + size;
}

static inline size_t gguf_put_number(unsigned char *out, size_t at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[at + i] = (unsigned char)(value >> (8 * i));
    return at + size;
}

static inline size_t gguf_put_text(unsigned char *out, size_t at, const char *text)
{
    return gguf_put(out, gguf_put_number(out, at, strlen(text), 8), text, strlen(text));
}

/* Fills all of @p out: architecture "llama", eight F32 elements, which end with it. */
static inline void gguf_fill(unsigned char out[GGUF_BYTES])
{
    memset(out, 0, GGUF_BYTES);
    size_t at = gguf_put(out, 0, "GGUF", 4);
    at = gguf_put_number(out, at, 3, 4);
    at = gguf_put_number(out, at, 1, 8);
    at = gguf_put_number(out, at, 1, 8);
    at = gguf_put_text(out, at, "general.architecture");
    at = gguf_put_number(out, at, 8, 4);
    at = gguf_put_text(out, at, "llama");
    at = gguf_put_text(out, at, "w");
    at = gguf_put_number(out, at, 1, 4);
    at = gguf_put_number(out, at, 8, 8);
    at = gguf_put_number(out, at, 0, 4);
    at = gguf_put_number(out, at, GGUF_BYTES - 32 - (at + 8 + 31) / 32 * 32, 8);
    memset(out + GGUF_BYTES - 32, 0x55, 32);
}
