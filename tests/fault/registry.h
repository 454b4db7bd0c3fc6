/** A registry on 127.0.0.1 in a process of its own, with a thread for each connection. */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "model.h"

/** The model's name that leads to the version which is set. */
#define REGISTRY_TAG "tiny"
/** One that leads nowhere. */
#define REGISTRY_NONE "none"
/** One that leads to this version for ever. */
const char *registry_name(enum model_version version);

/** In memory that the processes share. */
struct registry {
    struct model models[MODEL_VERSIONS];
    uint16_t port;
    _Atomic unsigned version;   /**< what REGISTRY_TAG leads to */
    _Atomic int64_t large_room; /**< bytes that it still serves of large blobs; negative: no end */
    _Atomic uint64_t served;    /**< payload bytes of blobs */
};

/** Starts it; it ends with its parent at the latest. The models must be made before. */
pid_t registry_start(struct registry *registry);
