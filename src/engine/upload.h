/**
 * One blob on its way up: is it there?, session, stretches, hash, commit.
 *
 *     PLANNED → LOOKING → ABSENT → (HASHING) → OPENING | ASKING → SENDING → PROVING → COMMITTING →
 * PRESENT
 *
 * One that turns out to be at the registry while a worker hashes it is DRAINING before PRESENT.
 * A blob is hashed on a worker while it is sent, and committed only when it has its digest.
 */
#pragma once

#include "engine/frontier.h"
#include "net/upload.h"
#include "oci/etag.h"
#include "pullama/event.h"

enum plm_upload_state {
    PLM_UPLOAD_PLANNED,
    PLM_UPLOAD_LOOKING, /**< a question about the blob is out */
    PLM_UPLOAD_ABSENT,  /**< the registry lacks it: waits for its turn */
    PLM_UPLOAD_HASHING, /**< goes in one request: hashed before */
    PLM_UPLOAD_OPENING, /**< a session is asked for */
    PLM_UPLOAD_ASKING,  /**< the session's offset is asked for */
    PLM_UPLOAD_SENDING,
    PLM_UPLOAD_PROVING, /**< all is sent; the hash is being finished */
    PLM_UPLOAD_COMMITTING,
    PLM_UPLOAD_DRAINING, /**< at the registry, while a worker still hashes the file */
    PLM_UPLOAD_PRESENT,
    PLM_UPLOAD_STATES
};

/** Below this a blob goes in one request where it may, and no session is kept for the next run. */
#define PLM_UPLOAD_SMALL (UINT64_C(1) << 20)

struct plm_push;
struct plm_part;

/** What is needed while a blob is under way. */
struct plm_upload_run {
    int fd;
    struct plm_frontier frontier;
    bool hashing;               /**< the frontier was made */
    bool proven;                /**< the bytes have the digest */
    char *session;              /**< owned; address of the next request, or NULL */
    uint64_t offset;            /**< bytes from 0 that the registry has for sure */
    uint64_t best;              /**< the most that it ever had */
    uint64_t length;            /**< of a stretch */
    bool announced;             /**< BLOB_START went out */
    bool misplaced;             /**< the registry did not take bytes at offset (416) */
    bool is_old;                /**< the session is one of an earlier run, and was not asked yet */
    bool whole;                 /**< goes in one request with its digest */
    bool redirects;             /**< parts go to an object store, side by side */
    bool asked_direct;          /**< the session was asked for in the direct form */
    bool direct;                /**< all of it goes to an object store */
    char *target, *headers;     /**< owned; of the direct form */
    struct plm_md5_value *md5s; /**< owned; of parts */
    bool *sent;                 /**< owned; which parts are there */
    size_t part_count, next_part;
    bool is_asking;         /**< a part waits for the session's next address: only one may */
    struct plm_part *parts; /**< under way */
    struct plm_timer timer; /**< before the next try */
    int attempts, refusals;
    int expiries;              /**< of the direct form's addresses, in a row without a new byte */
    enum plm_event_kind found; /**< DRAINING: how it got to the registry */
    struct plm_error lost;     /**< why the last session was, until that is told */
    int64_t failing_since_ms, began_ms;
    uint64_t payload; /**< sent for this blob, repetitions too */
};

struct plm_upload {
    struct plm_push *push;
    struct plm_descriptor want;
    uint32_t index; /**< 0-based */
    enum plm_upload_state state;
    bool in_flight; /**< a small request is out */
    bool dirty;
    char *from;                 /**< owned; repository to mount it from, or NULL */
    struct plm_upload_run *run; /**< owned; NULL unless under way */
    uint64_t done, shown;
};

/** Asks whether the registry has the blob. */
void plm_upload_look(struct plm_upload *upload);
/** Opens file and session; the blob is ABSENT. */
void plm_upload_begin(struct plm_upload *upload);
/** Starts one more request with bytes if there is one to start. */
bool plm_upload_start_part(struct plm_upload *upload);
/** Looks at where things stand and moves on. */
void plm_upload_advance(struct plm_upload *upload);
void plm_upload_close(struct plm_upload *upload);
bool plm_upload_is_closed(const struct plm_upload *upload);
void plm_upload_done(struct plm_upload *upload);

/* ---- for upload*.c alone ---- */

void plm_upload_move(struct plm_upload *upload, enum plm_upload_state state);
/** Sends the small request of the state that the upload is in. */
PLM_MUST bool plm_upload_send_question(struct plm_upload *upload, struct plm_error *err);

/** Keeps the address of the session's next request; "" changes nothing. */
PLM_MUST bool plm_upload_keep_session(struct plm_upload *upload, const char *session,
                                      struct plm_error *err);
/** Fails the push with the blob's name before the message. */
void plm_upload_fail(struct plm_upload *upload, const struct plm_error *err);
/** The session is gone: begins again, or gives up. */
void plm_upload_lose(struct plm_upload *upload, const struct plm_upload_answer *answer);
/** A request failed for now: asks for the offset after a while, or gives up. */
void plm_upload_retry(struct plm_upload *upload, const struct plm_upload_answer *answer);
/** Asks for the offset at once: nothing failed that time would mend. */
void plm_upload_ask(struct plm_upload *upload);
/** The registry has all bytes before @p offset now. */
void plm_upload_reached(struct plm_upload *upload, uint64_t offset);
/** The registry sends part @p index elsewhere: from now on there are parts. False when it is too
 * late for that, and the blob begins again. */
bool plm_upload_begin_parts(struct plm_upload *upload, size_t index,
                            const struct plm_upload_answer *answer);
/** Asks for a new session, with nothing in it. The record keeps the old one until then: the new one
 * may not be granted, for a reason that passes. */
void plm_upload_reopen(struct plm_upload *upload);
/** A part went to the object store. */
void plm_upload_part_sent(struct plm_upload *upload, size_t index, const struct plm_md5_value *md5);
/** Writes down how the session can be gone on with. */
void plm_upload_note(struct plm_upload *upload);
/** It is at the registry. */
void plm_upload_finish(struct plm_upload *upload, enum plm_event_kind kind);
/** Counts what is at the registry and what is on its way. */
void plm_upload_count(struct plm_upload *upload);

/** upload_part.c: one request with bytes, with its retries. */
PLM_MUST bool plm_part_start(struct plm_upload *upload, struct plm_span span, size_t index,
                             struct plm_error *err);
void plm_part_free(struct plm_part *part);
/** Bytes that parts under way have given to the network. */
uint64_t plm_parts_passed(const struct plm_upload_run *run);
/** Where the first of them begins, and the address that it was sent to; false when there are none.
 */
bool plm_parts_first(const struct plm_upload_run *run, size_t *index, const char **session);
