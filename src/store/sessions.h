/**
 * Upload sessions of one repository that were not ended: where each goes on. Codec and list only,
 * no files. docs/formats/push.md specifies the text. Pure.
 */
#pragma once

#include "oci/etag.h"
#include "pullama/digest.h"

#define PLM_SESSIONS_VERSION 1
#define PLM_SESSIONS_MAX_BYTES (8u << 20)
#define PLM_SESSIONS_MAX 256
/** Registries forget sessions after about a week. */
#define PLM_SESSION_LIFE_S (7 * 24 * 3600)
/** Longest address of a session, with NUL. */
#define PLM_SESSION_LOCATION_MAX 8192

struct plm_session {
    struct plm_digest digest;
    uint64_t size;        /**< of the blob */
    char *location;       /**< owned; where the next request goes */
    uint64_t offset;      /**< bytes that the registry had, at least, when this was noted */
    int64_t touched_s;    /**< Unix seconds of that time */
    uint64_t part_length; /**< 0, or: the bytes go to an object store in parts of this length */
    struct plm_md5_value *parts; /**< owned; those that lie before offset */
    size_t part_count;
};

struct plm_sessions {
    struct plm_session *items; /**< owned */
    size_t count;
};
void plm_sessions_done(struct plm_sessions *sessions);

/** Borrowed until the list changes; NULL when there is none. */
const struct plm_session *plm_sessions_find(const struct plm_sessions *sessions,
                                            const struct plm_digest *digest, uint64_t size);
/** Copies @p session in, in place of the one of the same blob. PLM_E_LIMIT when there are too many.
 */
PLM_MUST bool plm_sessions_put(struct plm_sessions *sessions, const struct plm_session *session,
                               struct plm_error *err);
/** True when there was one. */
bool plm_sessions_remove(struct plm_sessions *sessions, const struct plm_digest *digest);
/** Drops those that no registry will know any more, and those from the future. */
void plm_sessions_expire(struct plm_sessions *sessions, int64_t now_s);

/** @p target is the repository's address; the text is owned by the caller (free()). */
PLM_MUST bool plm_sessions_encode(const struct plm_sessions *sessions, const char *target,
                                  char **out, struct plm_error *err);
/** PLM_E_CORRUPT says why it cannot be used; PLM_E_UNSUPPORTED: another version can. */
PLM_MUST bool plm_sessions_decode(const char *text, size_t size, const char *target,
                                  struct plm_sessions *out, struct plm_error *err);

enum plm_push_file { PLM_PUSH_RECORD, PLM_PUSH_TEMPORARY, PLM_PUSH_LOCK };
#define PLM_PUSH_NAME 40
/** `push-<16 hex digits>.json`, `….json.tmp`, `….lock`: the digits are those of the address's
 * digest. */
PLM_MUST bool plm_push_name(const char *target, enum plm_push_file kind, char out[PLM_PUSH_NAME],
                            struct plm_error *err);
/** True when a file of `.pullm` is one of these; @p lock gets the name of the lock that guards it.
 */
bool plm_push_is_name(const char *name, enum plm_push_file *kind, char lock[PLM_PUSH_NAME]);
