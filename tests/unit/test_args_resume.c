#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/args.h"

static void expect(int argc, const char *const *argv, const char *flags)
{
    struct plm_args args;
    struct plm_error err = {0};
    assert_true(plm_args_parse(argc, argv, &args, &err));
    char *text = plm_args_resume_flags(&args);
    assert_string_equal(text, flags);
    free(text);
    plm_args_done(&args);
}

static void only_flags_of_place_and_way_are_repeated(void **state)
{
    (void)state;
    const char *argv[] = {"pullama", "m", "--models-dir", "/data/models", "-x", "8", "--insecure"};
    expect(7, argv, "--models-dir /data/models --insecure ");
    expect(2, argv, "");
}

static void what_spares_the_line_and_the_disk_is_repeated(void **state)
{
    (void)state;
    const char *argv[] = {"pull", "--limit-rate", "10M", "--min-free", "1G", "m"};
    expect(6, argv, "--limit-rate 10M --min-free 1G ");
}

static void blanks_and_quotes_survive_a_shell(void **state)
{
    (void)state;
    const char *argv[] = {"pullama", "m", "--models-dir", "/it's my disk"};
    expect(4, argv, "--models-dir '/it'\\''s my disk' ");
}

static void a_proxy_with_its_password_is_not_repeated(void **state)
{
    (void)state;
    const char *argv[] = {"pullama", "m", "--proxy", "http://me:secret@proxy:3128"};
    expect(4, argv, "");
}

static void several_models_are_repeated_as_they_were_typed(void **state)
{
    (void)state;
    const char *argv[] = {"pullama", "pull", "http://h/n/m", "x:q4"};
    struct plm_args args;
    struct plm_error err = {0};
    assert_true(plm_args_parse(4, argv, &args, &err));
    char *text = plm_args_resume_models(&args);
    assert_string_equal(text, "http://h/n/m x:q4");
    free(text);
    plm_args_done(&args);
    assert_true(plm_args_parse(3, argv, &args, &err));
    assert_null(plm_args_resume_models(&args));
    plm_args_done(&args);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_flags_of_place_and_way_are_repeated),
        cmocka_unit_test(what_spares_the_line_and_the_disk_is_repeated),
        cmocka_unit_test(blanks_and_quotes_survive_a_shell),
        cmocka_unit_test(a_proxy_with_its_password_is_not_repeated),
        cmocka_unit_test(several_models_are_repeated_as_they_were_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
