/**
 * The store's directories and every rule about names in it.
 *
 *     <models>/blobs/sha256-<hex>                    verified blobs (Ollama's)
 *     <models>/manifests/<host>/<ns>/<model>/<tag>   manifests (Ollama's)
 *     <models>/.pullm/sha256-<hex>.{partial,json,live,lock}, store.lock   ours
 *     <models>/.pullm/push-<hex>.{json,lock}         likewise; see sessions.h
 *
 * docs/formats/staging.md specifies them. Loop thread only, but for the read-only members.
 */
#pragma once

#include "os/os.h"
#include "pullama/digest.h"
#include "pullama/ref.h"

struct plm_store {
    char *root;       /**< owned; the directory as given, for messages */
    int root_fd;      /**< -1: there is no store yet, and none was to be made */
    int blobs_fd;     /**< -1 likewise */
    int manifests_fd; /**< -1 likewise; tells only that it was there: see
                         plm_store_enter_manifests() */
    int state_fd;     /**< `.pullm`; -1 likewise */
};

/**
 * Opens the store at @p dir. With @p create everything that is missing is made, and each new
 * directory is synced into its parent; without it missing parts are -1. PLM_E_ACCESS names the
 * directory that cannot be made or opened.
 */
PLM_MUST bool plm_store_open(const char *dir, bool create, struct plm_store *out,
                             struct plm_error *err);
void plm_store_close(struct plm_store *store);

/** Makes `.pullm` in a store that is there, if it is missing. */
PLM_MUST bool plm_store_make_state(struct plm_store *store, struct plm_error *err);

/** Bytes that are free where the store is, or will be made. */
PLM_MUST bool plm_store_free_space(const struct plm_store *store, uint64_t *bytes,
                                   struct plm_error *err);

enum plm_state_file { PLM_STATE_PARTIAL, PLM_STATE_CHECKPOINT, PLM_STATE_LIVE, PLM_STATE_LOCK };
#define PLM_STATE_NAME 96
/** `sha256-<hex>.partial`, … Returns @p out. */
const char *plm_store_state_name(const struct plm_digest *digest, enum plm_state_file kind,
                                 char out[PLM_STATE_NAME]);

#define PLM_STORE_LOCK "store.lock"

/**
 * Opens `manifests/` as it is now. Never the descriptor that the store was opened with: a starting
 * Ollama server removes the directory when it is empty, and another one may stand in its place.
 * NOT_FOUND without @p create.
 */
PLM_MUST bool plm_store_enter_manifests(const struct plm_store *store, bool create, int *fd,
                                        struct plm_error *err);

/** Opens `manifests/<host>/<ns>/<model>`, making and syncing what is missing when @p create.
 * NOT_FOUND without. */
PLM_MUST bool plm_store_manifest_dir(const struct plm_store *store, const struct plm_ref *ref,
                                     bool create, int *fd, struct plm_error *err);
