#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "queue/legacy.h"

static bool join(void *ctx, const struct plm_legacy_entry *e)
{
    char *text = ctx;
    size_t used = strlen(text);
    (void)snprintf(text + used, 256 - used, "%s:%s %s %s;", e->model, e->tag, e->status, e->error);
    return true;
}

static bool stop(void *ctx, const struct plm_legacy_entry *entry)
{
    (void)entry;
    ++*(int *)ctx;
    return false;
}

#define ENTRY(model, status) "{\"model\":\"" model "\",\"tag\":\"latest\",\"status\":\"" status "\""

static void entries_come_in_their_order(void **state)
{
    (void)state;
    static const char text[] = "{\n  \"entries\": [" ENTRY(
        "llama3.2", "active") ",\"added_at\":\"2026-11-21T18:27:37.1Z\",\"finished_at\":\"0001-01-"
                              "01T00:00:00Z\"}," //
        ENTRY("user/m", "failed") ",\"error\":\"not found\",\"later\":[1]}]}";
    char said[256] = "";
    struct plm_error err = {0};
    assert_true(plm_legacy_decode(text, strlen(text), join, said, &err));
    assert_string_equal(said, "llama3.2:latest active ;user/m:latest failed not found;");
    int calls = 0;
    assert_true(plm_legacy_decode(text, strlen(text), stop, &calls, &err));
    assert_int_equal(calls, 1);
}

static void nothing_is_an_empty_queue(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{}", "{\"entries\":null}", "{\"entries\":[]}"};
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        char said[256] = "";
        struct plm_error err = {0};
        assert_true(plm_legacy_decode(texts[i], strlen(texts[i]), join, said, &err));
        assert_string_equal(said, "");
    }
}

static void other_documents_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "x",
        "[]",
        "{\"entries\":{}}",
        "{\"entries\":[1]}",
        "{\"entries\":[{}]}",
        "{\"entries\":[" ENTRY("m", "paused") "}]}",
        "{\"entries\":[{\"model\":1,\"tag\":\"t\",\"status\":\"queued\"}]}",
        "{\"entries\":[" ENTRY("m", "queued") ",\"a\":[[[[[[[[1]]]]]]]]}]}",
        "{\"entries\":[" ENTRY("m", "queued") "}]} more",
    };
    for (size_t i = 0; i < PLM_COUNT(texts); i++) {
        char said[256] = "";
        struct plm_error err = {0};
        assert_false(plm_legacy_decode(texts[i], strlen(texts[i]), join, said, &err));
        assert_int_equal(err.code, PLM_E_CORRUPT);
    }
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    int calls = 0;
    struct plm_error err = {0};
    char *text = malloc(PLM_LEGACY_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', PLM_LEGACY_MAX + 1);
    assert_false(plm_legacy_decode(text, PLM_LEGACY_MAX + 1, stop, &calls, &err));
    assert_int_equal(err.code, PLM_E_CORRUPT);
    size_t used = (size_t)snprintf(text, PLM_LEGACY_MAX, "{\"entries\":[0");
    for (int i = 0; i < PLM_LEGACY_ENTRIES; i++)
        used += (size_t)snprintf(text + used, PLM_LEGACY_MAX - used, ",0");
    used += (size_t)snprintf(text + used, PLM_LEGACY_MAX - used, "]}");
    assert_false(plm_legacy_decode(text, used, stop, &calls, &err));
    assert_int_equal(calls, 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_in_their_order),
        cmocka_unit_test(nothing_is_an_empty_queue),
        cmocka_unit_test(other_documents_are_refused),
        cmocka_unit_test(sizes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
