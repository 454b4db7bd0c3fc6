/* Shell scripts as programs on the PATH, in the scratch directory. */
#pragma once

#include "scratch.h"

#include <sys/stat.h>

/* Puts a script on the PATH under this name. */
static inline void script_make(const char *name, const char *body)
{
    char path[512];
    const char *old = getenv("PATH");
    FILE *file = fopen(scratch_file(name), "w");
    assert_non_null(file);
    assert_true(fprintf(file, "#!/bin/sh\n%s\n", body) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(scratch_file(name), 0755), 0);
    (void)snprintf(path, sizeof(path), "%s:%.200s", scratch_path,
                   old && !strstr(old, "pullama-test") ? old : "/usr/bin:/bin");
    assert_int_equal(setenv("PATH", path, 1), 0);
}
