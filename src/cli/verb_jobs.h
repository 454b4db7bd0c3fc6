/**
 * Which jobs a verb makes of its operands and options. Each function fills @p out with the n-th
 * job, counted from 0, or returns false when there is none. The texts are those of @p args.
 */
#pragma once

#include "pullama/engine.h"

struct plm_args;

bool plm_verb_job_each_operand(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_once(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_all_operands(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_prune(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_pull(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_export(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_import(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_push(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_queue(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_history(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_doctor(const struct plm_args *args, size_t n, struct plm_job_spec *out);
bool plm_verb_job_adopt(const struct plm_args *args, size_t n, struct plm_job_spec *out);
