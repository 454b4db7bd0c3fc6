/**
 * Errors: what went wrong, as a value that the caller owns.
 *
 * Fallible functions return false and fill a `struct plm_error`. The first error wins; callers
 * further up prefix context with plm_prefix(). No allocation, no thread-local state: any thread.
 * An error says what happened; only net/retry.c decides what to do about it.
 */
#pragma once

#include "pullama/defs.h"

/** What kind of failure it is. The table in base/error.c gives name and exit status of each. */
enum plm_code {
    PLM_OK = 0,
    PLM_E_INTERNAL,    /**< a broken assumption of ours */
    PLM_E_NOMEM,       /**< memory could not be had */
    PLM_E_IO,          /**< the system refused a file operation */
    PLM_E_NOSPACE,     /**< disk or quota full, or too little free space */
    PLM_E_ACCESS,      /**< permission denied, read-only file system */
    PLM_E_BUSY,        /**< another process holds the lock */
    PLM_E_USAGE,       /**< the command line or a job's fields are wrong */
    PLM_E_BAD_NAME,    /**< not a model reference or not a digest */
    PLM_E_NOT_FOUND,   /**< no such model, blob or file */
    PLM_E_AUTH,        /**< the registry wants credentials that we do not have, or refused ours */
    PLM_E_INTEGRITY,   /**< bytes do not have the digest or size that they must have */
    PLM_E_NETWORK,     /**< transient network failure that outlasted all retries */
    PLM_E_TLS,         /**< the certificate or the TLS set-up is not acceptable */
    PLM_E_HTTP,        /**< an HTTP status that no retry mends */
    PLM_E_PROTOCOL,    /**< an answer that breaks the protocol */
    PLM_E_LIMIT,       /**< something remote is larger than its cap */
    PLM_E_CORRUPT,     /**< a file in the store cannot be read as what it should be */
    PLM_E_UNSUPPORTED, /**< valid, but not something this program can do */
    PLM_E_INTERRUPTED, /**< stopped on request */
    PLM_E_OUTDATED,    /**< no failure: `outdated` found models that are */
    PLM_CODES
};

/** Room for a message with a long path in it; longer texts are cut. */
#define PLM_ERROR_TEXT 512

struct plm_error {
    enum plm_code code;
    int sys_errno;   /**< errno, or 0 */
    int http_status; /**< HTTP status, or 0 */
    char msg[PLM_ERROR_TEXT];
};

/** Name of a code as it stands in JSON output, e.g. "not_found". Never NULL. */
PLM_API const char *plm_code_name(enum plm_code code);

/** Exit status of the program for a code (0, 1, 2, 3, 4, 5, 6 or 64). */
PLM_API int plm_code_exit_status(enum plm_code code);

/** What a person can do about it, as one sentence, or NULL when there is nothing general to say. */
PLM_API const char *plm_code_hint(enum plm_code code);

/** What plm_fail() and its like call; they exist so that a compiler sees the false. */
PLM_API void plm_error_set(struct plm_error *err, enum plm_code code, const char *format, ...)
    PLM_FORMAT(3, 4);
PLM_API void plm_error_set_sys(struct plm_error *err, int sys_errno, const char *format, ...)
    PLM_FORMAT(3, 4);
PLM_API void plm_error_prefix(struct plm_error *err, const char *format, ...) PLM_FORMAT(2, 3);

/**
 * Fills @p err unless it already holds an error, and gives false, so that callers can
 * `return plm_fail(err, code, format, …)`. @p err may be NULL.
 */
#define plm_fail(err, code, ...) (plm_error_set((err), (code), __VA_ARGS__), false)

/** As plm_fail(), with the code derived from @p sys_errno and its text appended. */
#define plm_fail_sys(err, sys_errno, ...) (plm_error_set_sys((err), (sys_errno), __VA_ARGS__), false)

/** Puts "context: " before the message, and gives false. @p err may be NULL. */
#define plm_prefix(err, ...) (plm_error_prefix((err), __VA_ARGS__), false)
