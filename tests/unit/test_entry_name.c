#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "archive/entry_name.h"

static enum plm_entry_kind judge(const char *name)
{
    struct plm_digest digest;
    struct plm_ref ref;
    return plm_entry_judge(name, strlen(name), &digest, &ref);
}

static void every_reference_comes_back_from_its_name(void **state)
{
    (void)state;
    const char *const texts[] = {"llama3.2:3b", "127.0.0.1:5000/alice/m:v1", "[::1]:5000/a/b:c",
                                 "con:nul",     "h.example/com1/lpt9.x:aux.", "hf.co/A/B-c:Q4_K_M",
                                 "console:prnt"};
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        struct plm_ref ref, back;
        struct plm_digest digest;
        char name[PLM_ENTRY_NAME];
        assert_true(plm_ref_parse(texts[i], &ref, NULL));
        plm_entry_of_manifest(&ref, name);
        assert_null(strpbrk(name, ":<>\"|?*\\"));
        assert_int_equal(plm_entry_judge(name, strlen(name), &digest, &back), PLM_ENTRY_MANIFEST);
        assert_true(plm_ref_same_model(&ref, &back));
    }
}

static void what_windows_cannot_make_is_written_otherwise(void **state)
{
    (void)state;
    const struct {
        const char *text, *name;
    } rows[] = {
        {"127.0.0.1:5000/a/m:v1", "manifests/127.0.0.1%3A5000/a/m/v1"},
        {"con:latest", "manifests/registry.ollama.ai/library/%63on/latest"},
        {"x:NUL.v1", "manifests/registry.ollama.ai/library/x/%4EUL.v1"},
        {"x:com0", "manifests/registry.ollama.ai/library/x/%63om0"},
        {"x:v1.", "manifests/registry.ollama.ai/library/x/v1%2E"},
        {"x:conx", "manifests/registry.ollama.ai/library/x/conx"},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_ref ref;
        char name[PLM_ENTRY_NAME];
        assert_true(plm_ref_parse(rows[i].text, &ref, NULL));
        assert_string_equal(plm_entry_of_manifest(&ref, name), rows[i].name);
    }
}

static void a_plain_port_is_understood_too(void **state)
{
    (void)state;
    assert_int_equal(judge("manifests/127.0.0.1:5000/a/m/v1"), PLM_ENTRY_MANIFEST);
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void blobs_are_known_by_their_exact_name(void **state)
{
    (void)state;
    struct plm_digest digest;
    struct plm_ref ref;
    char name[PLM_ENTRY_NAME];
    const char *blob = "blobs/sha256-" HEX;
    assert_int_equal(plm_entry_judge(blob, strlen(blob), &digest, &ref), PLM_ENTRY_BLOB);
    assert_string_equal(plm_entry_of_blob(&digest, name), blob);
    assert_int_equal(judge("blobs/sha256-" HEX "0"), PLM_ENTRY_FOREIGN);
    assert_int_equal(judge("blobs/sha256:" HEX), PLM_ENTRY_FOREIGN);
    assert_int_equal(judge("Blobs/sha256-" HEX), PLM_ENTRY_FOREIGN);
    assert_int_equal(judge("blobs/sha256-" HEX ".partial"), PLM_ENTRY_FOREIGN);
    assert_int_equal(judge("blobs/../blobs/sha256-" HEX), PLM_ENTRY_FOREIGN);
}

static void folders_are_those_that_lie_on_the_way(void **state)
{
    (void)state;
    assert_int_equal(judge("blobs/"), PLM_ENTRY_FOLDER);
    assert_int_equal(judge("manifests/"), PLM_ENTRY_FOLDER);
    assert_int_equal(judge("manifests/a/b/c/"), PLM_ENTRY_FOLDER);
    const char *const bad[] = {"manifests/a/b/c/d/", "blobs/x/",          "manifests/../",
                               "manifests/./",       "manifests/%2E%2E/", "manifests//",
                               "/",                  "../",               "manifests/a\\b/"};
    for (size_t i = 0; i < PLM_COUNT(bad); i++)
        assert_int_equal(judge(bad[i]), PLM_ENTRY_FOREIGN);
}

static void all_else_is_foreign(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",
        "/etc/passwd",
        "../x",
        "manifests/h/n/m",
        "manifests/h/n/m/t/u",
        "manifests/h/n/m/..",
        "manifests/h/n/../t",
        "manifests//n/m/t",
        "manifests/h/n/m/%2E%2E",
        "manifests/h/n/m%2Ft",
        "manifests/h/n/m/a%2Fb",
        "manifests/h/n/m/%74",  /* without need */
        "manifests/h/n/m/v1%2e", /* digits in lower case */
        "manifests/h/n/m/%",
        "manifests/h/n/m/%0",
        "manifests/h/n/m/%00",
        "manifests/h/n/m/a b",
        "manifests/h/n/m/\xff",
        ".pullm/sha256-" HEX ".partial",
        "C:\\x",
        "manifests\\h\\n\\m\\t",
    };
    for (size_t i = 0; i < PLM_COUNT(bad); i++)
        if (judge(bad[i]) != PLM_ENTRY_FOREIGN)
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reference_comes_back_from_its_name),
        cmocka_unit_test(what_windows_cannot_make_is_written_otherwise),
        cmocka_unit_test(a_plain_port_is_understood_too),
        cmocka_unit_test(blobs_are_known_by_their_exact_name),
        cmocka_unit_test(folders_are_those_that_lie_on_the_way),
        cmocka_unit_test(all_else_is_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
