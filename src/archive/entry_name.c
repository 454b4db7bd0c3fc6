/* Names of entries: from blobs and references to paths that any system can make, and back. */
#include "archive/entry_name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BLOBS "blobs/"
#define MANIFESTS "manifests/"
#define PARTS 4
#define PART_TEXT (PLM_REF_HOST_MAX + 1)

/* Devices, also with anything behind a dot. */
static bool is_device(const char *part)
{
    static const char *const names[] = {"con", "prn", "aux", "nul", "com", "lpt"};
    size_t stem = strcspn(part, ".:");
    for (size_t i = 0; i < PLM_COUNT(names); i++) {
        bool numbered = i >= 4;
        if (stem == (numbered ? 4u : 3u) && strncasecmp(part, names[i], 3) == 0 &&
            (!numbered || (part[3] >= '0' && part[3] <= '9')))
            return true;
    }
    return false;
}

/* Appends a part of a path, and returns the place behind it. */
static char *put_part(char *out, const char *part)
{
    size_t length = strlen(part);
    bool device = is_device(part);
    for (size_t i = 0; i < length; i++) {
        if (part[i] == ':' || (part[i] == '.' && i + 1 == length) || (device && i == 0))
            out += snprintf(out, 4, "%%%02X", (unsigned char)part[i]);
        else
            *out++ = part[i];
    }
    *out = '\0';
    return out;
}

const char *plm_entry_of_manifest(const struct plm_ref *ref, char out[PLM_ENTRY_NAME])
{
    const char *const parts[PARTS] = {ref->host, ref->ns, ref->model, ref->tag};
    char *p = out + snprintf(out, PLM_ENTRY_NAME, "manifests");
    for (size_t i = 0; i < PARTS; i++) {
        *p++ = '/';
        p = put_part(p, parts[i]);
    }
    return out;
}

const char *plm_entry_of_blob(const struct plm_digest *digest, char out[PLM_ENTRY_NAME])
{
    char name[PLM_DIGEST_TEXT];
    (void)snprintf(out, PLM_ENTRY_NAME, BLOBS "%s", plm_digest_file_name(digest, name));
    return out;
}

static int digit_of(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* Undoes %XX. False: it is no such text, or too long for any part. */
static bool get_part(const char *text, size_t length, char out[PART_TEXT])
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < length ? digit_of(text[i + 1]) : -1;
            int low = i + 2 < length ? digit_of(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= PART_TEXT)
            return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

/* Splits what lies behind "manifests/"; returns how many parts there are, or 0. */
static size_t get_parts(const char *text, size_t length, char parts[PARTS][PART_TEXT])
{
    size_t count = 0;
    for (;;) {
        const char *slash = memchr(text, '/', length);
        size_t here = slash ? (size_t)(slash - text) : length;
        if (count == PARTS || here == 0 || !get_part(text, here, parts[count]))
            return 0;
        count++;
        if (!slash)
            return count;
        text += here + 1;
        length -= here + 1;
    }
}

static bool has_prefix(const char *name, size_t length, const char *prefix)
{
    return length >= strlen(prefix) && memcmp(name, prefix, strlen(prefix)) == 0;
}

/* Some archivers write 127.0.0.1:5000 as it is; any other second form of a name is refused. */
static bool is_written_right(const char *name, size_t length, const struct plm_ref *ref)
{
    char safe[PLM_ENTRY_NAME], plain[PLM_ENTRY_NAME];
    (void)plm_entry_of_manifest(ref, safe);
    int size = snprintf(plain, sizeof(plain), MANIFESTS "%s/%s/%s/%s", ref->host, ref->ns,
                        ref->model, ref->tag);
    return (strlen(safe) == length && memcmp(safe, name, length) == 0) ||
           ((size_t)size == length && memcmp(plain, name, length) == 0);
}

static enum plm_entry_kind judge_manifest(const char *name, size_t length, struct plm_ref *ref)
{
    char parts[PARTS][PART_TEXT];
    size_t start = strlen(MANIFESTS);
    if (get_parts(name + start, length - start, parts) != PARTS ||
        !plm_ref_from_parts(parts[0], parts[1], parts[2], parts[3], ref, NULL) ||
        !is_written_right(name, length, ref))
        return PLM_ENTRY_FOREIGN;
    return PLM_ENTRY_MANIFEST;
}

/* `blobs/`, `manifests/`, and three levels below that: nothing is made of them. */
static enum plm_entry_kind judge_folder(const char *name, size_t length)
{
    char parts[PARTS][PART_TEXT];
    size_t start = strlen(MANIFESTS);
    if ((length == strlen(BLOBS) && has_prefix(name, length, BLOBS)) ||
        (length == start && has_prefix(name, length, MANIFESTS)))
        return PLM_ENTRY_FOLDER;
    if (!has_prefix(name, length, MANIFESTS))
        return PLM_ENTRY_FOREIGN;
    size_t count = get_parts(name + start, length - start - 1, parts);
    for (size_t i = 0; i < count; i++)
        if (strcmp(parts[i], ".") == 0 || strcmp(parts[i], "..") == 0 || strchr(parts[i], '/') ||
            strchr(parts[i], '\\'))
            return PLM_ENTRY_FOREIGN;
    return count > 0 && count < PARTS ? PLM_ENTRY_FOLDER : PLM_ENTRY_FOREIGN;
}

enum plm_entry_kind plm_entry_judge(const char *name, size_t length, struct plm_digest *digest,
                                    struct plm_ref *ref)
{
    size_t blobs = strlen(BLOBS);
    char text[PLM_DIGEST_TEXT];
    if (length > 0 && name[length - 1] == '/')
        return judge_folder(name, length);
    if (has_prefix(name, length, MANIFESTS))
        return judge_manifest(name, length, ref);
    if (!has_prefix(name, length, BLOBS "sha256-") || length != blobs + PLM_DIGEST_TEXT - 1)
        return PLM_ENTRY_FOREIGN;
    memcpy(text, name + blobs, PLM_DIGEST_TEXT - 1);
    text[6] = ':';
    return plm_digest_parse(text, PLM_DIGEST_TEXT - 1, digest, NULL) ? PLM_ENTRY_BLOB
                                                                     : PLM_ENTRY_FOREIGN;
}
