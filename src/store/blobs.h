/**
 * Blobs that have their final name: look, open, trust, remove.
 *
 * A blob whose bytes this program has hashed carries a note at the file (size, time, inode); as
 * long as the note fits, it need not be hashed again. Loop thread only.
 */
#pragma once

#include "store/layout.h"

enum plm_blob_state {
    PLM_BLOB_ABSENT,
    PLM_BLOB_WRONG_SIZE, /**< something of another size, or no regular file, stands there */
    PLM_BLOB_UNPROVEN,   /**< right size; not known to have been hashed */
    PLM_BLOB_PROVEN,     /**< hashed before, and unchanged since by size, time and inode */
};
PLM_MUST bool plm_blob_look(const struct plm_store *store, const struct plm_descriptor *want,
                            enum plm_blob_state *out, struct plm_error *err);
/** Opens it for reading, also under Ollama's old name `sha256:<hex>`. */
PLM_MUST bool plm_blob_open(const struct plm_store *store, const struct plm_digest *digest, int *fd,
                            struct plm_error *err);
/** Notes that the open file's bytes were hashed and matched. A file system without notes just
 * hashes more often. */
void plm_blob_note_proven(int fd);
/** Whether such a note fits the open file, whose status is @p status. @p checked_s, which may be
 * NULL, receives when it was hashed, in Unix seconds; 0 when the note does not say. */
bool plm_blob_is_proven(int fd, const struct plm_file_status *status, int64_t *checked_s);
/** Makes a note void, for a file that was found damaged although it looks unchanged. */
void plm_blob_note_doubted(int fd);
/** Renews the time of a blob that is about to be relied upon, so that Ollama's start-up cleaning
 * spares it. Best effort. */
void plm_blob_renew(const struct plm_store *store, const struct plm_digest *digest);
/** Bytes that the disk would get back with this name: none while the file has another one, nor for
 * blocks that it shares with other files. */
PLM_MUST bool plm_blob_reclaimable(const struct plm_store *store, const struct plm_digest *digest,
                                   uint64_t *bytes, struct plm_error *err);
/** Removes a blob; *freed are the bytes that the disk really gets back (0 when absent). */
PLM_MUST bool plm_blob_remove(const struct plm_store *store, const struct plm_digest *digest,
                              uint64_t *freed, struct plm_error *err);
/** Calls @p each for what has a blob's name in blobs/, the old one or the new one, until it returns
 * false. Order as the system gives it. */
PLM_MUST bool plm_blobs_each(const struct plm_store *store,
                             bool (*each)(void *ctx, const struct plm_digest *digest), void *ctx,
                             struct plm_error *err);
/** Renames blobs of Ollama's old naming, `sha256:<hex>`, as Ollama itself does when it starts. */
PLM_MUST bool plm_blobs_migrate(const struct plm_store *store, struct plm_error *err);
