/**
 * Other programs: started, fed, read, and ended when they take too long.
 *
 * Blocks its thread. Nothing that a program gets or says stands in an argument or in an error.
 */
#pragma once

#include "base/buf.h"

/** Whether the user asked us to end: looked at again and again while we wait for a program. Zero:
 * nobody can ask. */
struct plm_end_request {
    bool (*is_made)(void *ctx);
    void *ctx;
};

struct plm_process_request {
    const char *const
        *arguments;    /**< the program's name first, looked up in $PATH; NULL ends them */
    const char *input; /**< for its standard input; may hold a secret */
    size_t input_size;
    int64_t timeout_ms; /**< the time in which we are stopped (Ctrl+Z) does not count */
    struct plm_end_request end;
};

/**
 * Runs a program to its end. Its standard error goes nowhere; it gets the environment as it is.
 *
 * @param out     what it wrote to its standard output. PLM_E_LIMIT when that is more than out->max.
 * @param status  its exit status; 128 and more: a signal ended it.
 * @retval false  PLM_E_NOT_FOUND when there is no such program; PLM_E_INTERRUPTED when we
 * were asked to end, at any time before it ended well; PLM_E_BUSY when it took too long. The
 * program is ended then.
 */
PLM_MUST bool plm_process_run(const struct plm_process_request *request, struct plm_buf *out,
                              int *status, struct plm_error *err);
