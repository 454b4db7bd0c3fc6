/* The GGUF header reader: owns the walk over keys and tensors, and every bound on the way. */
#include "oci/gguf.h"

#include "oci/gguf_reader.h"
#include "oci/gguf_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_MAX (UINT64_C(64) << 20)
#define TEMPLATE_MAX (256u << 10)
#define KEY_MAX 128
#define MAX_DIMENSIONS 4
/* Keys that end like one of ours; files have six at most. Later ones are not looked at. */
#define PENDING_MAX 64

enum value_type {
    TYPE_U8,
    TYPE_I8,
    TYPE_U16,
    TYPE_I16,
    TYPE_U32,
    TYPE_I32,
    TYPE_F32,
    TYPE_BOOL,
    TYPE_STRING,
    TYPE_ARRAY,
    TYPE_U64,
    TYPE_I64,
    TYPE_F64,
    TYPES
};

/* Bytes of a value; 0 for those that tell their own length. */
static const uint8_t type_bytes[TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

/* A number under a key of the form <something>.<ours>: what <something> must be may come later. */
struct pending {
    char key[KEY_MAX];
    uint64_t value;
};

struct header {
    struct plm_gguf_reader reader;
    struct plm_gguf *out;
    uint64_t alignment;
    uint64_t data_end; /* of the tensor that ends last, relative to the data's start */
    size_t pending_count;
    struct pending pending[PENDING_MAX];
};

static bool skip_array(struct header *h)
{
    uint64_t at = h->reader.position, count;
    uint32_t type;
    if (!plm_gguf_take_u32(&h->reader, &type) || !plm_gguf_take_number(&h->reader, 8, &count))
        return false;
    if (type >= TYPES || type == TYPE_ARRAY)
        return plm_gguf_corrupt(&h->reader, at, "an array has elements of an unknown type");
    if (count > ARRAY_MAX)
        return plm_gguf_corrupt(&h->reader, at, "an array has more than 64 Mi elements");
    if (type != TYPE_STRING)
        return plm_gguf_skip(&h->reader, count * type_bytes[type]);
    for (uint64_t i = 0; i < count; i++) {
        if (!plm_gguf_take_string(&h->reader, NULL, 0, NULL))
            return false;
    }
    return true;
}

static bool skip_value(struct header *h, uint32_t type)
{
    if (type == TYPE_STRING)
        return plm_gguf_take_string(&h->reader, NULL, 0, NULL);
    return type == TYPE_ARRAY ? skip_array(h) : plm_gguf_skip(&h->reader, type_bytes[type]);
}

static bool is_integer(uint32_t type)
{
    return type <= TYPE_I32 || type == TYPE_U64 || type == TYPE_I64;
}

/* Takes a value; *good tells whether *out now holds it, as an integer that is not negative. */
static bool take_count(struct header *h, uint32_t type, bool *good, uint64_t *out)
{
    *good = false;
    if (!is_integer(type))
        return skip_value(h, type);
    if (!plm_gguf_take_number(&h->reader, type_bytes[type], out))
        return false;
    bool has_sign = type == TYPE_I8 || type == TYPE_I16 || type == TYPE_I32 || type == TYPE_I64;
    *good = !has_sign || !(*out >> (8 * type_bytes[type] - 1));
    return true;
}

static bool take_template(struct header *h)
{
    /* Shrunk afterwards: a length that a file claims is no reason to allocate as much. */
    char *text = malloc(TEMPLATE_MAX + 1);
    if (!text)
        return plm_fail(h->reader.err, PLM_E_NOMEM, "out of memory for a chat template");
    uint64_t length;
    if (!plm_gguf_take_string(&h->reader, text, TEMPLATE_MAX + 1, &length)) {
        free(text);
        return false;
    }
    size_t kept = length < TEMPLATE_MAX ? (size_t)length : TEMPLATE_MAX;
    char *fitting = realloc(text, kept + 1);
    free(h->out->chat_template);
    h->out->chat_template = fitting ? fitting : text;
    return true;
}

static bool take_general(struct header *h, const char *key, uint32_t type)
{
    const struct {
        const char *key;
        char *text;
        size_t size;
    } texts[] = {
        {"general.architecture", h->out->architecture, sizeof(h->out->architecture)},
        {"general.name", h->out->name, sizeof(h->out->name)},
        {"general.type", h->out->type, sizeof(h->out->type)},
    };
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        if (type == TYPE_STRING && strcmp(key, texts[i].key) == 0)
            return plm_gguf_take_string(&h->reader, texts[i].text, texts[i].size, NULL);
    }
    uint64_t at = h->reader.position, number = 0;
    bool good;
    if (!take_count(h, type, &good, &number))
        return false;
    if (good && strcmp(key, "general.file_type") == 0 && number <= UINT32_MAX) {
        h->out->has_file_type = true;
        h->out->file_type = (uint32_t)number;
    } else if (good && strcmp(key, "general.alignment") == 0) {
        if (number == 0 || number > UINT32_MAX)
            return plm_gguf_corrupt(&h->reader, at, "the alignment is not possible");
        h->alignment = number;
    }
    return true;
}

/* Keys that we show; behind "<architecture>." in the file. */
static const char *const arch_keys[] = {"context_length",     "embedding_length",  "block_count",
                                        "vision.block_count", "audio.block_count", "pooling_type"};

static bool ends_like_ours(const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < PLM_COUNT(arch_keys); i++) {
        size_t suffix = strlen(arch_keys[i]);
        if (length > suffix && key[length - suffix - 1] == '.' &&
            strcmp(key + length - suffix, arch_keys[i]) == 0)
            return true;
    }
    return false;
}

static bool take_pending(struct header *h, const char *key, uint32_t type)
{
    bool good;
    uint64_t value = 0;
    if (!take_count(h, type, &good, &value))
        return false;
    if (!good || h->pending_count == PENDING_MAX)
        return true;
    struct pending *p = &h->pending[h->pending_count++];
    memcpy(p->key, key, strlen(key) + 1);
    p->value = value;
    return true;
}

static bool take_split(struct header *h, uint32_t type)
{
    bool good;
    uint64_t count = 0;
    if (!take_count(h, type, &good, &count))
        return false;
    h->out->split_count = good ? count : 0;
    return true;
}

static bool take_pair(struct header *h)
{
    char key[KEY_MAX];
    uint32_t type;
    uint64_t length;
    if (!plm_gguf_take_string(&h->reader, key, sizeof(key), &length))
        return false;
    uint64_t at = h->reader.position;
    if (!plm_gguf_take_u32(&h->reader, &type))
        return false;
    if (type >= TYPES)
        return plm_gguf_corrupt(&h->reader, at, "a value has an unknown type");
    if (length != strlen(key)) /* cut, or with a NUL in it: none of ours */
        return skip_value(h, type);
    if (strcmp(key, "tokenizer.chat_template") == 0 && type == TYPE_STRING)
        return take_template(h);
    if (strcmp(key, "split.count") == 0)
        return take_split(h, type);
    if (strncmp(key, "general.", 8) == 0)
        return take_general(h, key, type);
    if (strncmp(key, "tokenizer.", 10) != 0 && ends_like_ours(key))
        return take_pending(h, key, type);
    return skip_value(h, type);
}

static void name_pooling(struct plm_gguf *out, uint64_t value)
{
    static const char *const names[] = {"none", "mean", "cls", "last", "rank"};
    out->has_pooling_type = true;
    if (value < PLM_COUNT(names))
        (void)snprintf(out->pooling_type_text, sizeof(out->pooling_type_text), "%s", names[value]);
    else
        (void)snprintf(out->pooling_type_text, sizeof(out->pooling_type_text), "%u",
                       (unsigned)value);
}

/* Now that the architecture is known: which of the pending keys are this model's. */
static void settle_pending(struct header *h)
{
    struct plm_gguf *out = h->out;
    uint64_t *const slots[PLM_COUNT(arch_keys)] = {
        &out->context_length,     &out->embedding_length,  &out->block_count,
        &out->vision_block_count, &out->audio_block_count, NULL};
    for (size_t i = 0; i < PLM_COUNT(arch_keys); i++) {
        char key[KEY_MAX];
        (void)snprintf(key, sizeof(key), "%s.%s",
                       out->architecture[0] ? out->architecture : "unknown", arch_keys[i]);
        for (size_t k = 0; k < h->pending_count; k++) {
            if (strcmp(h->pending[k].key, key) != 0)
                continue;
            if (slots[i])
                *slots[i] = h->pending[k].value;
            else
                name_pooling(out, h->pending[k].value);
        }
    }
}

/* Remembers where the tensor's data end; that they do not fit 64 bits is as good as truncated. */
static void note_data_end(struct header *h, uint64_t elements, uint32_t kind, uint64_t offset)
{
    uint32_t block = 1, bytes = 0; /* an unknown kind: at least its start must be there */
    (void)plm_gguf_kind_block(kind, &block, &bytes);
    uint64_t size, end;
    if (__builtin_mul_overflow(elements / block, (uint64_t)bytes, &size) ||
        __builtin_add_overflow(size, offset, &end))
        end = UINT64_MAX;
    if (end > h->data_end)
        h->data_end = end;
}

static bool take_tensor(struct header *h)
{
    uint64_t at = h->reader.position, elements = 1, offset;
    uint32_t dimensions, kind;
    if (!plm_gguf_take_string(&h->reader, NULL, 0, NULL) ||
        !plm_gguf_take_u32(&h->reader, &dimensions))
        return false;
    if (dimensions > MAX_DIMENSIONS)
        return plm_gguf_corrupt(&h->reader, at, "a tensor has more than 4 dimensions");
    for (uint32_t i = 0; i < dimensions; i++) {
        uint64_t size;
        if (!plm_gguf_take_number(&h->reader, 8, &size))
            return false;
        if (__builtin_mul_overflow(elements, size, &elements))
            return plm_gguf_corrupt(&h->reader, at,
                                    "a tensor has more elements than 64 bits count");
    }
    if (!plm_gguf_take_u32(&h->reader, &kind) || !plm_gguf_take_number(&h->reader, 8, &offset))
        return false;
    if (__builtin_add_overflow(h->out->parameter_count, elements, &h->out->parameter_count))
        return plm_gguf_corrupt(&h->reader, at,
                                "the tensors have more elements than 64 bits count");
    note_data_end(h, elements, kind, offset);
    return true;
}

/*
 * Both conventions for big-endian files: Ollama's swapped magic, and ggml's plain magic before a
 * version that only makes sense when its bytes are swapped.
 */
static bool take_magic(struct header *h)
{
    struct plm_gguf_reader *r = &h->reader;
    char magic[4];
    if (!plm_gguf_take(r, magic, sizeof(magic)))
        return false;
    r->big_endian = memcmp(magic, "FUGG", 4) == 0;
    if (!r->big_endian && memcmp(magic, "GGUF", 4) != 0)
        return plm_gguf_corrupt(r, 0, "not a GGUF file");
    uint32_t version;
    if (!plm_gguf_take_u32(r, &version))
        return false;
    if (!r->big_endian && version != 0 && (version & 0xFFFF) == 0) {
        r->big_endian = true;
        version = __builtin_bswap32(version);
    }
    if (version < 1 || version > 3)
        return plm_fail(r->err, PLM_E_UNSUPPORTED, "GGUF version %u; known are 1 to 3", version);
    r->version = version;
    h->out->version = version;
    h->out->big_endian = r->big_endian;
    return true;
}

static bool read_header(struct header *h, uint64_t file_size)
{
    struct plm_gguf *out = h->out;
    if (!take_magic(h))
        return false;
    size_t width = out->version == 1 ? 4 : 8;
    if (!plm_gguf_take_number(&h->reader, width, &out->tensor_count) ||
        !plm_gguf_take_number(&h->reader, width, &out->kv_count))
        return false;
    for (uint64_t i = 0; i < out->kv_count; i++) {
        if (!take_pair(h))
            return false;
    }
    for (uint64_t i = 0; i < out->tensor_count; i++) {
        if (!take_tensor(h))
            return false;
    }
    settle_pending(h);
    uint64_t data = (h->reader.position + h->alignment - 1) / h->alignment * h->alignment;
    if (out->tensor_count == 0)
        return true;
    if (__builtin_add_overflow(data, h->data_end, &out->whole_size))
        out->whole_size = UINT64_MAX;
    out->truncated = out->whole_size > file_size;
    return true;
}

bool plm_gguf_read(plm_gguf_read_fn read, void *ctx, uint64_t file_size, struct plm_gguf *out,
                   struct plm_error *err)
{
    *out = (struct plm_gguf){0};
    struct header *h = calloc(1, sizeof(*h));
    char *window = malloc(PLM_GGUF_WINDOW);
    bool good = h && window;
    if (good) {
        h->reader =
            (struct plm_gguf_reader){.read = read, .ctx = ctx, .err = err, .window = window};
        h->reader.end = file_size < PLM_GGUF_MAX_HEADER ? file_size : PLM_GGUF_MAX_HEADER;
        h->out = out;
        h->alignment = 32;
        good = read_header(h, file_size);
    } else {
        (void)plm_fail(err, PLM_E_NOMEM, "out of memory for a GGUF header");
    }
    free(window);
    free(h);
    return good;
}

void plm_gguf_done(struct plm_gguf *gguf)
{
    if (!gguf)
        return;
    free(gguf->chat_template);
    gguf->chat_template = NULL;
}
