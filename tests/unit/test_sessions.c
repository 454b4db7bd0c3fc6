#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/sessions.h"

#define TARGET "https://registry.example.org/v2/team/tiny"
#define NOW_S INT64_C(1795276800)
#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define MD5 "\"0123456789abcdef0123456789abcdef\""

static struct plm_session session_of(uint8_t first, uint64_t size, uint64_t offset)
{
    static char location[] = "https://registry.example.org/u/7?_state=a%2Fb==";
    struct plm_session session = {
        .size = size, .offset = offset, .location = location, .touched_s = NOW_S};
    memset(session.digest.sha256, first, sizeof(session.digest.sha256));
    return session;
}

static void put(struct plm_sessions *sessions, const struct plm_session *session)
{
    struct plm_error err = {0};
    assert_true(plm_sessions_put(sessions, session, &err));
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct plm_sessions sessions = {0}, again = {0};
    struct plm_error err = {0};
    char *text = NULL;
    struct plm_md5_value parts[2] = {{{1}}, {{2}}};
    struct plm_session plain = session_of(1, 1000, 300), cut = session_of(2, 1000, 500);
    cut.part_length = 250;
    cut.parts = parts;
    cut.part_count = 2;
    put(&sessions, &plain);
    put(&sessions, &cut);
    assert_true(plm_sessions_encode(&sessions, TARGET, &text, &err));
    assert_true(plm_sessions_decode(text, strlen(text), TARGET, &again, &err));
    assert_int_equal(again.count, 2);
    const struct plm_session *found = plm_sessions_find(&again, &plain.digest, 1000);
    assert_non_null(found);
    assert_string_equal(found->location, plain.location);
    assert_int_equal(found->offset, 300);
    found = plm_sessions_find(&again, &cut.digest, 1000);
    assert_int_equal(found->part_length, 250);
    assert_int_equal(found->part_count, 2);
    assert_memory_equal(found->parts, parts, sizeof(parts));
    free(text);
    plm_sessions_done(&again);
    plm_sessions_done(&sessions);
}

static void a_blob_has_one_session_and_only_of_its_size(void **state)
{
    (void)state;
    struct plm_sessions sessions = {0};
    struct plm_session first = session_of(1, 1000, 300), second = session_of(1, 1000, 600);
    put(&sessions, &first);
    put(&sessions, &second);
    assert_int_equal(sessions.count, 1);
    assert_int_equal(plm_sessions_find(&sessions, &first.digest, 1000)->offset, 600);
    assert_null(plm_sessions_find(&sessions, &first.digest, 999));
    assert_true(plm_sessions_remove(&sessions, &first.digest));
    assert_false(plm_sessions_remove(&sessions, &first.digest));
    assert_int_equal(sessions.count, 0);
    plm_sessions_done(&sessions);
}

static void there_is_an_end_to_their_number(void **state)
{
    (void)state;
    struct plm_sessions sessions = {0};
    struct plm_error err = {0};
    for (unsigned i = 0; i <= PLM_SESSIONS_MAX; i++) {
        struct plm_session session = session_of((uint8_t)i, 1000, 0);
        session.digest.sha256[0] = (uint8_t)(i >> 8);
        assert_int_equal(plm_sessions_put(&sessions, &session, &err), i < PLM_SESSIONS_MAX);
    }
    assert_int_equal(err.code, PLM_E_LIMIT);
    plm_sessions_done(&sessions);
}

static void old_ones_and_those_of_the_future_are_dropped(void **state)
{
    (void)state;
    static const struct {
        int64_t touched_s;
        bool kept;
    } rows[] = {{NOW_S, true},
                {NOW_S - PLM_SESSION_LIFE_S, true},
                {NOW_S - PLM_SESSION_LIFE_S - 1, false},
                {NOW_S + 3600, true},
                {NOW_S + 48 * 3600, false},
                {0, false}};
    struct plm_sessions sessions = {0};
    for (uint8_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_session session = session_of(i, 1000, 0);
        session.touched_s = rows[i].touched_s;
        put(&sessions, &session);
    }
    plm_sessions_expire(&sessions, NOW_S);
    for (uint8_t i = 0; i < PLM_COUNT(rows); i++) {
        struct plm_session session = session_of(i, 1000, 0);
        assert_int_equal(plm_sessions_find(&sessions, &session.digest, 1000) != NULL, rows[i].kept);
    }
    plm_sessions_done(&sessions);
}

#define HEAD "{\"version\":1,\"target\":\"" TARGET "\",\"uploads\":["
#define BLOB "\"digest\":\"" A "\",\"size\":1000,"
#define PLACE "\"location\":\"https://h/u\",\"time\":1,"

static void what_breaks_the_rules_is_corrupt(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"version\":1,\"target\":\"https://other/v2/a/b\",\"uploads\":[]}",
        "{\"version\":1,\"target\":\"" TARGET "\",\"uploads\":{}}",
        HEAD "{}]}",
        HEAD "{" BLOB PLACE "\"offset\":1001}]}",
        HEAD "{" BLOB PLACE "\"offset\":-1}]}",
        HEAD "{" BLOB "\"location\":\"\",\"time\":1,\"offset\":0}]}",
        HEAD "{" BLOB "\"location\":\"a b\",\"time\":1,\"offset\":0}]}",
        HEAD "{" BLOB "\"location\":\"a\\u0007\",\"time\":1,\"offset\":0}]}",
        HEAD "{" BLOB "\"location\":\"https://h/u\",\"time\":-1,\"offset\":0}]}",
        HEAD "{" BLOB PLACE "\"offset\":250,\"part\":250}]}",
        HEAD "{" BLOB PLACE "\"offset\":250,\"part\":0,\"md5\":[" MD5 "]}]}",
        HEAD "{" BLOB PLACE "\"offset\":251,\"part\":250,\"md5\":[" MD5 "]}]}",
        HEAD "{" BLOB PLACE "\"offset\":250,\"part\":250,\"md5\":[\"00\"]}]}",
        HEAD "{" BLOB PLACE "\"offset\":1000,\"part\":600,\"md5\":[" MD5 "," MD5 "," MD5 "]}]}",
        HEAD "{" BLOB PLACE "\"offset\":0},{" BLOB PLACE "\"offset\":0}]}",
    };
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        struct plm_sessions sessions = {0};
        struct plm_error err = {0};
        if (plm_sessions_decode(bad[i], strlen(bad[i]), TARGET, &sessions, &err))
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.code, PLM_E_CORRUPT);
        assert_null(sessions.items);
    }
    struct plm_sessions sessions = {0};
    struct plm_error err = {0};
    static const char other[] = "{\"version\":2,\"target\":\"" TARGET "\",\"uploads\":[]}";
    assert_false(plm_sessions_decode(other, strlen(other), TARGET, &sessions, &err));
    assert_int_equal(err.code, PLM_E_UNSUPPORTED); /* nothing is wrong with it */
    err = (struct plm_error){0};
    static const char good[] = HEAD "{" BLOB PLACE "\"offset\":250,\"part\":250,\"md5\":[" MD5
                                    "],\"later\":7}],\"more\":null}";
    assert_true(plm_sessions_decode(good, strlen(good), TARGET, &sessions, &err));
    plm_sessions_done(&sessions);
}

static void each_repository_has_files_of_its_own(void **state)
{
    (void)state;
    char one[PLM_PUSH_NAME], two[PLM_PUSH_NAME], lock[PLM_PUSH_NAME];
    struct plm_error err = {0};
    enum plm_push_file kind;
    assert_true(plm_push_name(TARGET, PLM_PUSH_RECORD, one, &err));
    assert_true(plm_push_name(TARGET "2", PLM_PUSH_RECORD, two, &err));
    assert_string_not_equal(one, two);
    assert_true(plm_push_is_name(one, &kind, lock));
    assert_int_equal(kind, PLM_PUSH_RECORD);
    assert_true(plm_push_name(TARGET, PLM_PUSH_LOCK, two, &err));
    assert_string_equal(lock, two);
    assert_true(plm_push_name(TARGET, PLM_PUSH_TEMPORARY, two, &err));
    assert_true(plm_push_is_name(two, &kind, lock) && kind == PLM_PUSH_TEMPORARY);
    static const char *const others[] = {"push-.json",
                                         "push-0123456789abcde.json",
                                         "push-0123456789abcdef",
                                         "push-0123456789abcdef.jsonx",
                                         "push-0123456789abcdeg.json",
                                         "xpush-0123456789abcdef.json",
                                         "push-0123456789abcdef0.json",
                                         ""};
    for (size_t i = 0; i < PLM_COUNT(others); i++)
        assert_false(plm_push_is_name(others[i], &kind, lock));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_blob_has_one_session_and_only_of_its_size),
        cmocka_unit_test(there_is_an_end_to_their_number),
        cmocka_unit_test(old_ones_and_those_of_the_future_are_dropped),
        cmocka_unit_test(what_breaks_the_rules_is_corrupt),
        cmocka_unit_test(each_repository_has_files_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
