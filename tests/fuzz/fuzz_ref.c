/* Model references: what is accepted survives being printed and read again. */
#include "fuzz.h"

#include <strings.h>

#include "pullama/ref.h"

/* The defaults are left out of the display form whatever their case. */
static bool is_same_part(const char *a, const char *b, const char *left_out)
{
    return strcmp(a, b) == 0 || (strcasecmp(a, left_out) == 0 && strcasecmp(b, left_out) == 0);
}

static void check_part(const char *part, size_t max)
{
    size_t length = strnlen(part, max + 1);
    FUZZ_HOLDS(length > 0 && length <= max);
    FUZZ_HOLDS(strcmp(part, ".") != 0 && strcmp(part, "..") != 0 && !strchr(part, '/'));
    for (size_t i = 0; i < length; i++)
        FUZZ_HOLDS(part[i] > ' ' && part[i] < 0x7F);
}

static void check_parts(const struct plm_ref *ref)
{
    check_part(ref->host, PLM_REF_HOST_MAX);
    check_part(ref->ns, PLM_REF_PART_MAX);
    check_part(ref->model, PLM_REF_PART_MAX);
    check_part(ref->tag, PLM_REF_PART_MAX);
    FUZZ_HOLDS(ref->scheme <= PLM_SCHEME_HTTPS_INSECURE);

    struct plm_ref built;
    struct plm_error err = {0};
    FUZZ_HOLDS(plm_ref_from_parts(ref->host, ref->ns, ref->model, ref->tag, &built, &err));
    FUZZ_HOLDS(plm_ref_same_model(ref, &built) && !built.has_digest);
}

static void check_round_trip(const struct plm_ref *ref)
{
    char text[PLM_REF_TEXT], again[PLM_REF_TEXT], url[PLM_REF_TEXT];
    struct plm_ref read;
    struct plm_error err = {0};
    FUZZ_HOLDS(plm_ref_format(ref, text) == text && strlen(text) < sizeof(text) - 1);
    FUZZ_HOLDS(plm_ref_parse(text, &read, &err));
    FUZZ_HOLDS(is_same_part(read.host, ref->host, PLM_DEFAULT_HOST));
    FUZZ_HOLDS(is_same_part(read.ns, ref->ns, PLM_DEFAULT_NAMESPACE));
    FUZZ_HOLDS(strcmp(read.model, ref->model) == 0 && strcmp(read.tag, ref->tag) == 0);
    FUZZ_HOLDS(read.has_digest == ref->has_digest);
    FUZZ_HOLDS(!read.has_digest || plm_digest_equal(&read.digest, &ref->digest));
    FUZZ_HOLDS(strcmp(plm_ref_format(&read, again), text) == 0);

    FUZZ_HOLDS(plm_ref_base_url(ref, url, sizeof(url)));
    FUZZ_HOLDS(strncmp(url, ref->scheme == PLM_SCHEME_HTTP ? "http://" : "https://",
                       ref->scheme == PLM_SCHEME_HTTP ? 7 : 8) == 0);
    FUZZ_HOLDS(strstr(url, "/v2/") && url[strlen(url) - 1] != '/');
    FUZZ_HOLDS(!plm_ref_base_url(ref, again, strlen(url)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *text = fuzz_text(&in);
    struct plm_ref ref;
    struct plm_error err = {0};
    if (plm_ref_parse(text, &ref, &err)) {
        check_parts(&ref);
        check_round_trip(&ref);
    } else {
        fuzz_failed(&err);
        FUZZ_HOLDS(err.code == PLM_E_BAD_NAME && fuzz_is_safe(err.msg));
    }
    free(text);
    return 0;
}
