/* Indexes: a choice is one of the entries, and the same one each time. Input: a line with the
 * platform (empty: none given), then the index. */
#include "fuzz.h"

#include "oci/descriptor.h"
#include "pullama/manifest.h"

static bool is_among_entries(const char *text, size_t size, const struct plm_digest *digest)
{
    char shown[PLM_DIGEST_TEXT];
    (void)plm_digest_format(digest, shown);
    /* Escapes may stand for any character: then the text does not show it. */
    return memmem(text, size, shown, strlen(shown)) || memchr(text, '\\', size);
}

static void check_choice(const char *text, size_t size, const char *platform,
                         const struct plm_descriptor *chosen)
{
    struct plm_descriptor again;
    struct plm_manifest *m = NULL;
    struct plm_error err = {0};
    FUZZ_HOLDS(plm_index_detect(text, size));
    FUZZ_HOLDS(chosen->size < PLM_BLOB_SIZE_LIMIT && fuzz_is_safe(chosen->media));
    FUZZ_HOLDS(is_among_entries(text, size, &chosen->digest));
    FUZZ_HOLDS(plm_index_select(text, size, platform, &again, &err));
    FUZZ_HOLDS(plm_digest_equal(&again.digest, &chosen->digest) && again.size == chosen->size);
    FUZZ_HOLDS(!plm_manifest_parse(text, size, &m, &err) && !m);
    FUZZ_HOLDS(err.code == PLM_E_UNSUPPORTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *line = fuzz_line(&in);
    const char *platform = line[0] ? line : NULL;
    const char *text = (const char *)in.at;
    struct plm_descriptor chosen;
    struct plm_error err = {0};
    if (plm_index_select(text, in.left, platform, &chosen, &err)) {
        check_choice(text, in.left, platform, &chosen);
    } else {
        fuzz_failed(&err);
        FUZZ_HOLDS(fuzz_is_safe(err.msg));
        FUZZ_HOLDS(err.code == PLM_E_PROTOCOL || err.code == PLM_E_LIMIT ||
                   err.code == PLM_E_UNSUPPORTED || err.code == PLM_E_NOT_FOUND ||
                   (err.code == PLM_E_USAGE && platform));
    }
    free(line);
    return 0;
}
