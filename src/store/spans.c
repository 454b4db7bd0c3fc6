/* Spans: keeps a set of byte ranges sorted, disjoint and merged. */
#include "store/spans.h"

#include <stdlib.h>
#include <string.h>

void plm_spans_done(struct plm_spans *set)
{
    free(set->items);
    *set = (struct plm_spans){0};
}

/* Index of the first item whose end is not before `at`. */
static size_t lower_bound(const struct plm_spans *set, uint64_t at)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->items[middle].end < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool reserve(struct plm_spans *set, size_t count, struct plm_error *err)
{
    if (count <= set->capacity)
        return true;
    size_t capacity = set->capacity ? set->capacity * 2 : 16;
    struct plm_span *items = realloc(set->items, capacity * sizeof(*items));
    if (!items)
        return plm_fail(err, PLM_E_NOMEM, "no memory for %zu spans", capacity);
    set->items = items;
    set->capacity = capacity;
    return true;
}

static void replace(struct plm_spans *set, size_t first, size_t last, size_t by)
{
    memmove(set->items + first + by, set->items + last, (set->count - last) * sizeof(*set->items));
    set->count = set->count - (last - first) + by;
}

bool plm_spans_add(struct plm_spans *set, struct plm_span span, struct plm_error *err)
{
    if (span.end <= span.start)
        return true;
    size_t first = lower_bound(set, span.start), last = first;
    while (last < set->count && set->items[last].start <= span.end) {
        if (set->items[last].start < span.start)
            span.start = set->items[last].start;
        if (set->items[last].end > span.end)
            span.end = set->items[last].end;
        last++;
    }
    if (first == last && !reserve(set, set->count + 1, err))
        return false;
    replace(set, first, last, 1);
    set->items[first] = span;
    return true;
}

bool plm_spans_remove(struct plm_spans *set, struct plm_span span, struct plm_error *err)
{
    if (span.end <= span.start)
        return true;
    size_t first = 0;
    while (first < set->count && set->items[first].end <= span.start)
        first++;
    size_t last = first;
    struct plm_span keep[2];
    size_t kept = 0;
    while (last < set->count && set->items[last].start < span.end) {
        struct plm_span item = set->items[last++];
        if (item.start < span.start)
            keep[kept++] = (struct plm_span){item.start, span.start};
        if (item.end > span.end)
            keep[kept++] = (struct plm_span){span.end, item.end};
    }
    if (!reserve(set, set->count + 1, err))
        return false;
    replace(set, first, last, kept);
    memcpy(set->items + first, keep, kept * sizeof(keep[0]));
    return true;
}

bool plm_spans_copy(const struct plm_spans *from, struct plm_spans *to, struct plm_error *err)
{
    struct plm_span *items = NULL;
    if (from->count) {
        items = malloc(from->count * sizeof(*items));
        if (!items)
            return plm_fail(err, PLM_E_NOMEM, "no memory for %zu spans", from->count);
        memcpy(items, from->items, from->count * sizeof(*items));
    }
    plm_spans_done(to);
    *to = (struct plm_spans){.items = items, .count = from->count, .capacity = from->count};
    return true;
}

uint64_t plm_spans_total(const struct plm_spans *set)
{
    uint64_t total = 0;
    for (size_t i = 0; i < set->count; i++)
        total += plm_span_length(set->items[i]);
    return total;
}

uint64_t plm_spans_prefix(const struct plm_spans *set)
{
    return set->count && set->items[0].start == 0 ? set->items[0].end : 0;
}

bool plm_spans_contain(const struct plm_spans *set, struct plm_span span)
{
    if (span.end <= span.start)
        return true;
    size_t i = lower_bound(set, span.end);
    return i < set->count && set->items[i].start <= span.start && set->items[i].end >= span.end;
}

bool plm_spans_next_gap(const struct plm_spans *set, uint64_t from, uint64_t limit,
                        struct plm_span *out)
{
    size_t i = lower_bound(set, from);
    while (i < set->count && set->items[i].start <= from) {
        if (set->items[i].end > from)
            from = set->items[i].end;
        i++;
    }
    if (from >= limit)
        return false;
    uint64_t end = i < set->count && set->items[i].start < limit ? set->items[i].start : limit;
    *out = (struct plm_span){from, end};
    return true;
}
