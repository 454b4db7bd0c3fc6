/* Lock files: written and read, line by line. */
#include "engine/lockfile.h"

#include <string.h>

#include "pullama/text.h"

#define VERSION_LINE "version 1"
#define END_LINE "end"
#define LINE_MAX (PLM_REF_TEXT + 64)

bool plm_lockfile_begin(struct plm_buf *out, struct plm_error *err)
{
    static const char text[] = "# models of a store, for `pullama sync`\n" VERSION_LINE "\n";
    return plm_buf_append(out, text, sizeof(text) - 1, err);
}

bool plm_lockfile_add(struct plm_buf *out, const struct plm_ref *ref,
                      const struct plm_digest *digest, struct plm_error *err)
{
    char line[PLM_REF_TEXT];
    struct plm_ref pinned = *ref;
    pinned.has_digest = true;
    pinned.digest = *digest;
    (void)plm_ref_format(&pinned, line);
    return plm_buf_append(out, line, strlen(line), err) && plm_buf_append(out, "\n", 1, err);
}

bool plm_lockfile_end(struct plm_buf *out, struct plm_error *err)
{
    return plm_buf_append(out, END_LINE "\n", sizeof(END_LINE), err);
}

static bool tell_cut(struct plm_error *err)
{
    return plm_fail(err, PLM_E_USAGE,
                    "this lock file was cut: it has no last line \"" END_LINE
                    "\"; write it anew with pullama freeze -o, or mend its end by hand");
}

/* Copies a line without the spaces around it. False when it is too long, or has a NUL in it. */
static bool take_line(const char *from, size_t length, char out[LINE_MAX])
{
    static const char spaces[] = " \t\r";
    while (length > 0 && memchr(spaces, *from, sizeof(spaces) - 1)) {
        from++;
        length--;
    }
    while (length > 0 && memchr(spaces, from[length - 1], sizeof(spaces) - 1))
        length--;
    if (length >= LINE_MAX || memchr(from, '\0', length))
        return false;
    memcpy(out, from, length);
    out[length] = '\0';
    return true;
}

static bool check_version(const char *line, size_t number, struct plm_error *err)
{
    char shown[80];
    if (strcmp(line, VERSION_LINE) == 0)
        return true;
    (void)plm_text_printable(line, shown, sizeof(shown));
    if (strncmp(line, "version ", 8) == 0)
        return plm_fail(err, PLM_E_USAGE, "line %zu: %s is not known to this pullama", number,
                        shown);
    return plm_fail(err, PLM_E_USAGE,
                    "line %zu: this is no lock file: it has to begin with \"" VERSION_LINE "\"",
                    number);
}

static bool read_model(const char *line, size_t number, struct plm_ref *out, struct plm_error *err)
{
    char name[PLM_REF_TEXT];
    struct plm_error why = {0};
    if (!plm_ref_parse(line, out, &why))
        return plm_fail(err, PLM_E_USAGE, "line %zu: %s", number, why.msg);
    return out->has_digest ||
           plm_fail(err, PLM_E_USAGE, "line %zu: %s has no digest; write %s@sha256:HEX", number,
                    plm_ref_format(out, name), name);
}

bool plm_lockfile_read(const char *text, size_t length,
                       bool (*each)(void *ctx, const struct plm_ref *ref), void *ctx,
                       struct plm_error *err)
{
    bool has_version = false, has_end = false;
    size_t number = 1;
    for (size_t at = 0; at < length; number++) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t size = end ? (size_t)(end - text) - at : length - at;
        char line[LINE_MAX];
        struct plm_ref ref;
        if (!take_line(text + at, size, line))
            return plm_fail(err, PLM_E_USAGE, "line %zu: too long for a model", number);
        at += size + 1;
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (!has_version && !check_version(line, number, err))
            return false;
        if (has_end)
            return plm_fail(err, PLM_E_USAGE, "line %zu: there is more behind \"" END_LINE "\"",
                            number);
        has_end = has_version && strcmp(line, END_LINE) == 0;
        struct plm_error why = {0};
        bool is_model = has_version && !has_end;
        if (is_model && !read_model(line, number, &ref, &why))
            return end ? plm_fail(err, why.code, "lock file: %s", why.msg) : tell_cut(err);
        if (is_model && !each(ctx, &ref))
            return plm_prefix(err, "lock file");
        has_version = true;
    }
    if (!has_version)
        return plm_fail(err, PLM_E_USAGE,
                        "this is no lock file: it has no line \"" VERSION_LINE "\"");
    return has_end || tell_cut(err);
}

bool plm_lockfile_is_one(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t size = end ? (size_t)(end - text) - at : length - at;
        char line[LINE_MAX];
        if (!take_line(text + at, size, line))
            return false;
        if (line[0] != '\0' && line[0] != '#')
            return strcmp(line, VERSION_LINE) == 0;
        at += size + 1;
    }
    return false;
}
