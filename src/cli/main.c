/* The program: will grow around src/cli/. */
#include <stdio.h>

int main(void)
{
    return puts("pullama " PLM_VERSION) < 0;
}
