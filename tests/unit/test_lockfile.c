#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/lockfile.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PIN "@sha256:" HEX

static bool collect(void *ctx, const struct plm_ref *ref)
{
    char *out = ctx, name[PLM_REF_TEXT];
    assert_true(ref->has_digest);
    (void)strcat(strcat(out, plm_ref_format(ref, name)), " ");
    return true;
}

static void assert_reads(const char *text, const char *wanted)
{
    char out[4000] = "";
    struct plm_error err = {0};
    if (!plm_lockfile_read(text, strlen(text), collect, out, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(out, wanted);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct plm_buf text = PLM_BUF_INIT(PLM_LOCKFILE_MAX);
    struct plm_ref one, other;
    assert_true(plm_ref_parse("m" PIN, &one, NULL));
    assert_true(plm_ref_parse("h.x:5000/n/b:t", &other, NULL));
    assert_true(plm_lockfile_begin(&text, NULL));
    assert_true(plm_lockfile_add(&text, &one, &one.digest, NULL));
    assert_true(plm_lockfile_add(&text, &other, &one.digest, NULL));
    assert_true(plm_lockfile_end(&text, NULL));
    assert_reads(text.bytes, "m:latest" PIN " h.x:5000/n/b:t" PIN " ");
    plm_buf_done(&text);
}

static void comments_spaces_and_other_line_ends_count_for_nothing(void **state)
{
    (void)state;
    assert_reads("\n# a\n  version 1 \r\n\n\t# b\n  m" PIN "\t\r\n\nhttp://h.x/n/b" PIN
                 "\n end \n\n# c",
                 "m:latest" PIN " h.x/n/b:latest" PIN " ");
    assert_reads("version 1\nend", "");
}

static void a_lock_file_is_known_by_its_beginning(void **state)
{
    (void)state;
    assert_true(plm_lockfile_is_one("# a\n\n version 1", 15));
    assert_true(plm_lockfile_is_one("version 1\nm@sha256:1", 20)); /* cut */
    assert_false(plm_lockfile_is_one("", 0));
    assert_false(plm_lockfile_is_one("# a\n", 4));
    assert_false(plm_lockfile_is_one("version 2\n", 10));
    assert_false(plm_lockfile_is_one("m\nversion 1\n", 12));
}

static void a_wrong_line_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } wrong[] = {{"", "no line \"version 1\""},
                 {"# only this\n", "no line \"version 1\""},
                 {"m" PIN "\n", "line 1: this is no lock file"},
                 {"version 2\n", "line 1: version 2 is not known"},
                 {"version 1\nm\n", "line 2: m:latest has no digest"},
                 {"version 1\n\nm m" PIN "\n", "line 3: "},
                 {"version 1\nversion 1\n", "line 2: "},
                 {"version 1\nm@sha256:12\n", "line 2: "},
                 {"end\n", "line 1: this is no lock file"},
                 {"version 1\n", "was cut"},
                 {"version 1\nm" PIN "\n", "was cut"},
                 {"version 1\nm" PIN "\nen", "was cut"},
                 {"version 1\nm@sha256:12", "was cut"},
                 {"version 1\nend\nm" PIN "\n", "line 3: there is more"}};
    for (size_t i = 0; i < PLM_COUNT(wrong); i++) {
        char out[1000] = "";
        struct plm_error err = {0};
        assert_false(plm_lockfile_read(wrong[i].text, strlen(wrong[i].text), collect, out, &err));
        assert_int_equal(err.code, PLM_E_USAGE);
        if (!strstr(err.msg, wrong[i].says))
            fail_msg("no '%s' in '%s'", wrong[i].says, err.msg);
    }
}

static void long_lines_and_nuls_are_refused(void **state)
{
    (void)state;
    char text[3000], out[1000] = "";
    struct plm_error err = {0};
    memset(text, 'a', sizeof(text));
    memcpy(text, "version 1\n", 10);
    assert_false(plm_lockfile_read(text, sizeof(text), collect, out, &err));
    assert_non_null(strstr(err.msg, "line 2: too long"));
    assert_false(plm_lockfile_read("version 1\nm\0" PIN, 12 + strlen(PIN), collect, out, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(comments_spaces_and_other_line_ends_count_for_nothing),
        cmocka_unit_test(a_lock_file_is_known_by_its_beginning),
        cmocka_unit_test(a_wrong_line_is_named),
        cmocka_unit_test(long_lines_and_nuls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
