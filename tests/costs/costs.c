/* costs PART TIMES: does what one part of a pull does for a piece of 16 KiB, so often. Counted by
 * tools/count-instructions, never timed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/lanes.h"
#include "engine/meter.h"
#include "engine/plan.h"
#include "engine/range.h"
#include "net/rate.h"
#include "store/live.h"
#include "store/spans.h"

#define PIECE (UINT64_C(16) << 10)
#define LANES 4
#define SIZE (UINT64_C(1) << 40)

/* Where piece n of a pull over four connections lies. */
static struct plm_span piece_at(uint64_t n)
{
    uint64_t start = n % LANES * (SIZE / LANES) + n / LANES * PIECE;
    return (struct plm_span){start, start + PIECE};
}

static bool add_spans(uint64_t times)
{
    struct plm_spans set = {0};
    bool ok = true;
    for (uint64_t n = 0; n < times && ok; n++)
        ok = plm_spans_add(&set, piece_at(n), NULL) && plm_spans_total(&set) > 0;
    plm_spans_done(&set);
    return ok;
}

static bool add_live(uint64_t times)
{
    char folder[] = "/tmp/pullama-costs-XXXXXX";
    struct plm_descriptor want = {.size = SIZE};
    struct plm_spans none = {0};
    struct plm_live *live = NULL;
    int dir = -1;
    bool ok = mkdtemp(folder) && plm_os_open_dir(plm_os_cwd(), folder, false, &dir, NULL) &&
              plm_live_open(dir, "live", &want, &none, &live, NULL);
    for (uint64_t n = 0; n < times && ok; n++)
        plm_live_add(live, piece_at(n));
    plm_live_free(live);
    if (dir >= 0)
        (void)!plm_os_unlink(dir, "live", NULL, NULL);
    plm_os_close(dir);
    return ok && remove(folder) == 0;
}

static bool plan_next(uint64_t times)
{
    const struct plm_plan_pace pace = {LANES, 10 << 20, 50};
    struct plm_spans written = {0};
    struct plm_span asked[LANES], next;
    bool ok = true;
    for (uint64_t n = 0; n < LANES; n++)
        asked[n] = (struct plm_span){n * (SIZE / LANES), (n + 1) * (SIZE / LANES) - PIECE};
    for (uint64_t n = 0; n < times && ok; n++)
        ok = plm_plan_next(&written, asked, LANES, SIZE,
                           plm_plan_chunk_length(SIZE, SIZE - n, 64 << 20, &pace), &next);
    return ok;
}

static bool look_at_lanes(uint64_t times)
{
    struct plm_lanes lanes;
    struct plm_lanes_view view = {.left = SIZE, .active = LANES, .answer_ms = 20};
    plm_lanes_init(&lanes, PLM_LANES_LEAST, PLM_LANES_MOST);
    for (uint64_t n = 0; n < times; n++) {
        view.now_ms += 100;
        view.received += 10 << 20;
        view.active = plm_lanes_allowed(&lanes);
        plm_lanes_look(&lanes, &view);
    }
    return plm_lanes_allowed(&lanes) > 0;
}

static bool take_rate(uint64_t times)
{
    struct plm_rate rate = {0};
    uint64_t passed = 0;
    plm_rate_set(&rate, SIZE, 0);
    for (uint64_t n = 0; n < times; n++) {
        passed += plm_rate_may_pass(&rate, (int64_t)(n / 64));
        plm_rate_take(&rate, PIECE);
    }
    return passed > 0 || times == 0;
}

static bool judge_range(uint64_t times)
{
    struct plm_span asked = {PIECE, 2 * PIECE};
    const struct plm_http_head head = {.status = 206,
                                       .has_length = true,
                                       .length = PIECE,
                                       .has_range = true,
                                       .range = asked,
                                       .has_total = true,
                                       .total = SIZE};
    bool ok = true;
    for (uint64_t n = 0; n < times && ok; n++)
        ok = plm_range_judge(&head, asked, SIZE, NULL) == PLM_RANGE_EXACT;
    return ok;
}

static const struct {
    const char *name;
    bool (*run)(uint64_t times);
} parts[] = {
    {"spans", add_spans},     {"live", add_live},  {"plan", plan_next},
    {"lanes", look_at_lanes}, {"rate", take_rate}, {"range", judge_range},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < PLM_COUNT(parts); i++)
        if (strcmp(argv[1], parts[i].name) == 0)
            return parts[i].run(strtoull(argv[2], NULL, 10)) ? 0 : 1;
    (void)fprintf(stderr, "costs PART TIMES, where PART is one of:");
    for (size_t i = 0; i < PLM_COUNT(parts); i++)
        (void)fprintf(stderr, " %s", parts[i].name);
    (void)fputc('\n', stderr);
    return 64;
}
