/**
 * A world for fault tests: a registry, and jobs in processes of their own, most of them pulls.
 *
 * One world a program. A job runs in a child, so that whatever it does (a crash, a hang, a leak
 * under the sanitizer) is a result like others.
 */
#pragma once

#include "disk.h"
#include "fault.h"
#include "pullama/engine.h"
#include "registry.h"

#define WORLD_WHY 1024

/** What a job said, and how its process ended. */
struct world_run {
    bool is_made;         /**< there was an engine, and it took the job */
    struct plm_error err; /**< of the failure, by event or by the engine */
    int completed, failed;
    bool went_down; /**< overall_done decreased */
    bool said_more; /**< an event after the last one */
    bool up_to_date;
    uint64_t fetched; /**< of an import: taken from the archive */
    int64_t elapsed_ms;
    int status; /**< of waitpid() */
};

struct world {
    struct registry *registry; /**< these three are shared with the children */
    struct fault_plan *plan;
    struct world_run *run;
    struct disk_log *log;
    pid_t registry_pid;
    char root[256];   /**< scratch directory */
    char disk[300];   /**< in it: what the runs see; the store is disk/models */
    bool has_foreign; /**< another program's partial files may lie in blobs/ */
    bool keeps_history;
};

/** @p large_size: of the large version's first blob. */
void world_open(struct world *world, uint64_t large_size);
void world_close(struct world *world);

/** Empties the disk and the log. */
void world_reset(struct world *world);
/** Puts @p disk in the place of what is there; the log is empty then. */
void world_put(struct world *world, const struct disk *disk);

/**
 * Runs a job under @p plan, on the disk, and adds to the log, if there is to be one. A run that
 * hangs is killed. The log has an end of the job as DISK_DONE of "", or of "failed"; an entry of
 * the queue that is settled, of its reference.
 */
void world_run_job(struct world *world, const struct fault_plan *plan,
                   const struct plm_job_spec *spec, struct disk_log *log);
/** Pulls what the tag leads to, and adds to the log. */
void world_pull(struct world *world, const struct fault_plan *plan);
/** Likewise, without the log: for pulls that are larger than it. */
void world_pull_unnoted(struct world *world, const struct fault_plan *plan);

#define WORLD_REFERENCE 128
/** A model of the registry, whole, as the queue keeps it; gives @p out. */
const char *world_reference(const struct world *world, const char *name, char out[WORLD_REFERENCE]);

/**
 * What must hold of any run: one end, progress that only grows, no crash, no leak, a failure that
 * says what it is. False with a sentence in @p why.
 */
bool world_run_is_sound(const struct world_run *run, char why[WORLD_WHY]);

/** True when the variable that asks for the whole campaign is set. */
bool world_wants_all(void);
/** A number in the environment, or @p usual. */
unsigned world_number(const char *name, unsigned usual);
