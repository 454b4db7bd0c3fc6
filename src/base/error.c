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

/* Shortens a text that is too long, by whole characters, and shows it; returns its length. */
static size_t cut(char *text, size_t most)
{
    static const char dots[] = "...";
    size_t length = strlen(text);
    if (length <= most)
        return length;
    size_t keep = most - (sizeof(dots) - 1);
    while (keep > 0 && ((unsigned char)text[keep] & 0xC0) == 0x80)
        keep--;
    memcpy(text + keep, dots, sizeof(dots));
    return keep + sizeof(dots) - 1;
}

void plm_error_set_sys(struct plm_error *err, int sys_errno, const char *format, ...)
{
    if (!err || err->code != PLM_OK)
        return;
    err->code = code_of_errno(sys_errno);
    err->sys_errno = sys_errno;
    const char *reason = strerror(sys_errno);
    size_t reserved = strnlen(reason, sizeof(err->msg) / 2) + 2;
    va_list args;
    va_start(args, format);
    fill(err, format, args);
    va_end(args);
    size_t used = cut(err->msg, sizeof(err->msg) - 1 - reserved);
    (void)snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", reason);
}

/* The reason stands at the end of a message: what is too long loses its beginning. */
static const char *last_of(const char *text, size_t most)
{
    size_t length = strlen(text);
    if (length <= most)
        return text;
    text += length - most;
    while (((unsigned char)*text & 0xC0) == 0x80)
        text++;
    return text;
}

void plm_error_prefix(struct plm_error *err, const char *format, ...)
{
    if (!err || err->code == PLM_OK)
        return;
    char context[PLM_ERROR_TEXT], inner[PLM_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    if (length <= 0)
        return;
    size_t room = sizeof(err->msg) - 1 - strlen(": ");
    memcpy(inner, err->msg, strlen(err->msg) + 1);
    size_t after = strlen(inner);
    size_t before = cut(context, after < room / 2 ? room - after : room / 2);
    const char *reason = last_of(inner, room - before);
    memcpy(err->msg, context, before);
    memcpy(err->msg + before, ": ", 2);
    memcpy(err->msg + before + 2, reason, strlen(reason) + 1);
}
