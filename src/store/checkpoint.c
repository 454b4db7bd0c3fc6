/* Checkpoint codec: our format, and Pullama's for taking over. */
#include "store/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"

#define MAX_DEPTH 8
/* Each gap costs a request; no pull leaves nearly as many. */
#define SPANS_MAX 4096

bool plm_checkpoint_encode(const struct plm_descriptor *want, const struct plm_spans *durable,
                           struct plm_buf *out, struct plm_error *err)
{
    char digest[PLM_DIGEST_TEXT];
    if (!plm_buf_printf(
            out, err, "{\"version\":%d,\"digest\":\"%s\",\"size\":%" PRIu64 ",\"spans\":[",
            PLM_CHECKPOINT_VERSION, plm_digest_format(&want->digest, digest), want->size))
        return false;
    for (size_t i = 0; i < durable->count; i++)
        if (!plm_buf_printf(out, err, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "",
                            durable->items[i].start, durable->items[i].end))
            return false;
    return plm_buf_printf(out, err, "]}\n");
}

static bool corrupt(struct plm_error *err, const char *why)
{
    return plm_fail(err, PLM_E_CORRUPT, "checkpoint: %s", why);
}

/* A span must lie behind the one before it and inside the blob. */
static bool add_span(struct plm_spans *set, struct plm_span span, uint64_t size,
                     struct plm_error *err)
{
    if (span.end <= span.start || span.end > size)
        return corrupt(err, "a span lies outside the blob");
    if (set->count && span.start < set->items[set->count - 1].end)
        return corrupt(err, "spans are not in order");
    if (set->count >= SPANS_MAX)
        return corrupt(err, "too many spans");
    return plm_spans_add(set, span, err);
}

static bool read_spans(const struct plm_json *list, uint64_t size, struct plm_spans *set,
                       struct plm_error *err)
{
    if (!plm_json_is_array(list))
        return corrupt(err, "no list of spans");
    for (size_t i = 0; i < plm_json_array_size(list); i++) {
        const struct plm_json *pair = plm_json_at(list, i);
        struct plm_span span;
        if (plm_json_array_size(pair) != 2 || !plm_json_u64(plm_json_at(pair, 0), &span.start) ||
            !plm_json_u64(plm_json_at(pair, 1), &span.end))
            return corrupt(err, "a span is no pair of numbers");
        if (!add_span(set, span, size, err))
            return false;
    }
    return true;
}

/* Pullama's chunks: ends are inclusive, only verified ones count. Pullama fetches in order: where a
 * verified chunk follows another one, something else wrote here, and Pullama refuses it too. */
static bool read_chunks(const struct plm_json *list, uint64_t size, struct plm_spans *set,
                        struct plm_error *err)
{
    bool ended = false;
    for (size_t i = 0; i < plm_json_array_size(list); i++) {
        const struct plm_json *chunk = plm_json_at(list, i);
        uint64_t start, last;
        if (!plm_json_u64(plm_json_get(chunk, "start"), &start) ||
            !plm_json_u64(plm_json_get(chunk, "end"), &last) || last == UINT64_MAX)
            return corrupt(err, "a chunk has no range");
        if (!plm_json_true(plm_json_get(chunk, "verified"))) {
            ended = true;
            continue;
        }
        if (ended)
            return corrupt(err, "a verified chunk stands behind one that is not");
        if (!add_span(set, (struct plm_span){start, last + 1}, size, err))
            return false;
    }
    return true;
}

static bool read_root(const struct plm_json *root, const struct plm_descriptor *want,
                      struct plm_checkpoint *into, struct plm_error *err)
{
    uint64_t version, size;
    char digest[PLM_DIGEST_TEXT];
    const char *stated = plm_json_text(plm_json_get(root, "digest"));
    if (!plm_json_u64(plm_json_get(root, "version"), &version))
        return corrupt(err, "no version");
    if (version != 1 && version != PLM_CHECKPOINT_VERSION)
        return corrupt(err, "written by a version that this program does not know");
    if (!stated || strcmp(stated, plm_digest_format(&want->digest, digest)) != 0)
        return corrupt(err, "it is about another blob");
    if (!plm_json_u64(plm_json_get(root, "size"), &size) || size != want->size)
        return corrupt(err, "it is about a blob of another size");
    into->version = (int)version;
    if (version == 1)
        return read_chunks(plm_json_get(root, "chunks"), size, &into->durable, err);
    return read_spans(plm_json_get(root, "spans"), size, &into->durable, err);
}

bool plm_checkpoint_decode(const char *text, size_t size, const struct plm_descriptor *want,
                           struct plm_checkpoint *out, struct plm_error *err)
{
    struct plm_error why = {0};
    plm_auto(plm_json_freep) struct plm_json *root = NULL;
    if (!plm_json_parse(text, size, MAX_DEPTH, &root, &why))
        return plm_fail(err, PLM_E_CORRUPT, "checkpoint: %s", why.msg);
    struct plm_checkpoint read = {0};
    if (!read_root(root, want, &read, err)) {
        plm_checkpoint_done(&read);
        return false;
    }
    *out = read;
    return true;
}

void plm_checkpoint_done(struct plm_checkpoint *checkpoint)
{
    plm_spans_done(&checkpoint->durable);
}
