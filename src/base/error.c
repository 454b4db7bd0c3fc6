/* Errors: fills them, names them, and knows which exit status each one means. */
#include "pullama/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct code_row {
    const char *name;
    int exit_status;
    const char *hint;
};

static const struct code_row codes[PLM_CODES] = {
    [PLM_OK] = {"ok", 0, NULL},
    [PLM_E_INTERNAL] = {"internal", 1, "this is a bug in pullama; please report it"},
    [PLM_E_NOMEM] = {"out_of_memory", 1, "free some memory and run the command again"},
    [PLM_E_IO] = {"io", 1, "check the disk, then run the command again; what was received is kept"},
    [PLM_E_NOSPACE] = {"disk_full", 2,
                       "make room, then run the command again; what was received is kept"},
    [PLM_E_ACCESS] = {"access", 1,
                      "check who owns the models directory, or choose one with --models-dir"},
    [PLM_E_BUSY] = {"busy", 1, "wait until the other process has ended"},
    [PLM_E_USAGE] = {"usage", 64, "see: pullama help"},
    [PLM_E_BAD_NAME] = {"bad_name", 64,
                        "write it as [host[:port]/][namespace/]model[:tag][@sha256:HEX]"},
    [PLM_E_NOT_FOUND] = {"not_found", 4, "check the spelling of model and tag"},
    [PLM_E_AUTH] = {"auth", 3,
                    "check that you may read this model; pullama login HOST keeps a password, "
                    "pullama keygen makes a key"},
    [PLM_E_INTEGRITY] = {"integrity", 5, "the source served wrong bytes; nothing was installed"},
    [PLM_E_NETWORK] = {"network", 6, "run the same command again to resume"},
    [PLM_E_TLS] = {"tls", 1,
                   "an authority of your own: --cacert FILE; a registry without TLS: --insecure"},
    [PLM_E_HTTP] = {"http", 1, NULL},
    [PLM_E_PROTOCOL] = {"protocol", 1, "the server does not speak the registry protocol here"},
    [PLM_E_LIMIT] = {"limit", 1, "the server sent more than any real model has"},
    [PLM_E_CORRUPT] = {"corrupt", 1, "move the named file away, then run the command again"},
    [PLM_E_UNSUPPORTED] = {"unsupported", 1, NULL},
    [PLM_E_INTERRUPTED] = {"interrupted", 0, NULL},
    [PLM_E_OUTDATED] = {"outdated", 1, NULL},
};

const char *plm_code_name(enum plm_code code)
{
    return (unsigned)code < PLM_CODES ? codes[code].name : "internal";
}

int plm_code_exit_status(enum plm_code code)
{
    return (unsigned)code < PLM_CODES ? codes[code].exit_status : 1;
}

const char *plm_code_hint(enum plm_code code)
{
    return (unsigned)code < PLM_CODES ? codes[code].hint : NULL;
}

static enum plm_code code_of_errno(int sys_errno)
{
    switch (sys_errno) {
    case ENOMEM:
        return PLM_E_NOMEM;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return PLM_E_NOSPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return PLM_E_ACCESS;
    case ENOENT:
        return PLM_E_NOT_FOUND;
    case EWOULDBLOCK:
        return PLM_E_BUSY;
    default:
        return PLM_E_IO;
    }
}

static void PLM_FORMAT(2, 0) fill(struct plm_error *err, const char *format, va_list args)
{
    if (vsnprintf(err->msg, sizeof(err->msg), format, args) < 0)
        err->msg[0] = '\0';
}

void plm_error_set(struct plm_error *err, enum plm_code code, const char *format, ...)
{
    if (!err || err->code != PLM_OK)
        return;
    err->code = code;
    va_list args;
    va_start(args, format);
    fill(err, format, args);
    va_end(args);
}

void plm_error_set_sys(struct plm_error *err, int sys_errno, const char *format, ...)
{
    if (!err || err->code != PLM_OK)
        return;
    err->code = code_of_errno(sys_errno);
    err->sys_errno = sys_errno;
    va_list args;
    va_start(args, format);
    fill(err, format, args);
    va_end(args);
    size_t used = strlen(err->msg);
    (void)snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", strerror(sys_errno));
}

void plm_error_prefix(struct plm_error *err, const char *format, ...)
{
    if (!err || err->code == PLM_OK)
        return;
    char context[PLM_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    if (length <= 0)
        return;
    size_t room = sizeof(err->msg) - 3;
    size_t before = (size_t)length < room / 2 ? (size_t)length : room / 2;
    size_t after = strlen(err->msg);
    if (after > room - before)
        after = room - before;
    memmove(err->msg + before + 2, err->msg, after);
    memcpy(err->msg, context, before);
    memcpy(err->msg + before, ": ", 2);
    err->msg[before + 2 + after] = '\0';
}
