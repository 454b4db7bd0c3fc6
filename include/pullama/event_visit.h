/**
 * The fields of an event, one after the other: the single description from which every complete
 * rendering (JSON lines, debug lines) is made, so that none of them can lack a field. Any thread.
 */
#pragma once

#include "pullama/event.h"

/**
 * Receives fields in order. @p key is NULL for members of an array. All are called with @p ctx;
 * texts are as untrusted as the event's.
 */
struct plm_event_visitor {
    void (*open)(void *ctx, const char *key, bool array);
    void (*close)(void *ctx, bool array);
    void (*text)(void *ctx, const char *key, const char *text, size_t length);
    void (*number)(void *ctx, const char *key, uint64_t value);
    void (*truth)(void *ctx, const char *key, bool value);
    void (*null)(void *ctx, const char *key);
    void *ctx;
};

/** Visits all fields, from `event` on; the object around them is not visited. */
PLM_API void plm_event_visit(const struct plm_event *event,
                             const struct plm_event_visitor *visitor);
