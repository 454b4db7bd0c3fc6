/**
 * Atomic replacement: temporary file → write → sync → rename → sync of the directory.
 * The only caller of rename. Any thread, as long as nobody else writes the same name: the blob's or
 * the store's lock sees to that.
 */
#pragma once

#include "os/os.h"

/**
 * Makes @p name in @p dir hold exactly these bytes, after a crash too. The temporary file is made
 * new in @p temp_dir (the same file system) under @p temp_name; what stood there before is debris
 * and is removed.
 */
PLM_MUST bool plm_atomic_write(int temp_dir, const char *temp_name, int dir, const char *name,
                               const void *bytes, size_t size, struct plm_error *err);

/** The same for a secret: nobody but its owner can read it, from its first byte on. */
PLM_MUST bool plm_atomic_write_private(int temp_dir, const char *temp_name, int dir,
                                       const char *name, const void *bytes, size_t size,
                                       struct plm_error *err);

/** Moves a file that is synced already. The caller syncs @p to_dir, once for all that it moved. */
PLM_MUST bool plm_atomic_move(int from_dir, const char *from, int to_dir, const char *to,
                              struct plm_error *err);
