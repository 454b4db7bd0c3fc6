/* Chunk digests of a blob: reads the endpoint's text and holds it to cover the blob exactly. */
#include "net/registry.h"

#include <stdlib.h>

struct reader {
    const char *at, *end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next run of anything but white space; false at the end of the text. */
static bool take_word(struct reader *in, struct reader *word)
{
    while (in->at < in->end && is_space(*in->at))
        in->at++;
    word->at = in->at;
    while (in->at < in->end && !is_space(*in->at))
        in->at++;
    word->end = in->at;
    return word->at < word->end;
}

static bool take_number(struct reader *in, uint64_t *out)
{
    const char *first = in->at;
    uint64_t value = 0;
    for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*in->at - '0'), &value))
            return false;
    }
    *out = value;
    return in->at > first;
}

/* `first-last`, both inclusive, within the blob. */
static bool parse_span(struct reader word, uint64_t blob_size, struct plm_span *out)
{
    uint64_t first, last;
    if (!take_number(&word, &first) || word.at == word.end || *word.at++ != '-' ||
        !take_number(&word, &last) || word.at != word.end)
        return false;
    if (first > last || last >= blob_size)
        return false;
    *out = (struct plm_span){first, last + 1};
    return true;
}

static bool parse_pair(struct reader digest, struct reader span, uint64_t blob_size,
                       struct plm_chunksum *out)
{
    struct plm_error ignored = {0};
    return plm_digest_parse(digest.at, (size_t)(digest.end - digest.at), &out->digest, &ignored) &&
           parse_span(span, blob_size, &out->span);
}

static int by_start(const void *left, const void *right)
{
    uint64_t a = ((const struct plm_chunksum *)left)->span.start;
    uint64_t b = ((const struct plm_chunksum *)right)->span.start;
    return a < b ? -1 : a > b;
}

static bool covers_exactly(const struct plm_chunksum *sums, size_t count, uint64_t blob_size)
{
    uint64_t covered = 0;
    for (size_t i = 0; i < count; i++) {
        if (sums[i].span.start != covered)
            return false;
        covered = sums[i].span.end;
    }
    return count > 0 && covered == blob_size;
}

bool plm_chunksums_parse(const char *text, size_t length, uint64_t blob_size,
                         struct plm_chunksum **out, size_t *count)
{
    /* A pair takes 75 bytes at least, with the space behind it: this many there can be. */
    size_t most = length / 75 + 1, used = 0;
    struct plm_chunksum *sums = calloc(most, sizeof(*sums));
    if (!sums)
        return false;
    struct reader in = {text, text + length}, digest, span;
    while (take_word(&in, &digest)) {
        if (used == most || !take_word(&in, &span) ||
            !parse_pair(digest, span, blob_size, &sums[used]))
            goto refuse;
        used++;
    }
    qsort(sums, used, sizeof(*sums), by_start);
    if (!covers_exactly(sums, used, blob_size))
        goto refuse;
    *out = sums;
    *count = used;
    return true;

refuse:
    free(sums);
    return false;
}
