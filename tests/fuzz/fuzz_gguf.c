/* GGUF headers: read forward only, never behind the end, and the same however large the file is. */
#include "fuzz.h"

#include "oci/gguf.h"

#define TEMPLATE_MAX (256u << 10)
/* A sparse file: more than any header, zeros never read. */
#define LARGE (UINT64_C(1) << 62)

struct source {
    struct fuzz_input in;
    uint64_t size; /* as the file claims */
    uint64_t next; /* nothing before it may be read again */
};

static bool read_source(void *ctx, void *bytes, size_t size, uint64_t offset, size_t *got,
                        struct plm_error *err)
{
    struct source *source = ctx;
    (void)err;
    FUZZ_HOLDS(size > 0 && offset >= source->next && offset + size <= source->size);
    FUZZ_HOLDS(offset + size <= PLM_GGUF_MAX_HEADER);
    size_t left = offset < source->in.left ? source->in.left - (size_t)offset : 0;
    *got = size < left ? size : left;
    if (*got)
        memcpy(bytes, source->in.at + offset, *got);
    source->next = offset + *got;
    return true;
}

static void check_text(const char *text, size_t size)
{
    FUZZ_HOLDS(strnlen(text, size) < size);
}

static void check_header(const struct plm_gguf *gguf, size_t size)
{
    FUZZ_HOLDS(gguf->version >= 1 && gguf->version <= 3);
    FUZZ_HOLDS(gguf->kv_count <= size && gguf->tensor_count <= size);
    check_text(gguf->architecture, sizeof(gguf->architecture));
    check_text(gguf->name, sizeof(gguf->name));
    check_text(gguf->type, sizeof(gguf->type));
    check_text(gguf->pooling_type_text, sizeof(gguf->pooling_type_text));
    FUZZ_HOLDS(gguf->has_pooling_type == (gguf->pooling_type_text[0] != '\0'));
    FUZZ_HOLDS(!gguf->chat_template ||
               strnlen(gguf->chat_template, TEMPLATE_MAX + 1) <= TEMPLATE_MAX);
    FUZZ_HOLDS(gguf->tensor_count > 0 || (!gguf->truncated && gguf->parameter_count == 0));
    FUZZ_HOLDS(fuzz_is_safe(plm_gguf_file_type_name(gguf->file_type)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source small = {{data, size}, size, 0}, large = {{data, size}, LARGE, 0};
    struct plm_gguf a, b;
    struct plm_error err = {0};
    if (plm_gguf_read(read_source, &small, size, &a, &err)) {
        check_header(&a, size);
        FUZZ_HOLDS(plm_gguf_read(read_source, &large, LARGE, &b, &err));
        check_header(&b, size);
        FUZZ_HOLDS(a.parameter_count == b.parameter_count && a.kv_count == b.kv_count);
        FUZZ_HOLDS(strcmp(a.architecture, b.architecture) == 0);
        FUZZ_HOLDS(!b.truncated || a.truncated);
        plm_gguf_done(&b);
    } else {
        fuzz_failed(&err);
        FUZZ_HOLDS(err.code == PLM_E_CORRUPT || err.code == PLM_E_UNSUPPORTED ||
                   err.code == PLM_E_LIMIT);
    }
    plm_gguf_done(&a);
    return 0;
}
