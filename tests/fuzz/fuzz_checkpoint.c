/* Checkpoints of both formats: what is accepted claims only what lies inside the blob, and survives
 * being written and read again. Input: a byte that chooses the blob's size, then the text. */
#include "fuzz.h"

#include "store/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t sizes[] = {1000000, 0, 1, UINT64_C(1) << 40, INT64_MAX, UINT64_MAX};
    struct fuzz_input in = {data, size};
    struct plm_descriptor want = {
        .size = sizes[fuzz_number(&in, 1) % (sizeof(sizes) / sizeof(sizes[0]))]};
    memset(want.digest.sha256, 0xAB, sizeof(want.digest.sha256));
    struct plm_checkpoint read = {0}, again = {0};
    struct plm_error err = {0};
    if (!plm_checkpoint_decode((const char *)in.at, in.left, &want, &read, &err)) {
        fuzz_failed(&err);
        FUZZ_HOLDS(err.code == PLM_E_CORRUPT && !read.durable.items);
        return 0;
    }
    FUZZ_HOLDS(read.version == 1 || read.version == PLM_CHECKPOINT_VERSION);
    fuzz_spans(read.durable.items, read.durable.count, want.size);
    FUZZ_HOLDS(plm_spans_total(&read.durable) <= want.size);

    struct plm_buf text = PLM_BUF_INIT(PLM_CHECKPOINT_MAX_BYTES);
    FUZZ_HOLDS(plm_checkpoint_encode(&want, &read.durable, &text, &err));
    FUZZ_HOLDS(plm_checkpoint_decode(text.bytes, text.size, &want, &again, &err));
    FUZZ_HOLDS(again.version == PLM_CHECKPOINT_VERSION);
    FUZZ_HOLDS(again.durable.count == read.durable.count);
    for (size_t i = 0; i < again.durable.count; i++)
        FUZZ_HOLDS(again.durable.items[i].start == read.durable.items[i].start &&
                   again.durable.items[i].end == read.durable.items[i].end);
    plm_buf_done(&text);
    plm_checkpoint_done(&again);
    plm_checkpoint_done(&read);
    return 0;
}
