/* The judge of answers to ranged requests, with heads that no parser would make. */
#include "fuzz.h"

#include "engine/range.h"

static void fill(struct plm_http_head *head, struct fuzz_input *in)
{
    static const int statuses[] = {200, 206, 0, 100, 204, 301, 404, 416, 500};
    uint64_t flags = fuzz_number(in, 1);
    head->status = statuses[fuzz_number(in, 1) % (sizeof(statuses) / sizeof(statuses[0]))];
    head->has_length = flags & 1;
    head->has_range = flags & 2;
    head->has_total = flags & 4;
    head->malformed = flags & 8;
    head->encoded = flags & 16;
    /* Few values, so that they are often equal. */
    size_t width = flags & 32 ? 8 : 1;
    head->length = fuzz_number(in, width);
    head->range.start = fuzz_number(in, width);
    head->range.end = fuzz_number(in, width);
    head->total = fuzz_number(in, width);
    for (size_t i = 0; i + 1 < sizeof(head->content_type) && in->left; i++)
        head->content_type[i] = (char)fuzz_number(in, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct plm_http_head head = {.retry_after_ms = -1};
    struct plm_error err = {0};
    struct plm_span asked;
    uint64_t sizes = fuzz_number(&in, 1);
    size_t width = sizes & 1 ? 8 : 1;
    asked.start = fuzz_number(&in, width);
    asked.end = fuzz_number(&in, width);
    uint64_t blob = fuzz_number(&in, width);
    fill(&head, &in);
    enum plm_range_verdict verdict = plm_range_judge(&head, asked, blob, &err);
    if (verdict == PLM_RANGE_WRONG) {
        fuzz_failed(&err);
        FUZZ_HOLDS(err.code == PLM_E_PROTOCOL || err.code == PLM_E_INTEGRITY);
        return 0;
    }
    FUZZ_HOLDS(err.code == PLM_OK && !head.malformed && !head.encoded);
    if (verdict == PLM_RANGE_WHOLE) {
        FUZZ_HOLDS(head.status == 200 && (!head.has_length || head.length == blob));
        return 0;
    }
    FUZZ_HOLDS(verdict == PLM_RANGE_EXACT && head.status == 206);
    FUZZ_HOLDS(head.has_range && head.has_total && head.total == blob);
    FUZZ_HOLDS(head.range.start == asked.start && head.range.end == asked.end);
    FUZZ_HOLDS(!head.has_length || head.length == asked.end - asked.start);
    return 0;
}
