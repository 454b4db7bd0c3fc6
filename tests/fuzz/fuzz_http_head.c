/* Heads of answers, as curl hands them over: line by line. What is read of them stays in bounds,
 * and nothing is written into a file on the word of a head that contradicts itself. */
#include "fuzz.h"

#include "engine/range.h"
#include "net/http_head.h"
#include "net/url.h"

#define NOON_MS INT64_C(1700000000000)
#define DAY_MS INT64_C(86400000)

static void check_text(const char *text, size_t size)
{
    FUZZ_HOLDS(strnlen(text, size) < size && !strchr(text, '\n'));
}

static void check_head(const struct plm_http_head *head)
{
    check_text(head->location, sizeof(head->location));
    check_text(head->content_location, sizeof(head->content_location));
    check_text(head->upload_location, sizeof(head->upload_location));
    check_text(head->direct_url, sizeof(head->direct_url));
    check_text(head->content_type, sizeof(head->content_type));
    check_text(head->docker_digest, sizeof(head->docker_digest));
    FUZZ_HOLDS(head->retry_after_ms >= -1 && head->retry_after_ms <= DAY_MS);
    FUZZ_HOLDS(head->status >= 0 && head->status <= 999);
    FUZZ_HOLDS(head->has_length || head->length == 0);
    if (head->has_range)
        FUZZ_HOLDS(head->range.start < head->range.end);
    if (head->has_range && head->has_total)
        FUZZ_HOLDS(head->range.end <= head->total);
    FUZZ_HOLDS(head->challenges.size <= head->challenges.max);
    FUZZ_HOLDS(head->has_taken ? head->taken > 0 && head->taken <= INT64_MAX : head->taken == 0);
    const struct plm_buf *lines = &head->signed_headers;
    FUZZ_HOLDS(lines->size <= lines->max);
    FUZZ_HOLDS(!lines->size ||
               (strlen(lines->bytes) == lines->size && lines->bytes[lines->size - 1] == '\n'));
    FUZZ_HOLDS(!head->challenges.size || strlen(head->challenges.bytes) == head->challenges.size);
}

static void check_content_range(const struct plm_http_head *head)
{
    char text[96];
    struct plm_http_head again = {0};
    if (!head->has_range || !head->has_total)
        return;
    int length =
        snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)head->range.start,
                 (unsigned long long)(head->range.end - 1), (unsigned long long)head->total);
    FUZZ_HOLDS(plm_content_range_parse(text, (size_t)length, &again));
    FUZZ_HOLDS(again.range.start == head->range.start && again.range.end == head->range.end &&
               again.total == head->total && again.has_range && again.has_total);
}

static void check_verdict(const struct plm_http_head *head, struct plm_span asked, uint64_t size)
{
    struct plm_error err = {0};
    switch (plm_range_judge(head, asked, size, &err)) {
    case PLM_RANGE_EXACT:
        FUZZ_HOLDS(head->status == 206 && head->has_range && head->total == size);
        FUZZ_HOLDS(head->range.start == asked.start && head->range.end == asked.end);
        FUZZ_HOLDS(!head->has_length || head->length == asked.end - asked.start);
        FUZZ_HOLDS(!head->malformed && !head->encoded);
        break;
    case PLM_RANGE_WHOLE:
        FUZZ_HOLDS(head->status == 200 && (!head->has_length || head->length == size));
        FUZZ_HOLDS(!head->malformed && !head->encoded);
        break;
    default:
        fuzz_failed(&err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plm_http_head head;
    struct plm_head_reader reader;
    struct plm_error err = {0};
    bool ok = true;
    plm_head_start(&reader, &head, NOON_MS);
    for (size_t at = 0; ok && at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - data) - at + 1 : size - at;
        char *line = malloc(length); /* alone, so that reading behind it is seen */
        FUZZ_HOLDS(line);
        memcpy(line, data + at, length);
        bool was_complete = reader.complete;
        int status = head.status;
        ok = plm_head_line(&reader, line, length, &err);
        FUZZ_HOLDS(!was_complete || head.status == status);
        FUZZ_HOLDS(reader.bytes <= PLM_HTTP_HEADERS_MAX);
        free(line);
        at += length;
    }
    check_head(&head);
    if (!ok) {
        fuzz_failed(&err);
        FUZZ_HOLDS(err.code == PLM_E_PROTOCOL || err.code == PLM_E_LIMIT);
    } else if (reader.complete) {
        FUZZ_HOLDS(head.status >= 200);
        check_content_range(&head);
        check_verdict(&head, head.range, head.total);
        check_verdict(&head, (struct plm_span){0, 1000}, 5000);
    }
    plm_http_head_done(&head);
    return 0;
}
