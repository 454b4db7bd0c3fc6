/** What the files behind net/registry.h share of a session. */
#pragma once

#include "net/hosts.h"
#include "net/registry.h"
#include "net/token.h"
#include "net/url.h"

/** `https://host/v2/namespace/model` and NUL. */
#define PLM_BASE_URL_MAX (PLM_REF_HOST_MAX + 2 * PLM_REF_PART_MAX + 16)

struct plm_document;

struct plm_registry {
    struct plm_http_client *http;
    struct plm_loop *loop;
    struct plm_registry_options options;
    char *key_path; /**< owned */
    struct plm_ref ref;
    char base_url[PLM_BASE_URL_MAX];
    struct plm_url origin;
    bool insecure_tls; /**< no certificate checks at the origin; targets are always checked */
    struct plm_tokens *tokens;
    struct plm_hosts hosts;
    struct plm_document *documents; /**< those being fetched */
};

/** Tells the session's owner of a retry or a renewal. */
void plm_registry_notice(const struct plm_registry *registry, const struct plm_event_retry *retry,
                         bool refresh);
