#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "oci/index.h"
#include "pullama/manifest.h"

#define ENTRY(c, platform)                                                                         \
    "{\"digest\":\"sha256:" c c c c c c c c c c c c c c c c "\",\"size\":9" platform "}"
#define ON(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define ON_VARIANT(os, arch, v)                                                                    \
    ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\",\"variant\":\"" v "\"}"
#define INDEX(entries)                                                                             \
    "{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[" entries "]}"
#define ATTESTATION ENTRY("eeee", ON("unknown", "unknown"))

static const char several[] = INDEX(ATTESTATION "," ENTRY("1111", ON("linux", "mips")) "," ENTRY(
    "2222", ON_VARIANT("linux", "arm", "v6")) "," ENTRY("3333", ON_VARIANT("linux", "arm", "v7")));

/* First byte of the digest that is chosen; -1 and the error when none is. */
static int choose(const char *text, const char *platform, struct plm_error *err)
{
    struct plm_descriptor d;
    *err = (struct plm_error){0};
    return plm_index_select(text, strlen(text), platform, &d, err) ? d.digest.sha256[0] : -1;
}

static void a_platform_is_chosen_by_name(void **state)
{
    (void)state;
    struct plm_error err;
    assert_int_equal(choose(several, "linux/mips", &err), 0x11);
    assert_int_equal(choose(several, "linux/arm", &err), 0x22);
    assert_int_equal(choose(several, "linux/arm/v7", &err), 0x33);
    assert_int_equal(choose(several, "unknown/unknown", &err), 0xee);
    assert_int_equal(choose(several, "linux/arm/v8", &err), -1);
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "linux/mips, linux/arm/v6, linux/arm/v7"));
    assert_null(strstr(err.msg, "unknown/unknown"));
    assert_int_equal(choose(several, "linux/mi", &err), -1);
    static const char *const bad[] = {"", "linux", "/", "linux/", "/arm", "a/b/c/d", "a//b"};
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        assert_int_equal(choose(several, bad[i], &err), -1);
        assert_int_equal(err.code, PLM_E_USAGE);
    }
}

static void without_a_name_this_machine_then_linux_amd64_then_the_only_one(void **state)
{
    (void)state;
    struct plm_error err;
    assert_int_equal(
        choose(INDEX(ENTRY("1111", ON("linux", "mips")) "," ENTRY("2222", ON("linux", "amd64"))),
               NULL, &err),
        0x22);
    assert_int_equal(choose(INDEX(ATTESTATION "," ENTRY("1111", ON("plan9", "mips"))), NULL, &err),
                     0x11);
    assert_int_equal(choose(INDEX(ENTRY("1111", "")), NULL, &err), 0x11);
    assert_int_equal(choose(several, NULL, &err), -1);
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    assert_int_equal(choose(INDEX(ATTESTATION), NULL, &err), -1);
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    assert_int_equal(choose(INDEX(""), NULL, &err), -1);
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
}

static void hostile_indexes_are_refused(void **state)
{
    (void)state;
    struct plm_error err;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"manifests\":{}}",
        "{\"manifests\":[1]}",
        "{\"manifests\":[" ENTRY("1111", "") "],\"layers\":[]}",
        INDEX(ENTRY("1111", "") ",{\"digest\":\"sha256:../x\",\"size\":1}"),
    };
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        assert_int_equal(choose(bad[i], NULL, &err), -1);
        assert_int_equal(err.code, PLM_E_PROTOCOL);
    }
    assert_int_equal(
        choose(INDEX(ENTRY("1111", ON("\\u001b[2J", "x")) "," ENTRY("2222", "")), NULL, &err), -1);
    assert_null(strchr(err.msg, '\x1b'));
}

static void ollamas_own_list_is_named_as_unsupported(void **state)
{
    (void)state;
    struct plm_error err;
    static const char text[] = "{\"mediaType\":\"application/vnd.ollama.manifest.list.v2+json\","
                               "\"manifests\":[" ENTRY("1111", ",\"runner\":\"mlx\"") "]}";
    assert_true(plm_index_detect(text, strlen(text)));
    assert_int_equal(choose(text, NULL, &err), -1);
    assert_int_equal(err.code, PLM_E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "Ollama manifest list"));
}

static void long_lists_of_platforms_are_cut(void **state)
{
    (void)state;
    struct plm_error err;
    char text[65536];
    size_t used = (size_t)snprintf(text, sizeof(text), "{\"manifests\":[");
    for (int i = 0; i < 200; i++)
        used += (size_t)snprintf(
            text + used, sizeof(text) - used,
            "%s{\"digest\":\"sha256:%064x\",\"size\":1,\"platform\":{\"os\":\"os\","
            "\"architecture\":\"arch-number-%d\"}}",
            i ? "," : "", (unsigned)i, i);
    (void)snprintf(text + used, sizeof(text) - used, "]}");
    assert_int_equal(choose(text, NULL, &err), -1);
    assert_int_equal(err.code, PLM_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "arch-number-0, "));
    assert_non_null(strstr(err.msg, "\xE2\x80\xA6"));
}

static void indexes_are_detected(void **state)
{
    (void)state;
    assert_true(plm_index_detect(several, strlen(several)));
    static const char docker[] =
        "{\"mediaType\":\"application/vnd.docker.distribution.manifest.list.v2+json\"}";
    assert_true(plm_index_detect(docker, strlen(docker)));
    assert_true(plm_index_detect("{\"manifests\":[]}", 16));
    assert_false(plm_index_detect("{\"layers\":[]}", 13));
    assert_false(plm_index_detect("{\"manifests\":", 13));
    assert_false(plm_index_detect("[]", 2));
    assert_false(plm_index_is(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_platform_is_chosen_by_name),
        cmocka_unit_test(without_a_name_this_machine_then_linux_amd64_then_the_only_one),
        cmocka_unit_test(hostile_indexes_are_refused),
        cmocka_unit_test(ollamas_own_list_is_named_as_unsupported),
        cmocka_unit_test(long_lists_of_platforms_are_cut),
        cmocka_unit_test(indexes_are_detected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
