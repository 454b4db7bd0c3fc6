#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/spans.h"

#define BYTES 96

/* The model: one flag for each byte. */
struct model {
    bool here[BYTES];
};

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static struct plm_span random_span(uint32_t *seed)
{
    uint64_t start = next_random(seed) % (BYTES + 1);
    uint64_t end = start + next_random(seed) % (next_random(seed) % 3 ? 8 : BYTES);
    return (struct plm_span){start, end > BYTES ? BYTES : end};
}

static void assert_well_formed(const struct plm_spans *set)
{
    for (size_t i = 0; i < set->count; i++) {
        assert_true(set->items[i].start < set->items[i].end);
        if (i > 0) /* neither overlapping nor touching */
            assert_true(set->items[i - 1].end < set->items[i].start);
    }
}

static void assert_same_bytes(const struct plm_spans *set, const struct model *model)
{
    uint64_t total = 0, prefix = 0;
    bool is[BYTES] = {false};
    for (size_t i = 0; i < set->count; i++)
        for (uint64_t at = set->items[i].start; at < set->items[i].end; at++)
            is[at] = true;
    assert_memory_equal(is, model->here, sizeof(is));
    for (size_t at = 0; at < BYTES; at++)
        total += model->here[at];
    while (prefix < BYTES && model->here[prefix])
        prefix++;
    assert_int_equal(plm_spans_total(set), total);
    assert_int_equal(plm_spans_prefix(set), prefix);
}

static void assert_same_answers(const struct plm_spans *set, const struct model *model,
                                uint32_t *seed)
{
    struct plm_span asked = random_span(seed), gap = {77, 78};
    bool all = true;
    for (uint64_t at = asked.start; at < asked.end; at++)
        all = all && model->here[at];
    assert_int_equal(plm_spans_contain(set, asked), all);

    uint64_t start = asked.start;
    while (start < asked.end && model->here[start])
        start++;
    bool has_gap = plm_spans_next_gap(set, asked.start, asked.end, &gap);
    assert_int_equal(has_gap, start < asked.end);
    if (!has_gap) {
        assert_int_equal(gap.start, 77);
        return;
    }
    uint64_t end = start;
    while (end < asked.end && !model->here[end])
        end++;
    assert_int_equal(gap.start, start);
    assert_int_equal(gap.end, end);
}

static void random_steps_give_what_a_bitmap_gives(void **state)
{
    (void)state;
    for (uint32_t round = 1; round <= 40; round++) {
        uint32_t seed = round * 7919;
        struct plm_spans set = {0};
        struct model model = {0};
        for (int step = 0; step < 300; step++) {
            struct plm_span span = random_span(&seed);
            bool add = next_random(&seed) % 5 < 3;
            assert_true(add ? plm_spans_add(&set, span, NULL) : plm_spans_remove(&set, span, NULL));
            if (span.end > span.start)
                memset(model.here + span.start, add, span.end - span.start);
            assert_well_formed(&set);
            assert_same_bytes(&set, &model);
            assert_same_answers(&set, &model, &seed);
        }
        plm_spans_done(&set);
    }
}

static void the_ends_of_the_number_range_do_not_wrap(void **state)
{
    (void)state;
    struct plm_spans set = {0};
    struct plm_span gap;
    assert_true(plm_spans_add(&set, (struct plm_span){UINT64_MAX - 5, UINT64_MAX}, NULL));
    assert_true(plm_spans_add(&set, (struct plm_span){0, 1}, NULL));
    assert_int_equal(set.count, 2);
    assert_true(plm_spans_next_gap(&set, 0, UINT64_MAX, &gap));
    assert_int_equal(gap.start, 1);
    assert_int_equal(gap.end, UINT64_MAX - 5);
    assert_true(plm_spans_remove(&set, (struct plm_span){0, UINT64_MAX}, NULL));
    assert_int_equal(set.count, 0);
    plm_spans_done(&set);
}

static void an_empty_or_turned_span_changes_nothing(void **state)
{
    (void)state;
    struct plm_spans set = {0};
    assert_true(plm_spans_add(&set, (struct plm_span){5, 5}, NULL));
    assert_true(plm_spans_add(&set, (struct plm_span){9, 2}, NULL));
    assert_true(plm_spans_remove(&set, (struct plm_span){0, 0}, NULL));
    assert_int_equal(set.count, 0);
    assert_true(plm_spans_add(&set, (struct plm_span){0, 10}, NULL));
    assert_true(plm_spans_remove(&set, (struct plm_span){7, 3}, NULL));
    assert_int_equal(plm_spans_total(&set), 10);
    plm_spans_done(&set);
}

static void a_copy_lives_its_own_life(void **state)
{
    (void)state;
    struct plm_spans from = {0}, to = {0};
    assert_true(plm_spans_add(&to, (struct plm_span){1, 2}, NULL));
    assert_true(plm_spans_copy(&from, &to, NULL)); /* of nothing is nothing */
    assert_int_equal(to.count, 0);
    assert_true(plm_spans_add(&from, (struct plm_span){3, 5}, NULL));
    assert_true(plm_spans_copy(&from, &to, NULL));
    assert_true(plm_spans_add(&to, (struct plm_span){9, 10}, NULL));
    assert_true(plm_spans_add(&to, (struct plm_span){20, 21}, NULL));
    assert_int_equal(from.count, 1);
    assert_int_equal(to.count, 3);
    plm_spans_done(&from);
    assert_int_equal(to.items[0].end, 5);
    plm_spans_done(&to);
    plm_spans_done(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_steps_give_what_a_bitmap_gives),
        cmocka_unit_test(the_ends_of_the_number_range_do_not_wrap),
        cmocka_unit_test(an_empty_or_turned_span_changes_nothing),
        cmocka_unit_test(a_copy_lives_its_own_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
