/* Lanes: decides how many connections are used, from what they bring. */
#include "engine/lanes.h"

#define CEILING_RISES_MS 10000
#define HOLD_FIRST_MS 10000
#define HOLD_MOST_MS 80000
/* A window is so many answers long, between these bounds. */
#define SHORT_ANSWERS 2
#define SHORT_LEAST_MS 200
#define SHORT_MOST_MS 700
#define LONG_OF_SHORT 4
/* New connections need some round trips before they bring anything. */
#define SETTLE_ANSWERS 3
#define SETTLE_MOST_MS 1000
#define SURELY_MORE 1.25
#define MORE 1.07
#define AS_MUCH 0.96
#define SURELY_LESS 0.85
#define COLLAPSED 0.6
/* So many short windows, at most, until the speed is steady: over a long way that takes seconds. */
#define STEADY_MOST 4
/* New connections push others' packets out of the queues on the way: not in the first second. */
#define STEADY_LEAST_MS 1000
/* So far away a connection needs seconds to gain its speed: many gain it sooner. */
#define FAR_MS 100
#define TRIM_WORTH_S 30

void plm_lanes_init(struct plm_lanes *lanes, unsigned least, unsigned most)
{
    *lanes = (struct plm_lanes){.least = least,
                                .most = most,
                                .wanted = least,
                                .ceiling = most,
                                .hold_ms = HOLD_FIRST_MS,
                                .from_ms = -1};
}

unsigned plm_lanes_allowed(const struct plm_lanes *lanes)
{
    return lanes->wanted < lanes->ceiling ? lanes->wanted : lanes->ceiling;
}

uint64_t plm_lanes_each(const struct plm_lanes *lanes)
{
    return lanes->base > 0 && lanes->base_count > 0 ? (uint64_t)(lanes->base / lanes->base_count)
                                                    : 0;
}

static int64_t short_ms(const struct plm_lanes_view *view)
{
    int64_t ms = view->answer_ms * SHORT_ANSWERS;
    if (ms < SHORT_LEAST_MS)
        return SHORT_LEAST_MS;
    return ms < SHORT_MOST_MS ? ms : SHORT_MOST_MS;
}

static int64_t settle_ms(const struct plm_lanes_view *view)
{
    int64_t ms = view->answer_ms * SETTLE_ANSWERS;
    return ms < SETTLE_MOST_MS ? ms : SETTLE_MOST_MS;
}

static void open_window(struct plm_lanes *lanes, const struct plm_lanes_view *view)
{
    lanes->from_ms = view->now_ms;
    lanes->from_bytes = view->received;
}

/* Bytes a second since the window was opened; below 0 while it is shorter than @p ms. */
static double window_rate(const struct plm_lanes *lanes, const struct plm_lanes_view *view,
                          int64_t ms)
{
    int64_t elapsed = view->now_ms - lanes->from_ms;
    if (lanes->from_ms < 0 || elapsed < ms || elapsed <= 0)
        return -1.0;
    return (double)(view->received - lanes->from_bytes) * 1000.0 / (double)elapsed;
}

static void enter(struct plm_lanes *lanes, enum plm_lanes_phase phase,
                  const struct plm_lanes_view *view)
{
    lanes->phase = phase;
    lanes->phase_ms = view->now_ms;
    lanes->before = 0;
    lanes->is_second_look = false;
    open_window(lanes, view);
}

static void hold(struct plm_lanes *lanes, const struct plm_lanes_view *view)
{
    enter(lanes, PLM_LANES_HOLDING, view);
}

/* So many bring @p rate: tries more, or is content. */
static void grow(struct plm_lanes *lanes, double rate, const struct plm_lanes_view *view)
{
    unsigned most = lanes->most < lanes->ceiling ? lanes->most : lanes->ceiling;
    lanes->base = rate;
    lanes->base_count = lanes->wanted;
    if (lanes->wanted >= most) {
        hold(lanes, view);
        return;
    }
    lanes->wanted = 2 * lanes->wanted < most ? 2 * lanes->wanted : most;
    enter(lanes, PLM_LANES_GROWN, view);
}

static void look_measuring(struct plm_lanes *lanes, const struct plm_lanes_view *view)
{
    double rate = window_rate(lanes, view, short_ms(view));
    if (rate < 0)
        return;
    /* The time before the first byte says nothing; nor does what each gains by itself at first. */
    int64_t since = view->now_ms - lanes->phase_ms;
    bool is_steady = lanes->before > 0 && rate < SURELY_MORE * lanes->before;
    bool is_time = since >= STEADY_LEAST_MS && (is_steady || since >= STEADY_MOST * short_ms(view));
    if (rate > 0 && (is_time || view->is_waiting || view->answer_ms >= FAR_MS)) {
        grow(lanes, rate, view);
        return;
    }
    lanes->before = rate;
    open_window(lanes, view);
}

static void keep_grown(struct plm_lanes *lanes, double rate, const struct plm_lanes_view *view)
{
    lanes->hold_ms = HOLD_FIRST_MS;
    grow(lanes, rate, view);
}

static void look_grown(struct plm_lanes *lanes, const struct plm_lanes_view *view)
{
    int64_t since = view->now_ms - lanes->phase_ms;
    double rate = window_rate(lanes, view, short_ms(view));
    if (rate < 0)
        return;
    if (rate >= SURELY_MORE * lanes->base) {
        keep_grown(lanes, rate, view);
        return;
    }
    if (since < settle_ms(view) + short_ms(view)) {
        open_window(lanes, view); /* they have not had their time yet */
        return;
    }
    rate = window_rate(lanes, view, LONG_OF_SHORT * short_ms(view));
    if (rate < 0)
        return;
    if (rate >= MORE * lanes->base) {
        keep_grown(lanes, rate, view);
        return;
    }
    if (rate < SURELY_LESS * lanes->base && !lanes->is_second_look) {
        lanes->is_second_look = true; /* rather the link, which mends from a burst of losses */
        open_window(lanes, view);
        return;
    }
    lanes->probe = rate;
    lanes->wanted = lanes->base_count;
    enter(lanes, PLM_LANES_RETURNED, view);
}

static void look_returned(struct plm_lanes *lanes, const struct plm_lanes_view *view)
{
    if (view->active > lanes->wanted) { /* requests under way are not cut */
        open_window(lanes, view);
        return;
    }
    double rate = window_rate(lanes, view, LONG_OF_SHORT * short_ms(view));
    if (rate < 0)
        return;
    if (rate * MORE < lanes->probe) { /* what they were measured by was luck */
        lanes->wanted = 2 * lanes->wanted < lanes->most ? 2 * lanes->wanted : lanes->most;
        grow(lanes, lanes->probe, view);
        return;
    }
    lanes->base = rate;
    lanes->base_count = lanes->wanted;
    hold(lanes, view);
}

static void look_holding(struct plm_lanes *lanes, const struct plm_lanes_view *view)
{
    int64_t held = view->now_ms - lanes->phase_ms;
    double rate = window_rate(lanes, view, 2 * LONG_OF_SHORT * short_ms(view));
    if (rate < 0)
        return;
    open_window(lanes, view);
    bool is_long = rate > 0 && (double)view->left / rate > TRIM_WORTH_S;
    bool collapsed = rate < COLLAPSED * lanes->base;
    if (!collapsed && held < lanes->hold_ms)
        return;
    bool is_less = !collapsed && is_long && lanes->is_less_next && lanes->wanted > lanes->least;
    lanes->is_less_next = !is_less;
    if (!is_less) {
        lanes->hold_ms = lanes->hold_ms * 2 < HOLD_MOST_MS ? lanes->hold_ms * 2 : HOLD_MOST_MS;
        enter(lanes, PLM_LANES_MEASURING, view);
    } else {
        lanes->base = rate;
        lanes->base_count = lanes->wanted;
        lanes->wanted = lanes->wanted / 2 > lanes->least ? lanes->wanted / 2 : lanes->least;
        enter(lanes, PLM_LANES_TRIMMED, view);
    }
}

static void look_trimmed(struct plm_lanes *lanes, const struct plm_lanes_view *view)
{
    bool is_falling = view->active > lanes->wanted;
    double rate = window_rate(lanes, view, (is_falling ? 1 : LONG_OF_SHORT) * short_ms(view));
    if (rate < 0)
        return;
    if (rate < (is_falling ? SURELY_LESS : AS_MUCH) * lanes->base) {
        lanes->wanted = lanes->base_count;
        hold(lanes, view);
    } else if (is_falling) {
        open_window(lanes, view);
    } else {
        lanes->is_less_next = true; /* half of these, perhaps */
        hold(lanes, view);
    }
}

void plm_lanes_look(struct plm_lanes *lanes, const struct plm_lanes_view *view)
{
    static void (*const look[])(struct plm_lanes *, const struct plm_lanes_view *) = {
        [PLM_LANES_MEASURING] = look_measuring, [PLM_LANES_GROWN] = look_grown,
        [PLM_LANES_RETURNED] = look_returned,   [PLM_LANES_HOLDING] = look_holding,
        [PLM_LANES_TRIMMED] = look_trimmed,
    };
    if (lanes->ceiling < lanes->most && view->now_ms - lanes->refused_ms > CEILING_RISES_MS) {
        lanes->ceiling++;
        lanes->refused_ms = view->now_ms;
    }
    if (lanes->least == lanes->most)
        return;
    bool is_trial = lanes->phase == PLM_LANES_GROWN || lanes->phase == PLM_LANES_TRIMMED;
    if (view->is_starved && is_trial) {
        lanes->wanted = lanes->base_count;
        enter(lanes, PLM_LANES_MEASURING, view);
    } else if (lanes->from_ms < 0) {
        enter(lanes, lanes->phase, view); /* the first look, or the first since a refusal */
    } else if (view->is_starved) {
        open_window(lanes, view);
    } else {
        look[lanes->phase](lanes, view);
    }
}

void plm_lanes_refused(struct plm_lanes *lanes, unsigned active, int64_t now_ms)
{
    lanes->ceiling = active > 1 ? active - 1 : 1;
    lanes->refused_ms = now_ms;
    if (lanes->least == lanes->most)
        return;
    if (lanes->wanted > lanes->ceiling)
        lanes->wanted = lanes->ceiling;
    lanes->phase = PLM_LANES_HOLDING;
    lanes->phase_ms = now_ms;
    lanes->from_ms = -1;
    lanes->base = 0;
}
