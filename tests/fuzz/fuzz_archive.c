/* Archives: what is accepted lies inside of the file, overlaps nothing, and unpacks to what it
 * says. */
#include "fuzz.h"

#include "archive/content.h"
#include "archive/entry_name.h"
#include "archive/unpack.h"

#define UNPACKED_MAX ((size_t)1 << 20)

struct memory {
    const uint8_t *bytes;
    size_t size;
};

static bool read_memory(void *ctx, uint64_t offset, void *bytes, size_t length,
                        struct plm_error *err)
{
    const struct memory *m = ctx;
    (void)err;
    FUZZ_HOLDS(offset <= m->size && length <= m->size - offset);
    if (length)
        memcpy(bytes, m->bytes + offset, length);
    return true;
}

/* Never more comes out than the entry says, and at its end exactly that. */
static void unpack(const struct memory *m, const struct plm_content_blob *blob, uint64_t data)
{
    struct plm_unpack *u = NULL;
    struct plm_error err = {0};
    char out[4096];
    uint64_t at = data, made = 0;
    bool ok = plm_unpack_new(blob->method, blob->packed, blob->size, &u, &err);
    while (ok && !plm_unpack_is_over(u) && made < UNPACKED_MAX) {
        uint64_t left = plm_unpack_wants(u);
        struct plm_unpack_turn turn = {.in = m->bytes + at,
                                       .in_length = left < 1000 ? (size_t)left : 1000,
                                       .out = out,
                                       .room = sizeof(out)};
        ok = plm_unpack_run(u, &turn, &err);
        FUZZ_HOLDS(turn.taken <= turn.in_length && turn.made <= turn.room);
        at += turn.taken;
        made += ok ? turn.made : 0;
        FUZZ_HOLDS(made <= blob->size);
        FUZZ_HOLDS(!ok || turn.taken + turn.made > 0 || plm_unpack_is_over(u));
    }
    if (!ok)
        fuzz_failed(&err);
    else if (made < UNPACKED_MAX)
        FUZZ_HOLDS(made == blob->size);
    plm_unpack_free(u);
}

static void check_blob(const struct memory *m, const struct plm_content_source *source,
                       const struct plm_content *c, const struct plm_content_blob *blob)
{
    uint64_t data = 0;
    struct plm_error err = {0};
    FUZZ_HOLDS(blob->limit <= m->size && blob->offset < blob->limit);
    FUZZ_HOLDS(plm_content_find(c, &blob->digest) == blob);
    if (!plm_content_locate_blob(source, c, blob, &data, &err)) {
        fuzz_failed(&err);
        return;
    }
    FUZZ_HOLDS(data > blob->offset && data + blob->packed <= blob->limit);
    unpack(m, blob, data);
}

static bool is_here(void *ctx, const struct plm_descriptor *want)
{
    (void)ctx;
    return want->size % 2 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory m = {data, size};
    const struct plm_content_source source = {.read = read_memory, .ctx = &m, .size = size};
    struct plm_content c = {0};
    struct plm_error err = {0};
    if (!plm_content_read(&source, &c, &err)) {
        fuzz_failed(&err);
        return 0;
    }
    FUZZ_HOLDS(c.model_count <= PLM_CONTENT_MODELS_MAX && c.blob_count <= PLM_CONTENT_MAX);
    for (size_t i = 0; i < c.model_count; i++) {
        char name[PLM_ENTRY_NAME];
        struct plm_ref ref;
        FUZZ_HOLDS(c.models[i].manifest);
        (void)plm_entry_of_manifest(&c.models[i].ref, name);
        FUZZ_HOLDS(!strstr(name, "..") && !strchr(name, '\\') && name[0] != '/');
        FUZZ_HOLDS(plm_entry_judge(name, strlen(name), NULL, &ref) == PLM_ENTRY_MANIFEST);
    }
    for (size_t i = 0; i < c.blob_count; i++)
        check_blob(&m, &source, &c, &c.blobs[i]);
    if (!plm_content_check(&c, is_here, NULL, &err))
        fuzz_failed(&err);
    plm_content_done(&c);
    return 0;
}
