#include "reference_text.h"

static void write_for(enum plm_shell shell)
{
    FILE *file = reference_open();
    plm_completion_write(file, shell);
    reference_close(file);
}

static void every_shell_knows_every_command_and_flag(void **state)
{
    (void)state;
    static const struct {
        const char *verb, *flag;
    } forms[] = {[PLM_SHELL_BASH] = {"\n    '%s'", " --%s"},
                 [PLM_SHELL_ZSH] = {"'%s:", "--%s["},
                 [PLM_SHELL_FISH] = {" -a %s -d ", " -l %s"}};
    for (int shell = PLM_SHELL_BASH; shell <= PLM_SHELL_FISH; shell++) {
        const struct plm_verb_row *verb;
        char part[96];
        write_for((enum plm_shell)shell);
        for (size_t n = 0; (verb = plm_verb_at(n)); n++) {
            const char *second = shell == PLM_SHELL_BASH ? NULL : strchr(verb->name, ' ');
            const char *where = strstr(forms[shell].verb, "%s");
            (void)snprintf(part, sizeof(part), "%.*s%s%s", (int)(where - forms[shell].verb),
                           forms[shell].verb, second ? second + 1 : verb->name, where + 2);
            reference_has(part);
        }
        for (unsigned id = 0; id < PLM_OPTIONS; id++) {
            const char *where = strstr(forms[shell].flag, "%s");
            (void)snprintf(part, sizeof(part), "%.*s%s%s", (int)(where - forms[shell].flag),
                           forms[shell].flag, plm_option_row((enum plm_option_id)id)->name,
                           where + 2);
            reference_has(part);
        }
        reference_has("pullama list");
        free(reference_text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shell_knows_every_command_and_flag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
