/* The JSON writer: owns commas, escapes and the sticky error of a document that is being written.
 */
#include "base/json.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

void plm_json_writer_init(struct plm_json_writer *w, size_t max_bytes)
{
    *w = (struct plm_json_writer){.buf = PLM_BUF_INIT(max_bytes)};
}

void plm_json_writer_done(struct plm_json_writer *w)
{
    if (w)
        plm_buf_done(&w->buf);
}

static void put(struct plm_json_writer *w, const char *text, size_t length)
{
    if (w->err.code != PLM_OK)
        return;
    bool done = plm_buf_append(&w->buf, text, length, &w->err);
    (void)done; /* a failure sticks in w->err */
}

static void put_word(struct plm_json_writer *w, const char *word)
{
    put(w, word, strlen(word));
}

/*
 * What steers a terminal is escaped too, although JSON would allow some of it: people pipe JSON to
 * terminals, and `\u009b` means the same to every parser. Values that need this are all in the BMP.
 */
static void put_escaped(struct plm_json_writer *w, uint32_t code)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "\\u%04x", (unsigned)code);
    put_word(w, text);
}

static const char *short_escape(uint32_t code)
{
    switch (code) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

static void put_string(struct plm_json_writer *w, const char *text, size_t n)
{
    put(w, "\"", 1);
    size_t plain = 0; /* bytes before text that need no escape and are not written yet */
    while (n > 0) {
        uint32_t code = 0;
        size_t taken = plm_utf8_decode(text, n, &code);
        const char *escape = taken ? short_escape(code) : PLM_UTF8_REPLACEMENT;
        bool unsafe = taken && !escape && plm_utf8_is_unsafe(code);
        if (escape || unsafe) {
            put(w, text - plain, plain);
            plain = 0;
            if (escape)
                put_word(w, escape);
            else
                put_escaped(w, code);
        }
        taken = taken ? taken : 1;
        if (!escape && !unsafe)
            plain += taken;
        text += taken;
        n -= taken;
    }
    put(w, text - plain, plain);
    put(w, "\"", 1);
}

/* What stands before every value: the comma, and in an object the key. */
static void begin_value(struct plm_json_writer *w, const char *key)
{
    if (w->comma)
        put(w, ",", 1);
    w->comma = true;
    if (!key)
        return;
    put_string(w, key, strlen(key));
    put(w, ":", 1);
}

static void open_container(struct plm_json_writer *w, const char *key, const char *bracket)
{
    begin_value(w, key);
    put_word(w, bracket);
    w->comma = false;
    w->depth++;
}

static void close_container(struct plm_json_writer *w, const char *bracket)
{
    if (w->depth == 0) {
        (void)plm_fail(&w->err, PLM_E_INTERNAL, "JSON container closed that was never opened");
        return;
    }
    put_word(w, bracket);
    w->comma = true;
    w->depth--;
}

void plm_json_open_object(struct plm_json_writer *w, const char *key)
{
    open_container(w, key, "{");
}

void plm_json_close_object(struct plm_json_writer *w)
{
    close_container(w, "}");
}

void plm_json_open_array(struct plm_json_writer *w, const char *key)
{
    open_container(w, key, "[");
}

void plm_json_close_array(struct plm_json_writer *w)
{
    close_container(w, "]");
}

void plm_json_put_text(struct plm_json_writer *w, const char *key, const char *text)
{
    if (text) {
        plm_json_put_text_n(w, key, text, strlen(text));
        return;
    }
    begin_value(w, key);
    put_word(w, "null");
}

void plm_json_put_text_n(struct plm_json_writer *w, const char *key, const char *text, size_t n)
{
    begin_value(w, key);
    put_string(w, text, n);
}

void plm_json_put_u64(struct plm_json_writer *w, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    begin_value(w, key);
    put_word(w, text);
}

void plm_json_put_i64(struct plm_json_writer *w, const char *key, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    begin_value(w, key);
    put_word(w, text);
}

void plm_json_put_bool(struct plm_json_writer *w, const char *key, bool value)
{
    begin_value(w, key);
    put_word(w, value ? "true" : "false");
}

bool plm_json_writer_take(struct plm_json_writer *w, char **out, struct plm_error *err)
{
    if (w->err.code == PLM_OK && w->depth > 0)
        (void)plm_fail(&w->err, PLM_E_INTERNAL, "JSON container left open");
    if (w->err.code != PLM_OK)
        return plm_fail(err, w->err.code, "%s", w->err.msg);
    char *text = plm_buf_take(&w->buf);
    if (!text)
        return plm_fail(err, PLM_E_NOMEM, "out of memory for a JSON text");
    w->comma = false;
    *out = text;
    return true;
}
