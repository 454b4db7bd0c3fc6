#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "oci/descriptor.h"

#define DIGEST "\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""

static bool read_text(const char *text, struct plm_descriptor *out, struct plm_error *err)
{
    plm_auto(plm_json_freep) struct plm_json *root = NULL;
    assert_true(plm_json_parse(text, strlen(text), 8, &root, NULL));
    return plm_descriptor_read(root, "layer 7", out, err);
}

static void good_ones_are_read(void **state)
{
    (void)state;
    struct plm_descriptor d;
    struct plm_error err = {0};
    assert_true(read_text("{\"digest\":" DIGEST ",\"size\":4611686018427387903,"
                          "\"mediaType\":\"a/b\\u001b\",\"more\":[]}",
                          &d, &err));
    assert_true(d.size == PLM_BLOB_SIZE_LIMIT - 1);
    assert_string_equal(d.media, "a/b\\x1b");
    assert_int_equal(d.digest.sha256[0], 0xba);
    assert_true(read_text("{\"digest\":" DIGEST ",\"size\":0}", &d, &err));
    assert_string_equal(d.media, "");
}

static void bad_ones_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[]",
        "{\"size\":1}",
        "{\"digest\":1,\"size\":1}",
        "{\"digest\":\"\",\"size\":1}",
        "{\"digest\":\"sha256:../../etc/passwd\",\"size\":1}",
        "{\"digest\":" DIGEST "}",
        "{\"digest\":" DIGEST ",\"size\":-1}",
        "{\"digest\":" DIGEST ",\"size\":1.0}",
        "{\"digest\":" DIGEST ",\"size\":\"1\"}",
        "{\"digest\":" DIGEST ",\"size\":4611686018427387904}",
        "{\"digest\":" DIGEST ",\"size\":1,\"mediaType\":5}",
    };
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        struct plm_descriptor d = {.size = 77};
        struct plm_error err = {0};
        assert_false(read_text(bad[i], &d, &err));
        assert_int_equal(err.code, PLM_E_PROTOCOL);
        assert_non_null(strstr(err.msg, "layer 7"));
        assert_int_equal(d.size, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_read),
        cmocka_unit_test(bad_ones_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
