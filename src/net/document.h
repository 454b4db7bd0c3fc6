/** A small request of a session, with retries: the manifest, chunk digests, an upload's session. */
#pragma once

#include "net/exchange.h"

struct plm_document_request {
    const char *url;    /**< copied */
    const char *method; /**< constant text; NULL: GET */
    const char *what;   /**< constant text */
    const char *accept; /**< constant text, or NULL */
    size_t body_max;
    bool any_success;          /**< accepts every 2xx, not only 200 and 206 */
    const char *headers;       /**< as in struct plm_http_request; lives as long as ctx */
    struct plm_http_body body; /**< likewise */
    unsigned patience;         /**< likewise */
    int max_retries;           /**< in a row */
    /** A retry that would have to wait longer is not made, and delays of ours are cut to this; 0:
     * no limit. */
    int64_t patience_ms;
    /** Looks at an accepted answer. PLM_E_INTEGRITY is tried again twice, anything else is final.
     * May be NULL. */
    bool (*check)(void *ctx, const struct plm_http_outcome *answer, struct plm_error *err);
    plm_document_fn done;
    void *ctx; /**< heap; freed with free() after done, or when the session is freed */
};

/** Takes request->ctx over in every case, also on failure. done is never called from here. */
PLM_MUST bool plm_document_start(struct plm_registry *registry,
                                 const struct plm_document_request *request, struct plm_error *err);
/** Cancels all documents of a session. */
void plm_documents_cancel(struct plm_registry *registry);
