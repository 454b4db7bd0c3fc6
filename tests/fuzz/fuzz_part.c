/* What Ollama notes of a part of its download: a claim lies inside the blob. Input: a byte that
 * chooses the blob's size, then the note. */
#include "fuzz.h"

#include "store/adopt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t sizes[] = {1000000, 0, 1, UINT64_C(1) << 40, UINT64_MAX};
    struct fuzz_input in = {data, size};
    uint64_t blob = sizes[fuzz_number(&in, 1) % (sizeof(sizes) / sizeof(sizes[0]))];
    struct plm_span claim = {7, 3};
    if (plm_adopt_parse_part((const char *)in.at, in.left, blob, &claim))
        FUZZ_HOLDS(claim.start <= claim.end && claim.end <= blob);
    else
        FUZZ_HOLDS(claim.start == 7 && claim.end == 3);
    return 0;
}
