#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "oci/gguf.h"

enum { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 };

/* A GGUF file being built. */
struct file {
    struct plm_buf bytes;
    uint32_t version;
    bool big_endian;
};

static void put(struct file *f, const void *bytes, size_t size)
{
    assert_true(plm_buf_append(&f->bytes, bytes, size, NULL));
}

static void put_number(struct file *f, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        size_t shift = f->big_endian ? size - 1 - i : i;
        unsigned char byte = (unsigned char)(value >> (8 * shift));
        put(f, &byte, 1);
    }
}

static void put_string(struct file *f, const char *text)
{
    bool nul = f->version == 1;
    put_number(f, strlen(text) + nul, 8);
    put(f, text, strlen(text) + nul);
}

static struct file begin(uint32_t version, bool big_endian, uint64_t tensors, uint64_t pairs)
{
    struct file f = {
        .bytes = PLM_BUF_INIT(64u << 20), .version = version, .big_endian = big_endian};
    put(&f, big_endian ? "FUGG" : "GGUF", 4);
    put_number(&f, version, 4);
    put_number(&f, tensors, version == 1 ? 4 : 8);
    put_number(&f, pairs, version == 1 ? 4 : 8);
    return f;
}

static void put_pair(struct file *f, const char *key, uint32_t type, uint64_t value, size_t size)
{
    put_string(f, key);
    put_number(f, type, 4);
    put_number(f, value, size);
}

static void put_text_pair(struct file *f, const char *key, const char *text)
{
    put_string(f, key);
    put_number(f, STRING, 4);
    put_string(f, text);
}

static void put_tensor(struct file *f, uint32_t kind, uint64_t a, uint64_t b, uint64_t offset)
{
    put_string(f, "blk.0.weight");
    put_number(f, 2, 4);
    put_number(f, a, 8);
    put_number(f, b, 8);
    put_number(f, kind, 4);
    put_number(f, offset, 8);
}

static void put_padding(struct file *f, size_t alignment, size_t data)
{
    while (f->bytes.size % alignment)
        put(f, "", 1);
    while (data-- > 0)
        put(f, "d", 1);
}

static bool read_bytes(void *ctx, void *bytes, size_t size, uint64_t offset, size_t *got,
                       struct plm_error *err)
{
    (void)err;
    const struct plm_buf *buf = ctx;
    size_t left = offset < buf->size ? buf->size - (size_t)offset : 0;
    *got = size < left ? size : left;
    memcpy(bytes, buf->bytes + offset, *got);
    return true;
}

static bool parse(struct file *f, struct plm_gguf *out, struct plm_error *err)
{
    *err = (struct plm_error){0};
    return plm_gguf_read(read_bytes, &f->bytes, f->bytes.size, out, err);
}

static void refuse(struct file *f, enum plm_code code, const char *in_message)
{
    struct plm_gguf g;
    struct plm_error err;
    assert_false(parse(f, &g, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.msg, in_message))
        fail_msg("'%s' is not in: %s", in_message, err.msg);
    plm_gguf_done(&g);
    plm_buf_done(&f->bytes);
}

static struct file build_model(uint32_t version, bool big_endian)
{
    struct file f = begin(version, big_endian, 2, 14);
    put_pair(&f, "llama.context_length", U32, 8192, 4);
    put_text_pair(&f, "general.architecture", "llama");
    put_text_pair(&f, "general.name", "A Model");
    put_text_pair(&f, "general.type", "model");
    put_pair(&f, "general.file_type", U32, 15, 4);
    put_pair(&f, "llama.embedding_length", U64, 4096, 8);
    put_pair(&f, "llama.block_count", U16, 32, 2);
    put_pair(&f, "llama.vision.block_count", I32, 7, 4);
    put_pair(&f, "llama.audio.block_count", U8, 3, 1);
    put_pair(&f, "llama.pooling_type", U32, 1, 4);
    put_pair(&f, "other.context_length", U32, 1, 4);
    put_pair(&f, "llama.rope.freq_base", F32, 0x3f800000, 4);
    put_string(&f, "tokenizer.ggml.tokens");
    put_number(&f, ARRAY, 4);
    put_number(&f, STRING, 4);
    put_number(&f, 3, 8);
    put_string(&f, "a");
    put_string(&f, "");
    put_string(&f, "longer token");
    put_text_pair(&f, "tokenizer.chat_template", "{{ messages }}");
    put_tensor(&f, 0, 4, 8, 0);
    put_tensor(&f, 12, 256, 2, 128);
    put_padding(&f, 32, 128 + 288);
    return f;
}

static void every_version_and_byte_order_is_read(void **state)
{
    (void)state;
    static const struct {
        uint32_t version;
        bool big_endian, ggml_magic;
    } rows[] = {{1, false, false}, {2, false, false}, {3, false, false},
                {3, true, false},  {2, true, false},  {3, true, true}};
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct file f = build_model(rows[i].version, rows[i].big_endian);
        if (rows[i].ggml_magic)
            memcpy(f.bytes.bytes, "GGUF", 4);
        struct plm_gguf g;
        struct plm_error err;
        if (!parse(&f, &g, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(g.version, rows[i].version);
        assert_int_equal(g.big_endian, rows[i].big_endian);
        assert_string_equal(g.architecture, "llama");
        assert_string_equal(g.name, "A Model");
        assert_string_equal(g.type, "model");
        assert_true(g.has_file_type);
        assert_int_equal(g.file_type, 15);
        assert_int_equal(g.context_length, 8192);
        assert_int_equal(g.embedding_length, 4096);
        assert_int_equal(g.block_count, 32);
        assert_int_equal(g.vision_block_count, 7);
        assert_int_equal(g.audio_block_count, 3);
        assert_true(g.has_pooling_type);
        assert_string_equal(g.pooling_type_text, "mean");
        assert_string_equal(g.chat_template, "{{ messages }}");
        assert_int_equal(g.parameter_count, 4 * 8 + 256 * 2);
        assert_int_equal(g.tensor_count, 2);
        assert_int_equal(g.kv_count, 14);
        assert_false(g.truncated);
        plm_gguf_done(&g);
        plm_buf_done(&f.bytes);
    }
}

static void a_missing_last_byte_of_data_is_noticed(void **state)
{
    (void)state;
    struct file f = build_model(3, false);
    f.bytes.size--;
    struct plm_gguf g;
    struct plm_error err;
    assert_true(parse(&f, &g, &err));
    assert_true(g.truncated);
    plm_gguf_done(&g);
    plm_buf_done(&f.bytes);
}

static void a_header_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct file f = build_model(3, false);
    size_t header = f.bytes.size - 128 - 288 - 31; /* padding and data behind it */
    for (size_t size = 0; size < header; size++) {
        struct plm_gguf g;
        struct plm_error err;
        f.bytes.size = size;
        assert_false(parse(&f, &g, &err));
        assert_int_equal(err.code, PLM_E_CORRUPT);
        plm_gguf_done(&g);
    }
    plm_buf_done(&f.bytes);
}

static void no_flipped_byte_crashes_it(void **state)
{
    (void)state;
    struct file f = build_model(3, false);
    for (size_t i = 0; i < f.bytes.size; i++) {
        static const unsigned char masks[] = {0x01, 0x80, 0xFF};
        for (size_t k = 0; k < PLM_COUNT(masks); k++) {
            struct plm_gguf g;
            struct plm_error err;
            f.bytes.bytes[i] = (char)(f.bytes.bytes[i] ^ masks[k]);
            bool good = parse(&f, &g, &err);
            assert_int_equal(good, err.code == PLM_OK);
            plm_gguf_done(&g);
            f.bytes.bytes[i] = (char)(f.bytes.bytes[i] ^ masks[k]);
        }
    }
    plm_buf_done(&f.bytes);
}

static void broken_rules_are_named(void **state)
{
    (void)state;
    struct file f = begin(3, false, 0, 0);
    memcpy(f.bytes.bytes, "GGML", 4);
    refuse(&f, PLM_E_CORRUPT, "not a GGUF file");
    f = begin(4, false, 0, 0);
    refuse(&f, PLM_E_UNSUPPORTED, "version 4");
    f = begin(0, false, 0, 0);
    refuse(&f, PLM_E_UNSUPPORTED, "version 0");
    f = begin(3, false, 0, UINT64_MAX);
    refuse(&f, PLM_E_CORRUPT, "byte 24");
    f = begin(3, false, 0, 1);
    put_number(&f, (16u << 20) + 1, 8);
    refuse(&f, PLM_E_CORRUPT, "longer than 16 MiB");
    f = begin(3, false, 0, 1);
    put_pair(&f, "key", 13, 0, 8);
    refuse(&f, PLM_E_CORRUPT, "unknown type");
    f = begin(3, false, 0, 1);
    put_pair(&f, "general.alignment", U32, 0, 4);
    refuse(&f, PLM_E_CORRUPT, "alignment");
    f = begin(1, false, 0, 1);
    put_number(&f, 0, 8);
    refuse(&f, PLM_E_CORRUPT, "NUL");
    f = begin(1, false, 0, 1);
    put_number(&f, 3, 8);
    put(&f, "abc", 3);
    refuse(&f, PLM_E_CORRUPT, "NUL");
}

static void bad_arrays_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        uint64_t count;
        const char *message;
    } rows[] = {{ARRAY, 1, "unknown type"},
                {13, 1, "unknown type"},
                {U8, (UINT64_C(64) << 20) + 1, "64 Mi"},
                {U64, UINT64_MAX, "64 Mi"},
                {F64, 64u << 20, "ends inside"},
                {STRING, 64u << 20, "ends inside"}};
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct file f = begin(3, false, 0, 1);
        put_string(&f, "some.array");
        put_number(&f, ARRAY, 4);
        put_number(&f, rows[i].type, 4);
        put_number(&f, rows[i].count, 8);
        refuse(&f, PLM_E_CORRUPT, rows[i].message);
    }
}

static void bad_tensors_are_refused(void **state)
{
    (void)state;
    struct file f = begin(3, false, 1, 0);
    put_tensor(&f, 0, UINT64_C(1) << 32, UINT64_C(1) << 32, 0);
    refuse(&f, PLM_E_CORRUPT, "64 bits");
    f = begin(3, false, 2, 0);
    put_tensor(&f, 0, UINT64_MAX, 1, 0);
    put_tensor(&f, 0, 1, 1, 0);
    refuse(&f, PLM_E_CORRUPT, "64 bits");
    f = begin(3, false, 1, 0);
    put_string(&f, "t");
    put_number(&f, 5, 4);
    refuse(&f, PLM_E_CORRUPT, "4 dimensions");

    static const uint64_t far[][3] = {/* elements, kind, offset */
                                      {UINT64_MAX, 1, 0},
                                      {1, 0, UINT64_MAX},
                                      {1, 99, UINT64_MAX},
                                      {1, 0, 1u << 20}};
    for (size_t i = 0; i < PLM_COUNT(far); i++) {
        struct plm_gguf g;
        struct plm_error err;
        f = begin(3, false, 1, 0);
        put_tensor(&f, (uint32_t)far[i][1], far[i][0], 1, far[i][2]);
        put_padding(&f, 32, 64);
        assert_true(parse(&f, &g, &err));
        assert_true(g.truncated);
        plm_gguf_done(&g);
        plm_buf_done(&f.bytes);
    }
}

static void odd_values_are_passed_over(void **state)
{
    (void)state;
    struct file f = begin(3, false, 0, 6);
    put_text_pair(&f, "unknown.block_count", "twelve");
    put_pair(&f, "unknown.context_length", I64, UINT64_MAX, 8);
    put_pair(&f, "unknown.embedding_length", U32, 5, 4);
    put_pair(&f, "unknown.pooling_type", U32, 77, 4);
    put_pair(&f, "general.architecture", U32, 1, 4);
    put_string(&f, "general.file_type");
    put_number(&f, ARRAY, 4);
    put_number(&f, U16, 4);
    put_number(&f, 2, 8);
    put_number(&f, 0, 4);
    struct plm_gguf g;
    struct plm_error err;
    assert_true(parse(&f, &g, &err));
    assert_string_equal(g.architecture, "");
    assert_int_equal(g.block_count, 0);
    assert_int_equal(g.context_length, 0);
    assert_int_equal(g.embedding_length, 5);
    assert_string_equal(g.pooling_type_text, "77");
    assert_false(g.has_file_type);
    assert_null(g.chat_template);
    plm_gguf_done(&g);
    plm_buf_done(&f.bytes);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    size_t length = 300u << 10;
    char *text = malloc(length + 1);
    assert_non_null(text);
    memset(text, 'x', length);
    text[length] = '\0';
    struct file f = begin(3, false, 0, 4);
    put_text_pair(&f, text, "value of a long key");
    put_text_pair(&f, "general.name", text);
    put_text_pair(&f, "tokenizer.chat_template", "replaced by the next");
    put_text_pair(&f, "tokenizer.chat_template", text);
    struct plm_gguf g;
    struct plm_error err;
    assert_true(parse(&f, &g, &err));
    assert_int_equal(strlen(g.name), sizeof(g.name) - 1);
    assert_int_equal(strlen(g.chat_template), 256u << 10);
    plm_gguf_done(&g);
    plm_buf_done(&f.bytes);
    free(text);
}

static void load(const char *name, struct file *f)
{
    char path[4096], chunk[4096];
    const char *directory = getenv("PLM_SHARED_DATA");
    (void)snprintf(path, sizeof(path), "%s/%s", directory ? directory : "", name);
    FILE *in = directory ? fopen(path, "rb") : NULL;
    if (!in) {
        print_message("# PLM_SHARED_DATA names no directory with %s\n", name);
        skip();
        return;
    }
    *f = (struct file){.bytes = PLM_BUF_INIT(64u << 20)};
    size_t got;
    while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0)
        put(f, chunk, got);
    (void)fclose(in);
}

/* Copies that went through a text conversion are larger than the originals; those must be refused.
 */
static void real_files_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name, *architecture;
        size_t size;
        uint64_t context, embedding, blocks;
    } rows[] = {{"ggml-vocab-bert-bge.gguf", "bert", 627549, 512, 384, 12},
                {"ggml-vocab-gpt-2.gguf", "gpt2", 1766807, 1024, 768, 12},
                {"ggml-vocab-llama-spm.gguf", "llama", 723869, 4096, 4096, 32}};
    for (size_t i = 0; i < PLM_COUNT(rows); i++) {
        struct file f;
        load(rows[i].name, &f);
        if (f.bytes.size != rows[i].size) {
            print_message("# %s is a damaged copy\n", rows[i].name);
            refuse(&f, PLM_E_CORRUPT, "GGUF header, byte ");
            continue;
        }
        struct plm_gguf g;
        struct plm_error err;
        assert_true(parse(&f, &g, &err));
        assert_string_equal(g.architecture, rows[i].architecture);
        assert_int_equal(g.context_length, rows[i].context);
        assert_int_equal(g.embedding_length, rows[i].embedding);
        assert_int_equal(g.block_count, rows[i].blocks);
        assert_string_equal(plm_gguf_file_type_name(g.file_type), "F16");
        assert_false(g.truncated);
        plm_gguf_done(&g);
        plm_buf_done(&f.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_and_byte_order_is_read),
        cmocka_unit_test(a_missing_last_byte_of_data_is_noticed),
        cmocka_unit_test(a_header_cut_anywhere_is_refused),
        cmocka_unit_test(no_flipped_byte_crashes_it),
        cmocka_unit_test(broken_rules_are_named),
        cmocka_unit_test(bad_arrays_are_refused),
        cmocka_unit_test(bad_tensors_are_refused),
        cmocka_unit_test(odd_values_are_passed_over),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(real_files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
