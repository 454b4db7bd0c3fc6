/* The JSON encoding of events: the field walk, written by the JSON writer. */
#include "base/json.h"
#include "pullama/event_visit.h"

/* Twice what the largest manifest with every byte escaped, and the four texts, can take. */
#define JSON_MAX ((size_t)64 << 20)

static void on_open(void *ctx, const char *key, bool array)
{
    if (array)
        plm_json_open_array(ctx, key);
    else
        plm_json_open_object(ctx, key);
}

static void on_close(void *ctx, bool array)
{
    if (array)
        plm_json_close_array(ctx);
    else
        plm_json_close_object(ctx);
}

static void on_text(void *ctx, const char *key, const char *text, size_t length)
{
    plm_json_put_text_n(ctx, key, text, length);
}

static void on_number(void *ctx, const char *key, uint64_t value)
{
    plm_json_put_u64(ctx, key, value);
}

static void on_truth(void *ctx, const char *key, bool value)
{
    plm_json_put_bool(ctx, key, value);
}

static void on_null(void *ctx, const char *key)
{
    plm_json_put_text(ctx, key, NULL);
}

bool plm_event_to_json(const struct plm_event *event, char **out, struct plm_error *err)
{
    struct plm_json_writer writer;
    plm_json_writer_init(&writer, JSON_MAX);
    const struct plm_event_visitor visitor = {
        .open = on_open,
        .close = on_close,
        .text = on_text,
        .number = on_number,
        .truth = on_truth,
        .null = on_null,
        .ctx = &writer,
    };
    plm_json_open_object(&writer, NULL);
    plm_event_visit(event, &visitor);
    plm_json_close_object(&writer);
    bool done = plm_json_writer_take(&writer, out, err);
    plm_json_writer_done(&writer);
    return done;
}
