/* Owns which jobs each verb makes of its operands and options. */
#include "cli/verb_jobs.h"

#include "cli/args.h"

/* The standard streams, as every process has them. */
#define PLM_STREAM_IN 0
#define PLM_STREAM_OUT 1

bool plm_verb_job_each_operand(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (n >= args->operand_count)
        return false;
    *out = (struct plm_job_spec){.verb = args->verb->verb,
                                 .model = args->operands[n],
                                 .dry_run = plm_args_has(args, PLM_OPT_DRY_RUN)};
    return true;
}

bool plm_verb_job_once(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (n > 0)
        return false;
    *out = (struct plm_job_spec){.verb = args->verb->verb,
                                 .model = args->operand_count > 0 ? args->operands[0] : NULL,
                                 .target = args->operand_count > 1 ? args->operands[1] : NULL,
                                 .dry_run = plm_args_has(args, PLM_OPT_DRY_RUN)};
    return true;
}

bool plm_verb_job_all_operands(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (n > 0)
        return false;
    *out = (struct plm_job_spec){.verb = args->verb->verb,
                                 .models = args->operands,
                                 .model_count = args->operand_count,
                                 .dry_run = plm_args_has(args, PLM_OPT_DRY_RUN),
                                 .fast = plm_args_has(args, PLM_OPT_FAST),
                                 .repair = plm_args_has(args, PLM_OPT_REPAIR)};
    return true;
}

bool plm_verb_job_prune(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    const struct plm_option_value *age = &args->values[PLM_OPT_OLDER_THAN];
    if (!plm_verb_job_once(args, n, out))
        return false;
    out->has_age = age->given;
    out->older_than_ms = (int64_t)age->number;
    return true;
}

/* What the options say of an archive to be written, with @p file as its path. */
static void set_archive(const struct plm_args *args, const char *file, struct plm_job_spec *out)
{
    out->models = args->operands;
    out->model_count = args->operand_count;
    out->target = file;
    out->split = args->values[PLM_OPT_SPLIT].number;
    out->force = plm_args_has(args, PLM_OPT_FORCE);
    out->stream_fd = PLM_STREAM_OUT;
}

/* The models, and then all of them into one archive. */
bool plm_verb_job_pull(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    const struct plm_option_value *file = &args->values[PLM_OPT_EXPORT];
    if (plm_verb_job_each_operand(args, n, out))
        return true;
    if (n > args->operand_count || !file->given || plm_args_has(args, PLM_OPT_DRY_RUN))
        return false;
    *out = (struct plm_job_spec){.verb = PLM_VERB_EXPORT, .after_success = true};
    set_archive(args, file->text, out);
    return true;
}

bool plm_verb_job_export(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (n > 0)
        return false;
    *out = (struct plm_job_spec){.verb = PLM_VERB_EXPORT,
                                 .dry_run = plm_args_has(args, PLM_OPT_DRY_RUN)};
    set_archive(args, args->values[PLM_OPT_FILE].text, out);
    return true;
}

bool plm_verb_job_import(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (n >= args->operand_count)
        return false;
    *out = (struct plm_job_spec){.verb = PLM_VERB_IMPORT,
                                 .target = args->operands[n],
                                 .stream_fd = PLM_STREAM_IN,
                                 .dry_run = plm_args_has(args, PLM_OPT_DRY_RUN)};
    return true;
}

/* The engine reads the target of a push with its model. */
bool plm_verb_job_push(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (!plm_verb_job_each_operand(args, n, out))
        return false;
    out->target = args->values[PLM_OPT_AS].text;
    return true;
}

bool plm_verb_job_queue(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (!plm_verb_job_all_operands(args, n, out))
        return false;
    out->finished = plm_args_has(args, PLM_OPT_FINISHED);
    out->jobs = plm_args_has(args, PLM_OPT_JOBS) ? (unsigned)args->values[PLM_OPT_JOBS].number : 1;
    return true;
}

bool plm_verb_job_history(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (!plm_verb_job_once(args, n, out))
        return false;
    out->since = args->values[PLM_OPT_SINCE].text;
    out->keep = args->values[PLM_OPT_KEEP].text;
    return true;
}

bool plm_verb_job_doctor(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (!plm_verb_job_once(args, n, out))
        return false;
    out->with_push = plm_args_has(args, PLM_OPT_PUSH);
    return true;
}

bool plm_verb_job_adopt(const struct plm_args *args, size_t n, struct plm_job_spec *out)
{
    if (!plm_verb_job_once(args, n, out))
        return false;
    out->target = args->values[PLM_OPT_AS].text;
    out->link = plm_args_has(args, PLM_OPT_LINK);
    return true;
}
