#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/upload_url.h"

#define ASKED "https://reg.example/v2/a/m/blobs/uploads/"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static struct plm_http_head head;

static const char *session(const char *asked, const char *location, const char *upload_location)
{
    static char out[PLM_URL_MAX];
    struct plm_error err = {0};
    memset(&head, 0, sizeof(head));
    (void)snprintf(head.location, sizeof(head.location), "%s", location);
    (void)snprintf(head.upload_location, sizeof(head.upload_location), "%s", upload_location);
    (void)strcpy(out, "untouched");
    if (!plm_upload_session_url(asked, &head, out, &err)) {
        assert_int_equal(err.code, PLM_E_PROTOCOL);
        assert_string_equal(out, "untouched");
        return NULL;
    }
    return out;
}

static void an_absolute_address_is_taken_as_it_stands(void **state)
{
    (void)state;
    assert_string_equal(session(ASKED, "https://reg.example/u/1?_state=a%2Fb==&x", ""),
                        "https://reg.example/u/1?_state=a%2Fb==&x");
    assert_string_equal(session(ASKED, "https://other.example:8443/u", ""),
                        "https://other.example:8443/u");
}

static void a_relative_address_is_resolved(void **state)
{
    (void)state;
    assert_string_equal(session(ASKED, "/v2/a/m/blobs/uploads/77?_state=s", ""),
                        "https://reg.example/v2/a/m/blobs/uploads/77?_state=s");
    assert_string_equal(session(ASKED, "77?_state=s", ""),
                        "https://reg.example/v2/a/m/blobs/uploads/77?_state=s");
    assert_string_equal(session(ASKED "77", "?_state=t", ""), ASKED "77?_state=t");
}

static void the_upload_location_counts_before_the_location(void **state)
{
    (void)state;
    assert_string_equal(session(ASKED, "https://store.example/part", "/session/2"),
                        "https://reg.example/session/2");
}

static void an_answer_without_an_address_names_none(void **state)
{
    (void)state;
    assert_string_equal(session(ASKED, "", ""), "");
}

static void an_address_that_leaves_https_or_http_is_refused(void **state)
{
    (void)state;
    assert_null(session(ASKED, "http://reg.example/u", ""));
    assert_null(session(ASKED, "ftp://reg.example/u", ""));
    assert_null(session(ASKED, "https://user:secret@reg.example/u", ""));
    assert_null(session(ASKED, "/u\x01", ""));
    assert_string_equal(session("http://h/x", "https://h/u", ""), "https://h/u");
}

static const char *commit(const char *at, const char *etag)
{
    static char out[PLM_URL_MAX];
    const struct plm_digest digest = {{0}};
    struct plm_error err = {0};
    return plm_upload_commit_url(at, &digest, etag, out, &err) ? out : NULL;
}

static void the_digest_is_added_to_whatever_query_there_is(void **state)
{
    (void)state;
    assert_string_equal(commit("https://h/u", NULL), "https://h/u?digest=sha256%3A" ZEROS);
    assert_string_equal(commit("https://h/u?", NULL), "https://h/u?digest=sha256%3A" ZEROS);
    assert_string_equal(commit("https://h/u?a=b", NULL), "https://h/u?a=b&digest=sha256%3A" ZEROS);
    assert_string_equal(commit("https://h/u?a=b&", NULL), "https://h/u?a=b&digest=sha256%3A" ZEROS);
    assert_string_equal(commit("https://h/u?a=b", "ff-2"),
                        "https://h/u?a=b&digest=sha256%3A" ZEROS "&etag=ff-2");
}

static void an_address_that_would_be_cut_is_refused(void **state)
{
    (void)state;
    static char at[PLM_URL_MAX];
    memset(at, 'a', sizeof(at) - 20);
    assert_null(commit(at, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absolute_address_is_taken_as_it_stands),
        cmocka_unit_test(a_relative_address_is_resolved),
        cmocka_unit_test(the_upload_location_counts_before_the_location),
        cmocka_unit_test(an_answer_without_an_address_names_none),
        cmocka_unit_test(an_address_that_leaves_https_or_http_is_refused),
        cmocka_unit_test(the_digest_is_added_to_whatever_query_there_is),
        cmocka_unit_test(an_address_that_would_be_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
