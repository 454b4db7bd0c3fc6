#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/credential_helper.h"
#include "program_scripts.h"

static bool get(struct plm_buf *pair, bool *found, struct plm_error *err)
{
    *pair = PLM_BUF_INIT(4096);
    return plm_credential_helper_get(NULL, "t", "r.example", pair, found, err);
}

static void what_a_helper_keeps_is_read(void **state)
{
    (void)state;
    struct plm_buf pair;
    struct plm_error err = {0};
    bool found = false;
    script_make("docker-credential-t",
                "[ \"$1:$(cat)\" = get:r.example ] || exit 9\n"
                "echo '{\"ServerURL\":\"r.example\",\"Username\":\"ann\",\"Secret\":\"p:w\"}'");
    assert_true(get(&pair, &found, &err));
    assert_true(found);
    assert_string_equal(pair.bytes, "ann:p:w");
    plm_buf_wipe(&pair);
}

static void nothing_kept_is_no_failure(void **state)
{
    (void)state;
    struct plm_buf pair;
    struct plm_error err = {0};
    bool found = true, erased = true;
    script_make("docker-credential-t", "echo credentials not found in native keychain; exit 1");
    assert_true(get(&pair, &found, &err));
    assert_false(found);
    assert_true(plm_credential_helper_erase(NULL, "t", "r.example", &erased, &err));
    assert_false(erased);
}

static void a_failing_helper_says_why_in_one_safe_line(void **state)
{
    (void)state;
    struct plm_buf pair;
    struct plm_error err = {0};
    bool found = true;
    script_make("docker-credential-t", "printf 'locked \\033[1m\\nmore\\n'; exit 4");
    assert_false(get(&pair, &found, &err));
    assert_non_null(strstr(err.msg, "docker-credential-t failed with status 4: locked "));
    assert_null(strchr(err.msg, '\033'));
    assert_null(strstr(err.msg, "more"));
}

static void an_answer_that_cannot_be_used_is_not_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum plm_code code;
    } rows[] = {
        {"", PLM_E_PROTOCOL},
        {"hunter2", PLM_E_PROTOCOL},
        {"[\"hunter2\"]", PLM_E_PROTOCOL},
        {"{\"Username\":\"hunter2\"}", PLM_E_PROTOCOL},
        {"{\"Username\":7,\"Secret\":\"hunter2\"}", PLM_E_PROTOCOL},
        {"{\"Username\":\"\",\"Secret\":\"hunter2\"}", PLM_E_PROTOCOL},
        {"{\"Username\":\"a:b\",\"Secret\":\"hunter2\"}", PLM_E_PROTOCOL},
        {"{\"Username\":\"a\",\"Secret\":\"hunter2\\n\"}", PLM_E_PROTOCOL},
    };
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_buf pair = PLM_BUF_INIT(4096);
        struct plm_error err = {0};
        assert_false(plm_credential_helper_parse(rows[i].text, strlen(rows[i].text), &pair, &err));
        assert_int_equal(err.code, rows[i].code);
        assert_null(strstr(err.msg, "hunter2"));
        plm_buf_wipe(&pair);
    }
}

static void what_is_stored_reaches_the_helper_through_its_input(void **state)
{
    (void)state;
    char said[300] = "";
    struct plm_error err = {0};
    script_make("docker-credential-t", "[ $# = 1 ] && cat >\"$0.said\"");
    assert_true(plm_credential_helper_store(NULL, "t", "r.example", "ann", "p\"w\\", &err));
    FILE *file = fopen(scratch_file("docker-credential-t.said"), "r");
    assert_non_null(file);
    assert_non_null(fgets(said, sizeof(said), file));
    assert_int_equal(fclose(file), 0);
    assert_string_equal(
        said, "{\"ServerURL\":\"r.example\",\"Username\":\"ann\",\"Secret\":\"p\\\"w\\\\\"}");
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(what_a_helper_keeps_is_read),
        WITH_SCRATCH(nothing_kept_is_no_failure),
        WITH_SCRATCH(a_failing_helper_says_why_in_one_safe_line),
        WITH_SCRATCH(an_answer_that_cannot_be_used_is_not_quoted),
        WITH_SCRATCH(what_is_stored_reaches_the_helper_through_its_input),
    };
    return cmocka_run_group_tests_name("credential_helper", tests, NULL, NULL);
}
