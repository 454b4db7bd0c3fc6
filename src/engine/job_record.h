/**
 * What the history is to say of a job: gathered from its events, written at its end. Nothing here
 * ever fails a job. Loop thread only.
 */
#pragma once

#include "pullama/event.h"

struct plm_job;
struct plm_engine;

struct plm_record {
    uint64_t total, reused, retries;
    uint32_t models;        /**< of an archive */
    uint64_t fetched, sent; /**< counted by the job itself, as bytes move */
    struct plm_ref target;  /**< of a push: what it is called there */
    bool has_target;
};

/** Opens the history, if there is a place for it, before the job runs. */
void plm_record_begin(struct plm_job *job);
void plm_record_see(struct plm_job *job, const struct plm_event *event);
/** Writes it. @p err NULL: the job went well. */
void plm_record_end(struct plm_job *job, const struct plm_error *err);
void plm_record_close(struct plm_engine *engine);
