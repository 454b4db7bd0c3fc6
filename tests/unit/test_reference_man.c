#include "reference_text.h"

static void write_page(void)
{
    FILE *file = reference_open();
    plm_man_write(file);
    reference_close(file);
}

static void every_command_and_every_flag_is_described(void **state)
{
    (void)state;
    const struct plm_verb_row *verb;
    write_page();
    for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
        char line[80];
        (void)snprintf(line, sizeof(line), "\n.SS \"%s", verb->name);
        reference_has(line);
    }
    for (unsigned id = 0; id < PLM_OPTIONS; id++) {
        char flag[80], *to = flag;
        for (const char *from = plm_option_row((enum plm_option_id)id)->name; *from; from++)
            to += snprintf(to, 3, "%s%c", *from == '-' ? "\\" : "", *from);
        char line[96];
        (void)snprintf(line, sizeof(line), "\\fB\\-\\-%s\\fR", flag);
        reference_has(line);
    }
    free(reference_text);
}

static void no_text_is_taken_for_a_request(void **state)
{
    (void)state;
    static const char *const requests[] = {".TH ", ".SH ", ".SS ", ".TP", ".B ", ".PP", ".br"};
    write_page();
    for (char *rest = reference_text, *line; (line = strsep(&rest, "\n"));) {
        bool known = *line != '.' && *line != '\'';
        for (size_t i = 0; i < PLM_COUNT(requests); i++)
            known = known || strncmp(line, requests[i], strlen(requests[i])) == 0;
        if (!known)
            fail_msg("a strange line: %s", line);
    }
    free(reference_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_and_every_flag_is_described),
        cmocka_unit_test(no_text_is_taken_for_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
