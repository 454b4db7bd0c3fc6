/**
 * Mirrors: other registries that may have a model's blobs, asked in their order before the model's own; for manifests too, if
 * that was asked for.
 *
 * A blob's digest decides what is right, so a mirror needs no trust for it. It gets no credentials of the
 * registry, but those that are kept for its own host. Who fails is left: for the blob that it lacks, or for the rest of the pull.
 */
#pragma once

#include "engine/engine_private.h"

struct plm_mirror {
    struct plm_registry *registry; /**< owned */
    unsigned strikes;              /**< failures in a row that are the mirror's own */
};

struct plm_mirrors {
    struct plm_mirror items[PLM_MIRRORS_MAX];
    unsigned count;
};

/** Checks one as a user writes it: `[scheme://]host[:port]`. PLM_E_USAGE. */
PLM_MUST bool plm_mirror_check(const char *text, struct plm_error *err);
/** Looks for what is kept for the mirrors' own hosts. Blocks, and may start helper programs. */
PLM_MUST bool plm_mirrors_find_credentials(struct plm_engine *engine, struct plm_error *err);
/** Opens a session with each of the engine's mirrors for the repository of @p ref. */
PLM_MUST bool plm_mirrors_open(struct plm_mirrors *mirrors, const struct plm_engine *engine,
                               const struct plm_ref *ref,
                               const struct plm_registry_options *options, struct plm_error *err);
/** After everything that was fetched from them. */
void plm_mirrors_close(struct plm_mirrors *mirrors);

/** The place of the first one that is not in the set @p left and works; -1: the registry itself. */
int plm_mirrors_choose(const struct plm_mirrors *mirrors, uint32_t left);
/** It brought bytes. */
void plm_mirrors_praise(struct plm_mirrors *mirrors, int place);
/** It failed by itself; @p for_good: it served wrong bytes. */
void plm_mirrors_blame(struct plm_mirrors *mirrors, int place, bool for_good);
