/**
 * The requests by which a blob gets to a registry: each made as registries want it, its answer
 * read.
 *
 *     look → open → (send | hand over: store) … → commit          ask, to go on after a break
 *
 * The small ones retry by themselves, as documents do. Those with a stretch of a blob do not: what
 * the registry took of it must be asked first. Loop thread only.
 */
#pragma once

#include "net/registry.h"

enum plm_upload_said {
    PLM_SAID_FAILED,    /**< for good, or after all retries: error says why */
    PLM_SAID_LATER,     /**< a stretch of a blob alone: may be tried again */
    PLM_SAID_HAS,       /**< the registry has the blob now: nothing is left to do */
    PLM_SAID_LACKS,     /**< it has not */
    PLM_SAID_GOES_ON,   /**< there is a session; taken: how many bytes it has, if it says so */
    PLM_SAID_ELSEWHERE, /**< the bytes are to go to `target` */
    PLM_SAID_LOST,      /**< it knows no such session, or does not go on with it; error says what it
                             said */
    PLM_SAID_TOO_LARGE, /**< 413: a shorter stretch may do */
    PLM_SAID_EXPIRED,   /**< the target refuses: its address is to be asked for again */
};

/** Borrowed during the call. */
struct plm_upload_answer {
    enum plm_upload_said said;
    const char *session; /**< address for the session's next request; "" when it stays the same */
    const char *target;  /**< ELSEWHERE: address, and lines of headers for it */
    const char *headers;
    bool has_taken;
    uint64_t taken;                /**< bytes from the first; 1 may mean none */
    const struct plm_error *error; /**< of FAILED, LATER, LOST, TOO_LARGE, EXPIRED */
    enum plm_retry_reason reason;  /**< of LATER, EXPIRED */
    int64_t retry_after_ms;        /**< of LATER: -1, or what the server asked for */
    const char *host;              /**< that answered */
};
typedef void (*plm_upload_fn)(void *ctx, const struct plm_upload_answer *answer);

/** HEAD: HAS or LACKS. */
PLM_MUST bool plm_registry_look(struct plm_registry *registry, const struct plm_digest *digest,
                                plm_upload_fn done, void *ctx, struct plm_error *err);

struct plm_upload_wish {
    struct plm_digest digest;
    uint64_t size;
    const char *from; /**< repository of the same registry that may have the blob, or NULL */
    bool direct;      /**< asks for an address that takes the whole blob (Ollama's form 2) */
};
/** POST: HAS (mounted, or there already), GOES_ON, or with `direct` ELSEWHERE. */
PLM_MUST bool plm_registry_open_upload(struct plm_registry *registry,
                                       const struct plm_upload_wish *wish, plm_upload_fn done,
                                       void *ctx, struct plm_error *err);
/** GET of a session: GOES_ON or LOST. */
PLM_MUST bool plm_registry_ask_upload(struct plm_registry *registry, const char *session,
                                      plm_upload_fn done, void *ctx, struct plm_error *err);
/** DELETE of a session: LOST once there is none. */
PLM_MUST bool plm_registry_drop_upload(struct plm_registry *registry, const char *session,
                                       plm_upload_fn done, void *ctx, struct plm_error *err);
/** PUT without a body: HAS or LOST. @p etag may be NULL. */
PLM_MUST bool plm_registry_commit_upload(struct plm_registry *registry, const char *session,
                                         const struct plm_digest *digest, const char *etag,
                                         plm_upload_fn done, void *ctx, struct plm_error *err);
/** PUT of the manifest under the reference's tag: HAS. The bytes are borrowed until done. */
PLM_MUST bool plm_registry_put_manifest(struct plm_registry *registry, const void *bytes,
                                        size_t size, const char *media,
                                        const struct plm_digest *digest, plm_upload_fn done,
                                        void *ctx, struct plm_error *err);

enum plm_send_kind {
    PLM_SEND_PATCH, /**< a stretch, to the session: GOES_ON, ELSEWHERE, LOST, TOO_LARGE, LATER */
    PLM_SEND_WHOLE, /**< all of a blob and its digest, to the session: HAS, LOST, LATER */
    PLM_SEND_STORE, /**< to a target outside of the session, without credentials: HAS, EXPIRED,
                       LATER */
};

/** The pointers are borrowed until the end, but for url and headers, which are copied. */
struct plm_send_request {
    enum plm_send_kind kind;
    const char *url;
    const char *headers; /**< STORE: lines for the target, or NULL */
    int fd;
    struct plm_span span;            /**< of the blob */
    const struct plm_digest *digest; /**< WHOLE */
    bool expect;                     /**< asks before it sends; see struct plm_http_body */
    void (*passed)(void *ctx, uint64_t at, const void *bytes, size_t length);
};

struct plm_send;
/** One request with bytes of a blob, through authentication, without retries. */
PLM_MUST bool plm_send_start(struct plm_registry *registry, const struct plm_send_request *request,
                             plm_upload_fn done, void *ctx, struct plm_send **out,
                             struct plm_error *err);
void plm_send_cancel(struct plm_send *send);

/** For src/net/upload*.c alone: fills what GOES_ON and ELSEWHERE say; false when it is unusable. */
PLM_MUST bool plm_upload_read_session(const struct plm_http_outcome *outcome,
                                      char session[PLM_URL_MAX], struct plm_upload_answer *answer,
                                      struct plm_error *err);
/** Likewise: whether a permanent refusal means that the session is over. */
bool plm_upload_is_lost(const struct plm_http_outcome *outcome);
