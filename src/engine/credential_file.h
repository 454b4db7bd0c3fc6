/**
 * The docker client's `config.json`, changed: one registry's user and password set or forgotten,
 * everything else in it kept.
 *
 *     plm_credential_file_open → plm_credential_file_set or _forget → plm_credential_file_close
 *
 * A file that is no JSON object is refused and left alone. Where the file names a helper program
 * for the registry, that program keeps the password, and the file says no more than that.
 */
#pragma once

#include "net/docker_config.h"

struct plm_credential_file {
    char *path;                         /**< as the user knows it; owned */
    char *folder;                       /**< where the file really lies, links followed; owned */
    char *name;                         /**< in that folder; owned */
    char helper[PLM_DOCKER_HELPER_MAX]; /**< that keeps this registry's password; "": the file does
                                         */
    struct plm_url origin;
};

/**
 * Finds the file, and reads who keeps the registry's password. With @p make its folder is made if
 * it is missing. PLM_E_USAGE when nothing says where it is, PLM_E_CORRUPT when it cannot be read.
 */
PLM_MUST bool plm_credential_file_open(const struct plm_url *origin, bool make,
                                       struct plm_credential_file *out, struct plm_error *err);
void plm_credential_file_close(struct plm_credential_file *file);

/** Puts the new file, readable by its owner alone, in place of the old one. */
PLM_MUST bool plm_credential_file_set(const struct plm_credential_file *file, const char *user,
                                      const char *password, struct plm_error *err);
/** @p removed tells whether there was something in the file; what a helper kept it does not know.
 */
PLM_MUST bool plm_credential_file_forget(const struct plm_credential_file *file, bool *removed,
                                         struct plm_error *err);
