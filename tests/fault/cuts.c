/* Cuts of a story: which are taken, and what they came to. */
#include "cuts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RARE 96 /* the cuts between two writes of which one is taken */

struct cutter {
    struct world *world;
    const struct cut_story *story;
    const struct disk_history *history;
    struct campaign_sum sum;
};

/* Whether the environment asks for another case. */
static bool is_unwanted(const char *name)
{
    const char *wanted = getenv("PLM_FAULT_CASE");
    return wanted && strcmp(wanted, name) != 0;
}

static void cut_once(struct cutter *c, size_t cut, unsigned seed)
{
    struct campaign_sum *sum = &c->sum;
    char name[128], why[WORLD_WHY] = "";
    uint64_t again = 0;
    (void)snprintf(name, sizeof(name), "%s/%zu/%u", c->story->name, cut, seed);
    if (is_unwanted(name))
        return;
    struct disk *left =
        disk_cut(c->history, cut, seed < DISK_RANDOM ? (enum disk_chance)seed : DISK_RANDOM, seed);
    world_put(c->world, left);
    disk_free(left);
    bool ok = c->story->holds(c->history, cut, &again, why);
    sum->cases++;
    sum->wrong += !ok;
    if (seed >= DISK_RANDOM) {
        sum->first_seed = sum->first_seed ? sum->first_seed : seed;
        sum->last_seed = seed;
    }
    if (again >= sum->again) {
        sum->again = again;
        (void)snprintf(sum->where, sizeof(sum->where), "%s", name);
    }
    if (!ok)
        campaign_tell_wrong(c->story->test, name, "cut", why);
}

static void cut_all(struct cutter *c)
{
    unsigned first = world_number("PLM_FAULT_SEED", DISK_RANDOM), seeds = world_wants_all() ? 4 : 1;
    size_t step = world_wants_all() ? 1 : c->story->step, turn = 0;
    size_t rare = world_wants_all() && c->story->has_short_writes ? 1 : RARE;
    for (size_t cut = 0; cut <= disk_history_count(c->history); cut++) {
        bool taken = disk_history_is_turn(c->history, cut) ? turn++ % step == 0 : cut % rare == 0;
        for (unsigned n = 0; taken && n < DISK_RANDOM; n++)
            cut_once(c, cut, n);
        for (unsigned n = 0; taken && n < seeds; n++)
            cut_once(c, cut, first + (unsigned)cut * seeds + n);
    }
}

unsigned cut_story(struct world *world, const struct disk *before, const struct cut_story *story)
{
    struct disk_log *log = disk_log_copy(world->log); /* the next runs write to that one */
    struct disk_history *history = disk_history_new(before, log);
    struct cutter c = {world, story, history, {.part = story->part, .of = story->of}};
    assert_non_null(history);
    cut_all(&c);
    print_message("%s: %u cuts of %zu changes, seeds from %u", story->name, c.sum.cases,
                  disk_history_count(history), world_number("PLM_FAULT_SEED", DISK_RANDOM));
    if (story->of > 0)
        print_message("; at most %llu bytes come again", (unsigned long long)c.sum.again);
    print_message("\n");
    disk_history_free(history);
    free(log);
    campaign_tell(&c.sum);
    return c.sum.wrong;
}
