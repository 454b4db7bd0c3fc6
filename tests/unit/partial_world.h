/* Partial blobs in a store, opened and looked at. */
#pragma once

#include "store/partial.h"
#include "store_world.h"

/* The name of a blob's state file; the text lives until the next call but three. */
static inline const char *state_name(const struct plm_descriptor *want, enum plm_state_file kind)
{
    static char names[4][PLM_STATE_NAME];
    static unsigned next;
    return plm_store_state_name(&want->digest, kind, names[next++ % 4]);
}

static inline bool has_state(const struct plm_descriptor *want, enum plm_state_file kind)
{
    return has_file(store.state_fd, state_name(want, kind));
}

static inline struct plm_partial *opened_as(const struct plm_descriptor *want,
                                            struct plm_partial_found *found)
{
    struct plm_partial *partial = NULL;
    struct plm_error err = {0};
    if (!plm_partial_open(&store, want, &partial, found, &err))
        fail_msg("%s", err.msg);
    return partial;
}

static inline struct plm_partial *opened(const struct plm_descriptor *want)
{
    struct plm_partial_found found;
    struct plm_partial *partial = opened_as(want, &found);
    assert_string_equal(found.corrupt, "");
    return partial;
}

static inline void put_span(struct plm_partial *partial, const unsigned char *bytes, uint64_t start,
                            uint64_t end)
{
    assert_true(plm_partial_write(partial, start, bytes + start, end - start, NULL));
}

static inline void synced(struct plm_partial *partial)
{
    struct plm_partial_sync sync;
    struct plm_error err = {0};
    assert_true(plm_partial_sync_prepare(partial, &sync, &err));
    plm_partial_sync_run(&sync);
    if (!plm_partial_sync_finish(partial, &sync, &err))
        fail_msg("%s", err.msg);
}

static inline void assert_one_span(const struct plm_spans *spans, uint64_t start, uint64_t end)
{
    assert_int_equal(spans->count, 1);
    assert_int_equal(spans->items[0].start, start);
    assert_int_equal(spans->items[0].end, end);
}

static inline void assert_refuses_to_open(const struct plm_descriptor *want, enum plm_code code)
{
    struct plm_partial *partial = NULL;
    struct plm_partial_found found;
    struct plm_error err = {0};
    assert_false(plm_partial_open(&store, want, &partial, &found, &err));
    assert_int_equal(err.code, code);
    assert_null(partial);
}
