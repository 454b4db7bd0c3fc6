/** An archive in memory, made of our own records, and its content read back. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/content.h"
#include "archive/entry_name.h"
#include "archive/unpack.h"

#define ARCHIVE_ENTRIES 16

struct made_archive {
    struct plm_buf bytes;
    struct plm_zip_new entries[ARCHIVE_ENTRIES];
    char names[ARCHIVE_ENTRIES][PLM_ENTRY_NAME];
    size_t count;
};

static inline void archive_add(struct made_archive *a, const char *name, const void *bytes,
                               size_t size)
{
    struct plm_zip_new *e = &a->entries[a->count];
    a->bytes.max = 1 << 20;
    (void)snprintf(a->names[a->count], PLM_ENTRY_NAME, "%s", name);
    *e = (struct plm_zip_new){a->names[a->count], size, a->bytes.size,
                              plm_unpack_crc(0, bytes, size)};
    a->count++;
    assert_true(plm_zip_put_local(&a->bytes, e, NULL));
    assert_true(plm_buf_append(&a->bytes, bytes, size, NULL));
}

static inline void archive_add_blob(struct made_archive *a, const char *text)
{
    struct plm_digest digest;
    char name[PLM_ENTRY_NAME];
    assert_true(plm_digest_of(text, strlen(text), &digest, NULL));
    archive_add(a, plm_entry_of_blob(&digest, name), text, strlen(text));
}

/* A manifest of one layer, under manifests/<path>. */
static inline void archive_add_manifest(struct made_archive *a, const char *path, const char *text)
{
    struct plm_digest digest;
    char shown[PLM_DIGEST_TEXT], manifest[400], name[PLM_ENTRY_NAME];
    assert_true(plm_digest_of(text, strlen(text), &digest, NULL));
    (void)snprintf(manifest, sizeof(manifest),
                   "{\"layers\":[{\"mediaType\":\"x\",\"digest\":\"%s\",\"size\":%zu}]}",
                   plm_digest_format(&digest, shown), strlen(text));
    (void)snprintf(name, sizeof(name), "manifests/%s", path);
    archive_add(a, name, manifest, strlen(manifest));
}

static inline void archive_end(struct made_archive *a)
{
    uint64_t start = a->bytes.size;
    for (size_t i = 0; i < a->count; i++)
        assert_true(plm_zip_put_central(&a->bytes, &a->entries[i], NULL));
    assert_true(plm_zip_put_end(&a->bytes, a->count, a->bytes.size - start, start, NULL));
}

static inline bool archive_read(void *ctx, uint64_t offset, void *bytes, size_t length,
                                struct plm_error *err)
{
    const struct plm_buf *all = ctx;
    (void)err;
    assert_true(offset <= all->size && length <= all->size - offset);
    memcpy(bytes, all->bytes + offset, length);
    return true;
}

static inline struct plm_content_source archive_source(struct made_archive *a)
{
    return (struct plm_content_source){
        .read = archive_read, .ctx = &a->bytes, .size = a->bytes.size};
}
