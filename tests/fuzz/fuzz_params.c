/* Parameters layers: what a JSON parser takes for a flat object is shown value by value, and what
 * is shown stood in the text. */
#include "fuzz.h"

#include "base/json.h"
#include "cli/view_parts.h"

struct shown {
    size_t values, bytes;
};

static void each_shown(void *ctx, const char *key, const char *value)
{
    struct shown *shown = ctx;
    FUZZ_HOLDS(value[0]);
    shown->values++;
    shown->bytes += strlen(value);
    (void)strlen(key);
}

struct flat {
    bool is_flat;
    size_t values;
};

static bool is_scalar(const struct plm_json *value)
{
    return plm_json_is_string(value) || plm_json_is_number(value) || plm_json_is_bool(value);
}

static bool each_member(void *ctx, const char *key, const struct plm_json *member)
{
    struct flat *flat = ctx;
    (void)key;
    size_t count = plm_json_array_size(member);
    for (size_t i = 0; i < count; i++)
        flat->is_flat = flat->is_flat && is_scalar(plm_json_at(member, i));
    flat->is_flat = flat->is_flat && (plm_json_is_array(member) || is_scalar(member));
    flat->values += plm_json_is_array(member) ? count : 1;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shown shown = {0};
    /* Of its own and without a NUL, so that reading behind its end is seen. */
    char *text = malloc(size ? size : 1);
    FUZZ_HOLDS(text);
    if (size)
        memcpy(text, data, size);
    bool taken = plm_params_each(text, size, each_shown, &shown);
    FUZZ_HOLDS(taken || shown.values == 0);
    FUZZ_HOLDS(shown.bytes <= size);

    struct plm_json *root = NULL;
    if (plm_json_parse(text, size, 4, &root, NULL) && plm_json_is_object(root)) {
        struct flat flat = {.is_flat = true};
        plm_json_each(root, each_member, &flat);
        FUZZ_HOLDS(!flat.is_flat || (taken && shown.values == flat.values));
    }
    plm_json_free(root);
    free(text);
    return 0;
}
