#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_head.h"

#define NOON_MS 1700000000000ll /* Tue, 14 Nov 2023 22:13:20 GMT */

/* Reads lines given as one text with \n between them; the blank line is added. */
static bool read_head(struct plm_http_head *head, const char *text)
{
    struct plm_head_reader reader;
    struct plm_error err = {0};
    plm_head_start(&reader, head, NOON_MS);
    while (*text) {
        size_t length = strcspn(text, "\n");
        char line[16384];
        assert_true(length + 3 < sizeof(line));
        memcpy(line, text, length);
        memcpy(line + length, "\r\n", 3);
        if (!plm_head_line(&reader, line, length + 2, &err))
            return false;
        text += length + (text[length] == '\n');
    }
    return plm_head_line(&reader, "\r\n", 2, &err) && reader.complete;
}

static void known_fields_are_read_whatever_their_case(void **state)
{
    (void)state;
    struct plm_http_head head;
    assert_true(read_head(&head, "HTTP/1.1 206 Partial Content\n"
                                 "CONTENT-length:  10 \n"
                                 "content-range: bytes 5-14/100\n"
                                 "Location: /there?x=1\n"
                                 "Content-Location: /here\n"
                                 "content-type:\ttext/plain\n"
                                 "docker-content-digest: sha256:00\n"
                                 "Content-Encoding: identity\n"
                                 "X-Other: Content-Length: 3"));
    assert_int_equal(head.status, 206);
    assert_true(head.has_length && head.has_range && head.has_total);
    assert_int_equal(head.length, 10);
    assert_int_equal(head.range.start, 5);
    assert_int_equal(head.range.end, 15);
    assert_int_equal(head.total, 100);
    assert_string_equal(head.location, "/there?x=1");
    assert_string_equal(head.content_location, "/here");
    assert_string_equal(head.content_type, "text/plain");
    assert_string_equal(head.docker_digest, "sha256:00");
    assert_false(head.encoded || head.malformed);
    assert_int_equal(head.retry_after_ms, -1);
    plm_http_head_done(&head);
}

static void unbelievable_lengths_are_malformed(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "Content-Length: 1x",
        "Content-Length: -1",
        "Content-Length: +1",
        "Content-Length:",
        "Content-Length: 18446744073709551616",
        "Content-Length: 1\nContent-Length: 2",
        "Content-Range: bytes 0-9",
        "Content-Range: bytes 9-0/10",
        "Content-Range: bytes 0-10/10",
        "Content-Range: items 0-9/10",
        "Content-Range: bytes -9/10",
        "Content-Range: bytes 0-/10",
        "Content-Range: bytes */*",
        "Content-Range: bytes 0-18446744073709551615/*",
        "Content-Range: bytes 0 -9/10",
        "Content-Range: bytes 0-9/10x",
        "Content-Range: bytes=0-9/10",
        "Content-Range: bytes 0-4/10\nContent-Range: bytes 5-9/10",
        "Content-Length: 7\nContent-Range: bytes 0-4/10",
    };
    for (size_t i = 0; i < PLM_COUNT(lines); i++) {
        struct plm_http_head head;
        char text[256];
        (void)snprintf(text, sizeof(text), "HTTP/1.1 206 x\n%s", lines[i]);
        assert_true(read_head(&head, text));
        if (!head.malformed)
            fail_msg("accepted: %s", lines[i]);
        plm_http_head_done(&head);
    }
}

static void equal_repetitions_are_no_contradiction(void **state)
{
    (void)state;
    struct plm_http_head head;
    assert_true(read_head(&head, "HTTP/1.1 206 x\nContent-Length: 5\nContent-Length: 5\n"
                                 "Content-Range: bytes 0-4/10\nContent-Range: bytes 0-4/10"));
    assert_false(head.malformed);
    plm_http_head_done(&head);
}

static void unknown_total_and_unsatisfied_range_are_told_apart(void **state)
{
    (void)state;
    struct plm_http_head head;
    assert_true(read_head(&head, "HTTP/1.1 206 x\nContent-Range: bytes 0-4/*"));
    assert_true(head.has_range && !head.has_total && !head.malformed);
    plm_http_head_done(&head);
    assert_true(read_head(&head, "HTTP/1.1 416 x\nContent-Range: bytes */77"));
    assert_true(!head.has_range && head.has_total && !head.malformed);
    assert_int_equal(head.total, 77);
    plm_http_head_done(&head);
}

static void interim_heads_leave_no_trace(void **state)
{
    (void)state;
    struct plm_http_head head;
    assert_true(read_head(&head, "HTTP/1.1 103 Early Hints\nLocation: /wrong\nRetry-After: 5\n"
                                 "WWW-Authenticate: Basic\nContent-Length: x\n\n"
                                 "HTTP/1.1 200\nContent-Length: 3"));
    assert_int_equal(head.status, 200);
    assert_string_equal(head.location, "");
    assert_int_equal(head.retry_after_ms, -1);
    assert_int_equal(head.challenges.size, 0);
    assert_false(head.malformed);
    plm_http_head_done(&head);
}

static void interim_head_alone_is_not_complete(void **state)
{
    (void)state;
    struct plm_http_head head;
    assert_false(read_head(&head, "HTTP/1.1 101 Switching Protocols"));
    plm_http_head_done(&head);
}

static void trailers_change_nothing(void **state)
{
    (void)state;
    struct plm_http_head head;
    assert_true(read_head(&head, "HTTP/1.1 200 OK\nContent-Length: 3\n\n"
                                 "HTTP/1.1 404 no\nContent-Length: 9\nLocation: /evil"));
    assert_int_equal(head.status, 200);
    assert_int_equal(head.length, 3);
    assert_string_equal(head.location, "");
    plm_http_head_done(&head);
}

static void chunked_body_has_no_length(void **state)
{
    (void)state;
    struct plm_http_head head;
    assert_true(read_head(&head, "HTTP/1.1 200 OK\nContent-Length: 3\nTransfer-Encoding: Chunked"));
    assert_false(head.has_length || head.malformed);
    plm_http_head_done(&head);
}

static void bad_status_lines_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {"HTTP/1.1",        "HTTP/1.1 ",        "HTTP/1.1 20",
                                        "HTTP/1.1 20x OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 x",
                                        "HTTP/1.1 -20 x"};
    for (size_t i = 0; i < PLM_COUNT(lines); i++) {
        struct plm_http_head head;
        if (read_head(&head, lines[i]))
            fail_msg("accepted: %s", lines[i]);
        plm_http_head_done(&head);
    }
}

static void compressed_body_is_seen(void **state)
{
    (void)state;
    struct plm_http_head head;
    assert_true(read_head(&head, "HTTP/1.1 200 OK\nContent-Encoding: gzip"));
    assert_true(head.encoded);
    plm_http_head_done(&head);
}

static void retry_after_is_seconds_or_a_date_and_at_most_a_day(void **state)
{
    (void)state;
    assert_int_equal(plm_retry_after_parse("0", NOON_MS), 0);
    assert_int_equal(plm_retry_after_parse("120", NOON_MS), 120000);
    assert_int_equal(plm_retry_after_parse("99999999999999999999999", NOON_MS), 86400000);
    assert_int_equal(plm_retry_after_parse("90000", NOON_MS), 86400000);
    assert_int_equal(plm_retry_after_parse("Tue, 14 Nov 2023 22:13:50 GMT", NOON_MS), 30000);
    assert_int_equal(plm_retry_after_parse("Tue, 14 Nov 2023 22:13:00 GMT", NOON_MS), 0);
    assert_int_equal(plm_retry_after_parse("Tue, 14 Nov 2028 22:13:00 GMT", NOON_MS), 86400000);
    assert_int_equal(plm_retry_after_parse("soon", NOON_MS), -1);
    assert_int_equal(plm_retry_after_parse("-5", NOON_MS), -1);
    assert_int_equal(plm_retry_after_parse("", NOON_MS), -1);
}

static void all_challenges_are_kept_one_a_line(void **state)
{
    (void)state;
    struct plm_http_head head;
    assert_true(read_head(&head, "HTTP/1.1 401 x\nWWW-Authenticate: Basic realm=\"a\"\n"
                                 "www-authenticate: Bearer realm=\"b\""));
    assert_string_equal(head.challenges.bytes, "Basic realm=\"a\"\nBearer realm=\"b\"\n");
    plm_http_head_done(&head);
}

static void overlong_location_is_absent_not_cut(void **state)
{
    (void)state;
    struct plm_http_head head;
    char text[9000] = "HTTP/1.1 307 x\nLocation: /";
    size_t used = strlen(text);
    memset(text + used, 'a', PLM_URL_MAX - 1);
    text[used + PLM_URL_MAX - 1] = '\0';
    assert_true(read_head(&head, text));
    assert_true(head.malformed);
    assert_string_equal(head.location, "");
    plm_http_head_done(&head);
    text[used + PLM_URL_MAX - 2] = '\0';
    assert_true(read_head(&head, text));
    assert_int_equal(strlen(head.location), PLM_URL_MAX - 1);
    plm_http_head_done(&head);
}

static void text_with_nul_is_not_taken(void **state)
{
    (void)state;
    struct plm_head_reader reader;
    struct plm_http_head head;
    struct plm_error err = {0};
    static const char line[] = "Location: /a\0b\r\n";
    plm_head_start(&reader, &head, NOON_MS);
    assert_true(plm_head_line(&reader, "HTTP/1.1 302 x\r\n", 16, &err));
    assert_true(plm_head_line(&reader, line, sizeof(line) - 1, &err));
    assert_string_equal(head.location, "");
    plm_http_head_done(&head);
}

static void whole_head_has_a_cap_over_all_interim_heads(void **state)
{
    (void)state;
    struct plm_head_reader reader;
    struct plm_http_head head;
    struct plm_error err = {0};
    char line[1024];
    memset(line, 'x', sizeof(line));
    plm_head_start(&reader, &head, NOON_MS);
    for (size_t i = 0; i < PLM_HTTP_HEADERS_MAX / sizeof(line); i++) {
        if (i % 8 == 0)
            memcpy(line, "HTTP/1.1 100 ", 13);
        else
            memcpy(line, "X-Any: value ", 13);
        assert_true(plm_head_line(&reader, line, sizeof(line), &err));
    }
    assert_false(plm_head_line(&reader, "X: y\r\n", 6, &err));
    assert_int_equal(err.code, PLM_E_LIMIT);
    plm_http_head_done(&head);
}

static void what_registries_say_of_uploads_is_read(void **state)
{
    (void)state;
    struct plm_http_head head;
    assert_true(read_head(&head, "HTTP/1.1 202 A\n"
                                 "docker-upload-location: /u/2?_state=s\n"
                                 "X-Direct-Upload-URL: https://store.example/x?sig=y\n"
                                 "x-signed-header-X-Amz-Checksum: q==\n"
                                 "X-Signed-Header-: nameless\n"
                                 "X-Signed-Header-Content-Type:text/x\n"
                                 "Range: 0-99"));
    assert_string_equal(head.upload_location, "/u/2?_state=s");
    assert_string_equal(head.direct_url, "https://store.example/x?sig=y");
    assert_string_equal(head.signed_headers.bytes, "X-Amz-Checksum: q==\nContent-Type: text/x\n");
    assert_true(head.has_taken && !head.malformed);
    assert_int_equal(head.taken, 100);
    plm_http_head_done(&head);
}

static void only_a_range_from_the_first_byte_tells_what_was_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t taken;
    } rows[] = {
        {"0-0", 1},  {"bytes=0-41", 42}, {"Bytes=0-0", 1}, {"1-5", 0},
        {"0--1", 0}, {"0-", 0},          {"bytes 0-5", 0}, {"0-5/10", 0},
        {"", 0},     {"0-x", 0},         {"00-5", 0},      {"0-9223372036854775807", 0},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_http_head head;
        char text[128];
        (void)snprintf(text, sizeof(text), "HTTP/1.1 204 N\nRange: %s", rows[i].text);
        assert_true(read_head(&head, text));
        assert_int_equal(head.has_taken, rows[i].taken > 0);
        assert_int_equal(head.taken, rows[i].taken);
        plm_http_head_done(&head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_fields_are_read_whatever_their_case),
        cmocka_unit_test(unbelievable_lengths_are_malformed),
        cmocka_unit_test(equal_repetitions_are_no_contradiction),
        cmocka_unit_test(unknown_total_and_unsatisfied_range_are_told_apart),
        cmocka_unit_test(interim_heads_leave_no_trace),
        cmocka_unit_test(interim_head_alone_is_not_complete),
        cmocka_unit_test(trailers_change_nothing),
        cmocka_unit_test(chunked_body_has_no_length),
        cmocka_unit_test(bad_status_lines_are_refused),
        cmocka_unit_test(compressed_body_is_seen),
        cmocka_unit_test(retry_after_is_seconds_or_a_date_and_at_most_a_day),
        cmocka_unit_test(all_challenges_are_kept_one_a_line),
        cmocka_unit_test(overlong_location_is_absent_not_cut),
        cmocka_unit_test(text_with_nul_is_not_taken),
        cmocka_unit_test(what_registries_say_of_uploads_is_read),
        cmocka_unit_test(only_a_range_from_the_first_byte_tells_what_was_taken),
        cmocka_unit_test(whole_head_has_a_cap_over_all_interim_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
