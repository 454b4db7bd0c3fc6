#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "pullama/manifest.h"

#define DIGEST(c) "\"sha256:" c c c c c c c c c c c c c c c c "\""
#define A DIGEST("aaaa")
#define B DIGEST("bbbb")
#define C DIGEST("cccc")

static struct plm_manifest *parse(const char *text)
{
    struct plm_manifest *m = NULL;
    struct plm_error err = {0};
    if (!plm_manifest_parse(text, strlen(text), &m, &err))
        fail_msg("%s", err.msg);
    return m;
}

static void refuse(const char *text, enum plm_code code)
{
    struct plm_manifest *m = NULL;
    struct plm_error err = {0};
    if (plm_manifest_parse(text, strlen(text), &m, &err))
        fail_msg("accepted: %.200s", text);
    assert_int_equal(err.code, code);
    assert_null(m);
}

static void a_manifest_is_read_and_its_bytes_are_kept(void **state)
{
    (void)state;
    static const char text[] =
        "{\"schemaVersion\":2, \"unknown\":{},\n\"config\":{\"digest\":" C ",\"size\":3},"
        "\"layers\":[{\"mediaType\":\"m/t\",\"digest\":" A
        ",\"size\":10,\"from\":\"llama3:latest\"},"
        "{\"digest\":" B ",\"size\":0,\"name\":\"config.json\"}]}\n";
    plm_auto(plm_manifest_freep) struct plm_manifest *m = parse(text);
    assert_int_equal(m->raw_size, strlen(text));
    assert_string_equal(m->raw, text);
    struct plm_digest digest;
    assert_true(plm_digest_of(text, strlen(text), &digest, NULL));
    assert_true(plm_digest_equal(&digest, &m->digest));
    assert_int_equal(m->layer_count, 2);
    assert_string_equal(m->layers[0].blob.media, "m/t");
    assert_int_equal(m->layers[0].blob.size, 10);
    assert_string_equal(m->layers[0].from, "llama3:latest");
    assert_null(m->layers[0].name);
    assert_string_equal(m->layers[1].name, "config.json");
    assert_true(m->has_config);
    assert_int_equal(m->config.digest.sha256[0], 0xcc);
    assert_int_equal(plm_manifest_total_size(m), 13);
    plm_manifest_free(NULL);
}

static void the_config_may_be_missing_or_empty(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"layers\":[{\"digest\":" A ",\"size\":1}]}",
        "{\"config\":null,\"layers\":[{\"digest\":" A ",\"size\":1}]}",
        "{\"config\":{\"digest\":\"\",\"size\":0},\"layers\":[{\"digest\":" A ",\"size\":1}]}",
    };
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        plm_auto(plm_manifest_freep) struct plm_manifest *m = parse(texts[i]);
        assert_false(m->has_config);
        assert_int_equal(m->layer_count, 1);
    }
    plm_auto(plm_manifest_freep) struct plm_manifest *m =
        parse("{\"config\":{\"digest\":" A ",\"size\":1}}");
    assert_true(m->has_config);
    assert_int_equal(m->layer_count, 0);
}

static void what_is_no_manifest_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "<html>",
        "{\"layers\":[]}",
        "{\"layers\":{}}",
        "{\"layers\":[null]}",
        "{\"layers\":[{\"digest\":\"\",\"size\":1}]}",
        "{\"layers\":[{\"digest\":" A ",\"size\":1,\"from\":5}]}",
        "{\"layers\":[{\"digest\":" A ",\"size\":1}],\"config\":{}}",
        "{\"layers\":[{\"digest\":" A ",\"size\":1}],\"config\":5}",
        "{\"layers\":[{\"digest\":" A ",\"size\":1},{\"digest\":" B ",\"size\":1},"
        "{\"digest\":" A ",\"size\":2}]}",
        "{\"layers\":[{\"digest\":" A ",\"size\":1}],\"config\":{\"digest\":" A ",\"size\":2}}",
        "{\"layers\":[{\"digest\":" A ",\"size\":4611686018427387903},{\"digest\":" B
        ",\"size\":1}]}",
        "{\"layers\":[{\"digest\":" A ",\"size\":1}],\"layers\":[]}",
    };
    for (size_t i = 0; i < PLM_COUNT(bad); i++)
        refuse(bad[i], PLM_E_PROTOCOL);
}

static void lists_are_told_from_manifests(void **state)
{
    (void)state;
    refuse("{\"manifests\":[]}", PLM_E_UNSUPPORTED);
    refuse("{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"layers\":[]}",
           PLM_E_UNSUPPORTED);
    refuse("{\"mediaType\":\"application/vnd.ollama.manifest.list.v2+json\"}", PLM_E_UNSUPPORTED);
}

static void caps_hold(void **state)
{
    (void)state;
    struct plm_buf buf = PLM_BUF_INIT(8u << 20);
    struct plm_error err = {0};
    assert_true(plm_buf_append(&buf, "{\"layers\":[{}", 13, &err));
    for (int i = 0; i < PLM_MANIFEST_MAX_LAYERS; i++)
        assert_true(plm_buf_append(&buf, ",{}", 3, &err));
    assert_true(plm_buf_append(&buf, "]}", 2, &err));
    refuse(buf.bytes, PLM_E_LIMIT);
    plm_buf_clear(&buf);
    while (buf.size <= PLM_MANIFEST_MAX_BYTES)
        assert_true(plm_buf_append(&buf, "                ", 16, &err));
    refuse(buf.bytes, PLM_E_LIMIT);
    plm_buf_clear(&buf);
    for (int i = 0; i < PLM_MANIFEST_MAX_DEPTH + 1; i++)
        assert_true(plm_buf_append(&buf, "[", 1, &err));
    refuse(buf.bytes, PLM_E_LIMIT);
    plm_buf_done(&buf);
}

static void blobs_come_once_layers_first_config_last(void **state)
{
    (void)state;
    plm_auto(plm_manifest_freep) struct plm_manifest *m =
        parse("{\"config\":{\"digest\":" A ",\"size\":3},\"layers\":["
              "{\"digest\":" C ",\"size\":1,\"mediaType\":\"first\"},{\"digest\":" B ",\"size\":2},"
              "{\"digest\":" C ",\"size\":1,\"mediaType\":\"again\"}]}");
    struct plm_descriptor *blobs = NULL;
    size_t count = 0;
    struct plm_error err = {0};
    assert_true(plm_manifest_blobs(m, &blobs, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(blobs[0].digest.sha256[0], 0xcc);
    assert_string_equal(blobs[0].media, "first");
    assert_int_equal(blobs[1].digest.sha256[0], 0xbb);
    assert_int_equal(blobs[2].digest.sha256[0], 0xaa);
    assert_int_equal(plm_manifest_total_size(m), 7);
    free(blobs);
}

/* The largest document that the byte cap allows: this must neither be refused nor take quadratic
 * time. */
static void a_manifest_of_12000_layers_is_read(void **state)
{
    (void)state;
    struct plm_buf buf = PLM_BUF_INIT(PLM_MANIFEST_MAX_BYTES);
    struct plm_error err = {0};
    size_t layers = 0;
    assert_true(plm_buf_append(&buf, "{\"layers\":[", 11, &err));
    for (; layers < 12000; layers++)
        assert_true(plm_buf_printf(&buf, &err, "%s{\"digest\":\"sha256:%064zx\",\"size\":1}",
                                   layers ? "," : "", layers / 2 * 7919 % 65536));
    assert_true(plm_buf_append(&buf, "]}", 2, &err));
    plm_auto(plm_manifest_freep) struct plm_manifest *m = parse(buf.bytes);
    struct plm_descriptor *blobs = NULL;
    size_t count = 0;
    assert_int_equal(m->layer_count, layers);
    assert_true(plm_manifest_blobs(m, &blobs, &count, &err));
    assert_int_equal(count, (layers + 1) / 2);
    free(blobs);
    plm_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_is_read_and_its_bytes_are_kept),
        cmocka_unit_test(the_config_may_be_missing_or_empty),
        cmocka_unit_test(what_is_no_manifest_is_refused),
        cmocka_unit_test(lists_are_told_from_manifests),
        cmocka_unit_test(caps_hold),
        cmocka_unit_test(blobs_come_once_layers_first_config_last),
        cmocka_unit_test(a_manifest_of_12000_layers_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
