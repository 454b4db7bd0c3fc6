/**
 * Upstream: asks the registries of several models for their manifests, many at a time, and says
 * what of each would have to be fetched. No blob is read or asked for. Loop thread only.
 *
 *     fill models → plm_upstream_start → told() for each, in the order of the models → over()
 */
#pragma once

#include "engine/engine_private.h"
#include "pullama/manifest.h"

struct plm_upstream;

struct plm_upstream_model {
    struct plm_ref ref; /**< to be set, without a digest */
    bool is_here;       /**< to be set: the store has a manifest, `here` */
    struct plm_digest here;
    bool by_digest; /**< to be set: not the tag is asked for, but `wanted` */
    struct plm_digest wanted;
    enum plm_upstream_verdict verdict;
    struct plm_error why; /**< of a verdict that is a failure; may be set from the beginning */
    bool is_there;        /**< the registry has one, `there` */
    struct plm_digest there;
    uint64_t total, fetch;   /**< bytes of the registry's version; of these, to be fetched */
    uint32_t blobs, lacking; /**< likewise */
    char *manifest;          /**< owned; the answer, as far as it is kept; or NULL */
    size_t manifest_size;
    bool is_settled;  /**< may be set from the beginning: then nobody is asked */
    bool seeks_other; /**< `wanted` is not served: asked for the tag, to name what is */
    bool is_platform; /**< chosen out of an index */
    struct plm_registry *registry; /**< owned; while it is asked */
    struct plm_upstream *owner;
};

struct plm_upstream {
    struct plm_job *job;
    struct plm_upstream_model *models; /**< owned */
    size_t count, room;
    size_t next, said; /**< models that were begun with, and told of */
    size_t active;
    bool keeps; /**< answers that are to be pulled are kept, unless they are large */
    bool is_over;
    void (*told)(void *ctx, struct plm_upstream_model *model);
    void (*over)(void *ctx);
    void *ctx;
    struct plm_timer kick;
};

/** One more model, to be filled; NULL without memory. */
struct plm_upstream_model *plm_upstream_add(struct plm_upstream *upstream, struct plm_error *err);
/** All models of the store, by name; those whose manifest cannot be read are settled. */
PLM_MUST bool plm_upstream_add_all(struct plm_upstream *upstream, struct plm_error *err);
/** The model of that name, as the store has it: settled when it has none. PLM_E_BAD_NAME,
 * PLM_E_USAGE. */
PLM_MUST bool plm_upstream_add_named(struct plm_upstream *upstream, const char *name,
                                     struct plm_error *err);
/** Looks for credentials of all the registries that may be asked. */
PLM_MUST bool plm_upstream_find_credentials(const struct plm_upstream *upstream,
                                            struct plm_error *err);
void plm_upstream_start(struct plm_upstream *upstream);
/** What of a manifest the store lacks: fills total, fetch, blobs and lacking. */
PLM_MUST bool plm_upstream_compare(const struct plm_store *store, const struct plm_manifest *there,
                                   struct plm_upstream_model *model, struct plm_error *err);
/** Ends all requests; nothing is told any more. */
void plm_upstream_done(struct plm_upstream *upstream);
