#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/clean_scan.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BLOB "sha256-" HEX

static void names_of_ours_are_known_by_their_ending(void **state)
{
    (void)state;
    static const struct {
        const char *name, *type;
        bool in_blobs;
    } known[] = {{BLOB ".partial", "partial", false},
                 {BLOB ".json", "checkpoint", false},
                 {BLOB ".live", "live", false},
                 {BLOB ".lock", "lock", false},
                 {BLOB ".tmp", "temporary", false},
                 {BLOB ".json.tmp", "temporary", false},
                 {"manifest.tmp", "temporary", false},
                 {"queue.json.tmp", "temporary", false},
                 {"push-0123456789abcdef.json", "checkpoint", false},
                 {"push-0123456789abcdef.json.tmp", "temporary", false},
                 {"push-0123456789abcdef.lock", "lock", false},
                 {"need-0123456789abcdef.manifest", "temporary", false},
                 {"need-0123456789abcdef.tmp", "temporary", false},
                 {BLOB ".partial", "partial", true},
                 {BLOB ".lock", "lock", true},
                 {BLOB "-partial", "partial", true},
                 {BLOB "-partial-0", "checkpoint", true},
                 {BLOB "-partial-63", "checkpoint", true}};
    for (size_t i = 0; i < PLM_COUNT(known); i++) {
        struct plm_debris debris;
        if (!plm_debris_of_name(known[i].name, known[i].in_blobs, &debris))
            fail_msg("%s is not known", known[i].name);
        assert_string_equal(plm_debris_type(debris.kind), known[i].type);
        assert_string_equal(debris.name, known[i].name);
        assert_int_equal(debris.has_digest, strncmp(known[i].name, "sha256-", 7) == 0);
        assert_int_equal(debris.is_ollama, strstr(known[i].name, "-partial") != NULL);
    }
}

static void every_other_name_is_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool in_blobs;
    } others[] = {
        {"store.lock", false},
        {"pullama.db", false},
        {"pullama.db-wal", false},
        {"queue.json", false},
        {"queue.lock", false},
        {"push-0123456789abcdef", false},
        {"push-0123456789abcdeg.json", false},
        {"push-0123456789abcdef.json", true},
        {".json.tmp", false},
        {"notes.tmp", false},
        {"sha256-.partial", false},
        {BLOB, false},
        {BLOB ".partial2", false},
        {BLOB "0.partial", false},
        {"x" BLOB ".partial", false},
        {"sha256:" HEX ".json", false},
        {BLOB "-partial", false},
        {"", false},
        {BLOB, true},
        {BLOB ".json", true},
        {BLOB ".live", true},
        {BLOB "-partial-", true},
        {BLOB "-partial-x", true},
        {BLOB "-partial-1x", true},
        {BLOB "-partialx", true},
        {"manifest.tmp", true},
        {"a.json.tmp", true},
        {"sha256-0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef.partial", true}};
    for (size_t i = 0; i < PLM_COUNT(others); i++) {
        struct plm_debris debris;
        if (plm_debris_of_name(others[i].name, others[i].in_blobs, &debris))
            fail_msg("%s would be removed", others[i].name);
    }
}

static void a_name_longer_than_any_of_ours_is_left_alone(void **state)
{
    (void)state;
    struct plm_debris debris;
    char name[256];
    (void)snprintf(name, sizeof(name), "%0200d.json.tmp", 0);
    assert_false(plm_debris_of_name(name, false, &debris));
    (void)snprintf(name, sizeof(name), BLOB "-partial-%0100d", 0);
    assert_false(plm_debris_of_name(name, true, &debris));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_ours_are_known_by_their_ending),
        cmocka_unit_test(every_other_name_is_left_alone),
        cmocka_unit_test(a_name_longer_than_any_of_ours_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
