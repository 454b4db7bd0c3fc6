#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pullama/engine.h"

static void set(const char *name, const char *value)
{
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void assert_dir(const char *models, const char *home, const char *must)
{
    char *is = NULL;
    struct plm_error err = {0};
    set("OLLAMA_MODELS", models);
    set("HOME", home);
    if (!plm_models_dir_default(&is, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(is, must);
    free(is);
}

static void the_environment_says_where_models_lie(void **state)
{
    (void)state;
    assert_dir("/srv/models", "/home/u", "/srv/models");
    assert_dir("relative dir", "/home/u", "relative dir");
    assert_dir("/srv/models", NULL, "/srv/models");
    assert_dir(NULL, "/home/u", "/home/u/.ollama/models");
    assert_dir("", "/home/u", "/home/u/.ollama/models");
}

static void blanks_and_quotes_around_it_are_taken_off_as_ollama_does(void **state)
{
    (void)state;
    assert_dir("  /srv/m\t\r\n", "/h", "/srv/m");
    assert_dir("\"/srv/m\"", "/h", "/srv/m");
    assert_dir(" '/srv/m' ", "/h", "/srv/m");
    assert_dir("\"' /srv/m '\"", "/h", " /srv/m "); /* blanks first, then quotes, once each */
    assert_dir("/srv/it's", "/h", "/srv/it's");
    assert_dir(" \"\" ", "/h", "/h/.ollama/models");
    assert_dir("   ", "/h", "/h/.ollama/models");
}

static void without_either_it_says_what_to_do(void **state)
{
    (void)state;
    static const char *const empty[] = {NULL, ""};
    for (size_t i = 0; i < PLM_COUNT(empty); i++) {
        char *is = NULL;
        struct plm_error err = {0};
        set("OLLAMA_MODELS", empty[i]);
        set("HOME", empty[i]);
        assert_false(plm_models_dir_default(&is, &err));
        assert_int_equal(err.code, PLM_E_USAGE);
        assert_non_null(strstr(err.msg, "--models-dir"));
        assert_null(is);
    }
}

static void the_version_is_one(void **state)
{
    (void)state;
    assert_true(strspn(plm_version(), "0123456789.") >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_says_where_models_lie),
        cmocka_unit_test(blanks_and_quotes_around_it_are_taken_off_as_ollama_does),
        cmocka_unit_test(without_either_it_says_what_to_do),
        cmocka_unit_test(the_version_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
