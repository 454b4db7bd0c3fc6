/** A registry on 127.0.0.1 in a process of its own, with a thread for each connection. */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "model.h"

/** In memory that the processes share. */
struct registry {
    struct model models[MODEL_VERSIONS];
    uint16_t port;
    _Atomic unsigned version;   /**< what the tag leads to */
    _Atomic int64_t large_room; /**< bytes that it still serves of large blobs; negative: no end */
    _Atomic uint64_t served;    /**< payload bytes of blobs */
};

/** Starts it; it ends with its parent at the latest. The models must be made before. */
pid_t registry_start(struct registry *registry);
