/* Hex and base64: owns both alphabets. */
#include "base/encode.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void plm_hex_encode(const void *bytes, size_t length, char *out)
{
    const unsigned char *in = bytes;
    for (size_t i = 0; i < length; i++) {
        *out++ = hex_digits[in[i] >> 4];
        *out++ = hex_digits[in[i] & 15];
    }
    *out = '\0';
}

/* 16 for anything that is no lower-case digit. */
static unsigned hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

bool plm_hex_decode(const char *text, void *out, size_t length)
{
    for (size_t i = 0; i < 2 * length; i++) {
        if (hex_value(text[i]) > 15)
            return false; /* a NUL is no digit: nothing behind it is read */
    }
    unsigned char *bytes = out;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    return true;
}

static void cut(struct plm_buf *buf, size_t size)
{
    buf->size = size;
    if (buf->bytes)
        buf->bytes[size] = '\0';
}

bool plm_base64_encode(enum plm_base64 form, const void *bytes, size_t length, struct plm_buf *out,
                       struct plm_error *err)
{
    const char *alphabet = form == PLM_BASE64_STANDARD ? base64_standard : base64_url;
    const unsigned char *in = bytes;
    size_t before = out->size;
    for (size_t i = 0; i < length; i += 3) {
        size_t have = length - i < 3 ? length - i : 3;
        uint32_t group = (uint32_t)in[i] << 16;
        group |= have > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        group |= have > 2 ? (uint32_t)in[i + 2] : 0;
        char text[4];
        for (size_t k = 0; k < 4; k++)
            text[k] = k <= have ? alphabet[group >> (18 - 6 * k) & 63] : '=';
        size_t count = form == PLM_BASE64_STANDARD ? 4 : have + 1;
        if (!plm_buf_append(out, text, count, err)) {
            cut(out, before);
            return false;
        }
    }
    return plm_buf_append(out, "", 0, err); /* so that even nothing is a string */
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Adds the bytes of one group of @p digits values; the bits left over must be zero. */
static bool append_group(uint32_t group, unsigned digits, struct plm_buf *out,
                         struct plm_error *err)
{
    if (digits < 2)
        return plm_fail(err, PLM_E_PROTOCOL, "base64 text ends inside a byte");
    group <<= 6 * (4 - digits);
    unsigned count = digits - 1;
    if (group & ((1u << (8 * (3 - count))) - 1))
        return plm_fail(err, PLM_E_PROTOCOL, "base64 text has bits left over");
    const unsigned char bytes[3] = {(unsigned char)(group >> 16), (unsigned char)(group >> 8),
                                    (unsigned char)group};
    return plm_buf_append(out, bytes, count, err);
}

static bool decode_groups(const char *text, size_t length, struct plm_buf *out,
                          struct plm_error *err)
{
    uint32_t group = 0;
    unsigned digits = 0, padding = 0;
    for (size_t i = 0; i < length; i++) {
        if (is_space(text[i]))
            continue;
        if (text[i] == '=') {
            padding++;
            continue;
        }
        const char *found = text[i] ? strchr(base64_standard, text[i]) : NULL;
        if (!found || padding > 0)
            return plm_fail(err, PLM_E_PROTOCOL, "byte %zu of base64 text does not belong there",
                            i);
        group = group << 6 | (uint32_t)(found - base64_standard);
        if (++digits < 4)
            continue;
        if (!append_group(group, digits, out, err))
            return false;
        group = 0;
        digits = 0;
    }
    if (padding != (digits ? 4 - digits : 0))
        return plm_fail(err, PLM_E_PROTOCOL, "base64 text has wrong padding");
    return digits ? append_group(group, digits, out, err) : plm_buf_append(out, "", 0, err);
}

bool plm_base64_decode(const char *text, size_t length, struct plm_buf *out, struct plm_error *err)
{
    size_t before = out->size;
    if (decode_groups(text, length, out, err))
        return true;
    cut(out, before);
    return false;
}
