/**
 * Credentials of the queued jobs. Each registry's are looked for once, before the process is
 * confined, shared by the jobs that need them, and wiped with the last of these. Loop thread only.
 */
#pragma once

#include "net/credentials.h"
#include "pullama/ref.h"

struct plm_engine;
struct plm_job;
struct plm_held_credential;

/** Looks for those of the job's registry, which may run a helper program; nothing when it has some.
 * A failure is a lack of memory, or PLM_E_INTERRUPTED: an end was asked for meanwhile. */
PLM_MUST bool plm_job_find_credential(struct plm_job *job, struct plm_error *err);
/** Looks for those of one more registry that a job may ask; they are kept as long as the engine. */
PLM_MUST bool plm_engine_find_credential(struct plm_engine *engine, const struct plm_ref *ref,
                                         struct plm_error *err);
/** Those of the registry of @p ref. Borrowed; NULL when none were looked for. */
const struct plm_credential *plm_engine_credential(const struct plm_engine *engine,
                                                   const struct plm_ref *ref);
void plm_engine_drop_credentials(struct plm_engine *engine);
/** Warns of all, each once, as plm_job_tell_of_credential() does of the job's. */
void plm_job_tell_of_credentials(struct plm_job *job);
/** Warns, once for each registry, of what kept some from being used. */
void plm_job_tell_of_credential(struct plm_job *job);
/** Borrowed; NULL when none were looked for. */
const struct plm_credential *plm_job_credential(const struct plm_job *job);
void plm_job_drop_credential(struct plm_job *job);
