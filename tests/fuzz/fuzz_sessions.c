/* Records of uploads: what is accepted keeps to the format's rules, and survives being written and
 * read again; names of their files are told from others. Input: a line for a name, then the text.
 */
#include "fuzz.h"

#include "store/sessions.h"

#define TARGET "https://registry.example.org/v2/team/tiny"
#define NOW_S INT64_C(1795276800)

static void check_session(const struct plm_session *session)
{
    size_t length = strlen(session->location);
    FUZZ_HOLDS(session->offset <= session->size && session->size <= INT64_MAX);
    FUZZ_HOLDS(length > 0 && length < PLM_SESSION_LOCATION_MAX && session->touched_s >= 0);
    for (size_t i = 0; i < length; i++)
        FUZZ_HOLDS(session->location[i] > ' ' && session->location[i] <= '~');
    if (session->part_length == 0) {
        FUZZ_HOLDS(session->part_count == 0 && !session->parts);
        return;
    }
    size_t count = plm_part_count(session->size, session->part_length);
    FUZZ_HOLDS(session->part_count <= count && count <= PLM_PARTS_MAX);
    FUZZ_HOLDS(session->part_count > 0 || session->offset == 0);
    if (session->part_count > 0)
        FUZZ_HOLDS(plm_part_at(session->size, session->part_length, session->part_count - 1).end ==
                   session->offset);
}

static void check_name(const char *name)
{
    enum plm_push_file kind;
    char lock[PLM_PUSH_NAME], again[PLM_PUSH_NAME];
    if (!plm_push_is_name(name, &kind, lock))
        return;
    FUZZ_HOLDS(kind <= PLM_PUSH_LOCK && strncmp(name, lock, 21) == 0);
    FUZZ_HOLDS(plm_push_is_name(lock, &kind, again) && kind == PLM_PUSH_LOCK);
    FUZZ_HOLDS(strcmp(lock, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct plm_sessions read = {0}, again = {0};
    struct plm_error err = {0};
    char *name = fuzz_line(&in), *text = NULL;
    check_name(name);
    free(name);
    if (!plm_sessions_decode((const char *)in.at, in.left, TARGET, &read, &err)) {
        fuzz_failed(&err);
        FUZZ_HOLDS((err.code == PLM_E_CORRUPT || err.code == PLM_E_UNSUPPORTED) && !read.items);
        return 0;
    }
    FUZZ_HOLDS(read.count <= PLM_SESSIONS_MAX);
    for (size_t i = 0; i < read.count; i++) {
        check_session(&read.items[i]);
        FUZZ_HOLDS(plm_sessions_find(&read, &read.items[i].digest, read.items[i].size) ==
                   &read.items[i]);
    }
    FUZZ_HOLDS(plm_sessions_encode(&read, TARGET, &text, &err));
    FUZZ_HOLDS(plm_sessions_decode(text, strlen(text), TARGET, &again, &err));
    FUZZ_HOLDS(again.count == read.count);
    for (size_t i = 0; i < again.count; i++) {
        const struct plm_session *a = &read.items[i], *b = &again.items[i];
        FUZZ_HOLDS(plm_digest_equal(&a->digest, &b->digest) && a->size == b->size);
        FUZZ_HOLDS(strcmp(a->location, b->location) == 0 && a->offset == b->offset);
        FUZZ_HOLDS(a->part_length == b->part_length && a->part_count == b->part_count);
        FUZZ_HOLDS(!a->part_count ||
                   memcmp(a->parts, b->parts, a->part_count * sizeof(*a->parts)) == 0);
    }
    plm_sessions_expire(&again, NOW_S);
    for (size_t i = 0; i < again.count; i++)
        FUZZ_HOLDS(again.items[i].touched_s >= NOW_S - PLM_SESSION_LIFE_S);
    free(text);
    plm_sessions_done(&again);
    plm_sessions_done(&read);
    return 0;
}
