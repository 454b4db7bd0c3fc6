#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/lanes.h"

#define TICK_MS 100
#define MB 1000000.0
#define MANY 64u

/* A link, and who is at its other end. */
struct link {
    double shared;     /* bytes a second, over all connections; 0: without end */
    double each;       /* bytes a second of one connection; 0: without end */
    double crowd;      /* part of the speed that each connection beyond 4 costs all */
    double noise;      /* the speed differs from tick to tick by so much */
    int64_t answer_ms; /* round trip: a new connection begins after two, and doubles in each */
    bool starts_slowly;
    unsigned takes; /* connections; one more is refused. 0: any number */
};

struct transfer {
    struct plm_lanes lanes;
    struct plm_lanes_view view;
    double received;
    int64_t since[MANY]; /* when each connection was opened */
    uint32_t seed;
    unsigned peak, refusals;
};

static double noise_of(struct transfer *t, double most)
{
    t->seed = t->seed * 1664525u + 1013904223u;
    return 1.0 + most * (2.0 * (double)(t->seed >> 8) / (double)(1u << 24) - 1.0);
}

static double speed_of(const struct link *link, const struct transfer *t, unsigned n)
{
    int64_t age = t->view.now_ms - t->since[n], round = link->answer_ms;
    double most = link->each > 0 ? link->each : link->shared;
    double speed = link->starts_slowly ? 15000 * 1000.0 / (double)round : most;
    if (age < 2 * round)
        return 0;
    for (int64_t ms = 2 * round; ms < age && speed < most; ms += round)
        speed *= 2;
    return speed < most ? speed : most;
}

static void open_and_close(const struct link *link, struct transfer *t)
{
    unsigned allowed = plm_lanes_allowed(&t->lanes);
    /* Requests under way are not cut: they end one after the other. */
    if (t->view.active > allowed && t->view.now_ms % 300 == 0)
        t->view.active--;
    while (t->view.active < plm_lanes_allowed(&t->lanes)) {
        if (link->takes && t->view.active + 1 > link->takes) {
            plm_lanes_refused(&t->lanes, t->view.active + 1, t->view.now_ms);
            t->refusals++;
            continue;
        }
        t->since[t->view.active++] = t->view.now_ms;
    }
    t->peak = t->view.active > t->peak ? t->view.active : t->peak;
}

static void run(const struct link *link, struct transfer *t, int64_t ms)
{
    for (int64_t until = t->view.now_ms + ms; t->view.now_ms < until;) {
        open_and_close(link, t);
        t->view.now_ms += TICK_MS;
        double speed = 0;
        for (unsigned i = 0; i < t->view.active; i++)
            speed += speed_of(link, t, i);
        if (link->shared > 0 && speed > link->shared)
            speed = link->shared;
        if (t->view.active > 4)
            speed *= 1.0 - link->crowd * (t->view.active - 4);
        t->received += speed * noise_of(t, link->noise) * TICK_MS / 1000;
        t->view.received = (uint64_t)t->received;
        plm_lanes_look(&t->lanes, &t->view);
    }
}

static struct transfer start(const struct link *link, unsigned least, unsigned most)
{
    struct transfer t = {.view = {.left = UINT64_C(1) << 40, .answer_ms = link->answer_ms},
                         .seed = 7};
    plm_lanes_init(&t.lanes, least, most);
    return t;
}

/* What came in @p ms, as a part of what the best fixed number brings. */
static double share_of_best(const struct link *link, struct transfer *t, int64_t ms)
{
    double best = 0;
    for (unsigned n = 1; n <= PLM_LANES_MOST; n++) {
        struct transfer fixed = start(link, n, n);
        run(link, &fixed, ms);
        best = fixed.received > best ? fixed.received : best;
    }
    run(link, t, ms);
    return t->received / best;
}

static struct transfer start_growing(const struct link *link)
{
    return start(link, PLM_LANES_LEAST, PLM_LANES_MOST);
}

static void a_fast_single_link_needs_no_more(void **state)
{
    (void)state;
    const struct link link = {.shared = 100 * MB, .answer_ms = 20};
    struct transfer t = start_growing(&link);
    assert_true(share_of_best(&link, &t, 8000) > 0.95);
    assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_LEAST);
    assert_in_range(t.peak, PLM_LANES_LEAST, 2 * PLM_LANES_LEAST); /* one trial */
}

static void trials_in_vain_become_rare(void **state)
{
    (void)state;
    const struct link link = {.shared = 100 * MB, .answer_ms = 20};
    struct transfer t = start_growing(&link);
    unsigned trials = 0;
    for (int s = 0; s < 600; s++) {
        unsigned before = plm_lanes_allowed(&t.lanes);
        run(&link, &t, 1000);
        trials += plm_lanes_allowed(&t.lanes) > before;
    }
    assert_in_range(trials, 2, 12);
}

static void a_server_that_limits_each_connection_gets_the_most(void **state)
{
    (void)state;
    const struct link link = {.each = 2 * MB, .answer_ms = 50};
    struct transfer t = start_growing(&link);
    run(&link, &t, 900); /* not in the first second … */
    assert_int_equal(t.peak, PLM_LANES_LEAST);
    run(&link, &t, 2100);
    assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_MOST);
    t = start_growing(&link);
    t.view.is_waiting = true; /* … but for short requests, which leave the link empty */
    run(&link, &t, 1500);
    assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_MOST);
    struct transfer again = start_growing(&link);
    assert_true(share_of_best(&link, &again, 30000) > 0.95);
    assert_int_equal(plm_lanes_allowed(&again.lanes), PLM_LANES_MOST);
}

static void growth_ends_where_the_link_is_full(void **state)
{
    (void)state;
    const struct link link = {.shared = 15 * MB, .each = 2 * MB, .answer_ms = 50};
    struct transfer t = start_growing(&link);
    assert_true(share_of_best(&link, &t, 30000) > 0.95);
    assert_int_equal(plm_lanes_allowed(&t.lanes), 8);
}

static void a_lossy_link_gets_the_most(void **state)
{
    (void)state;
    const struct link link = {.each = 1 * MB, .noise = 0.4, .answer_ms = 80};
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct transfer t = start_growing(&link);
        t.seed = seed;
        assert_true(share_of_best(&link, &t, 60000) > 0.93);
        assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_MOST);
    }
}

static void a_server_that_takes_six_is_seldom_asked_for_more(void **state)
{
    (void)state;
    const struct link link = {.each = 5 * MB, .takes = 6, .answer_ms = 20};
    struct transfer t = start_growing(&link);
    run(&link, &t, 120000);
    assert_int_equal(t.peak, 6);
    assert_true(t.received > 0.95 * 6 * 5 * MB * 120);
    assert_in_range(t.refusals, 1, 14);
}

static void what_connections_gain_by_themselves_is_no_reason_for_more(void **state)
{
    (void)state;
    const struct link link = {.shared = 50 * MB, .answer_ms = 60, .starts_slowly = true};
    struct transfer t = start_growing(&link);
    assert_true(share_of_best(&link, &t, 60000) > 0.95);
    assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_LEAST);
    assert_in_range(t.peak, PLM_LANES_LEAST, 2 * PLM_LANES_LEAST);
}

static void fewer_are_tried_only_when_much_is_left(void **state)
{
    (void)state;
    const struct link throttled = {.each = 2 * MB, .answer_ms = 50};
    const struct link full = {.shared = 64 * MB, .answer_ms = 50};
    for (int is_long = 0; is_long < 2; is_long++) {
        struct transfer t = start_growing(&throttled);
        run(&throttled, &t, 5000);
        assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_MOST);
        if (!is_long)
            t.view.left = (uint64_t)(200 * MB);
        run(&full, &t, 300000);
        assert_int_equal(plm_lanes_allowed(&t.lanes), is_long ? PLM_LANES_LEAST : PLM_LANES_MOST);
    }
}

static void connections_that_disturb_each_other_are_given_up(void **state)
{
    (void)state;
    const struct link link = {.shared = 600 * MB, .crowd = 0.03, .noise = 0.1, .answer_ms = 1};
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct transfer t = start_growing(&link);
        t.seed = seed;
        assert_true(share_of_best(&link, &t, 30000) > 0.95);
    }
}

static void a_link_that_changes_is_found_out(void **state)
{
    (void)state;
    const struct link fast = {.shared = 100 * MB, .answer_ms = 20};
    const struct link throttled = {.each = 2 * MB, .answer_ms = 20};
    struct transfer t = start_growing(&fast);
    run(&fast, &t, 60000);
    assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_LEAST);
    run(&throttled, &t, 6000);
    assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_MOST);
}

static void never_much_slower_than_the_best_fixed_number(void **state)
{
    (void)state;
    static const double shared[] = {2 * MB, 12 * MB, 60 * MB, 400 * MB};
    static const double each[] = {0, 0.5 * MB, 3 * MB, 20 * MB};
    static const int64_t answers[] = {1, 20, 100, 300};
    for (unsigned i = 0; i < 4 * 4 * 4 * 2; i++) {
        const struct link link = {.shared = shared[i % 4],
                                  .each = each[i / 4 % 4],
                                  .answer_ms = answers[i / 16 % 4],
                                  .starts_slowly = i / 64 == 1,
                                  .noise = 0.05};
        struct transfer t = start_growing(&link);
        double share = share_of_best(&link, &t, link.answer_ms > 100 ? 240000 : 60000);
        if (share < 0.95)
            fail_msg("link %u (%.1f, %.1f, %lld ms, %d): %.3f of the best", i, link.shared / MB,
                     link.each / MB, (long long)link.answer_ms, link.starts_slowly, share);
    }
}

static void a_fixed_number_is_kept(void **state)
{
    (void)state;
    const struct link link = {.each = 2 * MB, .answer_ms = 20};
    for (unsigned n = 1; n <= 32; n++) {
        struct transfer t = start(&link, n, n);
        run(&link, &t, 60000);
        assert_int_equal(plm_lanes_allowed(&t.lanes), n);
        assert_int_equal(t.peak, n);
    }
}

static void a_refusal_lowers_a_fixed_number_for_a_while(void **state)
{
    (void)state;
    const struct link link = {.each = 2 * MB, .answer_ms = 20};
    struct transfer t = start(&link, 8, 8);
    run(&link, &t, 1000);
    plm_lanes_refused(&t.lanes, 7, t.view.now_ms);
    assert_int_equal(plm_lanes_allowed(&t.lanes), 6);
    run(&link, &t, 10000);
    assert_int_equal(plm_lanes_allowed(&t.lanes), 6);
    run(&link, &t, 1000);
    assert_int_equal(plm_lanes_allowed(&t.lanes), 7);
    run(&link, &t, 60000);
    assert_int_equal(plm_lanes_allowed(&t.lanes), 8);
    plm_lanes_refused(&t.lanes, 1, t.view.now_ms);
    assert_int_equal(plm_lanes_allowed(&t.lanes), 1);
}

static void nothing_grows_while_there_is_nothing_to_ask_for(void **state)
{
    (void)state;
    const struct link link = {.each = 2 * MB, .answer_ms = 20};
    struct transfer t = start_growing(&link);
    t.view.is_starved = true;
    run(&link, &t, 20000);
    assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_LEAST);
    t.view.is_starved = false;
    run(&link, &t, 2000);
    assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_MOST);
}

static void silence_is_no_measure(void **state)
{
    (void)state;
    const struct link dead = {.each = 1, .answer_ms = 600000};
    struct transfer t = start_growing(&dead);
    run(&dead, &t, 60000);
    assert_int_equal(plm_lanes_allowed(&t.lanes), PLM_LANES_LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fast_single_link_needs_no_more),
        cmocka_unit_test(trials_in_vain_become_rare),
        cmocka_unit_test(a_server_that_limits_each_connection_gets_the_most),
        cmocka_unit_test(growth_ends_where_the_link_is_full),
        cmocka_unit_test(a_lossy_link_gets_the_most),
        cmocka_unit_test(a_server_that_takes_six_is_seldom_asked_for_more),
        cmocka_unit_test(what_connections_gain_by_themselves_is_no_reason_for_more),
        cmocka_unit_test(fewer_are_tried_only_when_much_is_left),
        cmocka_unit_test(connections_that_disturb_each_other_are_given_up),
        cmocka_unit_test(a_link_that_changes_is_found_out),
        cmocka_unit_test(never_much_slower_than_the_best_fixed_number),
        cmocka_unit_test(a_fixed_number_is_kept),
        cmocka_unit_test(a_refusal_lowers_a_fixed_number_for_a_while),
        cmocka_unit_test(nothing_grows_while_there_is_nothing_to_ask_for),
        cmocka_unit_test(silence_is_no_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
