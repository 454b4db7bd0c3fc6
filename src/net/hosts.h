/**
 * Hosts that asked to be left alone for a while (429 or 5xx with Retry-After): no request of a
 * session goes to such a host before its time. Plain data; loop thread only.
 */
#pragma once

#include "net/http.h"

/** Room for `host:port` and NUL, as plm_url_authority() writes it. */
#define PLM_AUTHORITY_MAX (PLM_URL_MAX / 16 + 8)
/** A session meets the registry, its realm and a few targets; beyond that the hold that ends first
 * gives way. */
#define PLM_HOSTS_HELD_MAX 16

struct plm_hosts {
    struct plm_host_hold {
        char host[PLM_AUTHORITY_MAX];
        int64_t until_ms; /**< loop time */
    } held[PLM_HOSTS_HELD_MAX];
};

/** Milliseconds until @p host may be asked again; 0: now. */
int64_t plm_hosts_wait(const struct plm_hosts *hosts, const char *host, int64_t now_ms);
/** Holds @p host back if this answer asks for it. A hold never gets shorter. */
void plm_hosts_note(struct plm_hosts *hosts, const char *host,
                    const struct plm_http_outcome *outcome, int64_t now_ms);
