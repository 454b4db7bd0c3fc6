/* Range: decides, before the first byte, whether an answer may be written, and where. */
#include "engine/range.h"

#include <inttypes.h>
#include <strings.h>

static enum plm_range_verdict wrong(struct plm_error *err, const char *why)
{
    (void)plm_fail(err, PLM_E_PROTOCOL, "the server's answer cannot be used: %s", why);
    return PLM_RANGE_WRONG;
}

static enum plm_range_verdict wrong_size(struct plm_error *err, uint64_t is, uint64_t must)
{
    (void)plm_fail(err, PLM_E_INTEGRITY,
                   "the server has %" PRIu64 " bytes where the manifest says %" PRIu64, is, must);
    return PLM_RANGE_WRONG;
}

enum plm_range_verdict plm_range_judge(const struct plm_http_head *head, struct plm_span asked,
                                       uint64_t size, struct plm_error *err)
{
    if (head->malformed)
        return wrong(err, "malformed Content-Length or Content-Range");
    if (head->encoded)
        return wrong(err, "it is compressed, which was not asked for");
    if (head->status == 200) {
        bool has_size = head->has_length && head->length == size;
        if (!has_size && strncasecmp(head->content_type, "text/html", 9) == 0)
            return wrong(err, "it is a web page (is there a login page on this network?)");
        if (head->has_length && !has_size)
            return wrong_size(err, head->length, size);
        return PLM_RANGE_WHOLE;
    }
    if (head->status != 206)
        return wrong(err, "not a body of bytes");
    if (!head->has_range)
        return wrong(err, "a part without Content-Range");
    if (head->has_total && head->total != size)
        return wrong_size(err, head->total, size);
    if (!head->has_total)
        return wrong(err, "a part of unknown total size");
    if (head->range.start != asked.start || head->range.end != asked.end)
        return wrong(err, "other bytes than those that were asked for");
    if (head->has_length && head->length != plm_span_length(asked))
        return wrong(err, "Content-Length and Content-Range contradict each other");
    return PLM_RANGE_EXACT;
}
