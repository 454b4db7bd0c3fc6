/** Freeing what a replaced manifest alone named. Loop thread, under the store lock. */
#pragma once

#include "engine/engine_private.h"
#include "pullama/manifest.h"

/** Removes the blobs of @p old that no manifest names any more, and tells of them. A failure costs
 * disk space, not the job: it becomes a warning. */
void plm_prune(struct plm_job *job, const struct plm_manifest *old);
