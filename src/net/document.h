/** A small document of a session, with retries: the manifest, chunk digests. */
#pragma once

#include "net/exchange.h"

struct plm_document_request {
    const char *url;    /**< copied */
    const char *what;   /**< constant text */
    const char *accept; /**< constant text, or NULL */
    size_t body_max;
    int max_retries; /**< in a row */
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
PLM_MUST bool plm_document_get(struct plm_registry *registry,
                               const struct plm_document_request *request, struct plm_error *err);
/** Cancels all documents of a session. */
void plm_documents_cancel(struct plm_registry *registry);
