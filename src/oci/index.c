/* OCI indexes and Docker manifest lists: owns the choice of one manifest among many platforms. */
#include "oci/index.h"

#include "oci/descriptor.h"
#include "pullama/manifest.h"
#include "pullama/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLATFORM_MAX 64

#if defined(__linux__)
#define THIS_OS "linux"
#elif defined(__APPLE__)
#define THIS_OS "darwin"
#elif defined(__FreeBSD__)
#define THIS_OS "freebsd"
#elif defined(__NetBSD__)
#define THIS_OS "netbsd"
#elif defined(__OpenBSD__)
#define THIS_OS "openbsd"
#else
#define THIS_OS "linux"
#endif

#if defined(__x86_64__)
#define THIS_ARCH "amd64"
#elif defined(__aarch64__)
#define THIS_ARCH "arm64"
#elif defined(__i386__)
#define THIS_ARCH "386"
#elif defined(__arm__)
#define THIS_ARCH "arm"
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_ARCH "riscv64"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define THIS_ARCH "ppc64le"
#elif defined(__s390x__)
#define THIS_ARCH "s390x"
#elif defined(__loongarch64)
#define THIS_ARCH "loong64"
#else
#define THIS_ARCH "amd64"
#endif

static const char ollama_list[] = "application/vnd.ollama.manifest.list.v2+json";

bool plm_index_is(const struct plm_json *root)
{
    static const char *const types[] = {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        ollama_list,
    };
    const char *media = plm_json_text(plm_json_get(root, "mediaType"));
    for (size_t i = 0; media && i < PLM_COUNT(types); i++) {
        if (strcmp(media, types[i]) == 0)
            return true;
    }
    return plm_json_is_array(plm_json_get(root, "manifests"));
}

bool plm_index_detect(const char *bytes, size_t size)
{
    plm_auto(plm_json_freep) struct plm_json *root = NULL;
    if (size > PLM_MANIFEST_MAX_BYTES ||
        !plm_json_parse(bytes, size, PLM_MANIFEST_MAX_DEPTH, &root, NULL))
        return false;
    return plm_index_is(root);
}

/* An entry's platform, printable: "os/arch" or "os/arch/variant"; "" when it has none. */
static void name_platform(const struct plm_json *entry, char out[PLATFORM_MAX])
{
    const struct plm_json *platform = plm_json_get(entry, "platform");
    const char *os = plm_json_text(plm_json_get(platform, "os"));
    const char *arch = plm_json_text(plm_json_get(platform, "architecture"));
    const char *variant = plm_json_text(plm_json_get(platform, "variant"));
    out[0] = '\0';
    if (!os || !arch)
        return;
    bool has_variant = variant && variant[0];
    char text[PLATFORM_MAX];
    (void)snprintf(text, sizeof(text), "%s/%s%s%s", os, arch, has_variant ? "/" : "",
                   has_variant ? variant : "");
    (void)plm_text_printable(text, out, PLATFORM_MAX);
}

/* Build attestations stand beside the images under this name; they hold no model. */
static bool is_attestation(const char *platform)
{
    return strcmp(platform, "unknown/unknown") == 0;
}

/* "linux/arm64" asks for any variant of it. */
static bool matches(const char *platform, const char *wanted)
{
    size_t length = strlen(wanted);
    return strncmp(platform, wanted, length) == 0 &&
           (platform[length] == '\0' || platform[length] == '/');
}

bool plm_platform_is_valid(const char *text)
{
    size_t slashes = 0, part = 0;
    for (; *text; text++) {
        if (*text == '/' && part == 0)
            return false;
        slashes += *text == '/';
        part = *text == '/' ? 0 : part + 1;
    }
    return part > 0 && (slashes == 1 || slashes == 2);
}

/* Place of the first entry for @p wanted; @p count when there is none. An exact one goes before a
 * variant. */
static size_t find_platform(const char (*names)[PLATFORM_MAX], size_t count, const char *wanted)
{
    size_t found = count;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], wanted) == 0)
            return i;
        if (found == count && matches(names[i], wanted))
            found = i;
    }
    return found;
}

/* The only entry that is no attestation; @p count when there are several or none. */
static size_t find_only(const char (*names)[PLATFORM_MAX], size_t count)
{
    size_t found = count;
    for (size_t i = 0; i < count; i++) {
        if (is_attestation(names[i]))
            continue;
        if (found != count)
            return count;
        found = i;
    }
    return found;
}

static size_t choose(const char (*names)[PLATFORM_MAX], size_t count, const char *platform)
{
    if (platform)
        return find_platform(names, count, platform);
    size_t found = find_platform(names, count, THIS_OS "/" THIS_ARCH);
    if (found == count)
        found = find_platform(names, count, "linux/amd64");
    return found == count ? find_only(names, count) : found;
}

static bool fail_choice(const char (*names)[PLATFORM_MAX], size_t count, const char *platform,
                        struct plm_error *err)
{
    char list[256] = "", shown[PLATFORM_MAX];
    for (size_t i = 0, used = 0; i < count; i++) {
        if (!names[i][0] || is_attestation(names[i]))
            continue;
        if (used + strlen(names[i]) + sizeof(", …") > sizeof(list)) {
            (void)snprintf(list + used, sizeof(list) - used, "…");
            break;
        }
        used +=
            (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", names[i]);
    }
    return plm_fail(err, PLM_E_NOT_FOUND, "no manifest for %s; there are: %s",
                    platform ? plm_text_printable(platform, shown, sizeof(shown))
                             : THIS_OS "/" THIS_ARCH,
                    list[0] ? list : "none with a platform");
}

static bool select_entry(const struct plm_json *manifests, const char *platform,
                         struct plm_descriptor *out, struct plm_error *err)
{
    size_t count = plm_json_array_size(manifests);
    struct plm_descriptor *entries = calloc(count ? count : 1, sizeof(*entries));
    char(*names)[PLATFORM_MAX] = calloc(count ? count : 1, sizeof(*names));
    bool good = entries && names;
    if (!good)
        (void)plm_fail(err, PLM_E_NOMEM, "out of memory for %zu manifests", count);
    for (size_t i = 0; i < count && good; i++) {
        char what[32];
        (void)snprintf(what, sizeof(what), "manifest %zu", i + 1);
        const struct plm_json *entry = plm_json_at(manifests, i);
        good = plm_descriptor_read(entry, what, &entries[i], err);
        name_platform(entry, names[i]);
    }
    if (good) {
        size_t chosen = choose((const char(*)[PLATFORM_MAX])names, count, platform);
        good =
            chosen < count || fail_choice((const char(*)[PLATFORM_MAX])names, count, platform, err);
        if (good)
            *out = entries[chosen];
    }
    free(entries);
    free(names);
    return good;
}

static bool check_index(const struct plm_json *root, struct plm_error *err)
{
    const char *media = plm_json_text(plm_json_get(root, "mediaType"));
    if (media && strcmp(media, ollama_list) == 0)
        return plm_fail(err, PLM_E_UNSUPPORTED,
                        "an Ollama manifest list; it sorts by runner and format, and pullama "
                        "cannot choose among those");
    const struct plm_json *manifests = plm_json_get(root, "manifests");
    if (!plm_json_is_array(manifests) || plm_json_get(root, "layers") ||
        plm_json_get(root, "config"))
        return plm_fail(err, PLM_E_PROTOCOL, "no index of manifests");
    if (plm_json_array_size(manifests) > PLM_MANIFEST_MAX_LAYERS)
        return plm_fail(err, PLM_E_LIMIT, "more than %d manifests", PLM_MANIFEST_MAX_LAYERS);
    return true;
}

bool plm_index_select(const char *bytes, size_t size, const char *platform,
                      struct plm_descriptor *out, struct plm_error *err)
{
    char shown[PLATFORM_MAX];
    if (platform && !plm_platform_is_valid(platform))
        return plm_fail(err, PLM_E_USAGE, "platform '%s' is not of the form os/arch",
                        plm_text_printable(platform, shown, sizeof(shown)));
    if (size > PLM_MANIFEST_MAX_BYTES)
        return plm_fail(err, PLM_E_LIMIT, "index has %zu bytes; at most %u are allowed", size,
                        PLM_MANIFEST_MAX_BYTES);
    plm_auto(plm_json_freep) struct plm_json *root = NULL;
    if (!plm_json_parse(bytes, size, PLM_MANIFEST_MAX_DEPTH, &root, err) ||
        !check_index(root, err) ||
        !select_entry(plm_json_get(root, "manifests"), platform, out, err))
        return plm_prefix(err, "index");
    return true;
}
