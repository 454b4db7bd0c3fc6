/* Pullama's queue: what is accepted has texts where texts must be, in bounds; every refusal says why. */
#include "fuzz.h"

#include "queue/legacy.h"

static bool see(void *ctx, const struct plm_legacy_entry *entry)
{
    size_t *count = ctx;
    FUZZ_HOLDS(entry->model && entry->tag && entry->status && entry->error);
    FUZZ_HOLDS(strlen(entry->model) < 1024 && strlen(entry->tag) < 1024);
    FUZZ_HOLDS(strcmp(entry->status, "queued") == 0 || strcmp(entry->status, "active") == 0 ||
               strcmp(entry->status, "completed") == 0 || strcmp(entry->status, "failed") == 0);
    FUZZ_HOLDS(++*count <= PLM_LEGACY_ENTRIES);
    return true;
}

static bool see_first(void *ctx, const struct plm_legacy_entry *entry)
{
    (void)entry;
    return ++*(size_t *)ctx < 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plm_error err = {0}, ignored = {0};
    size_t count = 0, first = 0;
    char *text = malloc(size ? size : 1);
    FUZZ_HOLDS(text);
    if (size)
        memcpy(text, data, size);
    bool read = plm_legacy_decode(text, size, see, &count, &err);
    if (!read) {
        fuzz_failed(&err);
        FUZZ_HOLDS(err.code == PLM_E_CORRUPT);
    }
    /* Who stops after the first one is called once, and is content. */
    bool stopped = plm_legacy_decode(text, size, see_first, &first, &ignored);
    FUZZ_HOLDS(first == (count > 0 ? 1 : 0));
    FUZZ_HOLDS(stopped || !read);
    free(text);
    return 0;
}
