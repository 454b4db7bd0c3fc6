#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/help.h"

/* The help of a verb (NULL: of the program) as text. */
static char *written(const struct plm_verb_row *verb)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    plm_help_write(out, verb);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_fits(const char *text)
{
    assert_true(text[strlen(text) - 1] == '\n');
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (length > 80 || (length > 0 && text[length - 1] == ' '))
            fail_msg("line of %zu columns: %.*s", length, (int)length, text);
        for (size_t i = 0; i < length; i++)
            assert_true(text[i] >= ' ' && text[i] <= '~');
        text += length + 1;
    }
}

/* How often a piece of text stands in another. */
static unsigned count(const char *text, const char *piece)
{
    unsigned found = 0;
    for (const char *at = text; (at = strstr(at, piece)); at += strlen(piece))
        found++;
    return found;
}

/* How often a line documents the option: its name right behind the line's beginning. */
static unsigned count_option(const char *text, const struct plm_option_row *row)
{
    char plain[64], with_letter[64];
    const char *end = row->type == PLM_VALUE_FLAG ? "" : " ";
    (void)snprintf(plain, sizeof(plain), "\n  --%s%s", row->name, end);
    (void)snprintf(with_letter, sizeof(with_letter), "\n  -%c, --%s%s", row->letter, row->name,
                   end);
    return count(text, plain) + (row->letter ? count(text, with_letter) : 0);
}

static void help_fits_in_80_columns(void **state)
{
    (void)state;
    char *text = written(NULL);
    assert_fits(text);
    free(text);
    const struct plm_verb_row *verb;
    for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
        text = written(verb);
        assert_fits(text);
        free(text);
    }
}

static void help_of_a_verb_has_each_of_its_options_once_and_no_other(void **state)
{
    (void)state;
    const struct plm_verb_row *verb;
    for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
        char *text = written(verb);
        assert_non_null(strstr(text, verb->summary));
        assert_non_null(strstr(text, verb->operands));
        for (unsigned i = 0; i < PLM_OPTIONS; i++) {
            enum plm_option_id id = (enum plm_option_id)i;
            unsigned expected = plm_verb_takes(verb, id) ? 1 : 0;
            if (count_option(text, plm_option_row(id)) != expected)
                fail_msg("%s: --%s", verb->name, plm_option_row(id)->name);
        }
        free(text);
    }
}

static void help_of_the_program_has_every_verb_and_every_option_once(void **state)
{
    (void)state;
    char *text = written(NULL);
    const struct plm_verb_row *verb;
    for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
        char line[64];
        (void)snprintf(line, sizeof(line), "\n  %s%s", verb->name, verb->alias ? "," : " ");
        assert_int_equal(count(text, line), 1);
        assert_int_equal(count(text, verb->summary), 1);
    }
    for (unsigned i = 0; i < PLM_OPTIONS; i++)
        assert_int_equal(count_option(text, plm_option_row((enum plm_option_id)i)), 1);
    free(text);
}

static void help_of_the_program_has_environment_statuses_and_examples(void **state)
{
    (void)state;
    char *text = written(NULL);
    const char *const pieces[] = {"OLLAMA_MODELS", "OLLAMA_NOPRUNE", "NO_COLOR",
                                  "\n  64 ",       "\n  6 ",         "HTTPS_PROXY",
                                  "Usage:",        "Examples:",      "pull, push, update, rm, "};
    for (size_t i = 0; i < PLM_COUNT(pieces); i++)
        assert_non_null(strstr(text, pieces[i]));
    free(text);
}

static void help_says_defaults_and_what_is_allowed(void **state)
{
    (void)state;
    char *text = written(plm_verb_row(PLM_VERB_PULL));
    assert_non_null(strstr(text, "default 30m)"));
    assert_non_null(strstr(text, "(64KiB to 1TiB;"));
    assert_non_null(strstr(text, "(1 to 32;"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_fits_in_80_columns),
        cmocka_unit_test(help_of_a_verb_has_each_of_its_options_once_and_no_other),
        cmocka_unit_test(help_of_the_program_has_every_verb_and_every_option_once),
        cmocka_unit_test(help_of_the_program_has_environment_statuses_and_examples),
        cmocka_unit_test(help_says_defaults_and_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
