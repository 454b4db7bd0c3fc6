#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/ask.h"

static struct plm_login_words words;

/* Asks with this on the standard input, a pipe. */
static bool ask(const char *user, bool from_stdin, const char *input, size_t size,
                struct plm_error *err)
{
    int ends[2];
    struct plm_screen screen = {.out_fd = -1};
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], input, size), size);
    (void)close(ends[1]);
    *err = (struct plm_error){0};
    memset(&words, 0, sizeof(words));
    const struct plm_ask how = {.host = "h",
                                .user = user,
                                .from_stdin = from_stdin,
                                .in_fd = ends[0],
                                .signal_fd = -1,
                                .screen = &screen,
                                .out = out};
    bool ok = plm_ask_login(&how, &words, err);
    (void)close(ends[0]);
    (void)fclose(out);
    return ok;
}

static void a_password_comes_whole_from_a_pipe(void **state)
{
    (void)state;
    static const struct {
        const char *input, *password;
    } rows[] = {
        {"pw\n", "pw"}, {"pw", "pw"}, {"pw\r\n", "pw"}, {" p w \n", " p w "}, {"a\nb\n", "a\nb"}};
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_error err;
        assert_true(ask("ann", true, rows[i].input, strlen(rows[i].input), &err));
        assert_string_equal(words.user, "ann");
        assert_string_equal(words.password, rows[i].password);
    }
    plm_login_words_wipe(&words);
    assert_int_equal(words.password[0], 0);
}

static void no_answer_and_odd_ones_are_refused(void **state)
{
    (void)state;
    struct plm_error err;
    char large[PLM_ASK_MAX + 10];
    memset(large, 'x', sizeof(large));
    assert_false(ask("ann", true, "", 0, &err));
    assert_int_equal(err.code, PLM_E_USAGE);
    assert_false(ask("ann", true, "\n", 1, &err));
    assert_false(ask("ann", true, "a\0b", 3, &err));
    assert_false(ask("ann", true, large, sizeof(large), &err));
    assert_int_equal(err.code, PLM_E_USAGE);
}

static void without_a_terminal_nobody_is_asked(void **state)
{
    (void)state;
    struct plm_error err;
    assert_false(ask(NULL, true, "pw", 2, &err));
    assert_non_null(strstr(err.msg, "--username"));
    assert_false(ask("ann", false, "pw", 2, &err));
    assert_non_null(strstr(err.msg, "--password-stdin"));
}

static void a_signal_ends_the_question(void **state)
{
    (void)state;
    int in[2], signals[2];
    struct plm_screen screen = {.out_fd = -1};
    struct plm_error err = {0};
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(signals), 0);
    assert_int_equal(write(signals[1], "", 1), 1);
    const struct plm_ask how = {.host = "h",
                                .user = "ann",
                                .from_stdin = true,
                                .in_fd = in[0],
                                .signal_fd = signals[0],
                                .screen = &screen,
                                .out = stderr};
    assert_false(plm_ask_login(&how, &words, &err));
    assert_int_equal(err.code, PLM_E_INTERRUPTED);
    for (size_t i = 0; i < 2; i++) {
        (void)close(in[i]);
        (void)close(signals[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_comes_whole_from_a_pipe),
        cmocka_unit_test(no_answer_and_odd_ones_are_refused),
        cmocka_unit_test(without_a_terminal_nobody_is_asked),
        cmocka_unit_test(a_signal_ends_the_question),
    };
    return cmocka_run_group_tests_name("ask", tests, NULL, NULL);
}
