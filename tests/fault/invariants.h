/** What must hold of a store at any moment, and when a model was pulled. False with a sentence. */
#pragma once

#include "world.h"

/**
 * I1 a checkpoint claims only right bytes; I2 blobs/ holds only files with their digest; I3 a
 * manifest is there only with all its blobs; I4 nothing temporary lies outside .pullm/.
 */
bool invariants_hold(const struct world *world, char why[WORLD_WHY]);

/** These, and the tag's version is installed. */
bool model_is_installed(const struct world *world, char why[WORLD_WHY]);

/** The manifest under a model's name is that of this version. Does not look for the invariants. */
bool name_leads_to(const struct world *world, const char *name, enum model_version version,
                   char why[WORLD_WHY]);

/** Nothing disposable lies in .pullm/. */
bool nothing_is_left(const struct world *world, char why[WORLD_WHY]);

/** Bytes of the tag's version in the store. */
struct bytes_there {
    uint64_t kept;     /**< in blobs, or claimed by checkpoints: here for sure */
    uint64_t doubtful; /**< other data of partial files */
};
struct bytes_there bytes_there(const struct world *world);
