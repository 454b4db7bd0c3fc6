#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "event/hub.h"

struct seen {
    uint64_t last;
    int64_t time_ms;
    int count;
    char *order; /* one letter a call */
    char letter;
};

static void see(void *ctx, const struct plm_event *event)
{
    struct seen *seen = ctx;
    seen->last = event->seq;
    seen->time_ms = event->time_ms;
    seen->count++;
    strncat(seen->order, &seen->letter, 1);
}

static void every_sink_sees_each_event_in_order(void **state)
{
    (void)state;
    char order[16] = "";
    struct seen a = {.order = order, .letter = 'a'}, b = {.order = order, .letter = 'b'};
    struct plm_hub hub = {0};
    assert_true(plm_hub_add(&hub, (struct plm_sink){see, &a}));
    assert_true(plm_hub_add(&hub, (struct plm_sink){see, &b}));
    struct plm_event event = {.kind = PLM_EV_CLEAN_START};
    plm_hub_emit(&hub, &event, 1000);
    plm_hub_emit(&hub, &event, 1001);
    assert_int_equal(a.last, 2);
    assert_int_equal(b.last, 2);
    assert_int_equal(b.time_ms, 1001);
    assert_int_equal(a.count, 2);
    assert_string_equal(order, "abab");
}

static void a_sink_too_many_is_refused(void **state)
{
    (void)state;
    struct seen a = {.order = NULL};
    struct plm_hub hub = {0};
    for (int i = 0; i < PLM_HUB_SINKS; i++)
        assert_true(plm_hub_add(&hub, (struct plm_sink){see, &a}));
    assert_false(plm_hub_add(&hub, (struct plm_sink){see, &a}));
    assert_int_equal(hub.count, PLM_HUB_SINKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sink_sees_each_event_in_order),
        cmocka_unit_test(a_sink_too_many_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
