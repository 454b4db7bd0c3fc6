/**
 * Faults: a plan which call of the code under test fails, and how; and what every call did to the
 * disk.
 *
 * The linker sends the library's calls of the system and of allocators to fault_calls.c and
 * fault_memory.c (`--wrap`), so that the objects under test are those of the program. While no plan
 * is armed they only pass on. A plan lies in memory that the test shares with the process that runs
 * under it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_EIO,
    FAULT_ENOSPC,
    FAULT_EINTR,  /**< the caller must try again */
    FAULT_SHORT,  /**< half of a read or write */
    FAULT_MEMORY, /**< an allocation, a mapping, a thread */
    FAULT_KINDS
};
#define FAULT_CAN(kind) (1u << (kind))

struct fault_plan {
    enum fault_kind kind;
    unsigned at;            /**< the call that fails, from 1; 0: none */
    bool sticky;            /**< all later ones fail, too */
    char boot[40];          /**< this boot's identity; "": the machine's own */
    uint32_t disk_type;     /**< what fstatfs() says the store lies on; 0: the truth */
    _Atomic unsigned calls; /**< seen so far, of those that can fail in this way */
    _Atomic unsigned fired; /**< that failed */
    _Atomic unsigned syncs;
    _Atomic uint64_t got, put; /**< bytes that were read and written by offset */
    char name[32];             /**< the first call that failed */
};

struct disk_log;

/** From here on calls follow @p plan and are noted in @p log (may be NULL). NULL: none any more. */
void fault_arm(struct fault_plan *plan, struct disk_log *log);

/** For json_set_alloc_funcs(), which the linker cannot reach; the name of such a call. */
void *fault_json_malloc(size_t size);
#define FAULT_JSON "jansson"

/* ---- for the replaced functions ---- */

struct fault_plan *fault_armed(void);
struct disk_log *fault_log(void);
/** Whether this call fails: errno is set then. @p can: FAULT_CAN of each kind that it can meet. */
bool fault_fails(unsigned can, const char *name);

/** Declares a function of the system and begins the one that stands in for it. */
#define FAULT_WRAP(type, name, params)                                                             \
    type __real_##name params;                                                                     \
    type __wrap_##name params;                                                                     \
    type __wrap_##name params
