/**
 * Confinement: a process gives up, for good, rights over files that it will not need.
 *
 * Linux has it as Landlock, from 5.19 on. Anywhere else nothing happens: it is a second line of
 * defence, behind the checks of names and paths, and no reason to fail.
 */
#pragma once

#include "pullama/defs.h"

enum plm_confine_access {
    PLM_CONFINE_READ,   /**< open for reading; list directories */
    PLM_CONFINE_CHANGE, /**< also write, make, rename and remove files and directories */
};

struct plm_confine_rule {
    const char *path; /**< a file, or a directory with everything below it; links are followed */
    enum plm_confine_access access;
};

/**
 * From now on the calling thread, and every thread that it starts, can open and change only what
 * the rules name; it can start no program and listen on no TCP port. What is open stays as it is.
 *
 * Call it before there are other threads. Paths that do not exist are passed over. A rule holds for
 * the very file or directory that a path leads to now, not for one that takes its place later.
 *
 * @retval false  the system cannot confine; the process may do what it could before.
 */
bool plm_os_confine(const struct plm_confine_rule *rules, size_t count);
