/* Upload sessions: the list of them, and the text in which it is kept. */
#include "store/sessions.h"

#include "base/encode.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 8
#define DIGITS 16
#define FUTURE_S (24 * 3600)

/* ---- the list ---- */

static void clear(struct plm_session *session)
{
    free(session->location);
    free(session->parts);
    *session = (struct plm_session){0};
}

void plm_sessions_done(struct plm_sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++)
        clear(&sessions->items[i]);
    free(sessions->items);
    *sessions = (struct plm_sessions){0};
}

static struct plm_session *find(const struct plm_sessions *sessions,
                                const struct plm_digest *digest)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (plm_digest_equal(&sessions->items[i].digest, digest))
            return &sessions->items[i];
    return NULL;
}

const struct plm_session *plm_sessions_find(const struct plm_sessions *sessions,
                                            const struct plm_digest *digest, uint64_t size)
{
    const struct plm_session *found = find(sessions, digest);
    return found && found->size == size ? found : NULL;
}

static bool copy(const struct plm_session *from, struct plm_session *to, struct plm_error *err)
{
    *to = *from;
    to->location = strdup(from->location);
    to->parts = NULL;
    if (from->part_count > 0) {
        to->parts = malloc(from->part_count * sizeof(*to->parts));
        if (to->parts)
            memcpy(to->parts, from->parts, from->part_count * sizeof(*to->parts));
    }
    if (to->location && (to->parts || from->part_count == 0))
        return true;
    clear(to);
    return plm_fail(err, PLM_E_NOMEM, "no memory for an upload session");
}

bool plm_sessions_put(struct plm_sessions *sessions, const struct plm_session *session,
                      struct plm_error *err)
{
    struct plm_session made;
    struct plm_session *place = find(sessions, &session->digest);
    if (!place && sessions->count == PLM_SESSIONS_MAX)
        return plm_fail(err, PLM_E_LIMIT, "more than %d upload sessions", PLM_SESSIONS_MAX);
    if (!copy(session, &made, err))
        return false;
    if (!place) {
        struct plm_session *items =
            realloc(sessions->items, (sessions->count + 1) * sizeof(*items));
        if (!items) {
            clear(&made);
            return plm_fail(err, PLM_E_NOMEM, "no memory for an upload session");
        }
        sessions->items = items;
        place = &items[sessions->count++];
    } else {
        clear(place);
    }
    *place = made;
    return true;
}

bool plm_sessions_remove(struct plm_sessions *sessions, const struct plm_digest *digest)
{
    struct plm_session *place = find(sessions, digest);
    if (!place)
        return false;
    clear(place);
    size_t behind = sessions->count - (size_t)(place - sessions->items) - 1;
    memmove(place, place + 1, behind * sizeof(*place));
    sessions->count--;
    return true;
}

void plm_sessions_expire(struct plm_sessions *sessions, int64_t now_s)
{
    for (size_t i = sessions->count; i-- > 0;) {
        const struct plm_session *session = &sessions->items[i];
        if (session->touched_s < now_s - PLM_SESSION_LIFE_S ||
            session->touched_s > now_s + FUTURE_S)
            (void)plm_sessions_remove(sessions, &session->digest);
    }
}

/* ---- the text ---- */

static void put_session(struct plm_json_writer *w, const struct plm_session *session)
{
    char digest[PLM_DIGEST_TEXT], hex[2 * PLM_MD5_BYTES + 1];
    plm_json_open_object(w, NULL);
    plm_json_put_text(w, "digest", plm_digest_format(&session->digest, digest));
    plm_json_put_u64(w, "size", session->size);
    plm_json_put_text(w, "location", session->location);
    plm_json_put_u64(w, "offset", session->offset);
    plm_json_put_i64(w, "time", session->touched_s);
    if (session->part_length > 0) {
        plm_json_put_u64(w, "part", session->part_length);
        plm_json_open_array(w, "md5");
        for (size_t i = 0; i < session->part_count; i++) {
            plm_hex_encode(session->parts[i].bytes, PLM_MD5_BYTES, hex);
            plm_json_put_text(w, NULL, hex);
        }
        plm_json_close_array(w);
    }
    plm_json_close_object(w);
}

bool plm_sessions_encode(const struct plm_sessions *sessions, const char *target, char **out,
                         struct plm_error *err)
{
    struct plm_json_writer w;
    plm_json_writer_init(&w, PLM_SESSIONS_MAX_BYTES);
    plm_json_open_object(&w, NULL);
    plm_json_put_u64(&w, "version", PLM_SESSIONS_VERSION);
    plm_json_put_text(&w, "target", target);
    plm_json_open_array(&w, "uploads");
    for (size_t i = 0; i < sessions->count; i++)
        put_session(&w, &sessions->items[i]);
    plm_json_close_array(&w);
    plm_json_close_object(&w);
    bool ok = plm_json_writer_take(&w, out, err);
    plm_json_writer_done(&w);
    return ok;
}

static bool corrupt(struct plm_error *err, const char *why)
{
    return plm_fail(err, PLM_E_CORRUPT, "upload sessions: %s", why);
}

/* It becomes part of a request: what is no address is not even shown to those who make one. */
static bool read_location(const struct plm_json *value, struct plm_session *into,
                          struct plm_error *err)
{
    const char *text = plm_json_text(value);
    size_t length = text ? strlen(text) : 0;
    if (length == 0 || length >= PLM_SESSION_LOCATION_MAX)
        return corrupt(err, "no location");
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~')
            return corrupt(err, "a location is no address");
    into->location = strdup(text);
    return into->location || plm_fail(err, PLM_E_NOMEM, "no memory for an upload session");
}

static bool read_parts(const struct plm_json *entry, struct plm_session *into,
                       struct plm_error *err)
{
    const struct plm_json *list = plm_json_get(entry, "md5");
    const struct plm_json *length = plm_json_get(entry, "part");
    if (!length && !list)
        return true;
    if (!plm_json_u64(length, &into->part_length) || into->part_length == 0 ||
        plm_part_count(into->size, into->part_length) > PLM_PARTS_MAX || !plm_json_is_array(list))
        return corrupt(err, "parts without a length or a list");
    size_t count = plm_json_array_size(list);
    if (count > plm_part_count(into->size, into->part_length) ||
        into->offset != (count ? plm_part_at(into->size, into->part_length, count - 1).end : 0))
        return corrupt(err, "the parts do not end at the offset");
    into->parts = count ? calloc(count, sizeof(*into->parts)) : NULL;
    if (count && !into->parts)
        return plm_fail(err, PLM_E_NOMEM, "no memory for an upload session");
    into->part_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *hex = plm_json_text(plm_json_at(list, i));
        if (!hex || !plm_hex_decode(hex, into->parts[i].bytes, PLM_MD5_BYTES))
            return corrupt(err, "a part has no MD5");
    }
    return true;
}

static bool read_session(const struct plm_json *entry, struct plm_session *into,
                         struct plm_error *err)
{
    uint64_t touched;
    struct plm_error ignored = {0};
    const char *digest = plm_json_text(plm_json_get(entry, "digest"));
    if (!digest || !plm_digest_parse(digest, strlen(digest), &into->digest, &ignored))
        return corrupt(err, "no digest");
    if (!plm_json_u64(plm_json_get(entry, "size"), &into->size) || into->size > INT64_MAX ||
        !plm_json_u64(plm_json_get(entry, "offset"), &into->offset) || into->offset > into->size)
        return corrupt(err, "size and offset do not fit");
    if (!plm_json_u64(plm_json_get(entry, "time"), &touched) || touched > INT64_MAX / 2)
        return corrupt(err, "no time");
    into->touched_s = (int64_t)touched;
    return read_location(plm_json_get(entry, "location"), into, err) &&
           read_parts(entry, into, err);
}

static bool read_all(const struct plm_json *root, const char *target, struct plm_sessions *into,
                     struct plm_error *err)
{
    uint64_t version;
    const char *stated = plm_json_text(plm_json_get(root, "target"));
    const struct plm_json *list = plm_json_get(root, "uploads");
    if (!plm_json_u64(plm_json_get(root, "version"), &version))
        return corrupt(err, "no version");
    if (version != PLM_SESSIONS_VERSION)
        return plm_fail(err, PLM_E_UNSUPPORTED, "upload sessions: written by another version");
    if (!stated || strcmp(stated, target) != 0)
        return corrupt(err, "they are about another repository");
    if (!plm_json_is_array(list))
        return corrupt(err, "no list");
    if (plm_json_array_size(list) > PLM_SESSIONS_MAX)
        return corrupt(err, "too many");
    for (size_t i = 0; i < plm_json_array_size(list); i++) {
        struct plm_session session = {0};
        bool ok = read_session(plm_json_at(list, i), &session, err);
        if (ok && find(into, &session.digest))
            ok = corrupt(err, "two for one blob");
        ok = ok && plm_sessions_put(into, &session, err);
        clear(&session);
        if (!ok)
            return false;
    }
    return true;
}

bool plm_sessions_decode(const char *text, size_t size, const char *target,
                         struct plm_sessions *out, struct plm_error *err)
{
    struct plm_error why = {0};
    plm_auto(plm_json_freep) struct plm_json *root = NULL;
    if (!plm_json_parse(text, size, MAX_DEPTH, &root, &why))
        return plm_fail(err, PLM_E_CORRUPT, "upload sessions: %s", why.msg);
    struct plm_sessions read = {0};
    if (!read_all(root, target, &read, err)) {
        plm_sessions_done(&read);
        return false;
    }
    *out = read;
    return true;
}

/* ---- names ---- */

static const char *const endings[] = {
    [PLM_PUSH_RECORD] = ".json", [PLM_PUSH_TEMPORARY] = ".json.tmp", [PLM_PUSH_LOCK] = ".lock"};

bool plm_push_name(const char *target, enum plm_push_file kind, char out[PLM_PUSH_NAME],
                   struct plm_error *err)
{
    struct plm_digest digest;
    char hex[DIGITS + 1];
    if (!plm_digest_of(target, strlen(target), &digest, err))
        return false;
    plm_hex_encode(digest.sha256, DIGITS / 2, hex);
    (void)snprintf(out, PLM_PUSH_NAME, "push-%s%s", hex, endings[kind]);
    return true;
}

bool plm_push_is_name(const char *name, enum plm_push_file *kind, char lock[PLM_PUSH_NAME])
{
    uint8_t bytes[DIGITS / 2];
    char hex[DIGITS + 1];
    if (strncmp(name, "push-", 5) != 0 || strlen(name) < 5 + DIGITS)
        return false;
    memcpy(hex, name + 5, DIGITS);
    hex[DIGITS] = '\0';
    if (!plm_hex_decode(hex, bytes, sizeof(bytes)))
        return false;
    for (size_t i = 0; i < PLM_COUNT(endings); i++) {
        if (strcmp(name + 5 + DIGITS, endings[i]) != 0)
            continue;
        *kind = (enum plm_push_file)i;
        (void)snprintf(lock, PLM_PUSH_NAME, "push-%s%s", hex, endings[PLM_PUSH_LOCK]);
        return true;
    }
    return false;
}
