/* The program that the build runs to make man page and completion: `pullama-reference
 * man|bash|zsh|fish`.
 */
#include <stdbool.h>
#include <string.h>

#include "cli/reference.h"

int main(int argc, char **argv)
{
    static const char *const shells[] = {
        [PLM_SHELL_BASH] = "bash", [PLM_SHELL_ZSH] = "zsh", [PLM_SHELL_FISH] = "fish"};
    const char *wanted = argc == 2 ? argv[1] : "";
    bool known = strcmp(wanted, "man") == 0;
    if (known)
        plm_man_write(stdout);
    for (int shell = PLM_SHELL_BASH; shell <= PLM_SHELL_FISH; shell++) {
        if (strcmp(wanted, shells[shell]) != 0)
            continue;
        plm_completion_write(stdout, (enum plm_shell)shell);
        known = true;
    }
    return known && fflush(stdout) == 0 ? 0 : 1;
}
