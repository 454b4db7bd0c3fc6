/* Sets of spans, held against one flag for each byte of a small blob. Input: operations of three
 * bytes: add or remove, start, end. */
#include "fuzz.h"

#include "store/spans.h"

#define BLOB 256

static void check_answers(const struct plm_spans *set, const bool flags[BLOB], unsigned from,
                          unsigned limit)
{
    unsigned prefix = 0, total = 0, gap = from;
    while (prefix < BLOB && flags[prefix])
        prefix++;
    for (unsigned i = 0; i < BLOB; i++)
        total += flags[i];
    FUZZ_HOLDS(plm_spans_prefix(set) == prefix && plm_spans_total(set) == total);

    while (gap < limit && flags[gap])
        gap++;
    unsigned end = gap;
    while (end < limit && !flags[end])
        end++;
    struct plm_span found = {0};
    bool has_gap = plm_spans_next_gap(set, from, limit, &found);
    FUZZ_HOLDS(has_gap == (gap < limit));
    FUZZ_HOLDS(!has_gap || (found.start == gap && found.end == end));
    FUZZ_HOLDS(plm_spans_contain(set, (struct plm_span){from, limit}) == !has_gap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct plm_spans set = {0}, copy = {0};
    struct plm_error err = {0};
    bool flags[BLOB] = {false};
    while (in.left >= 3) {
        bool add = fuzz_number(&in, 1) & 1;
        unsigned start = (unsigned)fuzz_number(&in, 1), end = (unsigned)fuzz_number(&in, 1);
        struct plm_span span = {start, end};
        FUZZ_HOLDS(add ? plm_spans_add(&set, span, &err) : plm_spans_remove(&set, span, &err));
        for (unsigned i = start; i < end; i++)
            flags[i] = add;
        fuzz_spans(set.items, set.count, BLOB);
        check_answers(&set, flags, start, end);
        check_answers(&set, flags, end, BLOB);
    }
    FUZZ_HOLDS(plm_spans_copy(&set, &copy, &err) && copy.count == set.count);
    check_answers(&copy, flags, 0, BLOB);
    plm_spans_done(&copy);
    plm_spans_done(&set);
    return 0;
}
