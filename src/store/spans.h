/** Sorted, disjoint, merged half-open spans: which bytes of a blob are here. Pure; heap inside. */
#pragma once

#include "base/span.h"
#include "pullama/error.h"

struct plm_spans {
    struct plm_span *items; /**< owned */
    size_t count, capacity;
};

void plm_spans_done(struct plm_spans *set);
/** Adds a span; touching and overlapping ones become one. An empty span changes nothing. */
PLM_MUST bool plm_spans_add(struct plm_spans *set, struct plm_span span, struct plm_error *err);
/** Takes a span out. */
PLM_MUST bool plm_spans_remove(struct plm_spans *set, struct plm_span span, struct plm_error *err);
PLM_MUST bool plm_spans_copy(const struct plm_spans *from, struct plm_spans *to,
                             struct plm_error *err);
uint64_t plm_spans_total(const struct plm_spans *set);
/** End of the run that starts at byte 0, or 0. */
uint64_t plm_spans_prefix(const struct plm_spans *set);
bool plm_spans_contain(const struct plm_spans *set, struct plm_span span);
/** The first run at or after @p from, below @p limit, that is not in the set. False when there is
 * none. */
bool plm_spans_next_gap(const struct plm_spans *set, uint64_t from, uint64_t limit,
                        struct plm_span *out);
