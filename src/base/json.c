/* JSON values: owns the library behind typed getters, and the limits that hold before it runs. */
#include "base/json.h"

#include "pullama/text.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

/*
 * What the library's tree may cost. A few bytes of text (`[],`) become some 200 in memory, so
 * without this a hostile 4 MiB document would take hundreds of MiB. A manifest of 12,000 layers
 * fits, and all that is made of it stays below the 32 MiB that the program may take.
 */
#define TREE_MAX_BYTES (12u << 20)
#define CONTAINER_COST 256
#define SCALAR_COST 96
/* The library gathers a string in a buffer that doubles, and copies it out of there: only for long
 * ones that is more than the text itself. */
#define STRING_COPIES 3
#define STRING_LONG ((size_t)64 << 10)

static const json_t *value_of(const struct plm_json *value)
{
    return (const json_t *)(const void *)value;
}

static const struct plm_json *handle_of(const json_t *value)
{
    return json_is_null(value) ? NULL : (const struct plm_json *)(const void *)value;
}

/* Index of the quote that ends the string whose text begins at @p i; @p length if none does. */
static size_t skip_string(const char *text, size_t length, size_t i)
{
    while (i < length && text[i] != '"')
        i += text[i] == '\\' ? 2 : 1;
    return i < length ? i : length;
}

/* Bounds depth and memory by the text alone; whether it is well-formed is the library's business.
 */
static bool check_limits(const char *text, size_t length, unsigned max_depth, struct plm_error *err)
{
    unsigned depth = 0;
    size_t cost = length;
    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '"': {
            size_t end = skip_string(text, length, i + 1);
            cost += end - i > STRING_LONG ? STRING_COPIES * (end - i) : 0;
            i = end;
            break;
        }
        case '{':
        case '[':
            if (++depth > max_depth)
                return plm_fail(err, PLM_E_LIMIT, "JSON is nested deeper than %u levels",
                                max_depth);
            cost += CONTAINER_COST;
            break;
        case '}':
        case ']':
            depth -= depth > 0;
            break;
        case ',':
        case ':':
            cost += SCALAR_COST;
            break;
        default:
            break;
        }
        if (cost > TREE_MAX_BYTES)
            return plm_fail(err, PLM_E_LIMIT, "JSON has too many values, or too long ones");
    }
    return true;
}

bool plm_json_parse(const char *text, size_t length, unsigned max_depth, struct plm_json **out,
                    struct plm_error *err)
{
    if (length > TREE_MAX_BYTES)
        return plm_fail(err, PLM_E_LIMIT, "JSON of %zu bytes is too large", length);
    /* The library skips a NUL behind a number or a word: it would accept what nobody else does. */
    if (length > 0 && memchr(text, '\0', length))
        return plm_fail(err, PLM_E_PROTOCOL, "bad JSON: there is a NUL byte in it");
    if (!check_limits(text, length, max_depth, err))
        return false;
    json_error_t why;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!root) {
        char shown[2 * JSON_ERROR_TEXT_LENGTH];
        if (json_error_code(&why) == json_error_out_of_memory)
            return plm_fail(err, PLM_E_NOMEM, "out of memory for a JSON document");
        return plm_fail(err, PLM_E_PROTOCOL, "bad JSON at line %d, column %d: %s", why.line,
                        why.column, plm_text_printable(why.text, shown, sizeof(shown)));
    }
    *out = (struct plm_json *)(void *)root;
    return true;
}

void plm_json_free(struct plm_json *root)
{
    json_decref((json_t *)(void *)root);
}

/* Depth is bounded by what plm_json_parse() let through. */
static void wipe_texts(json_t *value)
{
    const char *key;
    size_t index;
    json_t *member;
    if (json_is_string(value))
        explicit_bzero((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    json_object_foreach(value, key, member)
    {
        wipe_texts(member); /* NOLINT(misc-no-recursion) */
    }
    json_array_foreach(value, index, member)
    {
        wipe_texts(member);
    }
}

void plm_json_wipe(struct plm_json *root)
{
    if (root)
        wipe_texts((json_t *)(void *)root);
    plm_json_free(root);
}

bool plm_json_is_object(const struct plm_json *value)
{
    return json_is_object(value_of(value));
}

bool plm_json_is_array(const struct plm_json *value)
{
    return json_is_array(value_of(value));
}

bool plm_json_is_string(const struct plm_json *value)
{
    return json_is_string(value_of(value));
}

bool plm_json_is_number(const struct plm_json *value)
{
    return json_is_number(value_of(value));
}

bool plm_json_is_bool(const struct plm_json *value)
{
    return json_is_boolean(value_of(value));
}

const struct plm_json *plm_json_get(const struct plm_json *value, const char *key)
{
    return handle_of(json_object_get(value_of(value), key));
}

size_t plm_json_array_size(const struct plm_json *value)
{
    return json_array_size(value_of(value));
}

const struct plm_json *plm_json_at(const struct plm_json *value, size_t index)
{
    return handle_of(json_array_get(value_of(value), index));
}

const char *plm_json_text(const struct plm_json *value)
{
    return json_string_value(value_of(value));
}

bool plm_json_u64(const struct plm_json *value, uint64_t *out)
{
    if (!json_is_integer(value_of(value)))
        return false;
    json_int_t number = json_integer_value(value_of(value));
    if (number < 0)
        return false;
    *out = (uint64_t)number;
    return true;
}

bool plm_json_true(const struct plm_json *value)
{
    return json_is_true(value_of(value));
}

bool plm_json_double(const struct plm_json *value, double *out)
{
    if (!json_is_number(value_of(value)))
        return false;
    *out = json_number_value(value_of(value));
    return true;
}

void plm_json_each(const struct plm_json *value,
                   bool (*each)(void *ctx, const char *key, const struct plm_json *member),
                   void *ctx)
{
    if (!plm_json_is_object(value))
        return;
    /* The library's iterators want a mutable object, but only its setters change it. */
    json_t *object = (json_t *)(uintptr_t)value;
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const json_t *member = json_object_iter_value(at);
        if (!each(ctx, json_object_iter_key(at), (const struct plm_json *)(const void *)member))
            return;
    }
}

bool plm_json_dump(const struct plm_json *value, char **out, struct plm_error *err)
{
    char *text = json_dumps(value_of(value), JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return plm_fail(err, PLM_E_NOMEM, "out of memory for a JSON text");
    *out = text;
    return true;
}

/* ---- changing a document ---- */

bool plm_json_new_object(struct plm_json **out, struct plm_error *err)
{
    json_t *object = json_object();
    if (!object)
        return plm_fail(err, PLM_E_NOMEM, "out of memory for a JSON document");
    *out = (struct plm_json *)(void *)object;
    return true;
}

bool plm_json_set(struct plm_json *root, const char *const *keys, size_t count, const char *text,
                  struct plm_error *err)
{
    json_t *at = (json_t *)(void *)root;
    for (size_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count;
        if (!json_is_object(at))
            return plm_fail(err, PLM_E_PROTOCOL, "\"%s\" is no object", i > 0 ? keys[i - 1] : "");
        json_t *next = json_object_get(at, keys[i]);
        if (is_last || !next || json_is_null(next)) {
            next = is_last && text ? json_string(text) : json_object();
            if (json_object_set_new(at, keys[i], next) != 0) /* takes it over, also NULL */
                return plm_fail(err, PLM_E_NOMEM, "out of memory for a JSON document");
        }
        at = next;
    }
    return true;
}

bool plm_json_remove(struct plm_json *root, const char *const *keys, size_t count)
{
    json_t *at = (json_t *)(void *)root;
    for (size_t i = 0; i + 1 < count; i++)
        at = json_object_get(at, keys[i]);
    return json_object_del(at, keys[count - 1]) == 0;
}

bool plm_json_dump_readable(const struct plm_json *value, char **out, struct plm_error *err)
{
    struct plm_buf buf = PLM_BUF_INIT(TREE_MAX_BYTES);
    char *text = json_dumps(value_of(value), JSON_INDENT(2) | JSON_ENCODE_ANY);
    size_t length = text ? strlen(text) : 0;
    bool ok = text ? plm_buf_reserve(&buf, length + 1, err)
                   : plm_fail(err, PLM_E_NOMEM, "out of memory for a JSON text");
    ok = ok && plm_buf_append(&buf, text, length, err) && plm_buf_append(&buf, "\n", 1, err);
    if (text)
        explicit_bzero(text, length);
    free(text);
    if (ok)
        *out = plm_buf_take(&buf);
    plm_buf_wipe(&buf);
    return ok;
}
