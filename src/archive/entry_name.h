/**
 * Names of an archive's entries: which files of a models directory they are, and a form of them
 * that every system can make, Windows too.
 *
 *     blobs/sha256-<hex>                         a blob
 *     manifests/<host>/<namespace>/<model>/<tag> a manifest
 *
 * What Windows takes for no file name is written as %XX: the colon of a port, a dot at the end, and
 * the first character of what it takes for a device (CON, NUL, COM1 …). A reference has no '%' in
 * it, so this can be undone. Pure.
 */
#pragma once

#include "pullama/ref.h"

/** Longest name of a manifest's entry, with NUL: all of it may be written as %XX. */
#define PLM_ENTRY_NAME (3 * (PLM_REF_HOST_MAX + 3 * PLM_REF_PART_MAX) + 16)

/** The entry of a model's manifest. Returns @p out. */
const char *plm_entry_of_manifest(const struct plm_ref *ref, char out[PLM_ENTRY_NAME]);
/** The entry of a blob. Returns @p out. */
const char *plm_entry_of_blob(const struct plm_digest *digest, char out[PLM_ENTRY_NAME]);

enum plm_entry_kind {
    PLM_ENTRY_FOREIGN, /**< no part of a model: nothing of that name is ever made */
    PLM_ENTRY_FOLDER,  /**< one that blobs or manifests may lie in */
    PLM_ENTRY_BLOB,
    PLM_ENTRY_MANIFEST,
};
/**
 * Tells what the entry called @p name is. @p digest is set for a blob, @p ref for a manifest; a
 * name that is written as %XX without need, or not as it must be, is foreign.
 */
enum plm_entry_kind plm_entry_judge(const char *name, size_t length, struct plm_digest *digest,
                                    struct plm_ref *ref);
