/**
 * Cuts of a story: the disk is put together as a power cut after any of its changes could have left
 * it, again and again, and each time a test looks.
 *
 * A sample of the changes by default; PLM_FAULT_ALL=1 cuts after every one, with more seeds.
 * PLM_FAULT_SEED=N takes other seeds from N on. PLM_FAULT_CASE=NAME/CUT/SEED takes one case alone;
 * how many changes a story has varies a little.
 */
#pragma once

#include "campaign.h"
#include "disk.h"

struct cut_story {
    const char *test; /**< its program is test_<test> */
    const char *part; /**< of the campaign */
    const char *name;
    size_t step;           /**< in a sample, every so many turns are cut */
    bool has_short_writes; /**< the whole cuts between all of them: none is a blob's next bytes */
    /**
     * Looks at the disk as @p cut left it, which is in its place. *again: bytes that come twice.
     * False with a sentence.
     */
    bool (*holds)(const struct disk_history *history, size_t cut, uint64_t *again,
                  char why[WORLD_WHY]);
    uint64_t of; /**< bytes that can come twice at most; 0: none are counted */
};

/** Cuts what is in the log, and began with @p before. Gives the number of cases that were wrong,
 * each of which is told. */
unsigned cut_story(struct world *world, const struct disk *before, const struct cut_story *story);
