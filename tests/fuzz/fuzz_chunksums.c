/* Chunk digests: what is accepted covers the blob from end to end, once. Input: four bytes of blob
 * size, then the text. */
#include "fuzz.h"

#include "net/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint64_t blob = fuzz_number(&in, 4), covered = 0;
    struct plm_chunksum *sums = NULL;
    size_t count = 0;
    /* Of its own, so that reading behind its end is seen. */
    char *text = malloc(in.left ? in.left : 1);
    FUZZ_HOLDS(text);
    if (in.left)
        memcpy(text, in.at, in.left);
    if (plm_chunksums_parse(text, in.left, blob, &sums, &count)) {
        FUZZ_HOLDS(count > 0 && count <= in.left / 75 + 1);
        for (size_t i = 0; i < count; i++) {
            char shown[PLM_DIGEST_TEXT];
            FUZZ_HOLDS(sums[i].span.start == covered && sums[i].span.end > covered);
            covered = sums[i].span.end;
            (void)plm_digest_format(&sums[i].digest, shown);
            FUZZ_HOLDS(memmem(text, in.left, shown, strlen(shown)));
        }
        FUZZ_HOLDS(covered == blob);
    } else {
        FUZZ_HOLDS(!sums && count == 0);
    }
    free(sums);
    free(text);
    return 0;
}
