/**
 * Campaigns: the same pull, or import, again and again, another call failing each time.
 *
 * A case is named SCENARIO/KIND/CALL, with `+` behind it when all later calls fail, too, as they do
 * on a full disk. PLM_FAULT_CASE=fresh/enospc/17+ runs that one alone.
 */
#pragma once

#include "world.h"

enum scenario {
    SCENARIO_FRESH,  /**< nothing is there, not even the store */
    SCENARIO_RESUME, /**< a pull ended half-way, and left its record */
    SCENARIO_UPDATE, /**< the tag leads to another model than the one that is installed */
    SCENARIO_ADOPT,  /**< Ollama left a partial download */
    SCENARIO_IMPORT, /**< nothing is there but, outside of the disk, an archive of the model */
    SCENARIOS
};
const char *scenario_name(enum scenario scenario);

/** Empties the disk and brings about what the scenario begins with; the log is empty then. */
void scenario_prepare(struct world *world, enum scenario scenario);
/** Pulls, or imports, and adds to the log. */
void scenario_run(struct world *world, enum scenario scenario, const struct fault_plan *plan);
/** The archive that SCENARIO_IMPORT reads; gives @p out. */
const char *scenario_archive(const struct world *world, char out[320]);

/** The identity of the boot of which the runs before a power cut believe to be. */
#define BOOT_BEFORE "11111111-2222-3333-4444-555555555555"
#define BOOT_AFTER "66666666-7777-8888-9999-000000000000"

/** Runs it without faults, after a restart of the machine if @p rebooted; all must be well then. */
bool scenario_mends(struct world *world, enum scenario scenario, bool rebooted,
                    char why[WORLD_WHY]);

/**
 * Lets call 1, 1 + step, 1 + 2 × step … fail, until a run needs no more calls; everything that must
 * hold is looked at after each. Gives the number of cases that were wrong, each of which is told.
 */
unsigned campaign_run(struct world *world, enum scenario scenario, enum fault_kind kind,
                      bool sticky, unsigned step);

/** What a part of the campaign came to, for the table at the end of the tests. */
struct campaign_sum {
    const char *part;
    unsigned cases, wrong;
    unsigned first_seed, last_seed; /**< 0, 0: no chance in it */
    uint64_t again, of;             /**< the most bytes that were fetched again, of how many */
    char where[128];                /**< the case in which they were */
};

/** Tells the sum, and appends it as a line of JSON to the file that PULLAMA_CAMPAIGN names. */
void campaign_tell(const struct campaign_sum *sum);

/** Tells of a case that was wrong, and by which command it is repeated. */
void campaign_tell_wrong(const char *test, const char *name, const char *call, const char *why);
