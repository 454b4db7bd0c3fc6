/* A parameters layer, which is a flat JSON object, as names and values for people. */
#include "cli/view_parts.h"

#include <stdlib.h>
#include <string.h>

struct cursor {
    const char *at, *end;
};

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at)
        c->at++;
}

static bool take(struct cursor *c, char want)
{
    skip_space(c);
    if (c->at == c->end || *c->at != want)
        return false;
    c->at++;
    return true;
}

/* The token as it stands: a string with its quotes, or a word up to a delimiter. */
static bool take_scalar(struct cursor *c, struct cursor *token)
{
    skip_space(c);
    token->at = c->at;
    if (c->at < c->end && *c->at == '"') {
        for (c->at++; c->at < c->end && *c->at != '"'; c->at++)
            if (*c->at == '\\' && c->at + 1 < c->end)
                c->at++;
        if (c->at == c->end)
            return false;
        c->at++;
    } else {
        while (c->at < c->end && !strchr(",]}[{:\" \t\r\n", *c->at))
            c->at++;
    }
    token->end = c->at;
    return token->end > token->at;
}

static int digit_of(char c)
{
    const char *digits = "0123456789abcdef", *found = strchr(digits, c | 0x20);
    return c && found ? (int)(found - digits) : -1;
}

/* A copy in which <, > and & stand for themselves: Go's encoder escapes them. */
static char *copy_token(struct cursor token, bool quotes)
{
    char *text = malloc((size_t)(token.end - token.at) + 1), *to = text;
    if (!text)
        return NULL;
    if (!quotes && token.end - token.at >= 2 && *token.at == '"') {
        token.at++;
        token.end--;
    }
    while (token.at < token.end) {
        if (token.end - token.at >= 6 && memcmp(token.at, "\\u00", 4) == 0) {
            int code = digit_of(token.at[4]) * 16 + digit_of(token.at[5]);
            if (code == '<' || code == '>' || code == '&') {
                *to++ = (char)code;
                token.at += 6;
                continue;
            }
        }
        if (*token.at == '\\' && token.end - token.at >= 2)
            *to++ = *token.at++;
        *to++ = *token.at++;
    }
    *to = '\0';
    return text;
}

static bool take_value(struct cursor *c, const char *key,
                       void (*each)(void *ctx, const char *key, const char *value), void *ctx)
{
    struct cursor token;
    bool array = take(c, '[');
    if (array && take(c, ']'))
        return true;
    do {
        if (!take_scalar(c, &token))
            return false;
        char *value = copy_token(token, true);
        if (value && each)
            each(ctx, key, value);
        free(value);
    } while (array && take(c, ','));
    return !array || take(c, ']');
}

static bool walk(struct cursor c, void (*each)(void *ctx, const char *key, const char *value),
                 void *ctx)
{
    struct cursor token;
    if (!take(&c, '{'))
        return false;
    if (take(&c, '}'))
        return true;
    do {
        if (!take_scalar(&c, &token) || *token.at != '"' || !take(&c, ':'))
            return false;
        char *key = copy_token(token, false);
        bool taken = key && take_value(&c, key, each, ctx);
        free(key);
        if (!taken)
            return false;
    } while (take(&c, ','));
    if (!take(&c, '}'))
        return false;
    skip_space(&c);
    return c.at == c.end;
}

bool plm_params_each(const char *text, size_t length,
                     void (*each)(void *ctx, const char *key, const char *value), void *ctx)
{
    struct cursor c = {text, text + length};
    return walk(c, NULL, NULL) && walk(c, each, ctx);
}
