#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_private.h"

static const struct plm_http_facts plain = {.host = "reg.example", .proxy = "", .detail = ""};

static void every_code_has_an_end_and_a_text_that_names_the_host(void **state)
{
    (void)state;
    static const struct {
        CURLcode code;
        enum plm_http_end end;
        enum plm_code error;
    } rows[] = {
        {CURLE_COULDNT_RESOLVE_HOST, PLM_HTTP_DNS, PLM_E_NETWORK},
        {CURLE_COULDNT_CONNECT, PLM_HTTP_CONNECT, PLM_E_NETWORK},
        {CURLE_PROXY, PLM_HTTP_CONNECT, PLM_E_NETWORK},
        {CURLE_GOT_NOTHING, PLM_HTTP_RESET, PLM_E_NETWORK},
        {CURLE_RECV_ERROR, PLM_HTTP_RESET, PLM_E_NETWORK},
        {CURLE_SEND_ERROR, PLM_HTTP_RESET, PLM_E_NETWORK},
        {CURLE_PARTIAL_FILE, PLM_HTTP_SHORT, PLM_E_NETWORK},
        {CURLE_OPERATION_TIMEDOUT, PLM_HTTP_TIMEOUT, PLM_E_NETWORK},
        {CURLE_SSL_CONNECT_ERROR, PLM_HTTP_TLS, PLM_E_NETWORK},
        {CURLE_PEER_FAILED_VERIFICATION, PLM_HTTP_BAD_CERT, PLM_E_TLS},
        {CURLE_WEIRD_SERVER_REPLY, PLM_HTTP_MALFORMED, PLM_E_PROTOCOL},
        {CURLE_UNSUPPORTED_PROTOCOL, PLM_HTTP_MALFORMED, PLM_E_PROTOCOL},
        {CURLE_OUT_OF_MEMORY, PLM_HTTP_FAILED, PLM_E_NOMEM},
        {CURLE_WRITE_ERROR, PLM_HTTP_FAILED, PLM_E_INTERNAL},
        {CURLE_URL_MALFORMAT, PLM_HTTP_FAILED, PLM_E_INTERNAL},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_error err = {0};
        assert_int_equal(plm_http_end_of(rows[i].code, &plain, &err), rows[i].end);
        assert_int_equal(err.code, rows[i].error);
        assert_non_null(strstr(err.msg, "reg.example"));
    }
}

static void unreadable_authorities_are_named(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_http_facts facts = plain;
    facts.ca_file = "/etc/my-ca.pem";
    assert_int_equal(plm_http_end_of(CURLE_SSL_CACERT_BADFILE, &facts, &err), PLM_HTTP_FAILED);
    assert_int_equal(err.code, PLM_E_TLS);
    assert_non_null(strstr(err.msg, "/etc/my-ca.pem"));
}

static void refusing_proxy_is_named(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_http_facts facts = plain;
    facts.proxy = "http://p.example:3128/";
    facts.connect_status = 407;
    assert_int_equal(plm_http_end_of(CURLE_RECV_ERROR, &facts, &err), PLM_HTTP_CONNECT);
    assert_non_null(strstr(err.msg, "http://p.example:3128/"));
    assert_non_null(strstr(err.msg, "407"));
}

static void oversized_header_line_is_not_taken_for_lack_of_memory(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_http_facts facts = plain;
    facts.reading_head = true;
    assert_int_equal(plm_http_end_of(CURLE_OUT_OF_MEMORY, &facts, &err), PLM_HTTP_MALFORMED);
    assert_int_equal(err.code, PLM_E_LIMIT);
}

static void leftovers_on_a_kept_connection_pass_with_it(void **state)
{
    (void)state;
    struct plm_error err = {0}, fresh = {0};
    struct plm_http_facts facts = plain;
    facts.reading_head = facts.reused = true;
    assert_int_equal(plm_http_end_of(CURLE_UNSUPPORTED_PROTOCOL, &facts, &err), PLM_HTTP_RESET);
    assert_int_equal(err.code, PLM_E_NETWORK);
    facts.reused = false;
    assert_int_equal(plm_http_end_of(CURLE_UNSUPPORTED_PROTOCOL, &facts, &fresh),
                     PLM_HTTP_MALFORMED);
}

static void library_text_is_made_printable(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_http_facts facts = plain;
    facts.detail = "odd \033[2J text";
    (void)plm_http_end_of(CURLE_WEIRD_SERVER_REPLY, &facts, &err);
    assert_null(strchr(err.msg, '\033'));
    assert_non_null(strstr(err.msg, "text"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_an_end_and_a_text_that_names_the_host),
        cmocka_unit_test(unreadable_authorities_are_named),
        cmocka_unit_test(refusing_proxy_is_named),
        cmocka_unit_test(oversized_header_line_is_not_taken_for_lack_of_memory),
        cmocka_unit_test(leftovers_on_a_kept_connection_pass_with_it),
        cmocka_unit_test(library_text_is_made_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
