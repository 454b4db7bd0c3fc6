#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/error_text.h"

static const char *text_of(const char *body, size_t length, char out[PLM_ERROR_ANSWER_TEXT])
{
    struct plm_buf buf = PLM_BUF_INIT(65536);
    struct plm_error err = {0};
    assert_true(plm_buf_append(&buf, body, length, &err));
    (void)plm_error_answer_text(&buf, out);
    plm_buf_done(&buf);
    return out;
}

static void message_is_found_in_every_known_form(void **state)
{
    (void)state;
    static const struct {
        const char *body, *text;
    } rows[] = {
        {"", ""},
        {"{}", ""},
        {"{\"error\":\"no\"}", "no"},
        {"{\"error\":{\"message\":\"deep\"}}", "deep"},
        {"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"unknown\"}]}", "unknown"},
        {"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"\"}]}", "DENIED"},
        {"{\"errors\":[]}", ""},
        {"{\"message\":\"plain\"}", "plain"},
        {"{\"error\":\"first\\nsecond\"}", "first"},
        {"\n  not json\r\nsecond line", "not json"},
        {"{\"error\":", "{\"error\":"},
        {"[1]", ""},
        {"\n<html><head><title>400 sent to an HTTPS port</title></head>", "400 sent to an HTTPS port"},
        {"<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Later.</Message></Error>",
         "Later."},
        {"<html><body>Welcome</body></html>", ""},
        {"<TITLE>\n Login\n</TITLE>", "Login"},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        char out[PLM_ERROR_ANSWER_TEXT];
        assert_string_equal(text_of(rows[i].body, strlen(rows[i].body), out), rows[i].text);
    }
}

static void text_is_short_and_printable_whatever_the_body(void **state)
{
    (void)state;
    char body[5000], out[PLM_ERROR_ANSWER_TEXT];
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i % 251);
    body[0] = 'x';
    (void)text_of(body, sizeof(body), out);
    for (const char *c = out; *c; c++)
        assert_true((unsigned char)*c >= ' ');
    memset(body, 'y', sizeof(body));
    assert_int_equal(strlen(text_of(body, sizeof(body), out)), 200);
    memset(body, '[', sizeof(body));
    assert_int_equal(strlen(text_of(body, sizeof(body), out)), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_found_in_every_known_form),
        cmocka_unit_test(text_is_short_and_printable_whatever_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
