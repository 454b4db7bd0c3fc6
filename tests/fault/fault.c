/* Faults: counts calls and says which one fails. */
#include "fault.h"

#include <errno.h>
#include <stdio.h>

static struct fault_plan *_Atomic armed;
static struct disk_log *_Atomic noted;

void fault_arm(struct fault_plan *plan, struct disk_log *log)
{
    atomic_store(&noted, plan ? log : NULL);
    atomic_store(&armed, plan);
}

struct fault_plan *fault_armed(void)
{
    return atomic_load(&armed);
}

struct disk_log *fault_log(void)
{
    return atomic_load(&noted);
}

bool fault_fails(unsigned can, const char *name)
{
    static const int numbers[FAULT_KINDS] = {
        [FAULT_EIO] = EIO, [FAULT_ENOSPC] = ENOSPC, [FAULT_EINTR] = EINTR, [FAULT_MEMORY] = ENOMEM};
    struct fault_plan *plan = fault_armed();
    if (!plan || !(can & FAULT_CAN(plan->kind)))
        return false;
    unsigned call = atomic_fetch_add(&plan->calls, 1) + 1;
    if (plan->at == 0 || call < plan->at || (call > plan->at && !plan->sticky))
        return false;
    if (atomic_fetch_add(&plan->fired, 1) == 0)
        (void)snprintf(plan->name, sizeof(plan->name), "%s", name);
    errno = numbers[plan->kind];
    return true;
}
