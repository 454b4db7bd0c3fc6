/* JSON: what is accepted is written and read again as the same, and what we write is JSON whatever
 * the strings in it. */
#include "fuzz.h"

#include "base/json.h"

#define DEPTH 32
#define TEXT_MAX (1u << 20)

struct walk {
    unsigned depth;
    size_t values;
};

static void visit(struct walk *walk, const struct plm_json *value);

static bool each_member(void *ctx, const char *key, const struct plm_json *member)
{
    FUZZ_HOLDS(fuzz_is_utf8(key, strlen(key)));
    visit(ctx, member);
    return true;
}

static void visit(struct walk *walk, const struct plm_json *value)
{
    walk->values++;
    FUZZ_HOLDS(++walk->depth <= DEPTH + 1);
    uint64_t number = 0;
    double real = 0;
    const char *text = plm_json_text(value);
    FUZZ_HOLDS(!text || fuzz_is_utf8(text, strlen(text)));
    FUZZ_HOLDS((text != NULL) == plm_json_is_string(value));
    if (plm_json_u64(value, &number))
        FUZZ_HOLDS(plm_json_is_number(value) && number <= INT64_MAX);
    FUZZ_HOLDS(plm_json_double(value, &real) == plm_json_is_number(value));
    FUZZ_HOLDS(!plm_json_true(value) || plm_json_is_bool(value));
    FUZZ_HOLDS(!plm_json_get(value, "no such key at all"));
    FUZZ_HOLDS(plm_json_is_array(value) || plm_json_array_size(value) == 0);
    FUZZ_HOLDS(!plm_json_at(value, plm_json_array_size(value)));
    for (size_t i = 0; i < plm_json_array_size(value); i++)
        visit(walk, plm_json_at(value, i));
    plm_json_each(value, each_member, walk);
    walk->depth--;
}

static void check_document(const uint8_t *data, size_t size)
{
    struct plm_json *root = NULL, *again = NULL;
    char *text = NULL, *second = NULL;
    struct plm_error err = {0};
    struct walk walk = {0};
    if (!plm_json_parse((const char *)data, size, DEPTH, &root, &err)) {
        fuzz_failed(&err);
        FUZZ_HOLDS(!root && (err.code == PLM_E_PROTOCOL || err.code == PLM_E_LIMIT));
        FUZZ_HOLDS(fuzz_is_safe(err.msg));
        return;
    }
    FUZZ_HOLDS(!memchr(data, '\0', size));
    visit(&walk, root);
    FUZZ_HOLDS(walk.values <= size);
    FUZZ_HOLDS(plm_json_dump(root, &text, &err));
    FUZZ_HOLDS(plm_json_parse(text, strlen(text), DEPTH, &again, &err));
    FUZZ_HOLDS(plm_json_dump(again, &second, &err) && strcmp(text, second) == 0);
    free(text);
    free(second);
    plm_json_free(root);
    plm_json_free(again);
}

/* The input as a value, and as a key and a value up to its first NUL. */
static void check_writer(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct plm_json_writer w;
    struct plm_json *root = NULL;
    struct plm_error err = {0};
    char *text = NULL, *key = fuzz_text(&in);
    plm_json_writer_init(&w, TEXT_MAX);
    plm_json_open_object(&w, NULL);
    plm_json_put_text_n(&w, "whole", (const char *)data, size);
    plm_json_open_object(&w, "nested");
    plm_json_put_text(&w, key, key);
    plm_json_put_u64(&w, "size", size);
    plm_json_close_object(&w);
    plm_json_close_object(&w);
    if (!plm_json_writer_take(&w, &text, &err)) {
        FUZZ_HOLDS(err.code == PLM_E_LIMIT);
    } else {
        FUZZ_HOLDS(fuzz_is_safe(text));
        if (strcmp(key, "size") != 0 && strlen(key) == size) {
            FUZZ_HOLDS(plm_json_parse(text, strlen(text), DEPTH, &root, &err));
            const char *read = plm_json_text(plm_json_get(root, "whole"));
            FUZZ_HOLDS(read && (!fuzz_is_utf8(key, size) || strcmp(read, key) == 0));
            FUZZ_HOLDS(!fuzz_is_utf8(key, size) || plm_json_get(plm_json_get(root, "nested"), key));
        }
    }
    plm_json_free(root);
    free(text);
    free(key);
    plm_json_writer_done(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_document(data, size);
    if (size < TEXT_MAX / 32)
        check_writer(data, size);
    return 0;
}
